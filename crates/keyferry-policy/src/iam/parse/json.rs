//! JSON that remembers where each value stands.
//!
//! `serde_json` hands out values as slices of the text; where a slice begins is its position. It
//! checks the whole text first, without recursion, and each level is taken apart only when the grammar
//! of policies asks for it, so that depth is bounded by the grammar.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::{ParseError, ParseProblem};

/// A value, and the text it is a part of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    text: &'a str,
    raw: &'a str,
}

/// Members of an object, taken out one by one.
#[derive(Debug)]
pub(super) struct Members<'a>(Vec<Member<'a>>);

#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) at: Node<'a>,
    pub(super) value: Node<'a>,
}

/// Reads a whole text.
pub(super) fn parse_root(text: &str) -> Result<Node<'_>, ParseError> {
    let whole = Node { text, raw: text };
    let raw: &RawValue = whole.decode()?;
    Ok(Node {
        text,
        raw: raw.get(),
    })
}

/// Line and column of an offset, counted from 1, columns in characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    // An offset inside a character counts as the character's.
    let before = (0..=offset.min(text.len()))
        .rev()
        .find_map(|end| text.get(..end))
        .unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

impl<'a> Node<'a> {
    /// An error about this value.
    pub(super) fn error(&self, problem: ParseProblem) -> ParseError {
        ParseError::at(self.text, self.range().start, problem)
    }

    /// The line on which this value begins, counted from 1.
    pub(super) fn line(&self) -> usize {
        position(self.text, self.range().start).0
    }

    pub(super) fn is_before(&self, other: &Self) -> bool {
        self.range().start < other.range().start
    }

    fn range(&self) -> Range<usize> {
        // Both are parts of the same text, so the difference of their addresses is the offset.
        let start = (self.raw.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        start..start + self.raw.len()
    }

    fn decode<T: Deserialize<'a>>(&self) -> Result<T, ParseError> {
        serde_json::from_str(self.raw).map_err(|error| {
            let lines = self.raw.split_inclusive('\n');
            let before: usize = lines
                .take(error.line().saturating_sub(1))
                .map(str::len)
                .sum();
            // The column is that of the byte that was read last.
            let offset = self.range().start + before + error.column().saturating_sub(1);
            let message = error.to_string();
            let end = message.rfind(" at line ").unwrap_or(message.len());
            let message = message.get(..end).unwrap_or_default();
            ParseError::at(self.text, offset, ParseProblem::Syntax(message.to_owned()))
        })
    }

    fn kind(&self) -> &'static str {
        match self.raw.bytes().next() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        }
    }

    fn wrong_type(&self, what: &str, expected: &'static str) -> ParseError {
        self.error(ParseProblem::Type {
            what: what.to_owned(),
            expected,
            found: self.kind(),
        })
    }

    pub(super) fn is_string(&self) -> bool {
        self.raw.starts_with('"')
    }

    /// A string.
    pub(super) fn string(&self, what: &str) -> Result<String, ParseError> {
        if self.is_string() {
            self.decode()
        } else {
            Err(self.wrong_type(what, "a string"))
        }
    }

    /// A string or a list of strings.
    pub(super) fn strings(&self, what: &str) -> Result<Vec<String>, ParseError> {
        self.each(what, "a string or a list of strings", |node| {
            node.is_string().then(|| node.decode())
        })
    }

    /// The same, where numbers and truth values are taken as they are written.
    pub(super) fn scalars(&self, what: &str) -> Result<Vec<String>, ParseError> {
        let expected = "a string, a number, true or false, or a list of these";
        self.each(what, expected, |node| match node.raw.bytes().next() {
            Some(b'"') => Some(node.decode()),
            Some(b'{' | b'[' | b'n') => None,
            _ => Some(Ok(node.raw.to_owned())),
        })
    }

    fn each(
        &self,
        what: &str,
        expected: &'static str,
        read: impl Fn(&Self) -> Option<Result<String, ParseError>>,
    ) -> Result<Vec<String>, ParseError> {
        self.one_or_many()
            .iter()
            .map(|node| read(node).unwrap_or_else(|| Err(node.wrong_type(what, expected))))
            .collect()
    }

    /// The members of a list, or the value itself if it is none.
    pub(super) fn one_or_many(&self) -> Vec<Self> {
        if !self.raw.starts_with('[') {
            return vec![*self];
        }
        // The text was read as JSON once, so this cannot fail.
        let members: Vec<&RawValue> = self.decode().unwrap_or_default();
        members
            .into_iter()
            .map(|member| Self {
                text: self.text,
                raw: member.get(),
            })
            .collect()
    }

    /// The members of an object of which only these are known.
    pub(super) fn object(
        &self,
        what: &'static str,
        known: &[&'static str],
    ) -> Result<Members<'a>, ParseError> {
        let members = self.any_object(what)?;
        for member in &members {
            if !known.contains(&member.name.as_str()) {
                return Err(member.at.error(ParseProblem::Unknown {
                    name: member.name.clone(),
                    place: what,
                    nearest: nearest(&member.name, known),
                }));
            }
        }
        Ok(Members(members))
    }

    /// The members of an object, whatever they are called; each name once.
    pub(super) fn any_object(&self, what: &str) -> Result<Vec<Member<'a>>, ParseError> {
        if !self.raw.starts_with('{') {
            return Err(self.wrong_type(what, "an object"));
        }
        let pairs: Pairs<'a> = self.decode()?;
        let mut members: Vec<Member<'a>> = Vec::with_capacity(pairs.0.len());
        for (name, value) in pairs.0 {
            let at = Self {
                text: self.text,
                raw: name.get(),
            };
            let name: String = at.decode()?;
            if members.iter().any(|member| member.name == name) {
                return Err(at.error(ParseProblem::Duplicate(name)));
            }
            let value = Self {
                text: self.text,
                raw: value.get(),
            };
            members.push(Member { name, at, value });
        }
        Ok(members)
    }
}

impl<'a> Members<'a> {
    /// Takes out the value of a member.
    pub(super) fn take(&mut self, name: &str) -> Option<Node<'a>> {
        self.take_member(name).map(|member| member.value)
    }

    /// Takes out a member.
    pub(super) fn take_member(&mut self, name: &str) -> Option<Member<'a>> {
        let at = self.0.iter().position(|member| member.name == name)?;
        Some(self.0.swap_remove(at))
    }
}

/// The known name that looks most like the one written, if any does.
fn nearest(written: &str, known: &[&'static str]) -> Option<&'static str> {
    let written = written.to_lowercase();
    known
        .iter()
        .map(|known| {
            (
                strsim::osa_distance(&written, &known.to_lowercase()),
                *known,
            )
        })
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
        .min()
        .map(|(_, known)| known)
}

/// Names and values of an object, as they stand in the text, names more than once if they are.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}
