//! The repository over real directories.

mod artifact;
mod fixtures;
mod listing;
mod manifest;
mod roots;
mod run;
mod scan;
pub(crate) mod surroundings;
mod unlisted;
