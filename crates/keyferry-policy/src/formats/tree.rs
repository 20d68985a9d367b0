//! Documents as trees that keep the order of their members.
//!
//! The order in which a document is written is for its reader: the name of a statement first, its
//! conditions last.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A value of JSON, save for fractions and `null`, which no document has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tree {
    Text(String),
    Bool(bool),
    Number(i64),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Tree {
    /// What a value is as JSON.
    pub(super) fn of(value: &impl Serialize) -> Self {
        // Documents hold strings, numbers, lists and maps with string keys: what is written here is
        // read again just below.
        serde_json::to_string(value)
            .and_then(|text| serde_json::from_str(&text))
            .unwrap_or_else(|_| Self::Map(Vec::new()))
    }

    pub(super) fn map<const N: usize>(members: [(&str, Self); N]) -> Self {
        Self::Map(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// The member of a map.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        self.members()
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    pub(super) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Map(members) => members,
            Self::Text(_) | Self::Bool(_) | Self::Number(_) | Self::List(_) => &[],
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Text(_) | Self::Bool(_) | Self::Number(_) | Self::Map(_) => &[],
        }
    }

    /// A list with each of its items changed.
    pub(super) fn each(self, change: impl FnMut(Self) -> Self) -> Self {
        match self {
            Self::List(items) => Self::List(items.into_iter().map(change).collect()),
            other => other,
        }
    }

    /// Gives a member of a map another name and value.
    pub(super) fn replace(&mut self, name: &str, new_name: &str, with: impl FnOnce(Self) -> Self) {
        let Self::Map(members) = self else { return };
        if let Some((known, value)) = members.iter_mut().find(|(known, _)| known == name) {
            new_name.clone_into(known);
            let old = std::mem::replace(value, Self::Bool(false));
            *value = with(old);
        }
    }

    pub(super) fn insert(&mut self, name: &str, value: Self) {
        if let Self::Map(members) = self {
            members.push((name.to_owned(), value));
        }
    }

    /// Indented JSON with a line break at the end.
    pub(super) fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        format!("{text}\n")
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => serializer.serialize_i64(*number),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a document")
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::from(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Tree, E> {
        i64::try_from(number).map(Tree::Number).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order() {
        let text = r#"{"b":[1,true,"x"],"a":{"z":{},"y":-2}}"#;
        let tree: Tree = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&tree).unwrap(), text);
    }
}
