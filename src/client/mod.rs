//! The Rust client that the CLI uses for a running server: connecting, waiting until it serves, and following a job over broken connections.

mod address;
mod follow;
mod retry;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::wire::pb::catalog_service_client::CatalogServiceClient;
use crate::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use crate::wire::pb::run_service_client::RunServiceClient;
pub use address::{AddressError, ServerAddress};
pub use follow::{Follow, FollowError, FollowSettings, Followed};
pub use retry::{is_broken_connection, until_answered};

/// How long one try to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait between two looks at something that is not there yet.
const PAUSE: Duration = Duration::from_millis(50);
/// How long nothing may come during a call until the other side is asked whether it is still there, and how long it may take to answer.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(20));

/// A running server.
#[derive(Debug, Clone)]
pub struct Client {
    endpoint: Endpoint,
    channel: Channel,
}

/// The server could not be reached, or did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing answers.
    #[error("no server answers at {address}: {}", cause(.source))]
    Unreachable {
        /// Where it was looked for.
        address: ServerAddress,
        /// What the transport says.
        #[source]
        source: tonic::transport::Error,
    },
    /// It answers, but its health did not become SERVING in time.
    #[error("the server at {address} did not become ready in time")]
    NotReady {
        /// Where it was looked for.
        address: ServerAddress,
    },
}

/// What stands at the end of a transport's error: what the system said.
fn cause(error: &tonic::transport::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

impl Client {
    /// Connects to a server.
    ///
    /// # Errors
    /// [`ConnectError::Unreachable`] when nothing answers within five seconds.
    pub async fn connect(address: &ServerAddress) -> Result<Self, ConnectError> {
        let unreachable = |source| ConnectError::Unreachable { address: address.clone(), source };
        let (interval, timeout) = KEEP_ALIVE;
        let endpoint = Endpoint::from_shared(address.to_string())
            .map_err(unreachable)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(interval)
            .keep_alive_timeout(timeout);
        let channel = endpoint.connect().await.map_err(unreachable)?;
        Ok(Self { endpoint, channel })
    }

    /// Connects to a server and waits until its health says SERVING, at most until `deadline`.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect_ready(address: impl Into<ServerAddress>, deadline: Instant) -> Result<Self, ConnectError> {
        let address = address.into();
        let client = loop {
            match Self::connect(&address).await {
                Ok(client) => break client,
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
        let mut health = HealthClient::new(client.channel.clone());
        while Instant::now() < deadline {
            let request = HealthCheckRequest { service: String::new() };
            let answer = tokio::time::timeout_at(deadline.into(), health.check(request)).await;
            if let Ok(Ok(answer)) = answer
                && answer.get_ref().status() == ServingStatus::Serving
            {
                return Ok(client);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(ConnectError::NotReady { address })
    }

    /// The same server over a connection that is made with the next call.
    #[must_use]
    pub fn over_a_new_connection(&self) -> Self {
        Self { channel: self.endpoint.connect_lazy(), endpoint: self.endpoint.clone() }
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
