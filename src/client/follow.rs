//! Following a job to its end over however many connections that takes: every event once, in order.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

use super::Client;
use super::retry::{ANSWER_TIMEOUT, Backoff, answer_of, is_passing};
use crate::wire::pb::{self, JobEventKind};

/// How patient a follower is.
#[derive(Debug, Clone, Copy)]
pub struct FollowSettings {
    /// How long another try is made while the connection is broken, or the server, once it has answered, refuses for want of time or room.
    pub retry_for: Duration,
    /// A silence of this length counts as a broken connection. A server sends something every 20 seconds, so it is longer than that.
    pub silence: Duration,
}

impl Default for FollowSettings {
    /// A minute each: three heartbeats.
    fn default() -> Self {
        Self { retry_for: Duration::from_secs(60), silence: Duration::from_secs(60) }
    }
}

/// What a follower learns.
#[derive(Debug, Clone)]
pub enum Followed {
    /// The next event. Heartbeats are left out; numbers only grow, and what is missing between them was told as DROPPED.
    Event(Box<pb::JobEvent>),
    /// The connection broke, for this reason, and is tried again. Told once for each break.
    Broken(Status),
    /// The server answers again.
    Resumed,
}

/// Why a job cannot be followed further.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The server knew the job and does not know it any more: it was restarted, or has forgotten it.
    #[error("the server no longer knows the job")]
    Forgotten(#[source] Status),
    /// The server refuses to have the job watched.
    #[error("the server refuses: {}", .0.message())]
    Refused(#[source] Status),
    /// Nothing but broken connections and refusals came for as long as the settings say.
    #[error("the server no longer answers: {}", .0.message())]
    GaveUp(#[source] Status),
}

/// Follows one job.
#[derive(Debug)]
pub struct Follow {
    client: Client,
    job_id: String,
    settings: FollowSettings,
    sequence: Sequence,
    state: State,
    waiting: VecDeque<Followed>,
    backoff: Backoff,
    heard: Instant,
    is_known: bool,
    has_answered: bool,
    is_broken: bool,
    ended: Option<pb::Job>,
}

/// A call under way. It is kept between two calls of `next`, however short those are.
type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Status>> + Send>>;

enum State {
    Opening(Pending<Streaming<pb::WatchRunResponse>>),
    Open(Box<Streaming<pb::WatchRunResponse>>),
    /// The stream ended without the job's end, which it does when `after` was the number of the last event.
    Asking(Pending<pb::Job>),
    Over,
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Opening(_) => "Opening",
            Self::Open(_) => "Open",
            Self::Asking(_) => "Asking",
            Self::Over => "Over",
        })
    }
}

impl Follow {
    /// Follows the events with a larger number than `after`; 0: all.
    #[must_use]
    pub fn new(client: Client, job_id: String, after: u64, settings: FollowSettings) -> Self {
        let now = Instant::now();
        Self {
            state: State::Opening(open(client.clone(), job_id.clone(), after, now)),
            client,
            job_id,
            settings,
            sequence: Sequence { after },
            waiting: VecDeque::new(),
            backoff: Backoff::new(settings.retry_for),
            heard: now,
            is_known: false,
            has_answered: false,
            is_broken: false,
            ended: None,
        }
    }

    /// The same where the server has answered another call about the job just now. Otherwise a server that is busy at first refuses, and is not
    /// waited for.
    #[must_use]
    pub const fn after_an_answer(mut self) -> Self {
        self.has_answered = true;
        self
    }

    /// The number of the last event given: what another follower would go on after.
    #[must_use]
    pub fn after(&self) -> u64 {
        let waiting = self.waiting.iter().find_map(|next| match next {
            // A dropped event stands for those up to its number.
            Followed::Event(event) => Some(event.number.saturating_sub(event.dropped.max(1))),
            Followed::Broken(_) | Followed::Resumed => None,
        });
        waiting.unwrap_or(self.sequence.after)
    }

