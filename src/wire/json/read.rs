//! From the dialect, or canonical protobuf JSON, to a message.

use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde_json::Value as Json;

use super::{FieldFault, is_well_known, word};

/// The largest integer that a JSON number carries through every reader.
const MAX_SAFE: i128 = 1 << 53;

/// Reads a message from JSON. Beside the dialect the canonical protobuf spellings are taken: camelCase names, 64-bit integers as texts,
/// enum values by name or number. `null` is unset.
///
/// # Errors
/// [`FieldFault`]: names the first field that is unknown or does not parse.
pub fn from_json(descriptor: &MessageDescriptor, json: &Json) -> Result<DynamicMessage, FieldFault> {
    message(descriptor, json, "")
}

fn message(descriptor: &MessageDescriptor, json: &Json, at: &str) -> Result<DynamicMessage, FieldFault> {
    if is_well_known(descriptor) {
        return DynamicMessage::deserialize(descriptor.clone(), json).map_err(|_| {
            let wanted = match descriptor.name() {
                "Timestamp" => "a time as RFC 3339, 2026-05-08T16:43:34Z, between the years 1 and 9999",
                other => return fault(at, format!("not a {other}")),
            };
            fault(at, format!("not {wanted}"))
        });
    }
    let Json::Object(object) = json else { return Err(fault(at, format!("{}, wanted an object", found(json)))) };
    let mut read = DynamicMessage::new(descriptor.clone());
    let mut seen = Vec::with_capacity(object.len());
    for (key, json) in object {
        let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        let field = field_of(descriptor, key).ok_or_else(|| unknown(descriptor, &place))?;
        if seen.contains(&field.number()) {
            return Err(fault(&place, "given twice, by both of its names".to_owned()));
        }
        seen.push(field.number());
        if json.is_null() {
            continue;
        }
        let value = field_value(&field, json, &place)?;
        put(&mut read, &field, value);
    }
    Ok(read)
}

/// The field of this name, as the protos or as canonical JSON spell it.
pub(super) fn field_of(descriptor: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_name(name).or_else(|| descriptor.get_field_by_json_name(name))
}

/// Sets a field. A default that nothing can tell from absence is absence.
pub(super) fn put(message: &mut DynamicMessage, field: &FieldDescriptor, value: Value) {
    if field.supports_presence() || !value.is_default_for_field(field) {
        message.set_field(field, value);
    }
}

pub(super) fn unknown(descriptor: &MessageDescriptor, place: &str) -> FieldFault {
    let known: Vec<_> = descriptor.fields().map(|field| field.name().to_owned()).collect();
    let known = if known.is_empty() { "it has none".to_owned() } else { format!("there are: {}", known.join(", ")) };
    fault(place, format!("{} has no such field; {known}", descriptor.name()))
}

fn fault(at: &str, message: String) -> FieldFault {
    FieldFault::new(if at.is_empty() { "body" } else { at }, message)
}

fn found(json: &Json) -> &'static str {
    match json {
        Json::Null => "found null",
        Json::Bool(_) => "found a boolean",
        Json::Number(_) => "found a number",
        Json::String(_) => "found a text",
        Json::Array(_) => "found a list",
        Json::Object(_) => "found an object",
    }
}

fn field_value(field: &FieldDescriptor, json: &Json, at: &str) -> Result<Value, FieldFault> {
    if field.is_map() {
        let (Kind::Message(entry), Json::Object(object)) = (field.kind(), json) else {
            return Err(fault(at, format!("{}, wanted an object", found(json))));
        };
        let (key_kind, kind) = (entry.map_entry_key_field().kind(), entry.map_entry_value_field().kind());
        let entries = object.iter().map(|(key, json)| {
            let place = format!("{at}.{key}");
            let key = map_key(&key_kind, key).ok_or_else(|| fault(&place, "its key does not parse".to_owned()))?;
            Ok((key, single(&kind, json, &place)?))
        });
        return entries.collect::<Result<_, _>>().map(Value::Map);
    }
    if field.is_list() {
        let Json::Array(items) = json else { return Err(fault(at, format!("{}, wanted a list", found(json)))) };
        let items =
            items.iter().enumerate().map(|(place, json)| single(&field.kind(), json, &format!("{at}[{place}]")));
        return items.collect::<Result<_, _>>().map(Value::List);
    }
    single(&field.kind(), json, at)
}

