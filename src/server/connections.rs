//! Accepting connections: at most so many at once, a listener that is out of descriptors waits instead of spinning, and what is left of
//! them at the end of the server is cut off.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use super::access;

/// How long the listener waits after it could not accept, for example because the process is out of descriptors.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);

/// The connections of a listener, at most `limit` at once; further ones wait in the kernel's queue. Once `cut` says true, all of them fail:
/// each is served by a task of its own, which would otherwise outlive the server.
pub(super) fn accept(
    listener: TcpListener,
    limit: usize,
    cut: watch::Receiver<bool>,
) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(1);
    let permits = Arc::new(Semaphore::new(limit));
    tokio::spawn(async move {
        loop {
            // The server is gone when nobody receives any more; the listener closes with this task.
            let Ok(slot) = sender.reserve().await else { return };
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            tokio::select! {
                () = sender.closed() => return,
                stream = next(&listener) => {
                    slot.send(Ok(Connection { stream, cut: Cut::by(cut.clone()), _permit: permit }));
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}

async fn next(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it small replies wait for the client's acknowledgement; an error only costs that.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

/// A connection that holds its place among those allowed.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    cut: Cut,
    _permit: OwnedSemaphorePermit,
}

/// Whether a connection is cut off; wakes the connection's task when that happens.
struct Cut(Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>);

impl Cut {
    fn by(mut cut: watch::Receiver<bool>) -> Self {
        Self(Some(Box::pin(async move {
            if cut.wait_for(|cut| *cut).await.is_err() {
                // The server is gone without a word: it ended by itself and needs nobody cut off.
                std::future::pending::<()>().await;
            }
        })))
    }

    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.0.as_mut().is_some_and(|cut| cut.as_mut().poll(cx).is_ready()) {
            self.0 = None;
        }
        if self.0.is_some() { Ok(()) } else { Err(io::ErrorKind::ConnectionAborted.into()) }
    }
}

impl std::fmt::Debug for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cut({})", self.0.is_none())
    }
}

impl Connected for Connection {
    /// Stands in the extensions of every request.
    type ConnectInfo = access::Connection;

    fn connect_info(&self) -> access::Connection {
        access::Connection::Tcp { peer: self.stream.peer_addr().ok(), local: self.stream.local_addr().ok() }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.cut.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.cut.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.cut.check(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
