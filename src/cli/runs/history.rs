//! The runs that a command is about: those of a local directory, or those of a running server. Every command asks one of these and does not
//! know which.

use std::path::{Path, PathBuf};

use tokio_stream::StreamExt as _;
use tonic::{Response, Status};

use crate::cli::exit::Failure;
use crate::cli::reach::{Way, said};
use crate::cli::terminal;
use crate::cli::values::quoted;
use crate::client::{Client, Connection, ManifestStream, OutputStream, PatientClient};
use crate::services::{RetainedRuns, local_request, reason_of};
use crate::wire::pb;
use crate::wire::pb::retained_run_service_server::RetainedRunService;

/// A history, and how its answers are printed.
pub(super) struct History {
    asked: Asked,
    pub(super) json: bool,
}

/// Who answers.
enum Asked {
    /// The services in process, over a directory.
    Directory {
        service: RetainedRuns,
        /// As the operator named it, for a message.
        shown: String,
        place: PathBuf,
        /// The options that name it again, each behind a blank.
        again: String,
    },
    Server {
        server: PatientClient,
        way: Box<Way>,
        /// The name of one of its directories of runs; empty: its first.
        runs_dir: String,
    },
}

/// The bytes of an output.
pub(in crate::cli) enum Output {
    Local(<RetainedRuns as RetainedRunService>::ReadArtifactStream),
    Remote(Box<OutputStream>),
}

impl Output {
    /// The next message; `None` after the last.
    pub(super) async fn message(&mut self) -> Result<Option<pb::ReadArtifactResponse>, Status> {
        match self {
            Self::Local(stream) => stream.next().await.transpose(),
            Self::Remote(stream) => stream.message().await,
        }
    }
}

/// A run's manifest.
pub(super) enum Manifest {
    Local(<RetainedRuns as RetainedRunService>::StreamArtifactManifestStream),
    Remote(Box<ManifestStream>),
}

impl Manifest {
    /// The next message; `None` after the last.
    pub(super) async fn message(&mut self) -> Result<Option<pb::StreamArtifactManifestResponse>, Status> {
        match self {
            Self::Local(stream) => stream.next().await.transpose(),
            Self::Remote(stream) => stream.message().await,
        }
    }
}

/// A server that is asked again when the connection breaks, which is told.
pub(in crate::cli) fn patient(client: Client, retry_for: std::time::Duration) -> PatientClient {
    PatientClient::new(client, retry_for, |connection| match connection {
        Connection::Broken(status) if reason_of(status).is_some() => {
            terminal::note(&format!("the server is busy ({}); trying again", said(status)));
        }
        Connection::Broken(status) => {
            terminal::note(&format!("the connection broke ({}); trying again", said(status)));
        }
        Connection::Back => terminal::note("the server answers again"),
    })
}

impl History {
    /// Of a directory that was scanned. `again` are the options that name it again, each behind a blank.
    pub(super) fn of_directory(
        service: RetainedRuns,
        (shown, place): (String, PathBuf),
        again: String,
        json: bool,
    ) -> Self {
        Self { asked: Asked::Directory { service, shown, place, again }, json }
    }

    /// Of one of a server's directories; the empty name is its first.
    pub(super) fn of_server(server: PatientClient, way: Way, runs_dir: String, json: bool) -> Self {
        Self { asked: Asked::Server { server, way: Box::new(way), runs_dir }, json }
    }

    /// What a status means here.
    pub(super) fn failure(&self, status: Status) -> Failure {
        match &self.asked {
            Asked::Directory { .. } => status.into(),
            Asked::Server { way, runs_dir, .. } => {
                let names_none = !runs_dir.is_empty() && reason_of(&status).as_deref() == Some("ROOT_NOT_FOUND");
                let hint = "; where a server is asked --runs-dir is the name of one of them, and without --server a local directory";
                way.failure(status).around("", if names_none { hint } else { "" })
            }
        }
    }

    /// The directory, if it is a local one.
    pub(super) fn directory(&self) -> Option<&Path> {
        match &self.asked {
            Asked::Directory { place, .. } => Some(place),
            Asked::Server { .. } => None,
        }
    }

    /// Where the runs are, behind its preposition.
    pub(super) fn at(&self) -> String {
        match &self.asked {
            Asked::Directory { shown, .. } => format!("in {shown}"),
            Asked::Server { way, runs_dir, .. } if runs_dir.is_empty() => format!("at {}", way.address()),
            Asked::Server { way, runs_dir, .. } => format!("in {} at {}", terminal::cell(runs_dir), way.address()),
        }
    }

    /// Another of these commands for whoever reads, with the options that ask the same again.
    pub(super) fn command(&self, words: &str) -> String {
        match &self.asked {
            Asked::Directory { again, .. } => format!("`guide-board runs {words}{again}`"),
            Asked::Server { way, runs_dir, .. } if runs_dir.is_empty() => way.command_by_name(&format!("runs {words}")),
            Asked::Server { way, runs_dir, .. } => {
                way.command_by_name(&format!("runs {words} --runs-dir {}", quoted(&terminal::whole(runs_dir))))
            }
        }
    }

    pub(super) async fn read_artifact(&self, mut request: pb::ReadArtifactRequest) -> Result<Output, Status> {
        match &self.asked {
            Asked::Directory { service, .. } => {
                service.read_artifact(local_request(request)).await.map(Response::into_inner).map(Output::Local)
            }
            Asked::Server { server, runs_dir, .. } => {
                request.runs_dir.clone_from(runs_dir);
                server.read_artifact(request).await.map(Box::new).map(Output::Remote)
            }
        }
    }

    pub(super) async fn stream_artifact_manifest(
        &self,
        mut request: pb::StreamArtifactManifestRequest,
    ) -> Result<Manifest, Status> {
        match &self.asked {
            Asked::Directory { service, .. } => {
                let reply = service.stream_artifact_manifest(local_request(request)).await;
                reply.map(Response::into_inner).map(Manifest::Local)
            }
            Asked::Server { server, runs_dir, .. } => {
                request.runs_dir.clone_from(runs_dir);
                server.stream_artifact_manifest(request).await.map(Box::new).map(Manifest::Remote)
            }
        }
    }
}

/// The calls that have one reply.
macro_rules! calls {
    ($($call:ident($request:ident) -> $reply:ident;)+) => {
        impl History {
            $(
                pub(super) async fn $call(&self, mut request: pb::$request) -> Result<pb::$reply, Status> {
                    match &self.asked {
                        Asked::Directory { service, .. } => {
                            service.$call(local_request(request)).await.map(Response::into_inner)
                        }
                        Asked::Server { server, runs_dir, .. } => {
                            request.runs_dir.clone_from(runs_dir);
                            server.call(async |client| client.retained().$call(request.clone()).await).await
                        }
                    }
                }
            )+
        }
    };
}

calls! {
    list_retained_runs(ListRetainedRunsRequest) -> ListRetainedRunsResponse;
    get_latest_retained_run(GetLatestRetainedRunRequest) -> GetLatestRetainedRunResponse;
    get_retained_run(GetRetainedRunRequest) -> GetRetainedRunResponse;
    get_retained_run_reports(GetRetainedRunReportsRequest) -> GetRetainedRunReportsResponse;
    list_findings(ListFindingsRequest) -> ListFindingsResponse;
    list_evidence(ListEvidenceRequest) -> ListEvidenceResponse;
    list_problems(ListProblemsRequest) -> ListProblemsResponse;
}
