//! The JSON dialect that HTTP and the CLI speak, made mechanically from the messages.
//!
//! Protobuf JSON with proto field names, and: 64-bit integers as numbers; scalars, lists and maps always present; absent messages and
//! `_UNSPECIFIED` enums left out; maps in key order; enum values as the words of the files.

use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage,
    SerializeOptions, Value,
};
use serde_json::{Map, Number, Value as Json};

use super::{DESCRIPTOR_SET, Named};

/// Why a message has no JSON form: its descriptor is not in the set, which is a defect of the build.
#[derive(Debug, thiserror::Error)]
#[error("the message {0} cannot be shown as JSON")]
pub struct DialectError(&'static str);

static POOL: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| DescriptorPool::decode(DESCRIPTOR_SET).ok());

/// Turns a message into the dialect.
///
/// # Errors
/// [`DialectError`] when the message is not in the descriptor set; a test asks for every one that is used.
pub fn to_json<M: Named>(message: &M) -> Result<Json, DialectError> {
    let descriptor = POOL.as_ref().and_then(|pool| pool.get_message_by_name(M::NAME)).ok_or(DialectError(M::NAME))?;
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic.transcode_from(message).map_err(|_| DialectError(M::NAME))?;
    Ok(message_to_json(&dynamic))
}

fn message_to_json(message: &DynamicMessage) -> Json {
    let descriptor = message.descriptor();
    if is_well_known(&descriptor) {
        let options = SerializeOptions::new().stringify_64_bit_integers(false).skip_default_fields(false);
        return message.serialize_with_options(serde_json::value::Serializer, &options).unwrap_or(Json::Null);
    }
    let mut object = Map::new();
    for field in descriptor.fields() {
        let is_absent = field.supports_presence() && !message.has_field(&field);
        if is_absent {
            continue;
        }
        if let Some(json) = field_to_json(&field, &message.get_field(&field)) {
            object.insert(field.name().to_owned(), json);
        }
    }
    Json::Object(object)
}

fn is_well_known(descriptor: &MessageDescriptor) -> bool {
    descriptor.full_name().starts_with("google.protobuf.")
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

/// The word of the files: the value's name without its type's prefix, in lower case. A number without a name stays a number.
fn enum_word(descriptor: &EnumDescriptor, number: i32) -> Option<String> {
    if number == 0 {
        return None;
    }
    let Some(value) = descriptor.get_value(number) else { return Some(number.to_string()) };
    let prefix = screaming_snake(descriptor.name());
    Some(value.name().trim_start_matches(&format!("{prefix}_")).to_ascii_lowercase())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pb;
    use serde_json::json;

    #[test]
    fn a_run_speaks_the_dialect() {
        let mut run = pb::RetainedRun {
            run_id: "r1".to_owned(),
            result_status: pb::ResultStatus::InfrastructureError.into(),
            completed_at: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            ..Default::default()
        };
        run.evidence_counts.insert("warning".to_owned(), 2);
        run.evidence_counts.insert("pass".to_owned(), 1);
        let reply = pb::GetRetainedRunResponse { run: Some(run), summary: None };
        let json = to_json(&reply).expect("JSON");
        assert_eq!(json["run"]["result_status"], "infrastructure_error");
        assert_eq!(json["run"]["completed_at"], "1970-01-01T00:00:01Z");
        assert_eq!(json["run"]["evidence_counts"].to_string(), r#"{"pass":1,"warning":2}"#);
        assert_eq!(json["run"]["labels"], json!({}));
        assert_eq!(json["run"]["compatibility"], json!([]));
        assert_eq!(json["run"]["directory"], "");
        assert!(json["run"].get("started_at").is_none() && json.get("summary").is_none());
    }

    #[test]
    fn an_unspecified_enum_and_an_unset_optional_are_left_out_and_large_numbers_stay_numbers() {
        let list = pb::StreamArtifactManifestResponse {
            total_bytes: 1 << 60,
            artifact_manifest: vec![
                pb::Artifact { size_bytes: Some(0), ..Default::default() },
                pb::Artifact::default(),
            ],
            ..Default::default()
        };
        let json = to_json(&list).expect("JSON");
        assert_eq!(json["total_bytes"], json!(1_u64 << 60));
        assert_eq!(json["artifact_manifest"][0]["size_bytes"], json!(0));
        assert!(json["artifact_manifest"][1].get("size_bytes").is_none());
        assert!(json["artifact_manifest"][0].get("state").is_none());
    }

    #[test]
    fn every_enum_of_the_package_has_words_without_its_prefix() {
        let pool = POOL.as_ref().expect("the descriptor set");
        for descriptor in pool.all_enums().filter(|descriptor| descriptor.package_name() == "guideboard.v1") {
            for value in descriptor.values().filter(|value| value.number() != 0) {
                let word = enum_word(&descriptor, value.number()).expect("a word");
                assert!(
                    value.name().to_ascii_lowercase().ends_with(&word) && word.len() < value.name().len(),
                    "{word}"
                );
            }
        }
    }

    #[test]
    fn every_named_message_is_in_the_descriptor_set() {
        assert!(to_json(&pb::Job::default()).is_ok());
        assert!(to_json(&pb::JobEvent::default()).is_ok());
        assert!(to_json(&pb::StartRunResponse::default()).is_ok());
        assert!(to_json(&pb::GetRunResponse::default()).is_ok());
        assert!(to_json(&pb::ListRunsResponse::default()).is_ok());
        assert!(to_json(&pb::CancelRunResponse::default()).is_ok());
        assert!(to_json(&pb::GetRunReportsResponse::default()).is_ok());
        assert!(to_json(&pb::GetServerInfoResponse::default()).is_ok());
        assert!(to_json(&pb::ListEvidenceResponse::default()).is_ok());
        assert!(to_json(&pb::ListFindingsResponse::default()).is_ok());
        assert!(to_json(&pb::ListProblemsResponse::default()).is_ok());
        assert!(to_json(&pb::ListRetainedRunsResponse::default()).is_ok());
        assert!(to_json(&pb::GetLatestRetainedRunResponse::default()).is_ok());
        assert!(to_json(&pb::GetRetainedRunReportsResponse::default()).is_ok());
    }
}
