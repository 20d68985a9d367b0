//! What stands where on the page. Lengths are points; the origin is the upper left corner.

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

use super::Particulars;

/// A4.
pub(super) const WIDTH: f32 = 595.0;
pub(super) const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 50.0;
const TEXT_WIDTH: f32 = WIDTH - 2.0 * MARGIN;

/// What one code holds: with this, its squares stay large enough for a telephone's camera.
const BYTES_PER_CODE: usize = 700;
const CODE_SIZE: f32 = 190.0;
/// The white border that a scanner needs, in squares.
const QUIET: f32 = 4.0;

/// A typeface that every viewer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Plain,
    Bold,
    Mono,
}

/// Something on the page.
pub(super) enum Mark {
    Text {
        x: f32,
        /// The baseline.
        y: f32,
        size: f32,
        face: Face,
        text: Zeroizing<String>,
    },
    /// Black.
    Rectangle {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
    },
}

/// The page.
pub(super) struct Page {
    pub(super) title: String,
    pub(super) marks: Vec<Mark>,
}

/// Lays the sheet out; `None` if it does not fit.
pub(super) fn page(sheet: &Particulars) -> Option<Page> {
    let title = "Recovery sheet of a keyferry key store";
    let mut writer = Writer {
        marks: Vec::new(),
        y: MARGIN + 14.0,
    };
    writer.line(Face::Bold, 18.0, title);
    writer.y += 4.0;
    let date = sheet.date.strftime("%F").to_string();
    for (name, value) in [
        ("Store", sheet.store.as_str()),
        ("Recipient", &sheet.recipient),
        ("Date", &date),
    ] {
        writer.text(MARGIN, Face::Bold, 9.5, name);
        writer.text(MARGIN + 62.0, Face::Mono, 9.5, value);
        writer.y += 14.0;
    }
    writer.rule();
    for line in introduction(sheet.encrypted) {
        writer.line(Face::Plain, 9.5, line);
    }
    writer.y += 6.0;
    let codes = codes(&sheet.identity)?;
    writer.codes(&codes)?;
    writer.y += 12.0;
    for line in sheet.identity.lines() {
        writer.line(Face::Mono, 9.5, line);
    }
    writer.rule();
    for step in steps(sheet.encrypted, codes.len()) {
        for (number, line) in step.lines().enumerate() {
            let (face, indent) = match line.strip_prefix("$ ") {
                Some(_) => (Face::Mono, 14.0),
                None => (Face::Plain, if number == 0 { 0.0 } else { 14.0 }),
            };
            writer.text(MARGIN + indent, face, 9.5, line.trim_start_matches("$ "));
            writer.y += 13.5;
        }
        writer.y += 3.0;
    }
    (writer.y <= HEIGHT - MARGIN).then_some(Page {
        title: title.to_owned(),
        marks: writer.marks,
    })
}

fn introduction(encrypted: bool) -> &'static [&'static str] {
    if encrypted {
        &[
            "Below is the identity that opens every key of this store and of its backups.",
            "It is encrypted: it takes the passphrase too, which must be kept elsewhere.",
            "Without the keys, the objects encrypted under them are lost.",
        ]
    } else {
        &[
            "Below is the identity that opens every key of this store and of its backups.",
            "IT IS NOT ENCRYPTED: whoever sees this page can open them. Keep it in a safe.",
            "Without the keys, the objects encrypted under them are lost.",
        ]
    }
}

fn steps(encrypted: bool, codes: usize) -> Vec<String> {
    let file = if encrypted {
        "identity.age"
    } else {
        "identity.txt"
    };
    let scan = match codes {
        1 => format!("1. Scan the code, or type the lines below it, into a file {file}."),
        _ => format!(
            "1. Scan the codes in their order into one file {file}, or type the lines below them."
        ),
    };
    let decrypt = if encrypted {
        "2. Decrypt it. This asks for the passphrase:\n$ age -d -o identity.txt identity.age"
    } else {
        "2. The file is ready for use as it is. Remove it as soon as you are done."
    };
    vec![
        scan,
        decrypt.to_owned(),
        "3. Open a key file of the store or of a backup. It prints JSON, with the key in base64:\n$ age -d -i identity.txt keys/RING/ID.age".to_owned(),
        "4. Or restore a backup with keyferry:\n$ keyferry --store NEW key restore BACKUP --identity identity.txt".to_owned(),
    ]
}

/// The text as codes; one after the other they are the text again.
fn codes(text: &str) -> Option<Vec<QrCode>> {
    let bytes = text.as_bytes();
    let count = bytes.len().div_ceil(BYTES_PER_CODE).max(1);
    let share = bytes.len().div_ceil(count).max(1);
    let part = |bytes| QrCode::with_error_correction_level(bytes, EcLevel::M).ok();
    bytes.chunks(share).map(part).collect()
}

struct Writer {
    marks: Vec<Mark>,
    /// The next baseline.
    y: f32,
}

impl Writer {
    fn text(&mut self, x: f32, face: Face, size: f32, text: &str) {
        self.marks.push(Mark::Text {
            x,
            y: self.y,
            size,
            face,
            text: Zeroizing::new(text.to_owned()),
        });
    }

    fn line(&mut self, face: Face, size: f32, text: &str) {
        self.text(MARGIN, face, size, text);
        self.y += size * 1.35;
    }

    fn rule(&mut self) {
        self.marks.push(Mark::Rectangle {
            x: MARGIN,
            y: self.y - 4.0,
            width: TEXT_WIDTH,
            height: 0.75,
        });
        self.y += 16.0;
    }

    /// Codes side by side, as many as there is room for.
    fn codes(&mut self, codes: &[QrCode]) -> Option<()> {
        let step = CODE_SIZE + 20.0;
        if codes.len() as f32 * step > TEXT_WIDTH + 20.0 {
            return None;
        }
        let top = self.y;
        for (number, code) in codes.iter().enumerate() {
            let left = MARGIN + number as f32 * step;
            self.code(code, left, top);
            if codes.len() > 1 {
                self.y = top + CODE_SIZE + 8.0;
                let caption = format!("code {} of {}", number + 1, codes.len());
                self.text(left, Face::Plain, 9.5, &caption);
            }
        }
        self.y = top + CODE_SIZE + 14.0;
        Some(())
    }

    fn code(&mut self, code: &QrCode, left: f32, top: f32) {
        let width = code.width();
        let square = CODE_SIZE / (width as f32 + 2.0 * QUIET);
        let (left, top) = (left + QUIET * square, top + QUIET * square);
        let colors = code.to_colors();
        for (row, squares) in colors.chunks(width).enumerate() {
            // Neighbours are drawn as one, so that no hair line shows between them.
            let mut column = 0;
            for run in squares.chunk_by(|one, other| one == other) {
                if run.first() == Some(&Color::Dark) {
                    self.marks.push(Mark::Rectangle {
                        x: left + column as f32 * square,
                        y: top + row as f32 * square,
                        width: run.len() as f32 * square,
                        height: square,
                    });
                }
                column += run.len();
            }
        }
    }
}
