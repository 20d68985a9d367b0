//! SVG elements as text.

use std::fmt::Write;

use super::glyph::Glyph;
use super::style::STYLE;

/// A picture under way.
pub(super) struct Canvas(String);

impl Canvas {
    pub(super) fn new(width: i32, height: i32, title: &str, description: &str) -> Self {
        let mut canvas = Self(String::new());
        canvas.add(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"title desc\">"
        ));
        canvas.add(&format!("<title id=\"title\">{}</title>", escaped(title)));
        canvas.add(&format!(
            "<desc id=\"desc\">{}</desc>",
            escaped(description)
        ));
        canvas.add(STYLE.trim_end());
        canvas.rect((0, 0, width, height), 0, "ground");
        canvas
    }

    /// A box: left, top, width, height.
    pub(super) fn rect(&mut self, frame: (i32, i32, i32, i32), radius: i32, class: &str) {
        let (x, y, width, height) = frame;
        self.add(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             rx=\"{radius}\"/>"
        ));
    }

    pub(super) fn line(&mut self, (x1, y1): (i32, i32), (x2, y2): (i32, i32), class: &str) {
        self.add(&format!(
            "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"
        ));
    }

    /// A level arrow from `start` to `end`, whichever way that is.
    pub(super) fn arrow(&mut self, (start, end): (i32, i32), y: i32, class: &str) {
        let back = if start < end { -1 } else { 1 };
        let tip = end + 3 * back;
        let base = tip + 9 * back;
        self.line((start, y), (base, y), &format!("arrow {class}-line"));
        self.add(&format!(
            "<path class=\"{class}\" d=\"M{tip} {y}L{base} {}V{}Z\"/>",
            y - 5,
            y + 5
        ));
    }

    pub(super) fn glyph(&mut self, x: i32, y: i32, glyph: Glyph) {
        self.add(&format!(
            "<path class=\"glyph {}\" transform=\"translate({x} {y})\" d=\"{}\"/>",
            glyph.class(),
            glyph.path()
        ));
    }

    /// Text of at most so many characters; what is cut can be read by pointing at it.
    pub(super) fn text(&mut self, x: i32, y: i32, class: &str, text: &str, most: i32) {
        self.text_named(x, y, class, text, text, most);
    }

    /// Text that stands for something longer.
    pub(super) fn text_named(
        &mut self,
        x: i32,
        y: i32,
        class: &str,
        text: &str,
        whole: &str,
        most: i32,
    ) {
        let shown = elided(text, usize::try_from(most).unwrap_or_default());
        let title = if shown == whole || whole.is_empty() {
            String::new()
        } else {
            format!("<title>{}</title>", escaped(whole))
        };
        self.add(&format!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}{title}</text>",
            escaped(&shown)
        ));
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }

    fn add(&mut self, element: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{element}");
    }
}

/// Text with its middle left out where it is longer than `most`: both ends tell names apart.
fn elided(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let tail = most / 3;
    let head = most.saturating_sub(tail + 1);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

/// Text as XML: what has a meaning there is written out, what may not stand there is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(elided("tokyo", 5), "tokyo");
        assert_eq!(elided("abcdefghijklmnop", 10), "abcdef…nop");
        let long = "x".repeat(63);
        assert_eq!(elided(&long, 36).chars().count(), 36);
    }

    #[test]
    fn nothing_gets_out_of_its_element() {
        assert_eq!(
            escaped("</text><script>\"&'\u{0}"),
            "&lt;/text&gt;&lt;script&gt;&quot;&amp;&#39;\u{fffd}"
        );
    }
}
