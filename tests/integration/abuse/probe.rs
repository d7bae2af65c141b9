//! Another client, who only wants to be answered.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use guide_board::services::reason_of;
use guide_board::wire::pb;
use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Endpoint;
use tonic_types::StatusExt;

/// The longest that an answer may take on a machine that is busy with the abuse itself.
const BOUND: Duration = Duration::from_secs(15);
/// The pause between two rounds.
const PAUSE: Duration = Duration::from_millis(10);

/// How it fared.
#[derive(Debug, Default, Clone)]
pub(super) struct Probed {
    pub(super) answered: u64,
    /// Refused because of a limit, and told when to try again.
    pub(super) refused: u64,
    pub(super) longest: Duration,
}

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answered, refused, longest } = self;
        write!(f, "others: {answered} answered, {refused} refused by a limit, longest {} ms", longest.as_millis())
    }
}

/// A client that asks until it is ended.
pub(super) struct Probe {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Probed>,
}

impl Probe {
    pub(super) fn start(address: SocketAddr) -> Self {
        Self::start_as(address, None)
    }

    /// One that shows a token.
    pub(super) fn start_as(address: SocketAddr, token: Option<&'static str>) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: tokio::spawn(ask(address, token, stopped)) }
    }

    /// Ends it; it has been answered, and never failed.
    pub(super) async fn end(self) -> Probed {
        let _ = self.stop.send(());
        let probed = self.task.await.expect("another client is served");
        assert!(probed.answered > 0, "{probed}");
        probed
    }
}

async fn ask(address: SocketAddr, token: Option<&str>, mut stopped: oneshot::Receiver<()>) -> Probed {
    let mut probed = Probed::default();
    let (mut is_over, mut met_an_end) = (false, false);
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URI");
    let mut runs = RetainedRunServiceClient::new(endpoint.connect_lazy());
    loop {
        let began = Instant::now();
        let mut request = tonic::Request::new(pb::ListRetainedRunsRequest::default());
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a value"));
        }
        match tokio::time::timeout(BOUND, runs.list_retained_runs(request)).await.expect("an answer in time") {
            Ok(reply) => {
                assert_eq!(reply.get_ref().total_size, 1, "a wrong answer");
                probed.answered += 1;
            }
            // A call that meets the end of an idle connection fails, as with any server; the next one must not.
            Err(status) if status.details().is_empty() && !met_an_end => {
                met_an_end = true;
                continue;
            }
            Err(status) => {
                let is_limit = reason_of(&status).as_deref() == Some("LIMIT_REACHED");
                assert!(is_limit && status.get_details_retry_info().is_some(), "{status:?}");
                probed.refused += 1;
            }
        }
        met_an_end = false;
        probed.longest = probed.longest.max(began.elapsed());
        let began = Instant::now();
        let health = tokio::time::timeout(BOUND, health(address)).await.expect("an answer in time");
        assert!(health.starts_with("HTTP/1.1 200"), "{health}");
        probed.longest = probed.longest.max(began.elapsed());
        // At least once in full, however short the abuse.
        if is_over && probed.answered > 0 {
            return probed;
        }
        if is_over {
            tokio::time::sleep(PAUSE).await;
        } else {
            is_over = tokio::time::timeout(PAUSE, &mut stopped).await.is_ok();
        }
    }
}

/// What `GET /health` answers over a connection of its own.
async fn health(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.expect("sent");
    let mut said = String::new();
    stream.read_to_string(&mut said).await.expect("an answer");
    said
}
