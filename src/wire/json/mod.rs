//! The JSON dialect that HTTP and the CLI speak, made mechanically from the messages.
//!
//! Protobuf JSON with proto field names, and: 64-bit integers as numbers; scalars, lists and maps always present; absent messages and
//! `_UNSPECIFIED` enums left out; maps in key order; enum values as the words of the files. Read are also the canonical protobuf JSON
//! spellings.

mod query;
mod read;
#[cfg(test)]
mod tests;
mod write;

use prost_reflect::{EnumDescriptor, EnumValueDescriptor, MessageDescriptor};

pub use query::QueryFields;
pub use read::from_json;
pub use write::{fields_to_json, message_to_json, to_json};

/// Why a message has no JSON form: its descriptor is not in the set, which is a defect of the build.
#[derive(Debug, thiserror::Error)]
#[error("the message {0} cannot be shown as JSON")]
pub struct DialectError(&'static str);

/// What is wrong with a field of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldFault {
    /// The field, `labels.branch`; `body` for the request as a whole.
    pub field: String,
    /// One sentence.
    pub message: String,
}

impl FieldFault {
    /// A fault of this field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

fn is_well_known(descriptor: &MessageDescriptor) -> bool {
    descriptor.full_name().starts_with("google.protobuf.")
}

/// The word of the files: the value's name without its type's prefix, in lower case. A number without a name stays a number.
fn enum_word(descriptor: &EnumDescriptor, number: i32) -> Option<String> {
    if number == 0 {
        return None;
    }
    Some(descriptor.get_value(number).map_or_else(|| number.to_string(), |value| word(descriptor, &value)))
}

fn word(descriptor: &EnumDescriptor, value: &EnumValueDescriptor) -> String {
    let prefix = screaming_snake(descriptor.name());
    value.name().trim_start_matches(&format!("{prefix}_")).to_ascii_lowercase()
}

/// `ResultStatus` is `RESULT_STATUS`.
fn screaming_snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (place, letter) in name.char_indices() {
        if place > 0 && letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_uppercase());
    }
    snake
}
