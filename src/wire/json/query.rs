//! From the parameters of a query, and the variables of a path, to the fields of a message.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value};

use super::read::{field_of, from_text, map_key, put, unknown};
use super::{FieldFault, is_well_known};

/// A request in the making.
#[derive(Debug)]
pub struct QueryFields {
    message: DynamicMessage,
    /// The fields that were given, by the names of the protos; within messages and maps with the path to them.
    given: BTreeSet<String>,
}

impl QueryFields {
    /// A request without any field.
    #[must_use]
    pub fn new(descriptor: MessageDescriptor) -> Self {
        Self { message: DynamicMessage::new(descriptor), given: BTreeSet::new() }
    }

    /// Puts a parameter into its field: `name`, `list` again and again, `message.field`, `map.key` or `map[key]`. An empty value is unset.
    ///
    /// # Errors
    /// [`FieldFault`]: no such field, one that was given before and is no list, or a value that does not parse.
    pub fn put(&mut self, name: &str, value: &str) -> Result<(), FieldFault> {
        let (head, rest) = split(name);
        let descriptor = self.message.descriptor();
        let field = field_of(&descriptor, head).ok_or_else(|| unknown(&descriptor, name))?;
        if value.is_empty() {
            return Ok(());
        }
        let spelled = rest.map_or_else(|| field.name().to_owned(), |rest| format!("{}.{rest}", field.name()));
        if !self.given.insert(spelled) && !field.is_list() {
            return Err(FieldFault::new(name, "given more than once"));
        }
        put_into(&mut self.message, &field, rest, value, name)
    }

    /// Whether a field was given, with a value that is not empty.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.given.contains(name)
    }

    /// The request.
    #[must_use]
    pub fn into_message(self) -> DynamicMessage {
        self.message
    }
}

/// `labels.a.b` and `labels[a.b]` are the key `a.b` of `labels`.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once(['.', '[']) {
        None => (name, None),
        Some((head, rest)) if name.get(head.len()..).is_some_and(|from| from.starts_with('.')) => (head, Some(rest)),
        Some((head, rest)) => rest.strip_suffix(']').map_or((name, None), |key| (head, Some(key))),
    }
}

fn put_into(
    message: &mut DynamicMessage,
    field: &FieldDescriptor,
    rest: Option<&str>,
    text: &str,
    at: &str,
) -> Result<(), FieldFault> {
    match (field.kind(), rest) {
        (Kind::Message(entry), Some(key)) if field.is_map() => {
            let key = map_key(&entry.map_entry_key_field().kind(), key)
                .ok_or_else(|| FieldFault::new(at, "its key does not parse"))?;
            let value = from_text(&entry.map_entry_value_field().kind(), text, at)?;
            if let Some(entries) = message.get_field_mut(field).as_map_mut() {
                entries.insert(key, value);
            }
        }
        (_, None) if field.is_map() => {
            return Err(FieldFault::new(at, format!("a map; give each entry as {at}.KEY=VALUE")));
        }
        (kind, None) if field.is_list() => {
            let value = from_text(&kind, text, at)?;
            if let Some(items) = message.get_field_mut(field).as_list_mut() {
                items.push(value);
            }
        }
        (kind, None) => put(message, field, from_text(&kind, text, at)?),
        (Kind::Message(descriptor), Some(rest)) if !field.is_list() && !is_well_known(&descriptor) => {
            let (head, rest) = split(rest);
            let inner = field_of(&descriptor, head).ok_or_else(|| unknown(&descriptor, at))?;
            let mut nested = match message.has_field(field).then(|| message.get_field(field).into_owned()) {
                Some(Value::Message(nested)) => nested,
                _ => DynamicMessage::new(descriptor),
            };
            put_into(&mut nested, &inner, rest, text, at)?;
            message.set_field(field, Value::Message(nested));
        }
        (_, Some(_)) => return Err(FieldFault::new(at, format!("`{}` has no fields", field.name()))),
    }
    Ok(())
}
