//! guide-board: plans and runs assessments, and makes their run directories a typed, durable, safe service.
//!
//! The rooms, in reading order; `use` goes from a later room to an earlier one, never back (`tests/architecture.rs` holds that):
//!
//! - [`model`]: what a run is. No I/O, no async, no wire types, no clock.
//! - [`repository`]: the disk. Its gate is the only place that opens anything a request or a stored document names.
//! - [`process`]: child processes under supervision, so that nothing outlives the one who asked for it.
//! - [`assessment`]: what `run` does: from two profiles to a whole run directory.
//! - [`baseline`]: the checks of the bundled extension `repository-baseline`, a runner like any other.
//! - [`jobs`]: assessments that this process started, in memory.
//! - [`wire`]: the generated protobuf types and the JSON dialect made from their descriptors.
//! - [`services`]: the gRPC adapters.
//! - [`server`]: listening, access, health, reflection, refreshing, shutdown.
//! - [`client`]: the Rust client that the CLI uses for a running server; it follows a job over broken connections.
//! - [`cli`]: the command tree.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, clippy::as_conversions, reason = "tests set up and look at real files")
)]

pub mod assessment;
pub mod baseline;
pub mod cli;
pub mod client;
pub mod jobs;
pub mod model;
pub mod process;
pub mod repository;
pub mod server;
pub mod services;
pub mod wire;
