//! What needs `python3`: the functions of extensions, and the whole of `sdk-fixture`.
//!
//! `cargo test` alone needs nothing but the Rust toolchain, so these tests are ignored there; `scripts/test python` runs them.

mod fixture;
mod functions;
mod redacted;
