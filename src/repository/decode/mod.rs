//! From bytes to the model: pure, total functions over untrusted documents. No I/O but the reader handed in, no panic on any input.

mod document;
mod guard;
mod item;
mod items;
mod listed;
mod manifest;
mod small;
mod summary;
mod text;

pub use item::{Item, ItemKind, ItemWords};
pub use items::{ItemsError, RawItem, read_items, resume_items};
pub use listed::{ListedSummary, decode_listed};
pub use manifest::{ManifestError, ManifestPresence, read_manifest};
pub use small::{RecordedDocument, recorded_digests, recorded_output_dir};
pub use summary::{SummaryDefect, decode_summary};
