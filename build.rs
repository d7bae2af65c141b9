//! Compiles the protos (later).
fn main() {}
