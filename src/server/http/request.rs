//! From an HTTP request to the message of a call.

use axum::body::Body;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ORIGIN};
use prost_reflect::DynamicMessage;
use serde_json::Value as Json;
use tokio_stream::StreamExt as _;

use super::refusal::Refusal;
use crate::services::MAX_REQUEST_BYTES;
use crate::wire::{Binding, QueryFields, Rule, from_json};

/// What is no run id here, because it is a path of its own.
const LATEST: &str = "latest";

/// The request of a call whose fields stand in path and query.
pub(super) fn of_path_and_query(
    rule: &Rule,
    bindings: Vec<Binding>,
    pairs: &[(String, String)],
) -> Result<QueryFields, Refusal> {
    let mut fields = QueryFields::new(rule.call.input());
    for (name, text) in &bindings {
        refuse_latest(name, text)?;
        fields.put(name, text)?;
    }
    for (name, text) in pairs {
        if bindings.iter().any(|(bound, _)| bound == name) {
            return Err(Refusal::field(name, "the path gives it already"));
        }
        if name == "run_id" || name == "runId" {
            refuse_latest("run_id", text)?;
        }
        fields.put(name, text)?;
    }
    Ok(fields)
}

fn refuse_latest(name: &str, text: &str) -> Result<(), Refusal> {
    if name == "run_id" && text == LATEST {
        let message =
            "`latest` is no run id here; ask for /retained-runs/latest, or for a run of that id by its directory";
        return Err(Refusal::field(name, message));
    }
    Ok(())
}

/// Refuses a query where the fields stand in the body.
pub(super) fn without_query(pairs: &[(String, String)]) -> Result<(), Refusal> {
    let Some((name, _)) = pairs.first() else { return Ok(()) };
    Err(Refusal::field(name, "this call takes its fields from the body, none from the query"))
}

/// The request of a call whose fields stand in the body.
pub(super) async fn of_body(
    rule: Rule,
    bindings: Vec<Binding>,
    headers: HeaderMap,
    body: Body,
) -> Result<DynamicMessage, Refusal> {
    let body = read(&headers, body).await?;
    // No body at all says nothing, as `{}` does.
    let json = if body.is_empty() {
        Json::Object(serde_json::Map::new())
    } else if is_json(&headers) {
        serde_json::from_slice(&body).map_err(|error| Refusal::field("body", &format!("not JSON: {error}")))?
    } else {
        return Err(Refusal::not_json());
    };
    let mut message = from_json(&rule.call.input(), &json)?;
    let descriptor = rule.call.input();
    for (name, text) in bindings {
        if message.has_field_by_name(&name) {
            return Err(Refusal::field(&name, "the path gives it already"));
        }
        if let Some(field) = descriptor.get_field_by_name(&name) {
            message.set_field(&field, prost_reflect::Value::String(text));
        }
    }
    Ok(message)
}

/// Whether a body may be taken for JSON. What no page of a browser can send across origins unasked is JSON by its type; what `curl -d` sends
/// without a word about its type is taken for it only where no browser speaks.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_browser = headers.contains_key(ORIGIN) || headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"));
    match kind.as_str() {
        "application/json" => true,
        "application/x-www-form-urlencoded" => !is_browser,
        other => other.starts_with("application/") && other.ends_with("+json"),
    }
}

/// The whole body, which is at most as large as a request may be.
async fn read(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Refusal> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let limit = u64::try_from(MAX_REQUEST_BYTES).unwrap_or(u64::MAX);
    if announced.is_some_and(|length| length > limit) {
        return Err(Refusal::too_large(MAX_REQUEST_BYTES));
    }
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(Refusal::broken)?;
        if whole.len() + piece.len() > MAX_REQUEST_BYTES {
            return Err(Refusal::too_large(MAX_REQUEST_BYTES));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// Lets a watch go on after what the client received last, as a browser asks by itself. This counts more than the query, which stays that of
/// the first time.
pub(super) fn resume(message: &mut DynamicMessage, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(last) = headers.get("last-event-id").filter(|last| !last.is_empty()) else { return Ok(()) };
    let after = last.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    let after = after.ok_or_else(|| Refusal::field("after", "`Last-Event-ID` is not the number of an event"))?;
    // An error means that the call has no such field.
    let _ = message.try_set_field_by_name("after", prost_reflect::Value::U64(after));
    Ok(())
}
