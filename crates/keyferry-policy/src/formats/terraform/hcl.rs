//! Text of the Terraform language, laid out as `terraform fmt` lays it out.
//!
//! Style: <https://developer.hashicorp.com/terraform/language/style>.
//! Escapes: <https://developer.hashicorp.com/terraform/language/expressions/strings>.

use std::fmt::Write;

use crate::formats::tree::Tree;

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// Text that is the language already: references, numbers, calls without line breaks.
    Code(String),
    /// A string.
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    /// A function of one argument.
    Call(&'static str, Box<Self>),
}

/// What a body holds.
#[derive(Debug, Clone)]
enum Item {
    Attribute(String, Expression),
    Block(String, Body),
    Comment(String),
    Blank,
}

/// The inside of a block, or of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Body(Vec<Item>);

impl Expression {
    pub(super) fn code(text: impl Into<String>) -> Self {
        Self::Code(text.into())
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Several names of things, one a line.
    pub(super) fn references(names: &[String]) -> Self {
        Self::List(names.iter().map(Self::code).collect())
    }

    /// A document, for `jsonencode`.
    pub(super) fn json(tree: &Tree) -> Self {
        Self::Call("jsonencode", Box::new(Self::of(tree)))
    }

    fn of(tree: &Tree) -> Self {
        match tree {
            Tree::Text(text) => Self::text(text),
            Tree::Bool(value) => Self::code(value.to_string()),
            Tree::Number(number) => Self::code(number.to_string()),
            Tree::List(items) => Self::List(items.iter().map(Self::of).collect()),
            Tree::Map(members) => {
                let member = |(name, value): &(String, Tree)| (name.clone(), Self::of(value));
                Self::Object(members.iter().map(member).collect())
            }
        }
    }

    fn is_simple(&self) -> bool {
        matches!(self, Self::Code(_) | Self::Text(_))
    }

    /// Whether it is written on one line: lists of one simple item are.
    fn is_one_line(&self) -> bool {
        match self {
            Self::Code(_) | Self::Text(_) => true,
            Self::List(items) => {
                items.is_empty() || matches!(items.as_slice(), [item] if item.is_simple())
            }
            Self::Object(members) => members.is_empty(),
            Self::Call(_, argument) => argument.is_one_line(),
        }
    }

    fn write(&self, depth: usize, out: &mut String) {
        match self {
            Self::Code(code) => out.push_str(code),
            Self::Text(text) => quote(text, true, out),
            Self::List(items) if self.is_one_line() => {
                out.push('[');
                for item in items {
                    item.write(depth, out);
                }
                out.push(']');
            }
            Self::List(items) => {
                out.push_str("[\n");
                for item in items {
                    indent(depth + 1, out);
                    item.write(depth + 1, out);
                    out.push_str(",\n");
                }
                indent(depth, out);
                out.push(']');
            }
            Self::Object(members) if members.is_empty() => out.push_str("{}"),
            Self::Object(members) => {
                out.push_str("{\n");
                let members: Vec<(String, &Self)> = members
                    .iter()
                    .map(|(name, value)| (member_name(name), value))
                    .collect();
                write_aligned(&members, depth + 1, out);
                indent(depth, out);
                out.push('}');
            }
            Self::Call(function, argument) => {
                out.push_str(function);
                out.push('(');
                argument.write(depth, out);
                out.push(')');
            }
        }
    }
}

impl Body {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn set(&mut self, name: &str, value: Expression) -> &mut Self {
        self.0.push(Item::Attribute(name.to_owned(), value));
        self
    }

    pub(super) fn text(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.set(name, Expression::text(value))
    }

    pub(super) fn code(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.set(name, Expression::code(value))
    }

    /// A block, by its type and labels as written. Blocks stand apart from what is before them.
    pub(super) fn block(&mut self, head: &str, inside: Self) -> &mut Self {
        let apart = matches!(self.0.last(), None | Some(Item::Comment(_) | Item::Blank));
        if !apart {
            self.blank();
        }
        self.0.push(Item::Block(head.to_owned(), inside));
        self
    }

    pub(super) fn comment(&mut self, text: &str) -> &mut Self {
        self.0.push(Item::Comment(text.to_owned()));
        self
    }

    pub(super) fn blank(&mut self) -> &mut Self {
        self.0.push(Item::Blank);
        self
    }

