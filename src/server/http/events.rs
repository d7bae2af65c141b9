//! Server-sent events, as `EventSource` reads them.

use std::fmt::Write as _;

use prost_reflect::{DynamicMessage, Value};
use serde_json::Value as Json;

use crate::wire::message_to_json;

/// The events of one message of a watch: each with its number as `id`, its kind as `event`, and itself as `data`.
pub(super) fn of(message: &DynamicMessage) -> String {
    let events = message.get_field_by_name("events");
    let events = events.as_deref().and_then(Value::as_list).unwrap_or_default();
    let mut text = String::new();
    for event in events.iter().filter_map(Value::as_message) {
        let json = message_to_json(event);
        let kind = json.get("kind").and_then(Json::as_str).unwrap_or("message");
        // JSON holds no line feed, so the data is one line.
        let _ = write!(text, "id: {}\nevent: {kind}\ndata: {json}\n\n", json.get("number").unwrap_or(&Json::Null));
    }
    text
}
