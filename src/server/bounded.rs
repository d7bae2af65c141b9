//! Bounds in time for every call: the client's deadline, the server's own, and an end for readers that stopped reading.
//!
//! A stream that nobody reads is asked for nothing, so its end cannot come from within: a guard beside it takes what it holds away from it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract;
use axum::middleware::Next;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::quiet;
use crate::services;

/// The header in which a client says how long it waits.
const TIMEOUT: &str = "grpc-timeout";
/// Calls of the transport's own services; they end when the server stops.
const TRANSPORT: &str = "/grpc.";
/// Calls that go on as long as what they watch; the client's deadline bounds them, the server's does not.
const WATCHES: [&str; 2] = ["/guideboard.v1.RunService/WatchRun", HEALTH_WATCH];
/// The watch that needs no credentials.
pub(super) const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
/// How many of it go on at once.
const MAX_HEALTH_WATCHES: usize = 1024;
/// A stream is guarded from this frame on: what ends earlier needs no guard.
const GUARDED_FROM: u32 = 3;

/// How long calls may take.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// The longest that a call may take, watches excepted.
    pub call_time: Duration,
    /// The longest that a stream may stand because its reader takes nothing.
    pub stall_time: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self { call_time: Duration::from_secs(3600), stall_time: Duration::from_secs(300) }
    }
}

/// What bounds calls.
#[derive(Debug, Clone)]
pub(super) struct CallBounds {
    limits: CallLimits,
    stop: watch::Receiver<bool>,
    health_watches: Arc<Semaphore>,
}

impl CallBounds {
    /// Watches of the transport's own services end once `stop` says true.
    pub(super) fn new(limits: CallLimits, stop: watch::Receiver<bool>) -> Self {
        Self { limits, stop, health_watches: Arc::new(Semaphore::new(MAX_HEALTH_WATCHES)) }
    }
}

/// Bounds a call of the services that this stands around.
pub(super) async fn bound(
    extract::State(bounds): extract::State<CallBounds>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let asked = match request.headers().get(TIMEOUT).map(|value| timeout(value.as_bytes())) {
        None => None,
        Some(Some(asked)) => Some(asked),
        Some(None) => {
            let expected = "at most eight digits and one of the units H M S m u n";
            return services::field_invalid(TIMEOUT, expected).into_http();
        }
    };
    let path = request.uri().path();
    let place = match (path == HEALTH_WATCH).then(|| Arc::clone(&bounds.health_watches).try_acquire_owned()) {
        None => None,
        Some(Ok(place)) => Some(place),
        Some(Err(_)) => {
            let told = "health is being watched by as many as may; ask for it by Check, or try again later";
            return services::limit_reached(told).into_http();
        }
    };
    let own = (!WATCHES.contains(&path)).then_some(bounds.limits.call_time);
    let stop = path.starts_with(TRANSPORT).then(|| bounds.stop.clone());
    let limit = [asked, own].into_iter().flatten().min();
    // An instant too far away to be told is none.
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let answered = match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, next.run(request)).await,
        None => Ok(next.run(request).await),
    };
    let Ok(response) = answered else { return services::deadline_exceeded().into_http() };
    let bounds = Bounds { deadline, stall_time: bounds.limits.stall_time, stop };
    response.map(|body| Body::new(BoundedBody::new(body, bounds, place)))
}

/// The time that a `grpc-timeout` header says; `None` when it does not parse.
fn timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let is_number = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let number: u64 = std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(number.checked_mul(3600)?),
        b'M' => Duration::from_secs(number.checked_mul(60)?),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// What ends a body before its time.
struct Bounds {
    deadline: Option<Instant>,
    stall_time: Duration,
    stop: Option<watch::Receiver<bool>>,
}

/// A body that its guard can end.
struct BoundedBody {
    shared: Arc<Mutex<Shared>>,
    bounds: Option<Bounds>,
    frames: u32,
    guard: Option<AbortHandle>,
    _place: Option<OwnedSemaphorePermit>,
}

struct Shared {
    state: State,
    /// When the reader had taken what there was and did not come back since; `None` while it waits for more.
    idle_since: Option<Instant>,
    /// Wakes the reader that waits, when the guard ends the body.
    reader: Option<std::task::Waker>,
}

enum State {
    Going(Body),
    /// The server stops: what the body had ready is still given, once, so that who watches health learns of it. Then it ends as if cut.
    Stopping(Body, HeaderMap),
    Cut(HeaderMap),
    Over,
}

impl State {
    /// The next frame of a body that its guard has ended.
    fn end(&mut self, cx: &mut Context<'_>) -> Option<Result<Frame<Bytes>, axum::Error>> {
        match std::mem::replace(self, Self::Over) {
            Self::Stopping(mut body, trailers) => match hyper::body::Body::poll_frame(Pin::new(&mut body), cx) {
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    *self = Self::Cut(trailers);
                    Some(Ok(frame))
                }
                _ => Some(Ok(Frame::trailers(trailers))),
            },
            Self::Cut(trailers) => Some(Ok(Frame::trailers(trailers))),
            Self::Going(_) | Self::Over => None,
        }
    }
}

