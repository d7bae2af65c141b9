//! A stream of what happens to a job: what is held, then what comes, and a heartbeat when nothing does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::admission::Permit;
use super::caller::{AccessError, Caller};
use super::convert;
use super::streams::{QUEUE, Replies};
use crate::jobs::{Happening, JobEvent, JobEvents, JobFeed};
use crate::wire::pb;

/// Streams the events of a job after a number, until its last one was sent, the reader is gone, or the caller's credentials
/// are withdrawn. A slow reader costs no memory: events are
/// taken when there is room for them, and what is no longer held by then is told as dropped.
pub(super) fn events(
    feed: Arc<JobFeed>,
    after: u64,
    heartbeat: Duration,
    caller: Caller,
    permit: Permit,
) -> Replies<pb::WatchRunResponse> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        let _permit = permit;
        follow(&feed, after, heartbeat, &caller, &sender).await;
    });
    ReceiverStream::new(receiver)
}

async fn follow(
    feed: &JobFeed,
    mut after: u64,
    heartbeat: Duration,
    caller: &Caller,
    sender: &Sender<Result<pb::WatchRunResponse, Status>>,
) {
    let mut latest = feed.subscribe();
    loop {
        let Ok(room) = sender.reserve().await else { return };
        if caller.is_revoked() {
            return room.send(Err(AccessError::CredentialsRevoked.into()));
        }
        // Before looking: what comes after the look wakes this up again.
        latest.mark_unchanged();
        let batch = feed.after(after);
        let is_over = batch.is_over;
        after = batch.last;
        let events = messages(batch);
        if !events.is_empty() {
            room.send(Ok(pb::WatchRunResponse { events }));
        }
        if is_over {
            return;
        }
        if feed.last() > after {
            continue;
        }
        let is_silent = tokio::select! {
            () = sender.closed() => return,
            () = caller.revoked() => continue,
            changed = latest.changed() => {
                if changed.is_err() {
                    return;
                }
                false
            }
            () = tokio::time::sleep(heartbeat) => true,
        };
        if is_silent {
            let Ok(room) = sender.reserve().await else { return };
            let event = pb::JobEvent {
                number: after,
                time: Some(convert::timestamp(jiff::Timestamp::now())),
                kind: pb::JobEventKind::Heartbeat.into(),
                ..Default::default()
            };
            room.send(Ok(pb::WatchRunResponse { events: vec![event] }));
        }
    }
}

fn messages(batch: JobEvents) -> Vec<pb::JobEvent> {
    let first = batch.events.first().map_or(batch.last + 1, |event| event.number);
    let dropped = (batch.dropped > 0).then(|| pb::JobEvent {
        number: first.saturating_sub(1),
        time: Some(convert::timestamp(jiff::Timestamp::now())),
        kind: pb::JobEventKind::Dropped.into(),
        dropped: batch.dropped,
        ..Default::default()
    });
    dropped.into_iter().chain(batch.events.iter().map(|event| message(event))).collect()
}

fn message(event: &JobEvent) -> pb::JobEvent {
    let mut message =
        pb::JobEvent { number: event.number, time: Some(convert::timestamp(event.time)), ..Default::default() };
    match &event.happening {
        Happening::Change(view) => {
            message.kind = pb::JobEventKind::Status.into();
            message.run = Some(convert::job(view.as_ref().clone()));
        }
        Happening::Progress(progress) => {
            message.kind = pb::JobEventKind::Progress.into();
            message.progress = Some(convert::job_progress(progress.clone()));
        }
        Happening::Log(line) => {
            message.kind = pb::JobEventKind::Log.into();
            message.log_line.clone_from(&line.text);
            message.log_line_truncated = line.is_truncated;
        }
    }
    message
}
