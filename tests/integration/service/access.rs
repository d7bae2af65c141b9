//! Who may call what, over a socket: every call of the descriptor set with and without credentials, scopes, roots, reloading, hosts, origins.

mod door;
mod every_call;
mod every_path;
mod health;
mod reload;
mod roots;

use std::path::Path;
use std::time::Duration;

use guide_board::server::access::{AccessConfig, TokensFile};
use prost_reflect::MethodDescriptor;
use tonic::Request;
use tonic::metadata::MetadataMap;

use super::fixtures::{Service, Setup};
use crate::hostile::calls::{self, Answer};

/// May do everything.
pub(crate) const ALL: &str = "token-of-one-who-may-do-all";
/// May read, in every root.
pub(crate) const READ: &str = "token-of-one-who-may-read";
/// May start and cancel, in every root.
pub(crate) const RUN: &str = "token-of-one-who-may-run";
/// May do everything in the root `ci`.
pub(crate) const CI: &str = "token-of-one-who-sees-ci";
/// As CI, under another name.
pub(super) const CI_TOO: &str = "token-of-another-who-sees-ci";

/// The entry of a token.
pub(crate) fn entry(name: &str, token: &str, rest: &str) -> String {
    format!("[[token]]\nname = \"{name}\"\ntoken = \"{token}\"\n{rest}\n")
}

/// A tokens file with all of the above.
pub(crate) fn everybody() -> String {
    [
        entry("all", ALL, "scopes = [\"read\", \"run\"]"),
        entry("read", READ, "scopes = [\"read\"]"),
        entry("run", RUN, "scopes = [\"run\"]"),
        entry("ci", CI, "scopes = [\"read\", \"run\"]\nroots = [\"ci\"]"),
        entry("ci-too", CI_TOO, "scopes = [\"read\", \"run\"]\nroots = [\"ci\"]"),
    ]
    .concat()
}

/// Writes a tokens file that only its owner may read.
pub(crate) fn write(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).expect("written");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).expect("set");
}

/// A server that asks for the tokens of this text.
pub(super) fn guarded(setup: Setup, path: &Path, text: &str) -> Setup {
    write(path, text);
    setup.with(|config| {
        let tokens = Some(TokensFile::load(path).expect("a tokens file"));
        config.access = AccessConfig { tokens, reload_interval: Duration::from_millis(20), ..AccessConfig::default() };
    })
}

/// What a token's holder sends beside a request.
pub(super) fn bearing(token: &str) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("authorization", format!("Bearer {token}").parse().expect("a value"));
    metadata
}

/// A request of a token's holder.
pub(super) fn with<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    *request.metadata_mut() = bearing(token);
    request
}

/// Makes any call as a token's holder.
async fn ask(service: &Service, token: &str, method: &MethodDescriptor, request: &serde_json::Value) -> Answer {
    use prost::Message as _;
    let request = calls::request(method, request).encode_to_vec();
    calls::call_with(&service.channel, method, request, &bearing(token)).await
}
