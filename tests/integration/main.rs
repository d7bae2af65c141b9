//! The integration tests, which drive the real binary and the real server. This is their table of contents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test stops where something is not as it should be"
)]
#![allow(clippy::disallowed_methods, reason = "tests set up and look at real files")]

/// Slow and abusive clients.
#[cfg(target_os = "linux")]
mod abuse;
/// The checks of the bundled extension, on trees in fresh directories.
mod baseline;
/// The command line: golden files for the whole surface.
mod cli;
/// The documents, executed and compared.
mod docs;
/// What a document's author is told of its faults.
mod faults;
/// One hostile tree against everything that takes or follows a name.
#[cfg(target_os = "linux")]
mod hostile;
/// Supervised processes.
mod process;
mod python;
/// `guide-board run`: whole run directories from profiles and extensions.
mod run;
/// Every call of the services, over a socket.
mod service;
/// The whole story: serve, assess, kill, restart, find again.
mod story;
mod support;
