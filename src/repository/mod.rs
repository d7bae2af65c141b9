//! The disk, blocking: the run directories and the files that an operator names.

pub mod ambient;
pub mod record;
