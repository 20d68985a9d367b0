//! The page as PDF.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use zeroize::Zeroizing;

use super::layout::{Face, HEIGHT, Mark, Page, WIDTH};

/// The fonts, which every reader has: name in the page, name, number.
const FONTS: [(Face, &[u8], &[u8], i32); 3] = [
    (Face::Plain, b"F1", b"Helvetica", 5),
    (Face::Bold, b"F2", b"Helvetica-Bold", 6),
    (Face::Mono, b"F3", b"Courier", 7),
];

pub(super) fn draw(page: &Page) -> Zeroizing<Vec<u8>> {
    let [catalog, tree, leaf, content] = [1, 2, 3, 4].map(Ref::new);
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids([leaf]).count(1);
    let mut sheet = pdf.page(leaf);
    sheet
        .media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT))
        .parent(tree)
        .contents(content);
    let mut resources = sheet.resources();
    let mut fonts = resources.fonts();
    for (_, name, _, number) in FONTS {
        fonts.pair(Name(name), Ref::new(number));
    }
    fonts.finish();
    resources.finish();
    sheet.finish();
    for (_, _, base, number) in FONTS {
        pdf.type1_font(Ref::new(number)).base_font(Name(base));
    }
    let mut info = pdf.document_info(Ref::new(8));
    info.title(TextStr(&page.title));
    info.finish();
    pdf.stream(content, &Zeroizing::new(marks(page).finish().into_vec()));
    Zeroizing::new(pdf.finish())
}

fn marks(page: &Page) -> Content {
    let mut content = Content::new();
    for mark in &page.marks {
        match mark {
            Mark::Text {
                x,
                y,
                size,
                face,
                text,
            } => {
                let font = FONTS.iter().find(|(name, ..)| name == face);
                let font = font.map_or(Name(b"F1"), |(_, name, ..)| Name(name));
                content
                    .begin_text()
                    .set_font(font, *size)
                    .next_line(*x, HEIGHT - y)
                    .show(Str(text.as_bytes()))
                    .end_text();
            }
            Mark::Rectangle {
                x,
                y,
                width,
                height,
            } => {
                content
                    .rect(*x, HEIGHT - y - height, *width, *height)
                    .fill_nonzero();
            }
        }
    }
    content
}
