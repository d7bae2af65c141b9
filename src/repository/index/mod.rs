//! The index: an immutable snapshot of what a scan found, ordered for lists. It is rebuilt from the directories and never stored.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        clippy::panic,
        reason = "what reads untrusted input is total"
    )
)]

mod entry;
mod interner;
mod query;
mod snapshot;

pub use entry::{RunEntry, RunKey};
pub use query::{ProblemPage, ProblemQuery, RunPage, RunQuery};
pub use snapshot::Snapshot;

pub(super) use interner::Interner;
