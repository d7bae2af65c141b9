//! Who may call, found by what they show.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use http::HeaderMap;
use subtle::ConstantTimeEq as _;

use super::bearer;
use super::connection::{CertificateName, Connection, PeerIdentity};
use super::start::Anonymous;
use super::tokens::digest;
use crate::model::{RootName, VisibleRoots};
use crate::services::{AccessError, Caller, Grant};

/// What shows who somebody is. Of a token only its digest is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Credential {
    Token([u8; 32]),
    Certificate(CertificateName),
    Uid(u32),
}

impl Credential {
    pub(super) fn of_token(token: &str) -> Self {
        Self::Token(digest(token))
    }
}

/// One caller.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    credential: Credential,
    grant: Arc<Grant>,
}

impl Entry {
    pub(super) fn new(credential: Credential, grant: Grant) -> Self {
        Self { credential, grant: Arc::new(grant) }
    }
}

/// The callers of a tokens file.
#[derive(Debug, Clone, Default)]
pub struct Callers {
    tokens: Vec<([u8; 32], Arc<Grant>)>,
    clients: Vec<(CertificateName, Arc<Grant>)>,
    peers: Vec<(u32, Arc<Grant>)>,
    has_plain_tokens: bool,
}

impl Callers {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len() + self.clients.len() + self.peers.len()
    }

    /// Whether there is none: then every call that is not exempt is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the file holds a token itself, not only digests.
    #[must_use]
    pub fn has_plain_tokens(&self) -> bool {
        self.has_plain_tokens
    }

    pub(super) fn add(&mut self, entry: Entry, is_plain_token: bool) {
        self.has_plain_tokens |= is_plain_token;
        let Entry { credential, grant } = entry;
        match credential {
            Credential::Token(digest) => self.tokens.push((digest, grant)),
            Credential::Certificate(name) => self.clients.push((name, grant)),
            Credential::Uid(uid) => self.peers.push((uid, grant)),
        }
    }

    /// Keeps the grants of before that are still given, so that only the others are withdrawn.
    pub(super) fn keep(&mut self, before: &Self) {
        keep(&mut self.tokens, &before.tokens);
        keep(&mut self.clients, &before.clients);
        keep(&mut self.peers, &before.peers);
    }

    /// The names of roots that entries name.
    pub(super) fn roots(&self) -> HashSet<&RootName> {
        let grants = self.tokens.iter().map(|(_, grant)| grant);
        let grants = grants.chain(self.clients.iter().map(|(_, grant)| grant));
        let grants = grants.chain(self.peers.iter().map(|(_, grant)| grant));
        let named = grants.filter_map(|grant| match grant.roots() {
            VisibleRoots::All => None,
            VisibleRoots::Only(names) => Some(names.iter()),
        });
        named.flatten().collect()
    }

    /// The caller with a token. Every entry is compared, each in constant time.
    fn by_token(&self, token: &str) -> Option<Caller> {
        let shown = digest(token);
        let mut found = None;
        for (known, grant) in &self.tokens {
            if bool::from(known.ct_eq(&shown)) {
                found = Some(grant);
            }
        }
        found.map(|grant| grant.caller())
    }

    fn by_certificate(&self, identity: &PeerIdentity) -> Option<Caller> {
        let found = self.clients.iter().find(|(name, _)| identity.names.contains(name));
        found.map(|(_, grant)| grant.caller())
    }

    fn by_uid(&self, uid: u32) -> Option<Caller> {
        self.peers.iter().find(|(known, _)| *known == uid).map(|(_, grant)| grant.caller())
    }
}

fn keep<K: Eq + Hash>(now: &mut [(K, Arc<Grant>)], before: &[(K, Arc<Grant>)]) {
    let before: HashMap<&K, &Arc<Grant>> = before.iter().map(|(key, grant)| (key, grant)).collect();
    for (key, grant) in now {
        if let Some(held) = before.get(key).filter(|held| held.equals(grant)) {
            *grant = Arc::clone(held);
        }
    }
}