    pub(super) fn extend(&mut self, other: Self) -> &mut Self {
        self.0.extend(other.0);
        self
    }

    /// As a file.
    pub(super) fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out
    }

    fn write(&self, depth: usize, out: &mut String) {
        let mut attributes = Vec::new();
        for item in &self.0 {
            if let Item::Attribute(name, value) = item {
                attributes.push((name.clone(), value));
                continue;
            }
            write_aligned(&std::mem::take(&mut attributes), depth, out);
            match item {
                Item::Attribute(..) => {}
                Item::Block(head, inside) => {
                    indent(depth, out);
                    out.push_str(head);
                    if inside.0.is_empty() {
                        out.push_str(" {}\n");
                    } else {
                        out.push_str(" {\n");
                        inside.write(depth + 1, out);
                        indent(depth, out);
                        out.push_str("}\n");
                    }
                }
                Item::Comment(text) => {
                    indent(depth, out);
                    out.push('#');
                    if !text.is_empty() {
                        out.push(' ');
                        out.push_str(text);
                    }
                    out.push('\n');
                }
                Item::Blank => out.push('\n'),
            }
        }
        write_aligned(&attributes, depth, out);
    }
}

/// The signs of neighbouring lines stand below each other; a value of several lines ends the row.
fn write_aligned(members: &[(String, &Expression)], depth: usize, out: &mut String) {
    let rows = members.chunk_by(|(_, one), (_, next)| one.is_one_line() && next.is_one_line());
    for row in rows {
        let width = row.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in row {
            indent(depth, out);
            let _ = write!(out, "{name:width$} = ");
            value.write(depth, out);
            out.push('\n');
        }
    }
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Names that mean something else at the beginning of an object.
const RESERVED: [&str; 5] = ["for", "if", "null", "true", "false"];

fn member_name(name: &str) -> String {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let plain = name.bytes().next().is_some_and(letter)
        && name
            .bytes()
            .all(|byte| letter(byte) || byte.is_ascii_digit())
        && !RESERVED.contains(&name);
    if plain {
        return name.to_owned();
    }
    let mut quoted = String::new();
    // Columns are counted in what a reader sees as one character; ASCII needs no counting.
    quote(name, false, &mut quoted);
    quoted
}

fn quote(text: &str, readable: bool, out: &mut String) {
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => {
                out.push(character);
                out.push(character);
            }
            // Two signs before a brace would be read as one that is escaped.
            '$' | '%' if rest.peek() == Some(&character) => by_number(character, out),
            other if other.is_control() || !(readable || other.is_ascii()) => {
                by_number(other, out);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

fn by_number(character: char, out: &mut String) {
    let number = u32::from(character);
    let _ = if number > 0xffff {
        write!(out, "\\U{number:08x}")
    } else {
        write!(out, "\\u{number:04x}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_no_templates() {
        let quoted = |text: &str| {
            let mut out = String::new();
            quote(text, true, &mut out);
            out
        };
        assert_eq!(quoted("${*}/%{x}"), r#""$${*}/%%{x}""#);
        assert_eq!(quoted("a$b%c$"), r#""a$b%c$""#);
        assert_eq!(quoted("$${x}"), r#""\u0024$${x}""#);
        assert_eq!(quoted("\"\\\n\u{1}"), r#""\"\\\n\u0001""#);
        assert_eq!(quoted("日本"), "\"日本\"");
        assert_eq!(member_name("日\u{1f600}"), r#""\u65e5\U0001f600""#);
        assert_eq!(member_name("aws:PrincipalArn"), "\"aws:PrincipalArn\"");
        assert_eq!(member_name("for"), "\"for\"");
    }

    #[test]
    fn signs_are_aligned_between_long_values() {
        let mut inside = Body::new();
        inside
            .text("a", "1")
            .code("long", "true")
            .set(
                "object",
                Expression::Object(vec![
                    ("x".to_owned(), Expression::code("1")),
                    ("yy".to_owned(), Expression::List(Vec::new())),
                ]),
            )
            .code("b", "2")
            .block("empty", Body::new());
        let mut file = Body::new();
        file.comment("head").block("outer \"x\"", inside);
        assert_eq!(
            file.to_text(),
            "# head\nouter \"x\" {\n  a    = \"1\"\n  long = true\n  object = {\n    x  = 1\n    yy = []\n  }\n  b = 2\n\n  empty {}\n}\n"
        );
    }
}
