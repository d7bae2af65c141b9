//! The connections of a listener: at most so many at once, none that only waits, and all of them ended with the server.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::EXPECT;
use http::{Request, Response, Version};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustix::io::Errno;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use tower_service::Service as _;

use super::access;
use super::arriving::{Arriving, Unfinished};
use super::bounded::HEALTH_WATCH;
use super::listen::{Listener, Socket};
use super::observe::{ConnectionCounts, Open};
use super::places::{BusyGuard, Place, Places};
use super::readers::{self, Streams};
use super::throttle::Throttle;
use super::timely::Timely;
use super::tls::{self, Tls};
use crate::model::printable;

/// How long the listener waits after it could not accept, for example because the process is out of descriptors.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(200);
/// The same after a connection was asked to leave, so that there is a descriptor again.
const PAUSE_FOR_ROOM: Duration = Duration::from_millis(5);
/// How often an HTTP/2 connection is asked whether its client is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to answer.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// The most headers of an HTTP/1.1 request.
const MAX_HEADERS: usize = 100;
/// The least buffer that HTTP/1.1 may have, which the library demands.
const MIN_BUFFER: usize = 8192;

/// The most characters of a failed handshake's error in the log.
const MAX_ERROR: usize = 200;

/// Conversations: their requests end when the client has no more questions.
const REFLECTION: &str = "/grpc.reflection.";

