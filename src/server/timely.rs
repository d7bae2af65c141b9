//! A connection that fails unless its client says enough to be one in time, and goes on taking what it is sent.
//!
//! The limits of HTTP itself begin only after a greeting, and HTTP/1.1 waits for ever to send.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The bytes that a client must send before it counts as one: HTTP/2's preface has as many, and no request of HTTP/1.1 with a host has fewer.
const GREETING_BYTES: usize = 24;

/// Such a connection.
#[derive(Debug)]
pub(super) struct Timely<S> {
    socket: S,
    /// How many bytes are still waited for, and how long.
    greeting: Option<(usize, Pin<Box<Sleep>>)>,
    writing: Patience,
    flushing: Patience,
    /// Counts those whose client says too little.
    too_slow: Counter,
}

impl<S> Timely<S> {
    /// One whose client says something within `greeting_time`, and never takes nothing for `stall_time`.
    pub(super) fn new(socket: S, greeting_time: Duration, stall_time: Duration, too_slow: Counter) -> Self {
        Self {
            socket,
            greeting: Some((GREETING_BYTES, Box::pin(sleep(greeting_time)))),
            writing: Patience::new(stall_time),
            flushing: Patience::new(stall_time),
            too_slow,
        }
    }
}

impl<S> Timely<S> {
    /// A write that succeeds says that the client takes something, also where what waits is never all gone and no flush comes to its end: TLS has a
    /// buffer of its own, which is filled again before that.
    fn wrote(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.flushing.end = None;
        }
        self.writing.with(cx, written)
    }
}

/// How long something may stand.
#[derive(Debug)]
struct Patience {
    time: Duration,
    end: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    const fn new(time: Duration) -> Self {
        Self { time, end: None }
    }

    fn with<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.end = None;
            return polled;
        }
        let time = self.time;
        match self.end.get_or_insert_with(|| Box::pin(sleep(time))).as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timely<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(cx, buf);
        if let Some((left, deadline)) = &mut this.greeting {
            *left = left.saturating_sub(buf.filled().len().saturating_sub(before));
            if *left == 0 {
                this.greeting = None;
            } else if deadline.as_mut().poll(cx).is_ready() {
                this.greeting = None;
                this.too_slow.inc();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timely<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.wrote(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.wrote(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(cx);
        self.flushing.with(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut_down = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.flushing.with(cx, shut_down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    const SHORT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn a_client_that_takes_nothing_ends_the_connection_and_a_slow_one_does_not() {
        let (server, mut client) = duplex(4);
        let mut server = Timely::new(server, SHORT * 100, SHORT, Counter::default());
        let slow = tokio::spawn(async move {
            let mut taken = [0; 4];
            for _ in 0..5 {
                tokio::time::sleep(SHORT / 5).await;
                client.read_exact(&mut taken).await.expect("bytes");
            }
            client
        });
        server.write_all(&[1; 20]).await.expect("taken in time");
        let _client = slow.await.expect("no panic");
        server.write_all(&[1; 4]).await.expect("room for it");
        let error = server.write_all(&[1; 4]).await.expect_err("nothing is taken");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    /// A socket that takes whatever is written and is never done with it, as TLS over a full one.
    struct NeverFlushed;

    impl AsyncWrite for NeverFlushed {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_flush_that_never_ends_is_no_stall_as_long_as_bytes_go_out() {
        let mut server = Timely::new(NeverFlushed, SHORT * 100, SHORT, Counter::default());
        for _ in 0..6 {
            assert!(tokio::time::timeout(SHORT / 2, server.flush()).await.is_err(), "it goes on");
            server.write_all(&[1; 4]).await.expect("taken");
        }
        let error = server.flush().await.expect_err("nothing goes out any more");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_does_not_say_enough_ends_the_connection() {
        let (server, mut client) = duplex(64);
        let mut server = Timely::new(server, SHORT, SHORT, Counter::default());
        client.write_all(&[b'x'; GREETING_BYTES - 1]).await.expect("said");
        let mut said = Vec::new();
        let error = server.read_to_end(&mut said).await.expect_err("not enough");
        assert_eq!((error.kind(), said.len()), (io::ErrorKind::TimedOut, GREETING_BYTES - 1));
    }
}
