//! The Rust client that the CLI uses for a running server: connecting, and waiting until it serves.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::wire::pb::catalog_service_client::CatalogServiceClient;
use crate::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use crate::wire::pb::run_service_client::RunServiceClient;

/// How long one try to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait between two looks at something that is not there yet.
const PAUSE: Duration = Duration::from_millis(50);

/// A running server.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
}

/// The server could not be reached, or did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing answers.
    #[error("no server answers at {address}")]
    Unreachable {
        /// Where it was looked for.
        address: SocketAddr,
        /// What the transport says.
        #[source]
        source: tonic::transport::Error,
    },
    /// It answers, but its health did not become SERVING in time.
    #[error("the server at {address} did not become ready in time")]
    NotReady {
        /// Where it was looked for.
        address: SocketAddr,
    },
}

impl Client {
    /// Connects to a server and waits until its health says SERVING, at most until `deadline`.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect_ready(address: SocketAddr, deadline: Instant) -> Result<Self, ConnectError> {
        let not_ready = ConnectError::NotReady { address };
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|source| ConnectError::Unreachable { address, source })?
            .connect_timeout(CONNECT_TIMEOUT);
        let channel = loop {
            match endpoint.connect().await {
                Ok(channel) => break channel,
                Err(source) if Instant::now() >= deadline => return Err(ConnectError::Unreachable { address, source }),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
        let mut health = HealthClient::new(channel.clone());
        while Instant::now() < deadline {
            let request = HealthCheckRequest { service: String::new() };
            let answer = tokio::time::timeout_at(deadline.into(), health.check(request)).await;
            if let Ok(Ok(answer)) = answer
                && answer.get_ref().status() == ServingStatus::Serving
            {
                return Ok(Self { channel });
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(not_ready)
    }

    /// The retained runs.
    #[must_use]
    pub fn retained(&self) -> RetainedRunServiceClient<Channel> {
        RetainedRunServiceClient::new(self.channel.clone())
    }

    /// The jobs.
    #[must_use]
    pub fn runs(&self) -> RunServiceClient<Channel> {
        RunServiceClient::new(self.channel.clone())
    }

    /// Extensions, profiles, plans, and the server itself.
    #[must_use]
    pub fn catalog(&self) -> CatalogServiceClient<Channel> {
        CatalogServiceClient::new(self.channel.clone())
    }
}
