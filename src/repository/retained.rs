//! One run in depth: found by id or directory, its summary read again, its reports looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::decode::decode_summary;
use super::error::Error;
use super::index::{RunEntry, RunQuery};
use super::layout;
use super::root::{FileIdentity, GateError, OutputFile, RunDirectory, UnsafeKind};
use super::runs_root::RunsRoot;
use super::scan::{read_output_dir, summary_markers};
use crate::model::{
    DirectoryName, Marker, PathSyntaxError, Rebase, RelativePath, RunId, RunSummary, StoredPath, printable,
};

/// How many of the newest runs are tried, should they have been removed since the scan.
const NEWEST_TRIED: usize = 20;

/// Which run is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunSelector {
    /// The run of this id, if only one directory bears it.
    RunId(RunId),
    /// The run in this directory; also a directory without a summary, where that makes sense.
    Directory(DirectoryName),
}

/// A run directory, found and opened.
#[derive(Debug)]
pub struct LocatedRun {
    pub(super) root: Arc<RunsRoot>,
    pub(super) directory: DirectoryName,
    pub(super) handle: RunDirectory,
    /// Read from the run record when a stored absolute path first needs it.
    output_dir: OnceLock<Option<String>>,
    is_duplicate: bool,
    asked_run_id: Option<RunId>,
}

/// A run with everything its summary says.
#[derive(Debug)]
pub struct RetainedRun {
    /// The directory's name.
    pub directory: DirectoryName,
    /// What the summary says.
    pub summary: RunSummary,
    /// Report paths by kind, relative to the run.
    pub report_paths: BTreeMap<String, RelativePath>,
    /// The kinds whose recorded path is refused.
    pub unsafe_reports: BTreeSet<String>,
    /// All markers, sorted.
    pub markers: Vec<Marker>,
}

/// What was found where a file should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundFile {
    /// A regular file.
    Present(FileIdentity),
    /// Nothing.
    Missing,
    /// Something that is never served.
    NotRegular,
    /// Something the server cannot look at.
    Unreadable,
    /// The recorded path is refused.
    UnsafePath,
}

impl FoundFile {
    pub(super) fn from_look(looked: Result<FileIdentity, GateError>) -> Self {
        match looked {
            Ok(identity) => Self::Present(identity),
            Err(GateError::NotFound) => Self::Missing,
            Err(GateError::Unsafe(_) | GateError::IsDirectory) => Self::NotRegular,
            Err(GateError::Denied(_) | GateError::Trouble(_)) => Self::Unreadable,
        }
    }
}

impl RunsRoot {
    /// Finds a run and opens its directory.
    ///
    /// # Errors
    /// [`Error::RunNotFound`], [`Error::RunIdAmbiguous`], [`Error::UnsafePath`] for a directory that is a link, and those of the root.
    pub fn locate(self: &Arc<Self>, selector: &RunSelector) -> Result<LocatedRun, Error> {
        let (opened_root, snapshot) = self.open()?;
        let (directory, is_duplicate, asked_run_id) = match selector {
            RunSelector::Directory(directory) => {
                if layout::is_passed_over(directory.as_str().as_bytes()) {
                    return Err(no_such_directory(directory));
                }
                let is_duplicate =
                    snapshot.in_directory(directory.as_str()).is_some_and(|run| snapshot.is_duplicate(run));
                (directory.clone(), is_duplicate, None)
            }
            RunSelector::RunId(run_id) => {
                let bearers = snapshot.with_run_id(run_id.as_str());
                match bearers.as_slice() {
                    [] => return Err(no_such_run_id(run_id)),
                    [one] => (one.directory.clone(), false, Some(run_id.clone())),
                    several => return Err(ambiguous(run_id.as_str(), several)),
                }
            }
        };
        let handle = opened_root.run(&directory).map_err(|error| match error {
            GateError::NotFound => no_such_directory(&directory),
            other => Error::of_path(directory.as_str(), other),
        })?;
        Ok(LocatedRun {
            root: Arc::clone(self),
            directory,
            handle,
            output_dir: OnceLock::new(),
            is_duplicate,
            asked_run_id,
        })
    }