impl BoundedBody {
    fn new(body: Body, bounds: Bounds, place: Option<OwnedSemaphorePermit>) -> Self {
        let shared = Shared { state: State::Going(body), idle_since: None, reader: None };
        Self { shared: Arc::new(Mutex::new(shared)), bounds: Some(bounds), frames: 0, guard: None, _place: place }
    }
}

impl Drop for BoundedBody {
    fn drop(&mut self) {
        if let Some(guard) = &self.guard {
            guard.abort();
        }
    }
}

impl hyper::body::Body for BoundedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let mut shared = lock(&this.shared);
        let polled = match &mut shared.state {
            State::Going(body) => Pin::new(body).poll_frame(cx),
            _ => return Poll::Ready(shared.state.end(cx)),
        };
        match &polled {
            Poll::Pending => {
                shared.idle_since = None;
                shared.reader = Some(cx.waker().clone());
                this.frames = GUARDED_FROM;
            }
            Poll::Ready(_) => {
                shared.idle_since = Some(Instant::now());
                this.frames = this.frames.saturating_add(1);
            }
        }
        drop(shared);
        if this.frames >= GUARDED_FROM
            && let Some(bounds) = this.bounds.take()
        {
            this.guard = Some(tokio::spawn(guard(Arc::clone(&this.shared), bounds)).abort_handle());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &lock(&self.shared).state {
            State::Going(body) => body.is_end_stream(),
            State::Stopping(..) | State::Cut(_) => false,
            State::Over => true,
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match &lock(&self.shared).state {
            State::Going(body) => body.size_hint(),
            State::Stopping(..) | State::Cut(_) | State::Over => hyper::body::SizeHint::default(),
        }
    }
}

/// Ends a body at its deadline, when its reader stopped, or when the server does.
async fn guard(shared: Arc<Mutex<Shared>>, bounds: Bounds) {
    let at_deadline = async {
        match bounds.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    let at_stop = async {
        let Some(mut stop) = bounds.stop else { return std::future::pending().await };
        // An error means that the server is gone.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let (status, is_stop) = tokio::select! {
        () = at_deadline => (services::deadline_exceeded(), false),
        () = quiet::lasts(bounds.stall_time, || lock(&shared).idle_since) => (services::reader_stalled(), false),
        () = at_stop => (services::stopping(), true),
    };
    let mut trailers = HeaderMap::new();
    if status.add_header(&mut trailers).is_err() {
        trailers.clear();
        trailers.insert("grpc-status", http::HeaderValue::from_static("13"));
    }
    let mut shared = lock(&shared);
    shared.state = match std::mem::replace(&mut shared.state, State::Over) {
        State::Going(body) if is_stop => State::Stopping(body, trailers),
        State::Going(_) => State::Cut(trailers),
        other => other,
    };
    if let Some(reader) = shared.reader.take() {
        reader.wake();
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Body as _;
    use tokio_stream::wrappers::ReceiverStream;

    #[tokio::test]
    async fn what_a_body_has_ready_when_the_server_stops_is_given_before_the_end() {
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        for text in ["told", "and more"] {
            sender.send(Ok::<_, std::io::Error>(Bytes::from_static(text.as_bytes()))).await.expect("room");
        }
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static("14"));
        let body = Body::from_stream(ReceiverStream::new(receiver));
        let bounds = Bounds { deadline: None, stall_time: Duration::from_secs(1), stop: None };
        let mut ended = BoundedBody::new(Body::empty(), bounds, None);
        lock(&ended.shared).state = State::Stopping(body, trailers);
        let mut next = async || std::future::poll_fn(|cx| Pin::new(&mut ended).poll_frame(cx)).await;
        let told = next().await.expect("a frame").expect("no error").into_data().expect("data");
        assert_eq!(told, "told");
        let end = next().await.expect("a frame").expect("no error").into_trailers().expect("the end");
        assert_eq!(end["grpc-status"], "14");
        assert!(next().await.is_none());
    }

    #[test]
    fn a_timeout_is_digits_and_a_unit_and_nothing_else() {
        let told = |text: &str| timeout(text.as_bytes());
        assert_eq!(told("1S"), Some(Duration::from_secs(1)));
        assert_eq!(told("20m"), Some(Duration::from_millis(20)));
        assert_eq!(told("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        assert_eq!(told("0n"), Some(Duration::ZERO));
        for text in ["", "S", "1", "1s", "-1S", "+1S", "1 S", "1.5S", "123456789S", "１S", "1S "] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
