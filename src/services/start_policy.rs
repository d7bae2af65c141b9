//! Which of the operator's files a request may name: profiles and extensions, by names relative to the server's root.

use std::path::PathBuf;

use super::parse::FieldError;
use crate::assessment::ProfileSource;
use crate::model::{PathSyntaxError, RelativePath};
use crate::repository::ambient;

/// The most directories of extensions that a request may name.
const MAX_EXTENSION_DIRS: usize = 64;

/// Where profiles and extensions may stand, and whether jobs may be started at all.
#[derive(Debug, Clone)]
pub struct StartPolicy {
    /// The directory that relative names are meant from.
    pub root: PathBuf,
    /// The directories that profiles must land in.
    pub profile_dirs: Vec<PathBuf>,
    /// The directories of extensions that every run gets.
    pub extension_dirs: Vec<PathBuf>,
    /// Whether StartRun and CancelRun are refused.
    pub read_only: bool,
}

impl StartPolicy {
    /// The file of a profile that a request names.
    pub(super) fn profile(&self, field: &'static str, text: &str) -> Result<PathBuf, FieldError> {
        let name = relative(field, text)?;
        ambient::land_within(&self.root, &name, &self.profile_dirs).ok_or_else(|| {
            let what = if text.starts_with("bundled:") {
                "a server takes files of its profiles directory or an extension directory, and no `bundled:` names; put a copy there"
            } else {
                "there is no such file in the server's profiles directory or an extension directory"
            };
            FieldError::new(field, what)
        })
    }

    /// The same, to be called as the request calls it.
    pub(super) fn profile_source(&self, field: &'static str, text: &str) -> Result<ProfileSource, FieldError> {
        Ok(ProfileSource::Named { file: self.profile(field, text)?, name: text.to_owned() })
    }

    /// The directories of extensions that a request names; without any, all of the server's.
    pub(super) fn extension_dirs(&self, asked: &[String]) -> Result<Vec<PathBuf>, FieldError> {
        const FIELD: &str = "extension_dirs";
        if asked.is_empty() {
            return Ok(self.extension_dirs.clone());
        }
        if asked.len() > MAX_EXTENSION_DIRS {
            return Err(FieldError::new(FIELD, "at most 64 directories"));
        }
        let found = asked.iter().map(|text| {
            let name = relative(FIELD, text)?;
            ambient::directory_within(&self.root, &name, &self.extension_dirs).ok_or_else(|| {
                FieldError::new(
                    FIELD,
                    "there is no such directory among the server's extension directories or inside one",
                )
            })
        });
        found.collect()
    }
}

fn relative(field: &'static str, text: &str) -> Result<RelativePath, FieldError> {
    text.parse().map_err(|error: PathSyntaxError| {
        FieldError::path(field, error.to_string().replace("run directory", "server's root"))
    })
}