    /// Finds the newest run that matches, and reads its summary again.
    ///
    /// # Errors
    /// [`Error::RunNotFound`] when none matches, [`Error::RunIdAmbiguous`] when the newest shares its id, and those of the root.
    pub fn latest(self: &Arc<Self>, query: &RunQuery) -> Result<RetainedRun, Error> {
        for newest in self.snapshot()?.page(query, None, NEWEST_TRIED).runs {
            // Asked again each time: what the snapshot of the moment says of duplicates counts.
            let snapshot = self.snapshot()?;
            if snapshot.is_duplicate(&newest) {
                return Err(ambiguous(newest.run_id.as_str(), &snapshot.with_run_id(newest.run_id.as_str())));
            }
            let located = self.locate(&RunSelector::Directory(newest.directory.clone()));
            // A directory that has become another run need not match any more.
            let as_asked = |located| LocatedRun { asked_run_id: Some(newest.run_id.clone()), ..located };
            match located.map(as_asked).and_then(|located| located.retained()) {
                // Removed or replaced since the scan: then the next one is the newest.
                Err(Error::RunNotFound { .. }) => {}
                outcome => return outcome,
            }
        }
        let message =
            format!("no run in `{}` matches; list the runs without filters to see what there is", self.name());
        Err(Error::RunNotFound { message })
    }
}

fn no_such_run_id(run_id: &RunId) -> Error {
    let message = format!(
        "there is no retained run `{run_id}`; list the runs to see their ids, and the problems for directories that are none"
    );
    Error::RunNotFound { message }
}

fn no_such_directory(directory: &DirectoryName) -> Error {
    Error::RunNotFound {
        message: format!(
            "there is no run directory `{}`; list the runs to see their directories",
            printable(directory.as_str(), 300)
        ),
    }
}

fn ambiguous(run_id: &str, bearers: &[&Arc<RunEntry>]) -> Error {
    let mut directories: Vec<String> =
        bearers.iter().take(20).map(|run| printable(run.directory.as_str(), 120)).collect();
    directories.sort();
    Error::RunIdAmbiguous { run_id: run_id.to_owned(), directories }
}

impl LocatedRun {
    /// The directory's name.
    #[must_use]
    pub const fn directory(&self) -> &DirectoryName {
        &self.directory
    }

    /// A stored path relative to the run; an absolute one is rebased.
    ///
    /// # Errors
    /// When the path is refused.
    pub(super) fn resolve(&self, stored: &StoredPath) -> Result<RelativePath, PathSyntaxError> {
        let recorded = || self.output_dir.get_or_init(|| read_output_dir(&self.handle)).as_deref();
        let output_dir = if stored.is_absolute() { recorded() } else { None };
        stored.resolve(Rebase { output_dir, directory: self.directory.as_str() })
    }

    /// Asks what stands at a path, if that may be an output: anything else is as good as not there, whether or not it exists.
    pub(super) fn look_at_output(&self, path: &RelativePath) -> Result<FileIdentity, GateError> {
        if !layout::may_be_output(path) {
            return Err(GateError::NotFound);
        }
        let found = self.handle.look(path)?;
        if layout::is_output_directory(path) { Err(GateError::NotFound) } else { Ok(found) }
    }

    /// Opens an output for reading, as [`Self::look_at_output`] finds it.
    pub(super) fn open_output(&self, path: &RelativePath) -> Result<OutputFile, GateError> {
        if !layout::may_be_output(path) {
            return Err(GateError::NotFound);
        }
        let opened = self.handle.open(path)?;
        if layout::is_output_directory(path) { Err(GateError::NotFound) } else { Ok(opened) }
    }

    /// Whether the run was asked for by its id, and so has to have a readable summary.
    pub(super) const fn is_asked_by_run_id(&self) -> bool {
        self.asked_run_id.is_some()
    }

