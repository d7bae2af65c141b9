//! From a message to the dialect.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, SerializeOptions, Value};
use serde_json::{Map, Number, Value as Json};

use super::{DialectError, enum_word, is_well_known};
use crate::wire::{Named, pool};

/// Turns a message into the dialect.
///
/// # Errors
/// [`DialectError`] when the message is not in the descriptor set; a test asks for every one that is used.
pub fn to_json<M: Named>(message: &M) -> Result<Json, DialectError> {
    let descriptor = pool().and_then(|pool| pool.get_message_by_name(M::NAME)).ok_or(DialectError(M::NAME))?;
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic.transcode_from(message).map_err(|_| DialectError(M::NAME))?;
    Ok(message_to_json(&dynamic))
}

/// A message of the descriptor set in the dialect.
#[must_use]
pub fn message_to_json(message: &DynamicMessage) -> Json {
    let descriptor = message.descriptor();
    if is_well_known(&descriptor) {
        let options = SerializeOptions::new().stringify_64_bit_integers(false).skip_default_fields(false);
        return message.serialize_with_options(serde_json::value::Serializer, &options).unwrap_or(Json::Null);
    }
    Json::Object(fields_to_json(message, descriptor.fields()))
}

/// Some fields of a message in the dialect, in the order given.
#[must_use]
pub fn fields_to_json(message: &DynamicMessage, fields: impl Iterator<Item = FieldDescriptor>) -> Map<String, Json> {
    let mut object = Map::new();
    for field in fields {
        let is_absent = field.supports_presence() && !message.has_field(&field);
        if is_absent {
            continue;
        }
        if let Some(json) = field_to_json(&field, &message.get_field(&field)) {
            object.insert(field.name().to_owned(), json);
        }
    }
    object
}

/// `None` for an unspecified enum.
fn field_to_json(field: &FieldDescriptor, value: &Value) -> Option<Json> {
    match value {
        Value::List(items) => Some(Json::Array(items.iter().filter_map(|item| single(&field.kind(), item)).collect())),
        Value::Map(entries) => {
            let mut entries: Vec<(String, &Value)> =
                entries.iter().map(|(key, value)| (key_text(key), value)).collect();
            entries.sort_by(|left, right| left.0.cmp(&right.0));
            let kind = match field.kind() {
                Kind::Message(entry) => entry.map_entry_value_field().kind(),
                other => other,
            };
            let object = entries.into_iter().filter_map(|(key, value)| Some((key, single(&kind, value)?))).collect();
            Some(Json::Object(object))
        }
        value => single(&field.kind(), value),
    }
}

fn single(kind: &Kind, value: &Value) -> Option<Json> {
    Some(match value {
        Value::Bool(flag) => Json::Bool(*flag),
        Value::I32(number) => Json::from(*number),
        Value::I64(number) => Json::from(*number),
        Value::U32(number) => Json::from(*number),
        Value::U64(number) => Json::from(*number),
        Value::F32(number) => float(f64::from(*number)),
        Value::F64(number) => float(*number),
        Value::String(text) => Json::String(text.clone()),
        Value::Bytes(bytes) => Json::String(data_encoding::BASE64.encode(bytes)),
        Value::EnumNumber(number) => match kind {
            Kind::Enum(descriptor) => return enum_word(descriptor, *number).map(Json::String),
            _ => Json::from(*number),
        },
        Value::Message(message) => message_to_json(message),
        // Lists and maps do not stand inside lists and maps.
        Value::List(_) | Value::Map(_) => return None,
    })
}

fn float(number: f64) -> Json {
    Number::from_f64(number).map_or_else(|| Json::String(number.to_string()), Json::Number)
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(flag) => flag.to_string(),
        MapKey::I32(number) => number.to_string(),
        MapKey::I64(number) => number.to_string(),
        MapKey::U32(number) => number.to_string(),
        MapKey::U64(number) => number.to_string(),
        MapKey::String(text) => text.clone(),
    }
}
