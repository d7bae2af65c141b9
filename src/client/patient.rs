//! A server that is asked again when the connection breaks: calls that may be made twice, and streams that go on where they broke off.

use std::fmt;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prost::Message as _;
use tokio::time::Instant;
use tonic::{Response, Status, Streaming};

use super::Client;
use super::retry::{Backoff, answer_of, is_broken_connection, is_busy, is_of_the_reader};
use crate::wire::pb;

/// How long one try may take until the server answers. It is longer than a job's, since an answer may need large documents read.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// What becomes of the connection meanwhile.
#[derive(Debug)]
pub enum Connection<'a> {
    /// It broke, or the server is busy, and another try is made. Told once until it answers again.
    Broken(&'a Status),
    /// The server answers again.
    Back,
}

/// A server that is asked again. Cheap to clone. For calls that may be made twice only.
///
/// A broken connection is made anew and the call made again, for at most `retry_for` in which nothing of use came. A server that has answered
/// before is also asked again while it is busy. A call that is not answered within a minute counts as broken. The digest of a large output may
/// take as long as the server gives it; that the other side is gone without a word is noticed by the connection.
#[derive(Clone)]
pub struct PatientClient(Arc<Shared>);

struct Shared {
    client: Mutex<Client>,
    retry_for: Duration,
    answer_timeout: Duration,
    told: Box<dyn Fn(Connection<'_>) + Send + Sync>,
    has_answered: AtomicBool,
    is_broken: AtomicBool,
}

impl fmt::Debug for PatientClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PatientClient").field("retry_for", &self.0.retry_for).finish_non_exhaustive()
    }
}

