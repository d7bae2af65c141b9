//! The connections of a listener: at most so many at once, none that only waits, and all of them ended with the server.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use tower::util::BoxCloneSyncService;
use tower_service::Service as _;

use super::access;
use super::listen::{Listener, Socket};
use super::observe::{ConnectionCounts, Open};
use super::tls::{self, Tls};

/// How long the listener waits after it could not accept, for example because the process is out of descriptors.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);
/// How often an HTTP/2 connection is asked whether its client is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to answer.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// The bytes that a client must send before it counts as one: HTTP/2's preface has as many, and no request of HTTP/1.1 with a host has fewer.
const GREETING_BYTES: usize = 24;
/// The most headers of an HTTP/1.1 request.
const MAX_HEADERS: usize = 100;
/// The least buffer that HTTP/1.1 may have, which the library demands.
const MIN_BUFFER: usize = 8192;

/// What serves the requests of all connections.
pub(super) type App = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// The limits of a listener's connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Connections held at once; further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// Requests at once on one connection of HTTP/2.
    pub max_streams: u32,
    /// The largest headers of a request, in bytes.
    pub max_header_bytes: u32,
    /// How long a client may take for the handshake of TLS, and for the headers of a request of HTTP/1.1.
    pub header_time: Duration,
    /// How long a connection may stand without a request.
    pub idle_time: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 512,
            max_streams: 256,
            max_header_bytes: 16 << 10,
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(300),
        }
    }
}

/// When connections end.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    /// Once it says true, nothing more is accepted, and connections end with the requests that are on their way.
    pub(super) stop: watch::Receiver<bool>,
    /// Once it says true, connections end at once.
    pub(super) cut: watch::Receiver<bool>,
}

/// Serves the connections of a listener until they were asked to stop and have ended.
pub(super) async fn serve(
    listener: Listener,
    tls: Option<Tls>,
    app: App,
    limits: ConnectionLimits,
    ends: Ends,
    counts: ConnectionCounts,
) {
    let permits = Arc::new(Semaphore::new(limits.max_connections));
    let mut connections = JoinSet::new();
    let mut stop = ends.stop.clone();
    let stopped = async {
        // An error means that the sender is gone, and with it the server.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let mut stopped = pin!(stopped);
    loop {
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
            Some((permit, next(&listener, &counts).await))
        };
        let (permit, (socket, origin)) = tokio::select! {
            () = &mut stopped => break,
            next = next => match next {
                Some(next) => next,
                None => break,
            },
        };
        let connection = Connection {
            tls: tls.clone(),
            app: app.clone(),
            limits,
            _open: counts.accepted(),
            counts: counts.clone(),
            _permit: permit,
        };
        connections.spawn(connection.serve(socket, origin, ends.clone()));
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn next(listener: &Listener, counts: &ConnectionCounts) -> (Socket, access::Connection) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                counts.not_accepted.inc();
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

/// One connection, which holds its place among those allowed.
struct Connection {
    tls: Option<Tls>,
    app: App,
    limits: ConnectionLimits,
    counts: ConnectionCounts,
    _open: Open,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, socket: Socket, origin: access::Connection, ends: Ends) {
        let Ends { stop, mut cut } = ends;
        let is_cut = async {
            if cut.wait_for(|cut| *cut).await.is_err() {
                // The server is gone without a word: it ended by itself and needs nobody cut off.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = is_cut => {}
            () = self.exchange(socket, origin, stop) => {}
        }
    }

    async fn exchange(&self, socket: Socket, origin: access::Connection, mut stop: watch::Receiver<bool>) {
        let Some((socket, origin)) = self.greeted(socket, origin).await else { return };
        let mut builder = Builder::new(TokioExecutor::new());
        let limits = self.limits;
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_time)
            .max_headers(MAX_HEADERS)
            .max_buf_size(usize::try_from(limits.max_header_bytes).unwrap_or(MIN_BUFFER).max(MIN_BUFFER));
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .max_concurrent_streams(limits.max_streams)
            .max_header_list_size(limits.max_header_bytes);
        let activity = Activity::default();
        let service = service_fn(|request: Request<Incoming>| {
            let mut app = self.app.clone();
            let busy = activity.begin();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(origin.clone());
            async move {
                let response = app.call(request).await?;
                Ok::<_, Infallible>(response.map(|body| Held { body, _busy: busy }))
            }
        });
        let socket = TokioIo::new(Greeting::of(socket, limits.header_time, self.counts.clone()));
        let mut connection = pin!(builder.serve_connection(socket, service));
        let mut is_ending = false;
        loop {
            tokio::select! {
                outcome = connection.as_mut() => {
                    if let Err(error) = outcome {
                        tracing::debug!(error, "a connection failed");
                    }
                    return;
                }
                _ = stop.wait_for(|stop| *stop), if !is_ending => is_ending = true,
                () = activity.idle(limits.idle_time), if !is_ending => is_ending = true,
            }
            // The client is told to open another one for its next request.
            connection.as_mut().graceful_shutdown();
        }
    }

    /// The connection once TLS stands on it, where there is TLS; `None` when the client did not come that far in time.
    async fn greeted(&self, socket: Socket, origin: access::Connection) -> Option<(Socket, access::Connection)> {
        let (stream, peer, local, tls) = match (socket, origin, &self.tls) {
            (Socket::Tcp(stream), access::Connection::Tcp { peer, local }, Some(tls)) => (stream, peer, local, tls),
            (socket, origin, _) => return Some((socket, origin)),
        };
        match tokio::time::timeout(self.limits.header_time, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let identity = tls::identity(&stream).map(Arc::new);
                Some((Socket::Tls(Box::new(stream)), access::Connection::Tls { peer, local, identity }))
            }
            Ok(Err(error)) => {
                self.counts.handshake_failed.inc();
                tracing::debug!(%error, "a handshake failed");
                None
            }
            Err(_) => {
                self.counts.too_slow.inc();
                tracing::debug!("a handshake took too long");
                None
            }
        }
    }
}

