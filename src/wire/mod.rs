//! The protobuf types generated from `proto/`, and what is made from their descriptors: the JSON dialect, which call an HTTP path means, and keys in PEM.

mod http_rules;
mod json;
pub mod pem;
mod url;

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

pub use http_rules::{Binding, Match, Rule, RuleError, Rules};
pub use json::{DialectError, FieldFault, QueryFields, fields_to_json, from_json, message_to_json, to_json};
pub use url::{PathFault, path_segments, query_pairs};

/// The messages and services of `guideboard.v1`. Their documentation is that of the `.proto` files.
#[allow(missing_docs, reason = "generated: client and server modules carry no comments of their own")]
#[allow(clippy::all, clippy::restriction, unreachable_pub, rustdoc::all, reason = "generated code")]
pub mod pb {
    tonic::include_proto!("guideboard.v1");
}

/// The encoded descriptor set of `guideboard.v1` and what it imports, comments included.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guideboard.v1.bin"));

/// The descriptors of [`DESCRIPTOR_SET`]; `None` when it does not decode, which is a defect of the build.
#[must_use]
pub fn pool() -> Option<&'static DescriptorPool> {
    static POOL: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| DescriptorPool::decode(DESCRIPTOR_SET).ok());
    POOL.as_ref()
}

/// A message that knows its name in the descriptor set.
pub trait Named: prost::Message {
    /// The full name, `guideboard.v1.GetRunResponse`.
    const NAME: &'static str;
}

macro_rules! named {
    ($($message:ident),+ $(,)?) => {
        $(impl Named for pb::$message {
            const NAME: &'static str = concat!("guideboard.v1.", stringify!($message));
        })+
    };
}

named!(
    CancelRunResponse,
    GetLatestRetainedRunResponse,
    GetRetainedRunReportsResponse,
    GetRetainedRunResponse,
    GetRunReportsResponse,
    GetRunResponse,
    GetServerInfoResponse,
    Job,
    JobEvent,
    ListEvidenceResponse,
    ListExtensionsResponse,
    ListFindingsResponse,
    ListProblemsResponse,
    ListRetainedRunsResponse,
    ListRunsResponse,
    PlanAssessmentResponse,
    StartRunResponse,
    StreamArtifactManifestResponse,
    ValidateProfileResponse,
);
