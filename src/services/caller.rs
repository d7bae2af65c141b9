//! Who asks, what they may do, and which runs roots there are for them.
//!
//! Whoever hands a request to a service puts a [`Caller`] into its extensions: the guard of the server, or, in process, [`local_request`]. A
//! handler that finds none refuses, so a call that no guard stands in front of fails closed.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::watch;
use tonic::{Request, Status};

use super::{notes, status};
use crate::model::VisibleRoots;
use crate::repository::{Repository, RunsRoot};

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// To read runs, jobs and what the server tells of itself.
    Read,
    /// To start and to cancel runs.
    Run,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 2] = [Self::Read, Self::Run];

    /// Its word, as files and messages have it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Run => "run",
        }
    }

    /// The scope of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// Who makes a call. Cheap to clone; holds no secret.
#[derive(Debug, Clone)]
pub struct Caller {
    rights: Arc<Rights>,
    /// Closed once the grant is withdrawn; `None` for one that cannot be.
    granted: Option<watch::Receiver<()>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Rights {
    name: String,
    scopes: HashSet<Scope>,
    roots: VisibleRoots,
}

/// What a caller was granted. When it is dropped the grant is withdrawn, and every caller made from it knows.
#[derive(Debug)]
pub struct Grant {
    rights: Arc<Rights>,
    given: watch::Sender<()>,
}

impl Grant {
    /// Grants these scopes in these roots.
    #[must_use]
    pub fn new(name: String, scopes: HashSet<Scope>, roots: VisibleRoots) -> Self {
        Self { rights: Arc::new(Rights { name, scopes, roots }), given: watch::channel(()).0 }
    }

    /// A caller with this grant.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller { rights: Arc::clone(&self.rights), granted: Some(self.given.subscribe()) }
    }

    /// The name that it was given to.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.rights.name
    }

    /// The roots that it lets see.
    #[must_use]
    pub fn roots(&self) -> &VisibleRoots {
        &self.rights.roots
    }

    /// Whether another one grants the same to the same name.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.rights == other.rights
    }
}

impl Caller {
    /// One who may do everything in every root, and keeps that: whoever holds the process, or a listener that asks for nothing.
    #[must_use]
    pub fn unlimited(name: impl Into<String>) -> Self {
        let rights = Rights { name: name.into(), scopes: Scope::ALL.into(), roots: VisibleRoots::All };
        Self { rights: Arc::new(rights), granted: None }
    }

    /// Whoever uses the services in process.
    #[must_use]
    pub fn local() -> Self {
        Self::unlimited("local")
    }

    /// The caller of a request.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        request.extensions().get::<Self>().cloned().ok_or_else(status::no_caller)
    }

    /// Their name. Request ids are kept by it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.rights.name
    }

    /// Whether they have a scope.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.rights.scopes.contains(&scope)
    }

    /// The roots that there are for them.
    #[must_use]
    pub fn roots(&self) -> &VisibleRoots {
        &self.rights.roots
    }

    /// The root that their request means.
    pub(super) fn root(&self, repository: &Repository, asked: &str) -> Result<Arc<RunsRoot>, Status> {
        let root = Arc::clone(repository.root(asked, self.roots())?);
        notes::root(root.name().as_str());
        Ok(root)
    }

    /// Whether what they were granted has been withdrawn meanwhile.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.granted.as_ref().is_some_and(|granted| granted.has_changed().is_err())
    }

    /// Resolves when it is withdrawn.
    pub async fn revoked(&self) {
        match self.granted.clone() {
            Some(mut granted) => while granted.changed().await.is_ok() {},
            None => std::future::pending().await,
        }
    }
}

/// A request of whoever uses the services in process.
#[must_use]
pub fn local_request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Caller::local());
    request
}

/// Why a request is not let through. `Display` is fit for a client: it never repeats what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// It carries no credentials where some are needed.
    #[error(
        "this call needs credentials: send `authorization: Bearer TOKEN`, or use a client certificate if the server takes those"
    )]
    CredentialsMissing,
    /// What it carries is not known, no longer known, or malformed.
    #[error("these credentials are not valid here; ask the operator of the server for others")]
    CredentialsInvalid,
    /// The credentials were withdrawn while the call went on.
    #[error("the credentials of this call were withdrawn or changed; call again with valid ones")]
    CredentialsRevoked,
    /// The credentials do not go so far.
    #[error("these credentials lack the scope `{}`, which this call needs; ask the operator of the server", .0.word())]
    ScopeMissing(Scope),
    /// The request is addressed to a name that is not this server's.
    #[error(
        "the request names a host that this server does not go by; use an IP address or localhost, or have the operator allow the name with --allowed-host"
    )]
    HostNotAllowed,
    /// The request comes from a web page of an origin that may not call.
    #[error("web pages of this origin may not call this server; the operator allows origins with --allowed-origin")]
    OriginNotAllowed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_caller_is_refused_and_a_local_one_may_do_all() {
        assert_eq!(Caller::of(&Request::new(())).expect_err("refused").code(), tonic::Code::Internal);
        let caller = Caller::of(&local_request(())).expect("a caller");
        assert!(Scope::ALL.into_iter().all(|scope| caller.may(scope)) && caller.roots().sees("any"));
        assert!(!caller.is_revoked());
    }

    #[tokio::test]
    async fn a_caller_is_revoked_when_its_grant_is_dropped_and_not_before() {
        let grant = Grant::new("ci".to_owned(), [Scope::Read].into(), VisibleRoots::All);
        let caller = grant.caller();
        assert!(caller.may(Scope::Read) && !caller.may(Scope::Run) && !caller.is_revoked());
        drop(grant);
        assert!(caller.is_revoked());
        caller.revoked().await;
    }
}
