//! The streams of HTTP/2, each of which ends when its client has long stopped taking it.
//!
//! What [`bounded`](super::bounded) ends gets its last words sent only when the client takes something again. One that never does would keep the
//! stream and what waits in it as long as its connection: here it is given up. What the library has begun to send of it stays there all the
//! same until the connection ends, so a connection with several of them ends, too.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::quiet;

/// How much longer a client has for the last words of a stream that stands.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// With how many streams given up a connection ends.
const MAX_GIVEN_UP: usize = 16;

tokio::task_local! {
    /// The reader of the stream that the task serves.
    static READER: Arc<Reader>;
}

/// Runs the streams of a connection.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    /// How long one may stand.
    time: Duration,
    given_up: watch::Sender<usize>,
}

impl Streams {
    pub(super) fn new(stall_time: Duration) -> Self {
        Self { time: stall_time.saturating_add(LAST_WORDS), given_up: watch::Sender::new(0) }
    }

    /// Resolves once so many were given up that their connection is not worth to be kept.
    pub(super) async fn too_many_given_up(&self) {
        // It never errs: the sender is here.
        let _ = self.given_up.subscribe().wait_for(|count| *count >= MAX_GIVEN_UP).await;
    }
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let reader = Arc::new(Reader::default());
        let time = self.time;
        let (gone, given_up) = (Arc::clone(&reader), self.given_up.clone());
        tokio::spawn(READER.scope(reader, async move {
            tokio::select! {
                () = stream => {}
                () = quiet::lasts(time, || gone.stands_since()) => given_up.send_modify(|count| *count += 1),
            }
        }));
    }
}

/// Since when a reader has not come back for more.
#[derive(Debug, Default)]
struct Reader(Mutex<Option<Instant>>);

impl Reader {
    fn stands_since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that the reader of this task's stream got something, or that it waits for more. Where there is no stream of HTTP/2 that is nobody's
/// business.
pub(super) fn note(got_something: bool) {
    let since = got_something.then(Instant::now);
    // An error means that this task serves none.
    let _ = READER.try_with(|reader| *reader.0.lock().unwrap_or_else(PoisonError::into_inner) = since);
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::rt::Executor as _;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_stream_that_stands_is_given_up_and_one_that_waits_is_not() {
        let time = Duration::from_millis(20);
        let streams = Streams { time, ..Streams::new(time) };
        let run = |got_something: bool| {
            let (alive, dropped) = oneshot::channel::<()>();
            streams.execute(async move {
                note(got_something);
                std::future::pending::<()>().await;
                drop(alive);
            });
            dropped
        };
        let (stands, mut waits) = (run(true), run(false));
        let began = Instant::now();
        stands.await.expect_err("dropped");
        assert!(began.elapsed() >= time);
        tokio::time::timeout(time * 5, &mut waits).await.expect_err("still served");
        tokio::time::timeout(time, streams.too_many_given_up()).await.expect_err("one is not too many");
        for _ in 1..MAX_GIVEN_UP {
            drop(run(true));
        }
        streams.too_many_given_up().await;
        // Outside of a stream nobody is concerned.
        note(true);
    }
}
