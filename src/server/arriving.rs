//! Requests on their way: each has to end in time, and of those that have not ended a connection holds a bounded number of bytes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    body: B,
    until: Instant,
    /// Wakes whoever waits for more when the time is over.
    timer: Option<Pin<Box<Sleep>>>,
    unfinished: Unfinished,
    bytes: usize,
}

impl<B> Arriving<B> {
    /// A body that has to end by then.
    pub(super) const fn new(body: B, until: Instant, unfinished: Unfinished) -> Self {
        Self { body, until, timer: None, unfinished, bytes: 0 }
    }
}

impl<B> Drop for Arriving<B> {
    fn drop(&mut self) {
        self.unfinished.0.fetch_sub(self.bytes, Ordering::Relaxed);
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
        let frame = match Pin::new(&mut this.body).poll_frame(cx) {
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
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
