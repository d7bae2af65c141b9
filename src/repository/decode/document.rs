//! A JSON object taken apart key by key, so that one bad value does not spoil the others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text::Text;

/// The keys of a JSON object with the text of their values. Of a key that stands twice the last value counts, as most readers have it.
#[derive(Debug)]
pub(super) struct Document<'a> {
    values: BTreeMap<Cow<'a, str>, &'a RawValue>,
    malformed: BTreeSet<&'static str>,
}

/// Why bytes are no [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotADocument {
    /// Not JSON.
    NotJson,
    /// JSON, but not an object.
    NotObject,
}

impl<'a> Document<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, NotADocument> {
        let text = std::str::from_utf8(bytes).map_err(|_| NotADocument::NotJson)?;
        match serde_json::from_str::<Keys<'a>>(text) {
            Ok(Keys(values)) => Ok(Self { values, malformed: BTreeSet::new() }),
            Err(_) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() => Err(NotADocument::NotJson),
            // A key that is no Unicode text is JSON to the letter; the whole is no document for us all the same.
            Err(_) if text.trim_start().starts_with('{') => Err(NotADocument::NotJson),
            Err(_) => Err(NotADocument::NotObject),
        }
    }

    /// Takes the value of the first of `names` that is present and not null. A value of another type stays where it is, and the first name
    /// is noted as malformed.
    pub(super) fn take<T: Deserialize<'a>>(&mut self, names: &[&'static str]) -> Option<T> {
        self.take_if(names, |value| serde_json::from_str(value.get()).ok())
    }

    /// As [`Self::take`], with a reader of one's own.
    pub(super) fn take_if<T>(&mut self, names: &[&'static str], read: impl Fn(&'a RawValue) -> Option<T>) -> Option<T> {
        let (name, value) = names
            .iter()
            .find_map(|name| Some((*name, *self.values.get(*name)?)).filter(|(_, value)| value.get() != "null"))?;
        match read(value) {
            Some(taken) => {
                self.values.remove(name);
                Some(taken)
            }
            None => {
                self.malformed.extend(names.first());
                None
            }
        }
    }

    /// The value of a key, left where it is.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.values.get(name).copied()
    }

    /// Forgets a key.
    pub(super) fn drop_key(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// What was not taken, and the known names whose values were malformed.
    pub(super) fn into_rest(self) -> (BTreeMap<String, String>, BTreeSet<&'static str>) {
        let rest = self.values.into_iter().map(|(key, value)| (key.into_owned(), value.get().to_owned())).collect();
        (rest, self.malformed)
    }
}

struct Keys<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'de> Deserialize<'de> for Keys<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;

        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = BTreeMap::new();
                while let Some((Text(key), value)) = map.next_entry()? {
                    keys.insert(key, value);
                }
                Ok(Keys(keys))
            }
        }

        deserializer.deserialize_map(KeysVisitor)
    }
}