    /// Whether the next thing to learn has come already.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The job as it ended, once [`next`](Self::next) gave `None`.
    #[must_use]
    pub const fn ended(&self) -> Option<&pb::Job> {
        self.ended.as_ref()
    }

    /// The next thing to learn; `None` once the job has ended. A call that is dropped before it ends loses nothing: the next one goes on.
    ///
    /// # Errors
    /// [`FollowError`]. It is final.
    pub async fn next(&mut self) -> Result<Option<Followed>, FollowError> {
        loop {
            if let Some(next) = self.waiting.pop_front() {
                return Ok(Some(next));
            }
            match &mut self.state {
                State::Over => return Ok(None),
                State::Opening(call) => {
                    let outcome = call.await;
                    self.opened(outcome)?;
                }
                State::Open(stream) => {
                    let silent = || Status::unavailable("nothing was heard of the server");
                    let message = tokio::time::timeout_at(self.heard + self.settings.silence, stream.message()).await;
                    match message.unwrap_or_else(|_| Err(silent())) {
                        Ok(Some(message)) => self.take(message.events),
                        Ok(None) if self.ended.is_some() => self.state = State::Over,
                        Ok(None) => self.state = State::Asking(ask(self.client.clone(), self.job_id.clone())),
                        Err(status) => self.broke(status)?,
                    }
                }
                State::Asking(call) => {
                    let outcome = call.await;
                    self.asked(outcome)?;
                }
            }
        }
    }

    fn opened(&mut self, outcome: Result<Streaming<pb::WatchRunResponse>, Status>) -> Result<(), FollowError> {
        match outcome {
            Ok(stream) => {
                self.is_known = true;
                self.has_answered = true;
                self.heard = Instant::now();
                self.backoff.answered();
                if std::mem::take(&mut self.is_broken) {
                    self.waiting.push_back(Followed::Resumed);
                }
                self.state = State::Open(Box::new(stream));
                Ok(())
            }
            Err(status) => self.broke(status),
        }
    }

    fn asked(&mut self, outcome: Result<pb::Job, Status>) -> Result<(), FollowError> {
        match outcome {
            Ok(job) if job.ended_at.is_some() => {
                self.ended = Some(job);
                self.state = State::Over;
                Ok(())
            }
            // Something between cut the stream and called it an end.
            Ok(_) => self.broke(Status::unavailable("the stream ended before the job")),
            Err(status) => self.broke(status),
        }
    }

    fn take(&mut self, events: Vec<pb::JobEvent>) {
        self.heard = Instant::now();
        self.backoff.went_on();
        for event in events {
            for event in self.sequence.admit(event) {
                if let Some(job) = event.run.as_ref().filter(|job| job.ended_at.is_some()) {
                    self.ended = Some(job.clone());
                }
                self.waiting.push_back(Followed::Event(Box::new(event)));
            }
        }
    }

    /// Plans another try, or gives up.
    fn broke(&mut self, status: Status) -> Result<(), FollowError> {
        if self.ended.is_some() {
            // Nothing comes after the end, so nothing is missing.
            self.state = State::Over;
            return Ok(());
        }
        // A server that says so itself is there. Whether it will have time is another matter, so that it is not waited for without end.
        let is_refusal = status.get_details_error_info().is_some() && !self.has_answered;
        if is_refusal || !is_passing(&status) {
            let is_forgotten = self.is_known && status.code() == Code::NotFound;
            return Err(if is_forgotten { FollowError::Forgotten(status) } else { FollowError::Refused(status) });
        }
        let Some(at) = self.backoff.broke(Instant::now()) else { return Err(FollowError::GaveUp(status)) };
        // A connection whose other side is gone without a word would take the next call as well.
        self.client = self.client.over_a_new_connection();
        self.state = State::Opening(open(self.client.clone(), self.job_id.clone(), self.sequence.after, at));
        if !std::mem::replace(&mut self.is_broken, true) {
            self.waiting.push_back(Followed::Broken(status));
        }
        Ok(())
    }
}