    /// Holds a run asked for by its id to that id: its directory may have become another run's since the scan.
    ///
    /// # Errors
    /// As [`Self::retained`].
    pub(super) fn check_run_id(&self) -> Result<(), Error> {
        if self.is_asked_by_run_id() { self.read_summary().map(drop) } else { Ok(()) }
    }

    /// Reads the run's summary again.
    ///
    /// # Errors
    /// [`Error::RunNotFound`] when there is none, or when it now is another run than asked for by id;
    /// [`Error::DocumentMalformed`] and [`Error::DocumentTooLarge`] when it is not readable.
    pub fn retained(&self) -> Result<RetainedRun, Error> {
        let summary = self.read_summary()?;
        let (mut report_paths, mut unsafe_reports) = (BTreeMap::new(), BTreeSet::new());
        for (kind, stored) in &summary.report_paths {
            match self.resolve(stored) {
                Ok(path) => drop(report_paths.insert(kind.clone(), path)),
                Err(_) => drop(unsafe_reports.insert(kind.clone())),
            }
        }
        let markers = self.markers(&summary, !unsafe_reports.is_empty());
        Ok(RetainedRun { directory: self.directory.clone(), summary, report_paths, unsafe_reports, markers })
    }

    fn read_summary(&self) -> Result<RunSummary, Error> {
        let file = self.handle.open(&layout::path(layout::SUMMARY)).map_err(|error| self.no_summary(error))?;
        let bytes = file
            .read_capped(layout::MAX_SUMMARY_BYTES)
            .map_err(|error| Error::of_read(layout::SUMMARY, error))?
            .ok_or_else(|| Error::DocumentTooLarge {
                document: layout::SUMMARY.to_owned(),
                cap_bytes: layout::MAX_SUMMARY_BYTES,
            })?;
        let summary = decode_summary(&bytes).map_err(|defect| Error::DocumentMalformed {
            document: layout::SUMMARY.to_owned(),
            detail: defect.to_string(),
        })?;
        match &self.asked_run_id {
            Some(asked) if *asked != summary.run_id => Err(no_such_run_id(asked)),
            _ => Ok(summary),
        }
    }

    fn no_summary(&self, error: GateError) -> Error {
        match error {
            GateError::NotFound => {
                let directory = printable(self.directory.as_str(), 300);
                let message = if self.handle.is_being_written() {
                    format!("the run in `{directory}` is still being made; it is retained once its summary stands")
                } else {
                    format!(
                        "`{directory}` has no summary, so it is no retained run; its manifest and outputs can be read by directory"
                    )
                };
                Error::RunNotFound { message }
            }
            GateError::IsDirectory => Error::UnsafePath { path: layout::SUMMARY.to_owned(), kind: UnsafeKind::Special },
            other => Error::of_path(layout::SUMMARY, other),
        }
    }

    /// Markers from the summary and from a look at the standard documents.
    fn markers(&self, summary: &RunSummary, has_unsafe_reports: bool) -> Vec<Marker> {
        let mut markers = summary_markers(&self.directory, summary, || None);
        markers.retain(|marker| *marker != Marker::UnsafeReportRef);
        if has_unsafe_reports {
            markers.push(Marker::UnsafeReportRef);
        }
        markers.extend(self.disk_markers());
        markers.sort_unstable();
        markers
    }

    /// The markers that the disk shows, whether or not there is a summary. Sorted.
    #[must_use]
    pub fn disk_markers(&self) -> Vec<Marker> {
        let expected = [
            (layout::ASSESSMENT_PACKAGE, Marker::AssessmentPackageMissing),
            (layout::REPORT, Marker::ReportMissing),
            (layout::SOURCE_LOCK, Marker::SourceLockMissing),
            (layout::SUBMISSION_PACKAGE, Marker::SubmissionPackageMissing),
        ];
        let mut markers: Vec<Marker> = expected
            .into_iter()
            .filter(|(name, _)| matches!(self.handle.look(&layout::path(name)), Err(GateError::NotFound)))
            .map(|(_, marker)| marker)
            .collect();
        if self.is_duplicate {
            markers.push(Marker::RunIdDuplicate);
        }
        markers.sort_unstable();
        markers
    }
}
