//! A run's reports: those its summary names and the standard ones, with what stands on disk.

use std::collections::BTreeMap;

use super::decode::recorded_digests;
use super::error::Error;
use super::layout;
use super::retained::{FoundFile, LocatedRun, RetainedRun};
use super::root::GateError;
use crate::model::{RelativePath, printable};

/// How many unsafe kinds a refusal names.
const NAMED_KINDS: usize = 20;

/// A report as found on disk.
#[derive(Debug)]
pub struct ReportFile {
    /// Its kind.
    pub kind: String,
    /// Its path; `None` when the recorded one is refused.
    pub path: Option<RelativePath>,
    /// What stands there.
    pub state: FoundFile,
    /// The SHA-256 that the run recorded.
    pub recorded_sha256: Option<String>,
    /// Its bytes, if asked for and within the bound.
    pub contents: Option<Vec<u8>>,
}

/// What to do with stored paths that are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsafeRefs {
    /// Refuse the whole call.
    Refuse,
    /// Report them as entries.
    Report,
}

impl LocatedRun {
    /// The run's reports: those its summary names and the standard ones found on disk, by kind. With `contents`, their bytes, as long as
    /// they fit in that many bytes together.
    ///
    /// # Errors
    /// [`Error::UnsafeRefs`] when a ref is unsafe and `unsafe_refs` is [`UnsafeRefs::Refuse`]; [`Error::ReportNotFound`] when `kind` is
    /// given and the run has no such report.
    pub fn reports(
        &self,
        run: &RetainedRun,
        kind: Option<&str>,
        contents: Option<usize>,
        unsafe_refs: UnsafeRefs,
    ) -> Result<Vec<ReportFile>, Error> {
        let mut reports: BTreeMap<String, ReportFile> = BTreeMap::new();
        let wanted = |name: &str| kind.is_none_or(|kind| kind == name);
        for (name, path) in run.report_paths.iter().filter(|(name, _)| wanted(name)) {
            reports.insert(name.clone(), self.report(name, path.clone()));
        }
        for name in run.unsafe_reports.iter().filter(|name| wanted(name)) {
            reports.insert(name.clone(), refused_report(name));
        }
        for (name, path) in layout::STANDARD_REPORTS.into_iter().filter(|(name, _)| wanted(name)) {
            if !reports.contains_key(name) {
                let report = self.report(name, layout::path(path));
                if report.state != FoundFile::Missing {
                    reports.insert(name.to_owned(), report);
                }
            }
        }
        if let Some(kind) = kind.filter(|_| reports.is_empty()) {
            return Err(Error::ReportNotFound { kind: printable(kind, 100) });
        }
        if unsafe_refs == UnsafeRefs::Refuse {
            refuse_unsafe(&reports)?;
        }
        let mut reports: Vec<ReportFile> = reports.into_values().collect();
        self.add_digests(&mut reports);
        if let Some(mut room) = contents {
            for report in &mut reports {
                self.add_contents(report, room)?;
                room -= report.contents.as_ref().map_or(0, Vec::len);
            }
        }
        Ok(reports)
    }

    fn report(&self, kind: &str, path: RelativePath) -> ReportFile {
        let state = FoundFile::from_look(self.look_at_output(&path));
        ReportFile { kind: kind.to_owned(), path: Some(path), state, recorded_sha256: None, contents: None }
    }

    /// Reads a report's bytes if they fit in `room`. One that cannot be read leaves the others readable.
    fn add_contents(&self, report: &mut ReportFile, room: usize) -> Result<(), Error> {
        let (FoundFile::Present(_), Some(path)) = (report.state, &report.path) else { return Ok(()) };
        let file = match self.open_output(path) {
            Ok(file) => file,
            Err(error @ GateError::Trouble(_)) => return Err(Error::of_path(path.as_str(), error)),
            Err(error) => {
                report.state = FoundFile::from_look(Err(error));
                return Ok(());
            }
        };
        let cap = u64::try_from(room).unwrap_or(u64::MAX);
        let bytes = file.read_capped(cap).map_err(|error| Error::of_read(path.as_str(), error))?;
        if !file.is_unchanged().map_err(|error| Error::of_read(path.as_str(), error))? {
            return Err(Error::Changed { path: printable(path.as_str(), 300) });
        }
        report.state = FoundFile::Present(file.identity());
        report.contents = bytes;
        Ok(())
    }

    fn add_digests(&self, reports: &mut [ReportFile]) {
        let Ok(package) = self.handle.open(&layout::path(layout::SUBMISSION_PACKAGE)) else { return };
        let Ok(Some(bytes)) = package.read_capped(layout::MAX_DOCUMENT_BYTES) else { return };
        let recorded: BTreeMap<RelativePath, String> = recorded_digests(&bytes)
            .into_iter()
            .filter_map(|document| Some((self.resolve(&document.path).ok()?, document.sha256)))
            .collect();
        for report in reports {
            report.recorded_sha256 = report.path.as_ref().and_then(|path| recorded.get(path).cloned());
        }
    }
}

fn refused_report(kind: &str) -> ReportFile {
    ReportFile {
        kind: kind.to_owned(),
        path: None,
        state: FoundFile::UnsafePath,
        recorded_sha256: None,
        contents: None,
    }
}

fn refuse_unsafe(reports: &BTreeMap<String, ReportFile>) -> Result<(), Error> {
    let is_unsafe = |report: &&ReportFile| matches!(report.state, FoundFile::UnsafePath | FoundFile::NotRegular);
    let count = reports.values().filter(is_unsafe).count();
    let named = reports.values().filter(is_unsafe).take(NAMED_KINDS);
    let mut kinds: Vec<String> = named.map(|report| printable(&report.kind, 100)).collect();
    if kinds.is_empty() {
        return Ok(());
    }
    if count > kinds.len() {
        kinds.push(format!("and more, {count} in all"));
    }
    let message = format!(
        "the run's reports are not safe to follow: {}; ask to have unsafe refs reported to see the others",
        kinds.join(", ")
    );
    Err(Error::UnsafeRefs { message })
}
