//! The page as SVG.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::layout::{Face, HEIGHT, Mark, Page, WIDTH};

pub(super) fn draw(page: &Page) -> Zeroizing<Vec<u8>> {
    // As large as it can get, so that it never moves and leaves a copy behind.
    let mut svg = Zeroizing::new(String::with_capacity(128 * page.marks.len() + (64 << 10)));
    // Writing to a string does not fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"210mm\" height=\"297mm\" viewBox=\"0 0 {WIDTH} {HEIGHT}\">\n\
         <title>{}</title>\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n",
        page.title
    );
    for mark in &page.marks {
        let _ = match mark {
            Mark::Text {
                x,
                y,
                size,
                face,
                text,
            } => {
                let style = match face {
                    Face::Plain => "font-family=\"Helvetica, Arial, sans-serif\"",
                    Face::Bold => {
                        "font-family=\"Helvetica, Arial, sans-serif\" font-weight=\"bold\""
                    }
                    Face::Mono => {
                        "font-family=\"Courier, 'Courier New', monospace\" xml:space=\"preserve\""
                    }
                };
                writeln!(
                    svg,
                    "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" {style}>{}</text>",
                    escaped(text).as_str()
                )
            }
            Mark::Rectangle {
                x,
                y,
                width,
                height,
            } => writeln!(
                svg,
                "<rect x=\"{x:.3}\" y=\"{y:.3}\" width=\"{width:.3}\" height=\"{height:.3}\" shape-rendering=\"crispEdges\"/>"
            ),
        };
    }
    svg.push_str("</svg>\n");
    Zeroizing::new(svg.as_bytes().to_vec())
}

fn escaped(text: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(text.len() * 5));
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}