/// Whether a connection has requests on their way, and since when it has none.
#[derive(Debug, Clone)]
struct Activity(Arc<Mutex<Busy>>);

#[derive(Debug)]
struct Busy {
    requests: usize,
    since: Instant,
}

impl Default for Activity {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Busy { requests: 0, since: Instant::now() })))
    }
}

impl Activity {
    fn begin(&self) -> BusyGuard {
        self.change(|busy| busy.requests += 1);
        BusyGuard(self.clone())
    }

    /// Resolves once there was no request for so long.
    async fn idle(&self, time: Duration) {
        loop {
            let since = self.change(|busy| (busy.requests == 0).then_some(busy.since));
            let until = since.unwrap_or_else(Instant::now) + time;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Busy) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A request that is on its way.
#[derive(Debug)]
struct BusyGuard(Activity);

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.0.change(|busy| *busy = Busy { requests: busy.requests.saturating_sub(1), since: Instant::now() });
    }
}

/// The body of a response, whose request is on its way until it was sent or given up.
struct Held {
    body: Body,
    _busy: BusyGuard,
}

impl hyper::body::Body for Held {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that fails unless its client says enough to be one in time. The limits of HTTP itself only begin after that.
struct Greeting {
    socket: Socket,
    /// How many bytes are still waited for, and how long.
    waiting: Option<(usize, Pin<Box<Sleep>>)>,
    counts: ConnectionCounts,
}

impl Greeting {
    fn of(socket: Socket, time: Duration, counts: ConnectionCounts) -> Self {
        Self { socket, waiting: Some((GREETING_BYTES, Box::pin(tokio::time::sleep(time)))), counts }
    }
}

impl AsyncRead for Greeting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(cx, buf);
        if let Some((left, deadline)) = &mut this.waiting {
            *left = left.saturating_sub(buf.filled().len().saturating_sub(before));
            if *left == 0 {
                this.waiting = None;
            } else if deadline.as_mut().poll(cx).is_ready() {
                this.waiting = None;
                this.counts.too_slow.inc();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
    }
}

impl AsyncWrite for Greeting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