/// The key of a map from its text.
pub(super) fn map_key(kind: &Kind, text: &str) -> Option<MapKey> {
    Some(match kind {
        Kind::Bool => MapKey::Bool(text.parse().ok()?),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => MapKey::I32(text.parse().ok()?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => MapKey::I64(text.parse().ok()?),
        Kind::Uint32 | Kind::Fixed32 => MapKey::U32(text.parse().ok()?),
        Kind::Uint64 | Kind::Fixed64 => MapKey::U64(text.parse().ok()?),
        _ => MapKey::String(text.to_owned()),
    })
}

/// One value that is neither list nor map.
pub(super) fn single(kind: &Kind, json: &Json, at: &str) -> Result<Value, FieldFault> {
    let wrong = |wanted: &str| fault(at, format!("{}, wanted {wanted}", found(json)));
    Ok(match kind {
        Kind::Message(descriptor) => Value::Message(message(descriptor, json, at)?),
        Kind::Enum(descriptor) => Value::EnumNumber(enum_number(descriptor, json, at)?),
        Kind::Bool => Value::Bool(json.as_bool().ok_or_else(|| wrong("true or false"))?),
        Kind::String => Value::String(json.as_str().ok_or_else(|| wrong("a text"))?.to_owned()),
        Kind::Bytes => {
            let bytes = json.as_str().and_then(base64).ok_or_else(|| fault(at, "not base64".to_owned()))?;
            Value::Bytes(bytes.into())
        }
        Kind::Double => Value::F64(float(json).ok_or_else(|| wrong("a number"))?),
        Kind::Float => {
            // Read from its text, which rounds to the nearest one.
            let number = float(json).ok_or_else(|| wrong("a number"))?;
            Value::F32(number.to_string().parse().map_err(|_| wrong("a number"))?)
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(integer(json, at)?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(integer(json, at)?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(integer(json, at)?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(integer(json, at)?),
    })
}

/// An integer: a number, or its text.
fn integer<N: TryFrom<i128>>(json: &Json, at: &str) -> Result<N, FieldFault> {
    let number = match json {
        Json::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            // 1.0 and 1e3 are integers too.
            let whole = whole.or_else(|| {
                let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
                format!("{float:.0}").parse().ok()
            });
            if whole.is_some_and(|whole| whole.abs() > MAX_SAFE) || whole.is_none() && is_vast(number) {
                let message = "a number beyond 2^53, which many programs cannot hold exactly; give it as a text";
                return Err(fault(at, message.to_owned()));
            }
            whole
        }
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    let number: i128 = number.ok_or_else(|| fault(at, format!("{}, wanted an integer", found(json))))?;
    N::try_from(number).map_err(|_| fault(at, format!("{number} is out of range")))
}

/// Whether a number is too large even for the widest integer.
fn is_vast(number: &serde_json::Number) -> bool {
    number.as_f64().is_some_and(|float| float.abs() >= 9.1e15)
}

fn float(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            // The dialect's own spelling of those, and a number as its text.
            text => text.parse().ok(),
        },
        _ => None,
    }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
    let bare = text.trim_end_matches('=');
    BASE64_NOPAD.decode(bare.as_bytes()).or_else(|_| BASE64URL_NOPAD.decode(bare.as_bytes())).ok()
}

/// By its word, its name, or its number.
fn enum_number(descriptor: &EnumDescriptor, json: &Json, at: &str) -> Result<i32, FieldFault> {
    let number = match json {
        Json::Number(_) => return integer(json, at),
        Json::String(text) => descriptor
            .get_value_by_name(text)
            .or_else(|| descriptor.values().find(|value| value.number() != 0 && word(descriptor, value) == *text))
            .map(|value| value.number())
            // A number without a name is written as its digits.
            .or_else(|| text.parse().ok()),
        _ => None,
    };
    number.ok_or_else(|| {
        let words: Vec<_> =
            descriptor.values().filter(|value| value.number() != 0).map(|value| word(descriptor, &value)).collect();
        fault(at, format!("not one of: {}", words.join(", ")))
    })
}

/// A value from plain text, as a query or a path gives it.
pub(super) fn from_text(kind: &Kind, text: &str, at: &str) -> Result<Value, FieldFault> {
    let json = match kind {
        Kind::Bool => match text {
            "true" | "1" => Json::Bool(true),
            "false" | "0" => Json::Bool(false),
            _ => return Err(fault(at, "not true or false".to_owned())),
        },
        Kind::Message(descriptor) if !is_well_known(descriptor) => {
            let message = format!("a {}, which no text holds; name its fields: {at}.FIELD=…", descriptor.name());
            return Err(fault(at, message));
        }
        _ => Json::String(text.to_owned()),
    };
    single(kind, &json, at)
}
