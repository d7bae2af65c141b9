//! Which failures are those of a connection, and how long and how often a broken one is tried again.

use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use super::Client;
use super::fault::fault_of;

/// The pause before the first new try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long one try may take until the server answers what is asked of a job.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Whether a status is the transport's and not the service's: nobody answers, the connection broke, or something between refuses. What the
/// service itself says carries an `ErrorInfo`. A [fault](super::Fault) that another try meets again is none.
#[must_use]
pub fn is_broken_connection(status: &Status) -> bool {
    let may_pass = matches!(
        status.code(),
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded
    );
    may_pass && status.get_details_error_info().is_none() && fault_of(status).is_none()
}

/// Whether the server has no time for a call just now, or had none for the rest of it. What it says of the disk is none of that.
pub(super) fn is_busy(status: &Status) -> bool {
    const REASONS: [&str; 5] = ["LIMIT_REACHED", "STOPPING", "READER_STALLED", "DEADLINE_EXCEEDED", "ROOT_NOT_SCANNED"];
    status.get_details_error_info().is_some_and(|info| REASONS.contains(&info.reason.as_str()))
}

/// Whether the server ended a stream only because its reader took long: it is taken up again as a matter of course.
pub(super) fn is_of_the_reader(status: &Status) -> bool {
    const REASONS: [&str; 2] = ["READER_STALLED", "DEADLINE_EXCEEDED"];
    status.get_details_error_info().is_some_and(|info| REASONS.contains(&info.reason.as_str()))
}

/// A broken connection, or the service asks to come again, or ended a stream that took longer than it may, which is resumed.
pub(super) fn is_passing(status: &Status) -> bool {
    let asks = status.get_details_retry_info().is_some() || status.code() == Code::DeadlineExceeded;
    asks || is_broken_connection(status)
}

/// How long a broken connection is tried again, and when next.
#[derive(Debug)]
pub(super) struct Backoff {
    retry_for: Duration,
    /// Since when there is no answer.
    since: Option<Instant>,
    pause: Duration,
}

impl Backoff {
    /// Gives up when nothing answered for this long.
    pub(super) const fn new(retry_for: Duration) -> Self {
        Self { retry_for, since: None, pause: FIRST_PAUSE }
    }

    /// The connection broke: when to try again, or `None` when it was tried for long enough.
    pub(super) fn broke(&mut self, now: Instant) -> Option<Instant> {
        let since = *self.since.get_or_insert(now);
        let left = self.retry_for.checked_sub(now.saturating_duration_since(since)).filter(|left| !left.is_zero())?;
        let pause = self.pause.min(left);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Some(now + pause)
    }

    /// The server answered. The pauses stay as they are: a server that answers and breaks off at once is not asked without end in a loop.
    pub(super) const fn answered(&mut self) {
        self.since = None;
    }

    /// Something of use came.
    pub(super) const fn went_on(&mut self) {
        self.since = None;
        self.pause = FIRST_PAUSE;
    }
}

/// The answer to a call; none in time counts as a broken connection.
pub(super) async fn answer_of<T>(
    timeout: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    let answer = tokio::time::timeout(timeout, call).await;
    answer.unwrap_or_else(|_| Err(Status::unavailable("the server does not answer"))).map(Response::into_inner)
}

/// Makes a call, again and again as long as the connection breaks, for at most this long; each time over a new connection, after `told` was
/// told why. Only for calls that may be made twice.
///
/// # Errors
/// What the service says, or the last failure of the connection.
pub async fn until_answered<T>(
    client: &Client,
    retry_for: Duration,
    mut told: impl FnMut(&Status),
    call: impl AsyncFn(Client) -> Result<Response<T>, Status>,
) -> Result<T, Status> {
    let mut backoff = Backoff::new(retry_for);
    let mut client = client.clone();
    loop {
        let status = match answer_of(ANSWER_TIMEOUT, call(client.clone())).await {
            Ok(reply) => return Ok(reply),
            Err(status) => status,
        };
        let Some(next) =
            Some(&status).filter(|status| is_broken_connection(status)).and_then(|_| backoff.broke(Instant::now()))
        else {
            return Err(status);
        };
        told(&status);
        tokio::time::sleep_until(next).await;
        client = client.over_a_new_connection();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use tonic_types::ErrorDetails;

    #[test]
    fn only_what_the_service_did_not_say_is_a_broken_connection() {
        assert!(is_broken_connection(&Status::unavailable("tcp connect error")));
        assert!(is_broken_connection(&Status::unknown("h2 protocol error")));
        assert!(!is_broken_connection(&Status::not_found("no such job")));
        assert!(!is_broken_connection(&Status::unimplemented("not this server")));
        let mut details = ErrorDetails::with_error_info("STOPPING", "guideboard.v1", HashMap::new());
        details.set_retry_info(Some(Duration::from_secs(1)));
        let said = Status::with_error_details(Code::Unavailable, "the server is stopping", details);
        assert!(!is_broken_connection(&said) && is_passing(&said) && is_busy(&said));
        let mut details = ErrorDetails::with_error_info("IO_TROUBLE", "guideboard.v1", HashMap::new());
        details.set_retry_info(Some(Duration::from_secs(1)));
        assert!(!is_busy(&Status::with_error_details(Code::Unavailable, "the disk", details)));
        let details = ErrorDetails::with_error_info("DEADLINE_EXCEEDED", "guideboard.v1", HashMap::new());
        let said = Status::with_error_details(Code::DeadlineExceeded, "the call took longer than it may", details);
        assert!(!is_broken_connection(&said) && is_passing(&said));
    }

    #[test]
    fn the_pauses_grow_and_end_when_nothing_answered_for_long_enough() {
        let mut backoff = Backoff::new(Duration::from_secs(5));
        let began = Instant::now();
        let (mut now, mut pauses) = (began, Vec::new());
        while let Some(next) = backoff.broke(now) {
            pauses.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 1900]);
        assert_eq!(now - began, Duration::from_secs(5));
    }

    #[test]
    fn an_answer_begins_the_time_anew_and_only_what_is_of_use_the_pauses() {
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let now = Instant::now();
        let later = now + Duration::from_secs(3);
        assert_eq!(backoff.broke(now), Some(now + Duration::from_millis(100)));
        backoff.answered();
        assert_eq!(backoff.broke(later), Some(later + Duration::from_millis(200)));
        backoff.went_on();
        assert_eq!(backoff.broke(later), Some(later + Duration::from_millis(100)));
        assert_eq!(Backoff::new(Duration::ZERO).broke(now), None);
    }
}
