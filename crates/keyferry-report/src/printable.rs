//! Names that others have chosen, as a terminal may show them.

use std::borrow::Cow;
use std::fmt::Write;

/// A name with control characters written as escapes: an object key may hold any character, and a
/// terminal obeys some of them.
#[must_use]
pub fn printable(name: &str) -> Cow<'_, str> {
    if !name.chars().any(is_hidden) {
        return Cow::Borrowed(name);
    }
    let mut shown = String::with_capacity(name.len() + 8);
    for c in name.chars() {
        if is_hidden(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Control characters, those that turn the direction of writing, and what is no character at all (XML
/// cannot even name those).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || u32::from(c) & 0xFFFE == 0xFFFE
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_get_no_orders() {
        assert_eq!(printable("a b/日本.txt"), "a b/日本.txt");
        assert_eq!(printable("x\u{1b}[2J\n"), "x\\u{1b}[2J\\n");
        assert_eq!(printable("a\u{202E}txt.exe"), "a\\u{202e}txt.exe");
        assert_eq!(printable("\u{FFFE}\u{FFFD}"), "\\u{fffe}\u{FFFD}");
    }
}
