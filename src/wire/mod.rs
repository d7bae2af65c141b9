//! The protobuf types generated from `proto/`, and the JSON dialect made from their descriptors.

mod json;

pub use json::{DialectError, to_json};

/// The messages and services of `guideboard.v1`. Their documentation is that of the `.proto` files.
#[allow(missing_docs, reason = "generated: client and server modules carry no comments of their own")]
#[allow(clippy::all, clippy::restriction, unreachable_pub, rustdoc::all, reason = "generated code")]
pub mod pb {
    tonic::include_proto!("guideboard.v1");
}

/// The encoded descriptor set of `guideboard.v1` and what it imports, comments included.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guideboard.v1.bin"));

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
