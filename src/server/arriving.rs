//! Requests on their way: each has to end in time, and of those that have not ended a connection holds a bounded number of bytes.
//!
//! An answer may be there before its request has ended, as most refusals are. Over HTTP/2 the rest of the request is then reset, and many a
//! client takes that for a failure and drops the answer. So the rest of a small request is taken in first, and thrown away.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::services::{self, MAX_REQUEST_BYTES};

/// The most bytes of requests without an end that one connection may have here. Calls, of which there is a bounded number, begin only then.
const MAX_UNFINISHED_BYTES: usize = 4 * MAX_REQUEST_BYTES;

/// The bytes of a connection's requests that have not ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Unfinished(Arc<AtomicUsize>);

/// The body of a request.
#[derive(Debug)]
pub(super) struct Arriving<B> {
    /// `None` only while it is dropped.
    body: Option<B>,
    until: Instant,
    /// Wakes whoever waits for more when the time is over.
    timer: Option<Pin<Box<Sleep>>>,
    unfinished: Unfinished,
    bytes: usize,
    left: Option<Arc<Mutex<Option<B>>>>,
}

/// What is left of a request's body once nobody reads it any more.
#[derive(Debug)]
pub(super) struct Left<B> {
    body: Arc<Mutex<Option<B>>>,
    until: Instant,
}

impl<B> Arriving<B> {
    /// A body that has to end by then.
    pub(super) const fn new(body: B, until: Instant, unfinished: Unfinished) -> Self {
        Self { body: Some(body), until, timer: None, unfinished, bytes: 0, left: None }
    }

    /// The same, and where its rest is found when it was dropped before its end.
    pub(super) fn with_left(mut self) -> (Self, Left<B>) {
        let body = Arc::default();
        self.left = Some(Arc::clone(&body));
        let left = Left { body, until: self.until };
        (self, left)
    }
}

impl<B> Drop for Arriving<B> {
    fn drop(&mut self) {
        self.unfinished.0.fetch_sub(self.bytes, Ordering::Relaxed);
        if let Some(left) = self.left.take() {
            *left.lock().unwrap_or_else(PoisonError::into_inner) = self.body.take();
        }
    }
}

impl<B> Left<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    /// Whether there is something left, small and of an announced length. What is still read is not.
    pub(super) fn is_small(&self) -> bool {
        let most = u64::try_from(MAX_REQUEST_BYTES).unwrap_or(u64::MAX);
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        body.as_ref()
            .is_some_and(|body| !body.is_end_stream() && body.size_hint().upper().is_some_and(|all| all <= most))
    }

    /// Takes in what is left, if that is small, and keeps nothing of it. Returns at the latest when the request has to have ended.
    pub(super) async fn discard(self) {
        if !self.is_small() {
            return;
        }
        let Some(mut body) = self.body.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let all = async {
            let mut bytes = 0;
            while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                bytes += frame.data_ref().map_or(0, Bytes::len);
                if bytes > MAX_REQUEST_BYTES {
                    return;
                }
            }
        };
        // What does not end in time is reset.
        let _ = tokio::time::timeout_at(self.until, all).await;
    }
}

