//! The integration tests, which drive the real binary. This is their table of contents.
#![allow(clippy::disallowed_methods, reason = "tests set up and look at real files")]

mod process;
mod run;
mod support;
