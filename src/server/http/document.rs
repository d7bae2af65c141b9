//! One JSON document of many messages, their protobuf merge, written while they come.

use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use serde_json::{Map, Value as Json};

use crate::wire::{fields_to_json, message_to_json};

/// A document in the making. The first list of messages in it is written as it comes, what stands before it with its first item, what stands
/// behind it at the end; so the messages give the fields before that list no later than its first item.
#[derive(Debug)]
pub(super) struct Document {
    descriptor: MessageDescriptor,
    list: Option<FieldDescriptor>,
    /// The merge of all fields but the list.
    rest: DynamicMessage,
    items: u64,
}

impl Document {
    pub(super) fn new(descriptor: MessageDescriptor) -> Self {
        let list = descriptor.fields().find(|field| field.is_list() && matches!(field.kind(), Kind::Message(_)));
        Self { rest: DynamicMessage::new(descriptor.clone()), descriptor, list, items: 0 }
    }

    /// Forgets the fields other than the list: those of the next message count alone.
    pub(super) fn forget_rest(&mut self) {
        self.rest = DynamicMessage::new(self.descriptor.clone());
    }

    /// What a message adds to the text.
    pub(super) fn add(&mut self, mut message: DynamicMessage) -> String {
        let items = self.list.as_ref().and_then(|list| message.take_field(list));
        // A message of this type merges with another.
        let _ = self.rest.merge(message.encode_to_vec().as_slice());
        let mut text = String::new();
        for item in items.iter().flat_map(|items| items.as_list().unwrap_or_default()).filter_map(Value::as_message) {
            text.push_str(&if self.items == 0 { self.head() } else { ",".to_owned() });
            text.push_str(&message_to_json(item).to_string());
            self.items += 1;
        }
        text
    }

    /// What is left to write once the last message was added.
    pub(super) fn end(&self) -> String {
        let mut text = if self.items == 0 { self.head() } else { String::new() };
        if self.list.is_some() {
            text.push(']');
        }
        let tail = self.fields(|behind| behind);
        if !tail.is_empty() && self.list.is_some() {
            text.push(',');
        }
        text.push_str(&tail);
        text.push_str("}\n");
        text
    }

    /// Up to the first item.
    fn head(&self) -> String {
        let Some(list) = &self.list else { return "{".to_owned() };
        let before = self.fields(|behind| !behind);
        let comma = if before.is_empty() { "" } else { "," };
        format!("{{{before}{comma}{}:[", Json::from(list.name()))
    }

    /// The fields before or behind the list, without braces; all are behind a list that is not there.
    fn fields(&self, wanted: impl Fn(bool) -> bool) -> String {
        let mut behind = self.list.is_none();
        let fields = self.descriptor.fields().filter(|field| {
            let is_list = self.list.as_ref() == Some(field);
            behind |= is_list;
            !is_list && wanted(behind)
        });
        inner(fields_to_json(&self.rest, fields))
    }
}

fn inner(object: Map<String, Json>) -> String {
    let text = Json::Object(object).to_string();
    text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{pb, pool, to_json};

    fn descriptor(name: &str) -> MessageDescriptor {
        pool().expect("a pool").get_message_by_name(&format!("guideboard.v1.{name}")).expect("a message")
    }

    fn document<M: prost::Message>(name: &str, messages: &[M]) -> Json {
        let mut document = Document::new(descriptor(name));
        let mut text = String::new();
        for message in messages {
            let message =
                DynamicMessage::decode(descriptor(name), message.encode_to_vec().as_slice()).expect("a message");
            text.push_str(&document.add(message));
        }
        text.push_str(&document.end());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn entries(paths: &[&str]) -> Vec<pb::Artifact> {
        paths.iter().map(|path| pb::Artifact { path: (*path).to_owned(), ..Default::default() }).collect()
    }

    #[test]
    fn a_document_is_the_merge_of_its_messages_in_the_order_of_its_fields() {
        let header = pb::StreamArtifactManifestResponse {
            run: Some(pb::RetainedRun { run_id: "r".to_owned(), ..Default::default() }),
            compatibility: vec!["m".to_owned()],
            entry_count: 3,
            ..Default::default()
        };
        let batch = |paths: &[&str]| pb::StreamArtifactManifestResponse {
            artifact_manifest: entries(paths),
            ..Default::default()
        };
        let last = pb::StreamArtifactManifestResponse { unlisted_truncated: true, ..batch(&["c"]) };
        let whole = pb::StreamArtifactManifestResponse {
            artifact_manifest: entries(&["a", "b", "c"]),
            unlisted_truncated: true,
            ..header.clone()
        };
        let written =
            document("StreamArtifactManifestResponse", &[header.clone(), batch(&["a", "b"]), batch(&[]), last]);
        assert_eq!(written.to_string(), to_json(&whole).expect("JSON").to_string());
        let bare = document("StreamArtifactManifestResponse", std::slice::from_ref(&header));
        assert_eq!(bare.to_string(), to_json(&header).expect("JSON").to_string());
    }

    #[test]
    fn without_a_message_or_without_a_list_it_is_a_document_too() {
        let nothing: [pb::WatchRunResponse; 0] = [];
        assert_eq!(document("WatchRunResponse", &nothing).to_string(), r#"{"events":[]}"#);
        let info = pb::ReadArtifactResponse { size_bytes: 7, ..Default::default() };
        assert_eq!(document("ReadArtifactResponse", &[info])["size_bytes"], 7);
    }
}