impl PatientClient {
    /// Asks this server; `told` is told what becomes of the connection.
    #[must_use]
    pub fn new(client: Client, retry_for: Duration, told: impl Fn(Connection<'_>) + Send + Sync + 'static) -> Self {
        Self::with_timeout(client, retry_for, ANSWER_TIMEOUT, told)
    }

    /// The same with another time for an answer.
    pub(super) fn with_timeout(
        client: Client,
        retry_for: Duration,
        answer_timeout: Duration,
        told: impl Fn(Connection<'_>) + Send + Sync + 'static,
    ) -> Self {
        let (has_answered, is_broken) = (AtomicBool::new(false), AtomicBool::new(false));
        let (client, told) = (Mutex::new(client), Box::new(told));
        Self(Arc::new(Shared { client, retry_for, answer_timeout, told, has_answered, is_broken }))
    }

    /// Makes a call.
    ///
    /// # Errors
    /// What the service says, or the last failure of the connection.
    pub async fn call<T>(&self, call: impl AsyncFn(Client) -> Result<Response<T>, Status>) -> Result<T, Status> {
        let mut backoff = Backoff::new(self.0.retry_for);
        loop {
            match answer_of(self.0.answer_timeout, call(self.client())).await {
                Ok(reply) => {
                    self.answered();
                    return Ok(reply);
                }
                Err(status) => self.pause(&mut backoff, status, false).await?,
            }
        }
    }

    /// Reads an output.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn read_artifact(&self, request: pb::ReadArtifactRequest) -> Result<OutputStream, Status> {
        let mut stream = OutputStream { request, header: None, is_begun: false, at: At::new(self) };
        stream.at.open(&stream.remaining()).await?;
        Ok(stream)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn stream_artifact_manifest(
        &self,
        request: pb::StreamArtifactManifestRequest,
    ) -> Result<ManifestStream, Status> {
        let mut stream =
            ManifestStream { request, header: None, given: Entries::default(), again: None, at: At::new(self) };
        stream.at.open(&stream.request.clone()).await?;
        Ok(stream)
    }

    fn client(&self) -> Client {
        self.0.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answered(&self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
        if self.0.is_broken.swap(false, Ordering::Relaxed) {
            (self.0.told)(Connection::Back);
        }
    }

    /// Waits until another try is due, or gives the status back. Only a stream that was open can have had a reader that took long.
    async fn pause(&self, backoff: &mut Backoff, status: Status, was_open: bool) -> Result<(), Status> {
        let is_broken = is_broken_connection(&status);
        let may_pass = is_broken || self.0.has_answered.load(Ordering::Relaxed) && is_busy(&status);
        let Some(next) = Some(()).filter(|()| may_pass).and_then(|()| backoff.broke(Instant::now())) else {
            return Err(status);
        };
        let is_matter_of_course = was_open && is_of_the_reader(&status);
        if !is_matter_of_course && !self.0.is_broken.swap(true, Ordering::Relaxed) {
            (self.0.told)(Connection::Broken(&status));
        }
        tokio::time::sleep_until(next).await;
        if is_broken {
            // A connection whose other side is gone without a word would take the next call as well.
            let anew = self.client().over_a_new_connection();
            *self.0.client.lock().unwrap_or_else(PoisonError::into_inner) = anew;
        }
        Ok(())
    }
}

/// A request that is answered by a stream.
trait Streamed {
    type Message;

    /// Whether the answer may take as long as it takes.
    fn takes_long(&self) -> bool;

    async fn send(&self, client: Client) -> Result<Response<Streaming<Self::Message>>, Status>;
}

impl Streamed for pb::ReadArtifactRequest {
    type Message = pb::ReadArtifactResponse;

    fn takes_long(&self) -> bool {
        self.compute_sha256
    }

    async fn send(&self, client: Client) -> Result<Response<Streaming<Self::Message>>, Status> {
        client.retained().read_artifact(self.clone()).await
    }
}

impl Streamed for pb::StreamArtifactManifestRequest {
    type Message = pb::StreamArtifactManifestResponse;

    fn takes_long(&self) -> bool {
        false
    }

    async fn send(&self, client: Client) -> Result<Response<Streaming<Self::Message>>, Status> {
        client.retained().stream_artifact_manifest(self.clone()).await
    }
}

/// Where a stream is.
#[derive(Debug)]
struct At<M> {
    server: PatientClient,
    stream: Option<Streaming<M>>,
    backoff: Backoff,
}

/// What comes next of a stream.
enum Next<M> {
    Message(M),
    End,
    /// It broke, and is to be opened again.
    Broken,
}

impl<M> At<M> {
    fn new(server: &PatientClient) -> Self {
        Self { server: server.clone(), stream: None, backoff: Backoff::new(server.0.retry_for) }
    }

    async fn open(&mut self, request: &impl Streamed<Message = M>) -> Result<(), Status> {
        while self.stream.is_none() {
            let call = request.send(self.server.client());
            let opened = if request.takes_long() {
                call.await.map(Response::into_inner)
            } else {
                answer_of(self.server.0.answer_timeout, call).await
            };
            match opened {
                Ok(stream) => self.stream = Some(stream),
                Err(status) => self.broke(status).await?,
            }
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Next<M>, Status> {
        let Some(stream) = &mut self.stream else { return Ok(Next::Broken) };
        match stream.message().await {
            Ok(Some(message)) => {
                self.server.answered();
                Ok(Next::Message(message))
            }
            Ok(None) => Ok(Next::End),
            Err(status) => {
                self.broke(status).await?;
                Ok(Next::Broken)
            }
        }
    }

    async fn broke(&mut self, status: Status) -> Result<(), Status> {
        let was_open = self.stream.take().is_some();
        self.server.pause(&mut self.backoff, status, was_open).await
    }

    /// Something between cut the stream and called it an end.
    async fn cut(&mut self) -> Result<(), Status> {
        self.broke(Status::unavailable("the stream ended too early")).await
    }
}

/// The bytes of an output. After a break they go on where it happened, as long as the output has the same generation.
#[derive(Debug)]
pub struct OutputStream {
    /// What was asked for in the first place, or what is left of it.
    request: pb::ReadArtifactRequest,
    header: Option<Header>,
    /// Whether the stream that is open has given its header.
    is_begun: bool,
    at: At<pb::ReadArtifactResponse>,
}

#[derive(Debug)]
struct Header {
    generation: String,
    position: u64,
    end: u64,
}

impl OutputStream {
    /// The next message: first the header of the stream, then bytes; `None` after the last.
    ///
    /// # Errors
    /// What the service says, `FAILED_PRECONDITION` among it when the output is another one after a break; `DATA_LOSS` when it sends other
    /// bytes than those that are due; or the last failure of the connection.
    pub async fn message(&mut self) -> Result<Option<pb::ReadArtifactResponse>, Status> {
        loop {
            if self.at.stream.is_none() {
                if self.left() == Some(0) {
                    // Only the end was lost, and the server checks what it sends before it does.
                    return Ok(None);
                }
                let request = self.remaining();
                self.at.open(&request).await?;
                self.is_begun = false;
            }
            match self.at.next().await? {
                Next::Message(message) => {
                    if let Some(message) = self.admit(message)? {
                        return Ok(Some(message));
                    }
                }
                Next::End if self.left() == Some(0) => return Ok(None),
                Next::End => self.at.cut().await?,
                Next::Broken => {}
            }
        }
    }

    /// How many bytes are yet to come; `None` before the header.
    fn left(&self) -> Option<u64> {
        self.header.as_ref().map(|header| header.end.saturating_sub(header.position))
    }

    /// The request for what is yet to come.
    fn remaining(&self) -> pb::ReadArtifactRequest {
        let Some(header) = &self.header else { return self.request.clone() };
        let wire = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        pb::ReadArtifactRequest {
            offset: wire(header.position),
            limit: wire(header.end.saturating_sub(header.position)),
            expected_generation: header.generation.clone(),
            compute_sha256: false,
            ..self.request.clone()
        }
    }

    /// A message for whoever reads, if it brings something.
    fn admit(&mut self, message: pb::ReadArtifactResponse) -> Result<Option<pb::ReadArtifactResponse>, Status> {
        let is_header = !std::mem::replace(&mut self.is_begun, true);
        let is_first = self.header.is_none();
        let header = self.header.get_or_insert_with(|| {
            let position = u64::try_from(self.request.offset).unwrap_or_default();
            let limit = u64::try_from(self.request.limit).unwrap_or_default();
            let all = message.size_bytes;
            let end = if limit == 0 { all } else { all.min(position.saturating_add(limit)) };
            Header { generation: message.generation.clone(), position, end }
        });
        if is_header && (header.generation.is_empty() || message.generation != header.generation) {
            return Err(Status::data_loss("the server does not say which output it sends"));
        }
        let length = u64::try_from(message.data.len()).unwrap_or(u64::MAX);
        let is_due = u64::try_from(message.offset) == Ok(header.position);
        if !is_due || length > header.end.saturating_sub(header.position) {
            return Err(Status::data_loss("the server sends other bytes than those that were asked for"));
        }
        if length > 0 {
            self.at.backoff.went_on();
        }
        header.position = header.position.saturating_add(length);
        Ok(Some(message).filter(|message| is_first || !message.data.is_empty()))
    }
}

/// A manifest. After a break it is read once more from the beginning, and goes on where it happened, as long as it is the same until there.
#[derive(Debug)]
pub struct ManifestStream {
    request: pb::StreamArtifactManifestRequest,
    header: Option<pb::StreamArtifactManifestResponse>,
    /// What was given so far.
    given: Entries,
    /// What of it came once more over a stream that has not brought all of it yet.
    again: Option<Entries>,
    at: At<pb::StreamArtifactManifestResponse>,
}

/// Entries, as their number and what they say.
#[derive(Debug, Clone, Default)]
struct Entries {
    count: u64,
    listed: u64,
    digest: DefaultHasher,
}

impl Entries {
    fn add(&mut self, entry: &pb::Artifact) {
        self.count = self.count.saturating_add(1);
        self.listed = self.listed.saturating_add(u64::from(!entry.unlisted));
        self.digest.write(&entry.encode_length_delimited_to_vec());
    }

    fn is(&self, other: &Self) -> bool {
        self.count == other.count && self.digest.finish() == other.digest.finish()
    }
}

impl ManifestStream {
    /// The next message: first the header, then entries; `None` after the last.
    ///
    /// # Errors
    /// What the service says, `ABORTED` when the manifest is another one after a break, or the last failure of the connection.
    pub async fn message(&mut self) -> Result<Option<pb::StreamArtifactManifestResponse>, Status> {
        let changed = || Status::aborted("the run changed while its manifest was read; start again");
        loop {
            if self.at.stream.is_none() {
                let request = self.request.clone();
                self.at.open(&request).await?;
                self.again = (self.given.count > 0).then(Entries::default);
            }
            match self.at.next().await? {
                Next::Message(message) if self.header.is_none() => {
                    self.header = Some(message.clone());
                    return Ok(Some(message));
                }
                Next::Message(message) if message.run.is_some() => {
                    if self.header.as_ref() != Some(&message) {
                        return Err(changed());
                    }
                }
                Next::Message(mut message) => {
                    let entries = std::mem::take(&mut message.artifact_manifest);
                    for entry in entries {
                        match &mut self.again {
                            Some(again) => {
                                again.add(&entry);
                                if again.count == self.given.count {
                                    if !again.is(&self.given) {
                                        return Err(changed());
                                    }
                                    self.again = None;
                                }
                            }
                            None => {
                                self.given.add(&entry);
                                message.artifact_manifest.push(entry);
                            }
                        }
                    }
                    if !message.artifact_manifest.is_empty() || message.unlisted_truncated {
                        self.at.backoff.went_on();
                        return Ok(Some(message));
                    }
                }
                Next::End if self.again.is_some() => return Err(changed()),
                Next::End if self.header.as_ref().is_some_and(|header| header.entry_count <= self.given.listed) => {
                    return Ok(None);
                }
                Next::End => self.at.cut().await?,
                Next::Broken => {}
            }
        }
    }
}
