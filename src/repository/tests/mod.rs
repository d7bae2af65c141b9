//! The repository over real directories.

pub(crate) mod surroundings;
