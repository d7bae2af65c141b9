//! The media types that a run's package records, for reading one output: looked up once a package, and kept while it stays as it was.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use super::decode::read_manifest;
use super::layout;
use super::retained::LocatedRun;
use super::root::FileIdentity;
use crate::model::{RelativePath, is_media_type};

/// The largest package that is looked through, in bytes. Of a larger one the types come from the file names.
const MAX_PACKAGE_BYTES: u64 = 4 << 20;
/// How many packages' types are kept.
const KEPT: usize = 8;

/// By path, what differs from what the name says.
type Types = HashMap<String, String>;

/// The recorded types of the packages asked for last.
#[derive(Debug, Default)]
pub(super) struct MediaTypes {
    newest_last: Mutex<VecDeque<(FileIdentity, Arc<Types>)>>,
}

impl MediaTypes {
    fn get(&self, package: FileIdentity) -> Option<Arc<Types>> {
        let kept = self.newest_last.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(identity, _)| *identity == package).map(|(_, types)| Arc::clone(types))
    }

    fn keep(&self, package: FileIdentity, types: Arc<Types>) {
        let mut kept = self.newest_last.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((package, types));
    }
}

impl LocatedRun {
    /// The media type of an output: the recorded one, or that of the file's name where none is recorded, or none that is one, or the package
    /// is too large or cannot be read. What is wrong with a package is told by the calls that are about it.
    pub(super) fn media_type(&self, path: &RelativePath) -> String {
        let recorded = self.recorded_types().and_then(|types| types.get(path.as_str()).cloned());
        recorded.unwrap_or_else(|| layout::media_type(path.as_str()).to_owned())
    }

    fn recorded_types(&self) -> Option<Arc<Types>> {
        let package = self.handle.open(&layout::path(layout::ASSESSMENT_PACKAGE)).ok()?;
        let identity = package.identity();
        if identity.size() > MAX_PACKAGE_BYTES {
            return None;
        }
        if let Some(types) = self.root.media_types.get(identity) {
            return Some(types);
        }
        let mut types = Types::new();
        let read = read_manifest(package.reader(), &mut |entry| {
            // Without parameters: a character set, most of all, is nothing to believe a run in.
            let recorded = entry.media_type.as_deref().and_then(|text| text.split(';').next()).map(str::trim);
            let recorded = recorded.filter(|text| is_media_type(text));
            if let (Some(recorded), Ok(path)) = (recorded, self.resolve(&entry.path))
                && recorded != layout::media_type(path.as_str())
            {
                types.insert(path.as_str().to_owned(), recorded.to_owned());
            }
            ControlFlow::Continue(())
        });
        if read.is_err() || !package.is_unchanged().unwrap_or(false) {
            return None;
        }
        let types = Arc::new(types);
        self.root.media_types.keep(identity, Arc::clone(&types));
        Some(types)
    }
}
