//! An output as its bytes: with ranges, an entity tag that is its generation, and headers under which no browser runs it.

mod conditions;
mod disposition;
mod range;

use axum::body::Body;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use tonic::{Status, Streaming};

use super::in_process::{Caller, InProcess};
use super::pipe::{Sink, pipe};
use super::refusal::Refusal;
use super::reply::NO_EMBEDDING;
use crate::services::{self, reason_of};
use crate::wire::QueryFields;
use crate::wire::pb;
use crate::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use conditions::Verdict;
use range::Range;

/// How often a range is looked for again in a file that changes under the reader.
const ATTEMPTS: usize = 3;

/// Refuses fields that say which part of an output is asked for.
pub(super) fn without_part(fields: QueryFields) -> Result<QueryFields, Refusal> {
    match ["offset", "limit"].into_iter().find(|name| fields.has(name)) {
        Some(name) => Err(Refusal::field(name, "a part of a file is asked for with the header `Range`")),
        None => Ok(fields),
    }
}

/// Answers with the bytes of an output.
pub(super) async fn answer(
    grpc: &InProcess,
    caller: &Caller,
    parts: &Parts,
    fields: QueryFields,
) -> Result<Response<Body>, Refusal> {
    let request: pb::ReadArtifactRequest =
        fields.into_message().transcode_to().map_err(|_| Refusal::of(&services::failed()))?;
    let reading = Reading { grpc, caller, request };
    let is_head = parts.method == Method::HEAD;
    if !is_head && conditions::are_none(&parts.headers) {
        let (head, stream) = reading.open(0, 0, "").await?;
        return Ok(whole(&reading.request.path, &head, Some(stream)));
    }
    let mut changed = Refusal::of(&services::failed());
    for _ in 0..ATTEMPTS {
        // The first message alone tells what the conditions are about.
        let (head, mut look) = reading.open(0, 1, "").await?;
        // To its end, so that it has given its place back before the next one is asked for, and ended well.
        while let Ok(Some(_)) = look.message().await {}
        let range = match conditions::verdict(&parts.headers, &head) {
            Verdict::Failed => return Err(Refusal::precondition()),
            Verdict::NotModified => return Ok(not_modified(&head)),
            // A range means something for GET alone.
            Verdict::Whole | Verdict::Ranged if is_head => return Ok(whole(&reading.request.path, &head, None)),
            Verdict::Whole => Range::Whole,
            Verdict::Ranged => range::of(&parts.headers, head.size_bytes),
        };
        let (offset, limit) = match range {
            Range::Whole => (0, 0),
            Range::Unsatisfiable => return Err(Refusal::range(head.size_bytes).with(ETAG, tag(&head))),
            Range::Part { first, last } => (first, last - first + 1),
        };
        match reading.open(offset, limit, &head.generation).await {
            Ok((head, stream)) => {
                return Ok(match range {
                    Range::Part { first, last } => part(&reading.request.path, &head, stream, first, last),
                    _ => whole(&reading.request.path, &head, Some(stream)),
                });
            }
            Err(refusal) if refusal.is_changed() && reading.request.expected_generation.is_empty() => changed = refusal,
            Err(refusal) => return Err(refusal),
        }
    }
    Err(changed)
}

/// One output, to be opened.
struct Reading<'a> {
    grpc: &'a InProcess,
    caller: &'a Caller,
    request: pb::ReadArtifactRequest,
}

impl Reading<'_> {
    /// Opens it: its first message, and the bytes that follow.
    async fn open(
        &self,
        offset: u64,
        limit: u64,
        generation: &str,
    ) -> Result<(pb::ReadArtifactResponse, Streaming<pb::ReadArtifactResponse>), Refusal> {
        let mut request = self.request.clone();
        request.offset = i64::try_from(offset).unwrap_or(i64::MAX);
        request.limit = i64::try_from(limit).unwrap_or(i64::MAX);
        if !generation.is_empty() {
            generation.clone_into(&mut request.expected_generation);
        }
        let mut client = RetainedRunServiceClient::new(self.grpc.routes());
        let refused = |status: Status| Refusal::of(&status);
        let mut stream = client.read_artifact(self.caller.request(request)).await.map_err(refused)?.into_inner();
        let head = stream.message().await.map_err(refused)?;
        Ok((head.ok_or_else(|| Refusal::of(&services::failed()))?, stream))
    }
}

/// The headers that every answer about an output has.
fn base(head: &pb::ReadArtifactResponse) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, ETAG, &tag(head));
    if let Some(modified) = conditions::modified(head) {
        put(&mut headers, LAST_MODIFIED, &modified);
    }
    // Kept by nobody but the client, and by that only to be asked about again.
    put(&mut headers, CACHE_CONTROL, "private, no-cache");
    put(&mut headers, ACCEPT_RANGES, "bytes");
    put(&mut headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(&mut headers, CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    put(&mut headers, NO_EMBEDDING.0, NO_EMBEDDING.1);
    headers
}

/// The headers of what is sent of it.
fn about(path: &str, head: &pb::ReadArtifactResponse, length: u64) -> HeaderMap {
    let mut headers = base(head);
    put(&mut headers, CONTENT_TYPE, &disposition::content_type(&head.media_type));
    put(&mut headers, CONTENT_DISPOSITION, &disposition::of(path, &head.media_type));
    put(&mut headers, CONTENT_LENGTH, &length.to_string());
    headers
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // What is put here has no control characters.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// The strong entity tag.
fn tag(head: &pb::ReadArtifactResponse) -> String {
    format!("\"{}\"", head.generation)
}

type Bytes = Streaming<pb::ReadArtifactResponse>;

fn whole(path: &str, head: &pb::ReadArtifactResponse, stream: Option<Bytes>) -> Response<Body> {
    response(StatusCode::OK, about(path, head, head.size_bytes), stream)
}

fn part(path: &str, head: &pb::ReadArtifactResponse, stream: Bytes, first: u64, last: u64) -> Response<Body> {
    let mut headers = about(path, head, last - first + 1);
    put(&mut headers, CONTENT_RANGE, &format!("bytes {first}-{last}/{}", head.size_bytes));
    response(StatusCode::PARTIAL_CONTENT, headers, Some(stream))
}

fn not_modified(head: &pb::ReadArtifactResponse) -> Response<Body> {
    response(StatusCode::NOT_MODIFIED, base(head), None)
}

fn response(code: StatusCode, headers: HeaderMap, stream: Option<Bytes>) -> Response<Body> {
    let body = match stream {
        None => Body::empty(),
        Some(stream) => {
            let (sink, body) = pipe();
            tokio::spawn(send(sink, stream));
            body
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = code;
    *response.headers_mut() = headers;
    response
}

/// Sends the bytes. A read that fails in the middle cuts the connection.
async fn send(sink: Sink, mut stream: Bytes) {
    loop {
        let piece = tokio::select! {
            piece = stream.message() => piece,
            () = sink.closed() => return,
        };
        match piece {
            Ok(Some(piece)) if sink.send(piece.data.clone()).await.is_ok() => {}
            Ok(None) => return sink.finish().await,
            Ok(Some(_)) => return,
            Err(status) => {
                let reason = reason_of(&status).unwrap_or_default();
                tracing::warn!(code = ?status.code(), reason, "an output was cut off while it was sent");
                return;
            }
        }
    }
}
