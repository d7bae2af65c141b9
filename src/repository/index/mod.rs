//! The index: an immutable snapshot of what a scan found, ordered for lists. It is rebuilt from the directories and never stored.

mod entry;
mod interner;
mod lookup;
mod query;
mod snapshot;

pub use entry::{RunEntry, RunKey};
pub use query::{ProblemPage, ProblemQuery, RunPage, RunQuery};
pub use snapshot::Snapshot;

pub(super) use interner::{Interner, LocalTexts};
