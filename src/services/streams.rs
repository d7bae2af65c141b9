//! Streams of replies: work on a blocking thread feeds a short queue, and stops when the reader goes away.

use std::ops::ControlFlow;

use prost::Message;
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::admission::Permit;
use super::convert;
use super::status;
use crate::repository::{ArtifactReader, Manifest};
use crate::wire::pb;

/// How many messages wait for the reader at the most.
pub(super) const QUEUE: usize = 2;
/// Entries a manifest message holds at the most.
const MAX_BATCH_ENTRIES: usize = 500;
/// Bytes after which a manifest message is sent.
const MAX_BATCH_BYTES: usize = 256 << 10;

/// A stream of replies.
pub(super) type Replies<T> = ReceiverStream<Result<T, Status>>;

/// Streams a manifest that passed its first pass. Memory is bounded by one batch and the queue.
pub(super) fn manifest(
    manifest: Manifest,
    root: String,
    include_unlisted: bool,
    permit: Permit,
) -> Replies<pb::StreamArtifactManifestResponse> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let run = match &manifest.run {
            Some(run) => {
                let mut message = convert::retained_run(&root, run);
                message.compatibility = convert::compatibility(&manifest.markers);
                message
            }
            None => convert::bare_run(&root, manifest.directory().as_str(), &manifest.markers),
        };
        let header = pb::StreamArtifactManifestResponse {
            compatibility: run.compatibility.clone(),
            run: Some(run),
            entry_count: manifest.entry_count,
            total_bytes: manifest.total_bytes,
            ..Default::default()
        };
        if sender.blocking_send(Ok(header)).is_err() {
            return;
        }
        let mut batch = Batch { sender: &sender, entries: Vec::new(), bytes: 0 };
        let outcome = manifest.visit(include_unlisted, &mut |row| batch.add(convert::artifact(row)));
        let last = match outcome {
            Ok(truncated) => {
                if batch.entries.is_empty() && !truncated {
                    return;
                }
                Ok(pb::StreamArtifactManifestResponse {
                    artifact_manifest: batch.entries,
                    unlisted_truncated: truncated,
                    ..Default::default()
                })
            }
            Err(error) => Err(error.into()),
        };
        let _ = sender.blocking_send(last);
    });
    ReceiverStream::new(receiver)
}

struct Batch<'a> {
    sender: &'a Sender<Result<pb::StreamArtifactManifestResponse, Status>>,
    entries: Vec<pb::Artifact>,
    bytes: usize,
}

impl Batch<'_> {
    fn add(&mut self, entry: pb::Artifact) -> ControlFlow<()> {
        let size = entry.encoded_len();
        if self.entries.len() >= MAX_BATCH_ENTRIES || !self.entries.is_empty() && self.bytes + size > MAX_BATCH_BYTES {
            let full = pb::StreamArtifactManifestResponse {
                artifact_manifest: std::mem::take(&mut self.entries),
                ..Default::default()
            };
            self.bytes = 0;
            if self.sender.blocking_send(Ok(full)).is_err() {
                return ControlFlow::Break(());
            }
        }
        self.bytes += size;
        self.entries.push(entry);
        ControlFlow::Continue(())
    }
}

/// Streams an opened output. A slow reader holds no thread: each piece is read when there is room for it.
pub(super) fn artifact(reader: ArtifactReader, permit: Permit) -> Replies<pb::ReadArtifactResponse> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let _permit = permit;
        let (seconds, nanos) = reader.modified();
        let header = pb::ReadArtifactResponse {
            size_bytes: reader.size(),
            media_type: reader.media_type().to_owned(),
            modified_at: Some(prost_types::Timestamp { seconds, nanos: i32::try_from(nanos).unwrap_or(0) }),
            generation: reader.generation(),
            sha256: reader.sha256.clone().unwrap_or_default(),
            offset: i64::try_from(reader.position()).unwrap_or(i64::MAX),
            data: Default::default(),
        };
        if sender.send(Ok(header)).await.is_err() {
            return;
        }
        send_pieces(reader, &sender).await;
    });
    ReceiverStream::new(receiver)
}

async fn send_pieces(mut reader: ArtifactReader, sender: &Sender<Result<pb::ReadArtifactResponse, Status>>) {
    loop {
        let Ok(permit) = sender.reserve().await else { return };
        let read = tokio::task::spawn_blocking(move || {
            let piece = reader.next_piece();
            (reader, piece)
        });
        match read.await {
            Ok((next, Ok(Some(piece)))) => {
                reader = next;
                permit.send(Ok(pb::ReadArtifactResponse {
                    offset: i64::try_from(piece.offset).unwrap_or(i64::MAX),
                    data: piece.data.into(),
                    ..Default::default()
                }));
            }
            Ok((_, Ok(None))) => return,
            Ok((_, Err(error))) => return permit.send(Err(error.into())),
            Err(panic) => return permit.send(Err(status::internal(&panic))),
        }
    }
}