impl<B> Body for Arriving<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let frame = match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {
                let until = this.until;
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                return match timer.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(services::request_late().into()))),
                    Poll::Pending => Poll::Pending,
                };
            }
        };
        // A client that always has something to send never leaves the connection without it.
        if Instant::now() >= this.until {
            return Poll::Ready(Some(Err(services::request_late().into())));
        }
        let length = frame.data_ref().map_or(0, Bytes::len);
        this.bytes = this.bytes.saturating_add(length);
        let others = this.unfinished.0.fetch_add(length, Ordering::Relaxed);
        if others.saturating_add(length) > MAX_UNFINISHED_BYTES {
            return Poll::Ready(Some(Err(services::too_much_unfinished().into())));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A body without an end, which has this to say at every turn.
    struct Endless(Option<usize>);

    impl Body for Endless {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            match self.0 {
                Some(length) => Poll::Ready(Some(Ok(Frame::data(vec![0; length].into())))),
                None => Poll::Pending,
            }
        }
    }

    /// A body of that announced length, of which some has come and the rest never does, or all has.
    struct Announced {
        length: u64,
        comes: usize,
        ends: bool,
    }

    impl Body for Announced {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            match (std::mem::take(&mut self.comes), self.ends) {
                (0, true) => Poll::Ready(None),
                (0, false) => Poll::Pending,
                (comes, _) => Poll::Ready(Some(Ok(Frame::data(vec![0; comes].into())))),
            }
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.length)
        }
    }

    /// How long the answer to a request with this body is held back, which has to end in time.
    async fn held_back(length: usize, ends: bool, time: Duration) -> Duration {
        let body = Announced { length: u64::try_from(length).expect("small"), comes: length, ends };
        let began = Instant::now();
        let (arriving, left) = Arriving::new(body, began + time, Unfinished::default()).with_left();
        drop(arriving);
        left.discard().await;
        began.elapsed()
    }

    #[tokio::test]
    async fn what_is_left_of_a_small_request_is_waited_for_in_time_and_of_a_large_or_endless_one_not() {
        let (short, long) = (Duration::from_millis(50), Duration::from_secs(60));
        assert!(held_back(MAX_REQUEST_BYTES, true, long).await < long);
        assert!(held_back(MAX_REQUEST_BYTES, false, short).await >= short);
        assert!(held_back(MAX_REQUEST_BYTES + 1, false, long).await < long);
        // One that always has more to say, and one that does not say how much.
        let more = Announced { length: 1, comes: MAX_REQUEST_BYTES + 1, ends: false };
        let (arriving, left) = Arriving::new(more, Instant::now() + long, Unfinished::default()).with_left();
        drop(arriving);
        left.discard().await;
        let (arriving, left) = Arriving::new(Endless(None), Instant::now() + long, Unfinished::default()).with_left();
        drop(arriving);
        left.discard().await;
        // What is still read is its reader's.
        let read = Announced { length: 1, comes: 1, ends: false };
        let (mut arriving, left) = Arriving::new(read, Instant::now() + long, Unfinished::default()).with_left();
        left.discard().await;
        let frame = std::future::poll_fn(|cx| Pin::new(&mut arriving).poll_frame(cx)).await;
        assert!(frame.is_some_and(|frame| frame.is_ok()));
    }

    async fn next(arriving: &mut Arriving<Endless>) -> Result<usize, tonic::Code> {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *arriving).poll_frame(cx)).await.expect("no end");
        frame
            .map(|frame| frame.data_ref().map_or(0, Bytes::len))
            .map_err(|error| error.downcast::<tonic::Status>().expect("a status").code())
    }

    #[tokio::test]
    async fn a_request_that_does_not_end_in_time_is_late_whether_it_is_silent_or_not() {
        for says in [None, Some(1)] {
            let began = Instant::now();
            let time = Duration::from_millis(50);
            let mut arriving = Arriving::new(Endless(says), began + time, Unfinished::default());
            let end = loop {
                match next(&mut arriving).await {
                    Ok(_) => tokio::time::sleep(time / 10).await,
                    Err(code) => break code,
                }
            };
            assert_eq!(end, tonic::Code::DeadlineExceeded);
            assert!(began.elapsed() >= time, "{says:?}: {:?}", began.elapsed());
        }
    }

    #[tokio::test]
    async fn requests_without_an_end_hold_a_bounded_number_of_bytes_a_connection_and_give_them_back() {
        let unfinished = Unfinished::default();
        let until = Instant::now() + Duration::from_secs(60);
        let body = || Arriving::new(Endless(Some(MAX_REQUEST_BYTES)), until, unfinished.clone());
        let mut four = [body(), body(), body(), body()];
        for body in &mut four {
            assert_eq!(next(body).await, Ok(MAX_REQUEST_BYTES));
        }
        assert_eq!(next(&mut body()).await, Err(tonic::Code::ResourceExhausted));
        let [first, ..] = four;
        drop(first);
        assert_eq!(next(&mut body()).await, Ok(MAX_REQUEST_BYTES));
        assert_eq!(unfinished.0.load(Ordering::Relaxed), 3 * MAX_REQUEST_BYTES);
    }
}