/// Opens a stream at this time.
fn open(client: Client, job_id: String, after: u64, at: Instant) -> Pending<Streaming<pb::WatchRunResponse>> {
    Box::pin(async move {
        tokio::time::sleep_until(at).await;
        let mut runs = client.runs();
        answer_of(ANSWER_TIMEOUT, runs.watch_run(pb::WatchRunRequest { job_id, after })).await
    })
}

fn ask(client: Client, job_id: String) -> Pending<pb::Job> {
    Box::pin(async move {
        let mut runs = client.runs();
        Ok(answer_of(ANSWER_TIMEOUT, runs.get_run(pb::GetRunRequest { job_id })).await?.run.unwrap_or_default())
    })
}

/// The numbers seen so far: lets each event pass once, and no gap unsaid.
#[derive(Debug)]
struct Sequence {
    after: u64,
}

impl Sequence {
    fn admit(&mut self, mut event: pb::JobEvent) -> Vec<pb::JobEvent> {
        if event.number <= self.after || event.kind() == JobEventKind::Heartbeat {
            return Vec::new();
        }
        let missing = event.number - self.after - 1;
        let mut admitted = Vec::new();
        if event.kind() == JobEventKind::Dropped {
            event.dropped = missing + 1;
        } else if missing > 0 {
            admitted.push(pb::JobEvent {
                number: event.number - 1,
                time: event.time,
                kind: JobEventKind::Dropped.into(),
                dropped: missing,
                ..Default::default()
            });
        }
        self.after = event.number;
        admitted.push(event);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(number: u64, kind: JobEventKind, dropped: u64) -> pb::JobEvent {
        pb::JobEvent { number, kind: kind.into(), dropped, ..Default::default() }
    }

    fn admitted(after: u64, events: &[(u64, JobEventKind, u64)]) -> Vec<(u64, JobEventKind, u64)> {
        let mut sequence = Sequence { after };
        let events = events.iter().flat_map(|(number, kind, dropped)| sequence.admit(event(*number, *kind, *dropped)));
        events.map(|event| (event.number, event.kind(), event.dropped)).collect()
    }

    use JobEventKind::{Dropped, Heartbeat, Log};

    #[test]
    fn what_comes_twice_is_given_once_and_heartbeats_never() {
        let events = [(1, Log, 0), (2, Log, 0), (2, Heartbeat, 0), (2, Log, 0), (1, Log, 0), (3, Log, 0)];
        assert_eq!(admitted(0, &events), [(1, Log, 0), (2, Log, 0), (3, Log, 0)]);
        assert_eq!(admitted(2, &events), [(3, Log, 0)]);
    }

    #[test]
    fn a_gap_is_told_and_a_drop_counts_from_what_was_seen() {
        assert_eq!(admitted(4, &[(7, Log, 0)]), [(6, Dropped, 2), (7, Log, 0)]);
        assert_eq!(admitted(4, &[(6, Dropped, 6), (7, Log, 0)]), [(6, Dropped, 2), (7, Log, 0)]);
        assert_eq!(admitted(4, &[(4, Dropped, 4), (5, Log, 0)]), [(5, Log, 0)]);
    }

    proptest! {
        #[test]
        fn whatever_comes_every_number_is_given_or_told_once(
            after in 0..5_u64,
            events in proptest::collection::vec((1..30_u64, 0..3_usize, 0..9_u64), 0..40),
        ) {
            let events: Vec<_> =
                events.into_iter().map(|(number, kind, dropped)| (number, [Log, Dropped, Heartbeat][kind], dropped)).collect();
            let mut next = after + 1;
            for (number, kind, dropped) in admitted(after, &events) {
                let count = if kind == Dropped { dropped } else { 1 };
                prop_assert_eq!(number, next + count - 1);
                next = number + 1;
            }
        }
    }
}
