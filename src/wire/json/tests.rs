//! What the dialect says and reads.

use proptest::prelude::*;
use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde_json::{Value as Json, json};

use super::*;
use crate::wire::{pb, pool};

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
        artifact_manifest: vec![pb::Artifact { size_bytes: Some(0), ..Default::default() }, pb::Artifact::default()],
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
    let pool = pool().expect("the descriptor set");
    for descriptor in pool.all_enums().filter(|descriptor| descriptor.package_name() == "guideboard.v1") {
        for value in descriptor.values().filter(|value| value.number() != 0) {
            let word = enum_word(&descriptor, value.number()).expect("a word");
            assert!(value.name().to_ascii_lowercase().ends_with(&word) && word.len() < value.name().len(), "{word}");
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

fn descriptor(name: &str) -> MessageDescriptor {
    pool().expect("a pool").get_message_by_name(&format!("guideboard.v1.{name}")).expect("a message")
}

fn read(name: &str, json: &Json) -> Result<DynamicMessage, FieldFault> {
    from_json(&descriptor(name), json)
}

#[track_caller]
fn faulty(name: &str, json: &Json, field: &str, said: &str) {
    let fault = read(name, json).expect_err("a fault");
    assert_eq!(fault.field, field, "{fault}");
    assert!(fault.message.contains(said), "{fault}");
}

#[test]
fn the_dialect_and_the_canonical_spelling_are_the_same_request() {
    let dialect = json!({"target": "t", "statuses": ["completed"], "completed_after": "1970-01-01T00:00:01Z", "page_size": 3, "labels": {"a": "b"}});
    let canonical = json!({"target": "t", "statuses": ["completed"], "completedAfter": "1970-01-01T00:00:01Z", "pageSize": "3", "labels": {"a": "b"}, "pageToken": null});
    let read = read("ListRetainedRunsRequest", &dialect).expect("read");
    assert_eq!(Ok(&read), from_json(&descriptor("ListRetainedRunsRequest"), &canonical).as_ref());
    let typed: pb::ListRetainedRunsRequest = read.transcode_to().expect("typed");
    assert_eq!((typed.page_size, typed.completed_after.map(|time| time.seconds)), (3, Some(1)));
}

#[test]
fn an_enum_is_read_by_word_name_and_number() {
    let kinds = [json!("target"), json!("PROFILE_KIND_TARGET"), json!(1), json!("1")];
    let read = kinds.map(|kind| read("ValidateProfileRequest", &json!({"kind": kind})).expect("read"));
    assert!(read.iter().all(|one| *one == read[0] && one.has_field_by_name("kind")));
    faulty("ValidateProfileRequest", &json!({"kind": "targets"}), "kind", "target, assessment");
    faulty("ValidateProfileRequest", &json!({"kind": 1.5}), "kind", "an integer");
}

#[test]
fn an_integer_beyond_what_a_number_carries_is_read_from_a_text_alone() {
    let offset = |json: Json| read("ReadArtifactRequest", &json!({"offset": json}));
    let bound = 1_i64 << 53;
    for (json, expected) in [
        (json!(bound), bound),
        (json!(-bound), -bound),
        (json!(1e3), 1000),
        (json!((bound + 1).to_string()), bound + 1),
    ] {
        let value = offset(json).expect("read").get_field_by_name("offset").expect("there").as_i64();
        assert_eq!(value, Some(expected));
    }
    for json in [json!(bound + 1), json!(-bound - 1), json!(1e300), json!(u64::MAX)] {
        let fault = offset(json).expect_err("a fault");
        assert!(fault.field == "offset" && fault.message.contains("2^53"), "{fault}");
    }
    for json in [json!(1.5), json!("x"), json!(""), json!(true), json!("9223372036854775808")] {
        assert_eq!(offset(json).expect_err("a fault").field, "offset");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    faulty("StartRunRequest", &json!([]), "body", "found a list, wanted an object");
    faulty("StartRunRequest", &json!({"targets": "x"}), "targets", "no such field; there are: target, assessment");
    faulty("StartRunRequest", &json!({"target": 7}), "target", "found a number, wanted a text");
    faulty("StartRunRequest", &json!({"labels": {"a": 7}}), "labels.a", "wanted a text");
    faulty("StartRunRequest", &json!({"labels": []}), "labels", "wanted an object");
    faulty("ListExtensionsRequest", &json!({"extension_dirs": ["a", 7]}), "extension_dirs[1]", "wanted a text");
    faulty("ListExtensionsRequest", &json!({"page_size": 1_i64 << 40}), "page_size", "out of range");
    faulty("ListExtensionsRequest", &json!({"page_size": 1, "pageSize": 1}), "pageSize", "given twice");
    faulty("ListRetainedRunsRequest", &json!({"completed_after": "yesterday"}), "completed_after", "RFC 3339");
    faulty("GetRetainedRunReportsRequest", &json!({"report_unsafe": "yes"}), "report_unsafe", "true or false");
}

fn query(name: &str, pairs: &[(&str, &str)]) -> Result<DynamicMessage, FieldFault> {
    let mut fields = QueryFields::new(descriptor(name));
    pairs.iter().try_for_each(|(name, value)| fields.put(name, value))?;
    Ok(fields.into_message())
}

#[test]
fn a_query_gives_lists_by_repetition_maps_by_key_and_an_empty_value_nothing() {
    let asked = query(
        "ListRetainedRunsRequest",
        &[
            ("target", "t"),
            ("assessment", ""),
            ("statuses", "completed"),
            ("statuses", "failed"),
            ("labels.a.b", "1"),
            ("labels[c.d]", "2"),
            ("completed_after", "1970-01-01T00:00:01Z"),
            ("pageSize", "7"),
            ("page_token", ""),
        ],
    );
    let typed: pb::ListRetainedRunsRequest = asked.expect("read").transcode_to().expect("typed");
    let expected = pb::ListRetainedRunsRequest {
        target: "t".to_owned(),
        statuses: vec!["completed".to_owned(), "failed".to_owned()],
        labels: [("a.b", "1"), ("c.d", "2")].map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        completed_after: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
        page_size: 7,
        ..Default::default()
    };
    assert_eq!(typed, expected);
    let flags = query("GetRetainedRunReportsRequest", &[("include_contents", "true"), ("report_unsafe", "0")]);
    assert_eq!(flags, read("GetRetainedRunReportsRequest", &json!({"include_contents": true})));
}

#[test]
fn a_query_parameter_that_does_not_fit_is_named() {
    let fault = |pairs: &[(&str, &str)]| {
        let fault = query("ListRetainedRunsRequest", pairs).expect_err("a fault");
        (fault.field, fault.message)
    };
    for (pairs, field, said) in [
        (&[("limit", "1")][..], "limit", "no such field"),
        (&[("limit", "")], "limit", "no such field"),
        (&[("target", "a"), ("target", "b")], "target", "more than once"),
        (&[("labels.a", "1"), ("labels[a]", "2")], "labels[a]", "more than once"),
        (&[("labels", "a")], "labels", "labels.KEY=VALUE"),
        (&[("target.x", "a")], "target.x", "no fields"),
        (&[("statuses.x", "a")], "statuses.x", "no fields"),
        (&[("completed_after.seconds", "1")], "completed_after.seconds", "no fields"),
        (&[("page_size", "many")], "page_size", "integer"),
        (&[("completed_after", "1")], "completed_after", "RFC 3339"),
    ] {
        let (named, message) = fault(pairs);
        assert!(named == field && message.contains(said), "{named}: {message}");
    }
}

/// Any message of a type, as a random seed has it; integers within what a JSON number carries.
struct Any(u64);

impl Any {
    fn next(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) % bound
    }

    fn text(&mut self) -> String {
        (0..self.next(6)).map(|_| ['a', '/', '"', 'é', '\u{202e}', '\n', '7', '\u{0}'][self.next(8) as usize]).collect()
    }

    fn single(&mut self, kind: &Kind, depth: u32) -> Value {
        let safe = 1_i64 << 53;
        match kind {
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Timestamp" => {
                let mut time = DynamicMessage::new(inner.clone());
                let seconds = self.next(315_537_897_599) as i64 - 62_135_596_800;
                read::put(&mut time, &inner.get_field(1).expect("seconds"), Value::I64(seconds));
                read::put(&mut time, &inner.get_field(2).expect("nanos"), Value::I32(self.next(1_000_000_000) as i32));
                Value::Message(time)
            }
            Kind::Message(inner) => Value::Message(self.message(inner, depth + 1)),
            Kind::Enum(kind) => Value::EnumNumber(self.enumeration(kind)),
            Kind::Bool => Value::Bool(self.next(2) == 1),
            Kind::String => Value::String(self.text()),
            Kind::Bytes => Value::Bytes((0..self.next(6)).map(|_| self.next(256) as u8).collect::<Vec<_>>().into()),
            Kind::Int32 => Value::I32(self.next(1 << 32) as u32 as i32),
            Kind::Uint32 => Value::U32(self.next(1 << 32) as u32),
            Kind::Int64 => Value::I64(self.next(safe as u64 * 2) as i64 - safe),
            Kind::Uint64 => Value::U64(self.next(safe as u64 + 1)),
            other => panic!("give {other:?} values here"),
        }
    }

    fn enumeration(&mut self, kind: &EnumDescriptor) -> i32 {
        // Now and then one without a name, as a newer server may send.
        match self.next(8) {
            0 => 1000 + self.next(9) as i32,
            _ => kind.values().nth(self.next(kind.values().len() as u64) as usize).expect("a value").number(),
        }
    }

    fn field(&mut self, field: &FieldDescriptor, depth: u32) -> Value {
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { panic!("a map") };
            let kind = entry.map_entry_value_field().kind();
            return Value::Map(
                (0..self.next(3)).map(|_| (MapKey::String(self.text()), self.single(&kind, depth))).collect(),
            );
        }
        if field.is_list() {
            return Value::List((0..self.next(3)).map(|_| self.single(&field.kind(), depth)).collect());
        }
        self.single(&field.kind(), depth)
    }

    fn message(&mut self, descriptor: &MessageDescriptor, depth: u32) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields() {
            if depth < 4 && self.next(3) > 0 {
                let value = self.field(&field, depth);
                read::put(&mut message, &field, value);
            }
        }
        message
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again_as_it_was(seed in any::<u64>()) {
        let messages: Vec<_> = pool().expect("a pool").all_messages().collect();
        let messages = messages.iter().filter(|message| message.package_name() == "guideboard.v1" && !message.is_map_entry());
        for descriptor in messages {
            let message = Any(seed).message(descriptor, 0);
            let text = message_to_json(&message).to_string();
            let again = from_json(descriptor, &serde_json::from_str(&text).expect("JSON"));
            prop_assert_eq!(again.as_ref(), Ok(&message), "{}", text);
            // The canonical spelling is read as the same, whatever wrote it.
            let canonical = serde_json::to_value(&message).expect("JSON");
            prop_assert_eq!(from_json(descriptor, &canonical), Ok(message));
        }
    }
}