/// Who makes a request. A token decides before the connection does: one that is not valid is refused whatever the connection is.
///
/// `callers` is `None` where there is no tokens file.
pub(super) fn authenticate(
    callers: Option<&Callers>,
    anonymous: Anonymous,
    own_uid: u32,
    connection: Option<&Connection>,
    headers: &HeaderMap,
) -> Result<Caller, AccessError> {
    if let Some(callers) = callers {
        match bearer::token(headers) {
            Ok(Some(token)) => return callers.by_token(token).ok_or(AccessError::CredentialsInvalid),
            Ok(None) => {}
            Err(bearer::NotBearer) => return Err(AccessError::CredentialsInvalid),
        }
    }
    match connection {
        Some(Connection::Tls { identity: Some(identity), .. }) => match callers {
            Some(callers) => callers.by_certificate(identity).ok_or(AccessError::CredentialsMissing),
            // Whom the client authority vouches for.
            None => Ok(Caller::unlimited("certificate")),
        },
        Some(Connection::Unix { uid: Some(uid) }) => match callers {
            Some(callers) if !callers.peers.is_empty() => callers.by_uid(*uid).ok_or(AccessError::CredentialsMissing),
            // They could read the server's files and memory as it is.
            _ if *uid == own_uid || *uid == 0 => Ok(Caller::unlimited(format!("uid:{uid}"))),
            _ => Err(AccessError::CredentialsMissing),
        },
        Some(Connection::Unix { uid: None }) | None => Err(AccessError::CredentialsMissing),
        Some(connection) => match anonymous {
            Anonymous::Anyone if callers.is_none() => Ok(Caller::unlimited("anyone")),
            Anonymous::Loopback if callers.is_none() && connection.is_loopback() => Ok(Caller::unlimited("loopback")),
            _ => Err(AccessError::CredentialsMissing),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens;
    use super::*;
    use crate::services::Scope;
    use http::HeaderValue;

    const FILE: &str = "
        [[token]]\nname = \"ci\"\ntoken = \"0123456789abcdef\"\nscopes = [\"read\"]\nroots = [\"ci\"]
        [[client]]\nname = \"spiffe\"\nuri = \"spiffe://a/b\"\nscopes = [\"run\"]";
    const PEERS: &str = "[[peer]]\nname = \"agent\"\nuid = 1000\nscopes = [\"read\"]";

    fn headers(token: Option<&str>) -> HeaderMap {
        let value = token.map(|token| HeaderValue::from_str(&format!("Bearer {token}")).expect("a value"));
        value.into_iter().map(|value| (http::header::AUTHORIZATION, value)).collect()
    }

    fn tcp() -> Connection {
        Connection::Tcp { peer: None, local: "127.0.0.1:1".parse().ok() }
    }

    fn tls(names: &[CertificateName]) -> Connection {
        let identity = Some(Arc::new(PeerIdentity { names: names.to_vec() }));
        Connection::Tls { peer: None, local: None, identity }
    }

    fn asked(callers: Option<&Callers>, connection: &Connection, token: Option<&str>) -> Result<String, AccessError> {
        authenticate(callers, Anonymous::Loopback, 7, Some(connection), &headers(token))
            .map(|caller| caller.name().to_owned())
    }

    #[test]
    fn with_a_tokens_file_nobody_is_a_caller_who_does_not_stand_in_it() {
        let callers = tokens::parse(FILE).expect("callers");
        let callers = Some(&callers);
        assert_eq!(asked(callers, &tcp(), None), Err(AccessError::CredentialsMissing));
        assert_eq!(asked(callers, &tcp(), Some("0123456789abcdef")), Ok("ci".to_owned()));
        assert_eq!(asked(callers, &tcp(), Some("0123456789abcdeg")), Err(AccessError::CredentialsInvalid));
        let known = tls(&[CertificateName::Dns("x".into()), CertificateName::Uri("spiffe://a/b".into())]);
        assert_eq!(asked(callers, &known, None), Ok("spiffe".to_owned()));
        let of_another_kind = tls(&[CertificateName::Dns("spiffe://a/b".into())]);
        assert_eq!(asked(callers, &of_another_kind, None), Err(AccessError::CredentialsMissing));
        // A wrong token is not made good by the connection.
        assert_eq!(asked(callers, &known, Some("0123456789abcdeg")), Err(AccessError::CredentialsInvalid));
        assert!(authenticate(callers, Anonymous::Anyone, 7, None, &headers(None)).is_err(), "no connection at all");
        assert!(authenticate(callers, Anonymous::Anyone, 7, Some(&tcp()), &headers(None)).is_err());
    }

    #[test]
    fn without_a_tokens_file_the_connection_decides() {
        assert_eq!(asked(None, &tcp(), None), Ok("loopback".to_owned()));
        assert_eq!(asked(None, &tcp(), Some("whatever it says")), Ok("loopback".to_owned()));
        assert_eq!(asked(None, &tls(&[]), None), Ok("certificate".to_owned()));
        let beyond = Connection::Tcp { peer: None, local: "10.0.0.1:1".parse().ok() };
        assert_eq!(asked(None, &beyond, None), Err(AccessError::CredentialsMissing));
        let anyone = authenticate(None, Anonymous::Anyone, 7, Some(&beyond), &headers(None));
        assert_eq!(anyone.map(|caller| caller.name().to_owned()), Ok("anyone".to_owned()));
        assert!(authenticate(None, Anonymous::Refused, 7, Some(&tcp()), &headers(None)).is_err());
        assert!(authenticate(None, Anonymous::Anyone, 7, None, &headers(None)).is_err());
    }

    #[test]
    fn over_a_unix_socket_the_kernel_tells_who_it_is() {
        let unix = |uid| Connection::Unix { uid };
        for (uid, name) in [(Some(7), Some("uid:7")), (Some(0), Some("uid:0")), (Some(8), None), (None, None)] {
            assert_eq!(asked(None, &unix(uid), None).ok().as_deref(), name, "{uid:?}");
        }
        let callers = tokens::parse(PEERS).expect("callers");
        for (uid, name) in [(Some(1000), Some("agent")), (Some(7), None), (Some(0), None), (None, None)] {
            assert_eq!(asked(Some(&callers), &unix(uid), None).ok().as_deref(), name, "{uid:?}");
        }
    }

    #[test]
    fn only_the_grants_that_changed_are_withdrawn() {
        let text = |roots: &str| {
            format!("{FILE}\n[[token]]\nname = \"b\"\ntoken = \"0123456789abcdefb\"\nscopes = [\"read\"]{roots}")
        };
        let before = tokens::parse(&text("")).expect("callers");
        let [kept, changed] =
            ["0123456789abcdef", "0123456789abcdefb"].map(|token| before.by_token(token).expect("known"));
        let mut after = tokens::parse(&text("\nroots = [\"x\"]")).expect("callers");
        after.keep(&before);
        drop(before);
        assert!(!kept.is_revoked() && changed.is_revoked());
        assert!(
            after.by_token("0123456789abcdefb").is_some_and(|caller| !caller.is_revoked() && caller.may(Scope::Read))
        );
        drop(after);
        assert!(kept.is_revoked());
    }
}