/// What serves the requests of all connections.
pub(super) type App = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// The limits of a listener's connections.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    /// Connections held at once. For a further one the connection that has gone longest without a call is closed; it waits where all have calls.
    pub max_connections: usize,
    /// Requests at once on one connection of HTTP/2.
    pub max_streams: u32,
    /// The largest headers of a request, in bytes.
    pub max_header_bytes: u32,
    /// How long a client may take for the handshake of TLS, for the headers of a request of HTTP/1.1, and for the rest of any request.
    pub header_time: Duration,
    /// How long a connection may stand without a request.
    pub idle_time: Duration,
    /// How long a connection, or a stream of HTTP/2, may stand because its client takes nothing.
    pub stall_time: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_connections: 512,
            max_streams: 256,
            max_header_bytes: 16 << 10,
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(300),
            stall_time: Duration::from_secs(300),
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
    let places = Places::new(limits.max_connections);
    let failures = Arc::new(Throttle::default());
    let mut connections = JoinSet::new();
    let mut stop = ends.stop.clone();
    let stopped = async {
        // An error means that the sender is gone, and with it the server.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let mut stopped = pin!(stopped);
    loop {
        let next = async {
            // Accepted first: a connection has to leave only when there is another one for its place.
            let (socket, origin) = next(&listener, &places, &counts).await;
            (socket, origin, places.enter().await)
        };
        let (socket, origin, place) = tokio::select! {
            () = &mut stopped => break,
            next = next => next,
        };
        let connection = Connection {
            tls: tls.clone(),
            app: app.clone(),
            limits,
            _open: counts.accepted(),
            counts: counts.clone(),
            failures: Arc::clone(&failures),
            place,
        };
        connections.spawn(connection.serve(socket, origin, ends.clone()));
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn next(listener: &Listener, places: &Places, counts: &ConnectionCounts) -> (Socket, access::Connection) {
    loop {
        let error = match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => error,
        };
        counts.not_accepted.inc();
        if is_out_of_descriptors(&error) && places.make_room() {
            tokio::time::sleep(PAUSE_FOR_ROOM).await;
            continue;
        }
        tracing::warn!(%error, "a connection could not be accepted");
        tokio::time::sleep(PAUSE_AFTER_ERROR).await;
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// One connection, which holds its place among those allowed.
struct Connection {
    tls: Option<Tls>,
    app: App,
    limits: ConnectionLimits,
    counts: ConnectionCounts,
    failures: Arc<Throttle>,
    _open: Open,
    place: Place,
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
        let greeted = tokio::select! {
            greeted = self.greeted(socket, origin) => greeted,
            () = self.place.wanted() => None,
        };
        let Some((socket, origin)) = greeted else { return };
        let streams = Streams::new(self.limits.stall_time);
        let mut builder = Builder::new(streams.clone());
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
        let activity = self.place.activity();
        let unfinished = Unfinished::default();
        let service = service_fn(|request: Request<Incoming>| {
            let mut app = self.app.clone();
            let path = request.uri().path();
            // Health watched costs its client nothing, not even credentials, and goes on for ever: it keeps no connection its place.
            let is_call = path != HEALTH_WATCH;
            let busy = activity.begin(is_call);
            let time = if path.starts_with(REFLECTION) { limits.idle_time } else { limits.header_time };
            let until = Instant::now() + time;
            // HTTP/1.1 has answers before the end of a request, and whoever asks first whether to send it sends nothing after a refusal.
            let may_reset = request.version() == Version::HTTP_2 && !request.headers().contains_key(EXPECT);
            let (parts, body) = request.into_parts();
            let (body, left) = Arriving::new(body, until, unfinished.clone()).with_left();
            let mut request = Request::from_parts(parts, Body::new(body));
            request.extensions_mut().insert(origin.clone());
            let activity = activity.clone();
            async move {
                let response = app.call(request).await?;
                let mut busy = busy;
                if may_reset && left.is_small() {
                    // Meanwhile the connection does not keep its place for it.
                    drop(busy);
                    left.discard().await;
                    busy = activity.begin(is_call);
                }
                Ok::<_, Infallible>(response.map(|body| Held { body, rest: Bytes::new(), _busy: busy }))
            }
        });
        let socket =
            TokioIo::new(Timely::new(socket, limits.header_time, limits.stall_time, self.counts.too_slow.clone()));
        let mut connection = pin!(builder.serve_connection(socket, service));
        let (mut is_ending, mut must_leave, mut from) = (false, false, Instant::now());
        loop {
            tokio::select! {
                outcome = connection.as_mut() => {
                    if let Err(error) = outcome {
                        tracing::debug!(error, "a connection failed");
                    }
                    return;
                }
                _ = stop.wait_for(|stop| *stop), if !is_ending => is_ending = true,
                () = activity.idle(from, limits.idle_time), if !is_ending => is_ending = true,
                // Streams that were given up may keep it from ending by itself.
                () = activity.idle(from, limits.header_time), if is_ending => return,
                () = streams.too_many_given_up() => return,
                () = self.place.wanted() => {
                    is_ending = true;
                    must_leave = activity.without_call().is_some();
                    if !must_leave {
                        // A call has come at the last moment, and is answered.
                        self.place.stay();
                    }
                }
            }
            from = Instant::now();
            // The client is told to open another one for its next request.
            connection.as_mut().graceful_shutdown();
            if must_leave {
                // Whether it listens is not waited for.
                let _ = tokio::time::timeout(Duration::ZERO, connection.as_mut()).await;
                return;
            }
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
                self.tell_failed(peer, &error.to_string());
                None
            }
            Err(_) => {
                self.counts.too_slow.inc();
                self.tell_failed(peer, "it took too long");
                None
            }
        }
    }

    /// Logs a handshake that failed. A flood of them becomes a number.
    fn tell_failed(&self, peer: Option<SocketAddr>, error: &str) {
        if let Some(more) = self.failures.turn() {
            let peer = peer.map(|peer| peer.to_string());
            tracing::warn!(peer, error = printable(error, MAX_ERROR), more, "a handshake failed");
        }
    }
}

/// The largest piece of a body that is handed over at once, in bytes.
const PIECE_BYTES: usize = 32 << 10;

/// The body of a response, whose request is on its way until it was handed over or given up. It is handed over in small pieces: what is handed over waits
/// for its reader where nothing bounds it any more.
struct Held {
    body: Body,
    /// What is left of a frame.
    rest: Bytes,
    _busy: BusyGuard,
}

impl hyper::body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            let polled = Pin::new(&mut this.body).poll_frame(cx);
            readers::note(polled.is_ready());
            match polled {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return other,
            }
        } else {
            readers::note(true);
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE_BYTES));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (hint, rest) = (self.body.size_hint(), u64::try_from(self.rest.len()).unwrap_or(u64::MAX));
        let mut whole = SizeHint::new();
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper.saturating_add(rest));
        }
        whole.set_lower(hint.lower().saturating_add(rest));
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Body as _;
    use tokio_stream::StreamExt as _;

    #[tokio::test]
    async fn a_body_is_handed_over_whole_in_small_pieces() {
        let size = 3 * PIECE_BYTES + 1;
        let text: Vec<u8> = (0..=255).cycle().take(size).collect();
        let busy = Places::new(1).enter().await.activity().begin(true);
        let held = Held { body: Body::from(text.clone()), rest: Bytes::new(), _busy: busy };
        assert_eq!(held.size_hint().exact(), u64::try_from(size).ok());
        let mut pieces = Body::new(held).into_data_stream();
        let mut whole = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.expect("a piece");
            assert!(!piece.is_empty() && piece.len() <= PIECE_BYTES);
            whole.extend_from_slice(&piece);
        }
        assert_eq!(whole, text);
    }
}
