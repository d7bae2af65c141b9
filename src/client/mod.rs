//! The Rust client that the CLI uses for a running server: connecting, waiting until it serves, following a job and
//! reading runs over broken connections.

mod address;
mod fault;
mod follow;
mod patient;
mod retry;
mod settings;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
pub use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::wire::pb::catalog_service_client::CatalogServiceClient;
use crate::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use crate::wire::pb::run_service_client::RunServiceClient;
pub use address::{AddressError, ServerAddress};
pub use fault::{Fault, fault_of};
pub use follow::{Follow, FollowError, FollowSettings, Followed};
pub use patient::{Connection, ManifestStream, OutputStream, PatientClient};
pub use retry::{is_broken_connection, until_answered};
pub use settings::{Credentials, PemFile, ServerSettings, SettingsError, TlsSettings, Token};

/// How long to wait between two looks at something that is not there yet.
const PAUSE: Duration = Duration::from_millis(50);

/// What calls go through: a connection, and the credentials that each carries.
pub type Transport = InterceptedService<Channel, Credentials>;

/// A running server.
#[derive(Debug, Clone)]
pub struct Client {
    endpoint: Endpoint,
    channel: Channel,
    credentials: Credentials,
}

/// The server could not be reached, or did not become ready.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Nothing answers, or not as it should.
    #[error("no server answers at {address}: {}", cause(.source))]
    Unreachable {
        /// Where it was looked for.
        address: ServerAddress,
        /// What the transport says.
        #[source]
        source: tonic::transport::Error,
    },
    /// Nothing came of the connection in time.
    #[error("no server answers at {address}: nothing came of the connection in time")]
    Silent {
        /// Where it was looked for.
        address: ServerAddress,
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
    /// [`ConnectError::Settings`]; the other ones when nothing answers within five seconds, or no TLS handshake ends within five more.
    pub async fn connect(settings: &ServerSettings) -> Result<Self, ConnectError> {
        let address = || settings.address.clone();
        let endpoint = settings.endpoint()?;
        let connected = tokio::time::timeout(2 * settings::CONNECT_TIMEOUT, endpoint.connect()).await;
        let channel = connected
            .map_err(|_| ConnectError::Silent { address: address() })?
            .map_err(|source| ConnectError::Unreachable { address: address(), source })?;
        Ok(Self { endpoint, channel, credentials: Credentials(settings.token.clone()) })
    }

    /// Connects to a server and waits until its health says SERVING, at most until `deadline`.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect_ready(settings: impl Into<ServerSettings>, deadline: Instant) -> Result<Self, ConnectError> {
        let settings = settings.into();
        let client = loop {
            match Self::connect(&settings).await {
                Ok(client) => break client,
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
        while Instant::now() < deadline {
            let answer = tokio::time::timeout_at(deadline.into(), client.health("")).await;
            if matches!(answer, Ok(Ok(ServingStatus::Serving))) {
                return Ok(client);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(ConnectError::NotReady { address: settings.address })
    }

    /// The same server over a connection that is made with the next call.
    #[must_use]
    pub fn over_a_new_connection(&self) -> Self {
        Self { channel: self.endpoint.connect_lazy(), ..self.clone() }
    }

    fn transport(&self) -> Transport {
        InterceptedService::new(self.channel.clone(), self.credentials.clone())
    }

    /// The health of a service, the empty name standing for the server as a whole.
    ///
    /// # Errors
    /// `NOT_FOUND` when the server knows no such name, and what the transport says.
    pub async fn health(&self, service: &str) -> Result<ServingStatus, Status> {
        let request = HealthCheckRequest { service: service.to_owned() };
        Ok(HealthClient::new(self.transport()).check(request).await?.get_ref().status())
    }

    /// The retained runs.
    #[must_use]
    pub fn retained(&self) -> RetainedRunServiceClient<Transport> {
        RetainedRunServiceClient::new(self.transport())
    }

    /// The jobs.
    #[must_use]
    pub fn runs(&self) -> RunServiceClient<Transport> {
        RunServiceClient::new(self.transport())
    }

    /// Extensions, profiles, plans, and the server itself.
    #[must_use]
    pub fn catalog(&self) -> CatalogServiceClient<Transport> {
        CatalogServiceClient::new(self.transport())
    }
}
