//! The repository over real directories.
