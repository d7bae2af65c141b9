//! Scanning a root: every directory in it becomes a run or a problem; nothing is dropped and nothing fails the whole.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::decode::{decode_listed, recorded_output_dir};
use super::index::{Interner, LocalTexts, RunEntry};
use super::layout;
use super::memory::{Known, Memory, Remembered};
use super::root::{EntryKind, FileIdentity, GateError, OpenRoot, OutputFile, RunDirectory};
use crate::model::{
    DetailsWriter, DirectoryName, Marker, Problem, ProblemReason, Rebase, RunSummary, StoredPath, printable,
};

/// How many directories a scanning thread takes at a time.
const BATCH: usize = 64;
/// A summary that changed within this many seconds of a scan is read again by the next one: a second change within the clock's grain
/// would look the same. The coarsest filesystems in use have a grain of two seconds.
const GRAIN_SECONDS: i64 = 3;

/// Scans a root. What `memory` remembers of an unchanged summary is not read again. `now` is the clock's second when the scan began.
/// Tells whether anything differs from what the memory had before.
///
/// # Errors
/// When the root cannot be listed; the memory is then as before.
pub(super) fn scan(
    root: &OpenRoot,
    memory: &mut Memory,
    interner: &Interner,
    now: i64,
    threads: usize,
) -> Result<bool, GateError> {
    let names = root
        .names(|name, kind| !layout::is_passed_over(name) && matches!(kind, EntryKind::Directory | EntryKind::Link))?;
    memory.begin_scan(names.len());
    let next = AtomicUsize::new(0);
    let known = &*memory;
    let work = || {
        let mut found = Vec::new();
        let mut look =
            Look { root, now, texts: interner.local(), bytes: Vec::new(), details: DetailsWriter::default() };
        loop {
            let begin = next.fetch_add(BATCH, Ordering::Relaxed);
            if begin >= names.len() {
                return found;
            }
            for (name, kind) in names.range(begin, BATCH) {
                if kind == EntryKind::Directory && known.is_as_before(name, |name| root.summary_identity(name)) {
                    continue;
                }
                found.extend(look.at(name, kind).map(|(looked, summary)| known.remembered(looked, summary)));
            }
        }
    };
    let threads = threads.min(names.len() / BATCH + 1).max(1);
    let found: Vec<Vec<Remembered>> = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mine = work();
        let theirs = helpers.into_iter().map(|helper| helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(mine).chain(theirs).collect()
    });
    Ok(memory.end_scan(found.into_iter().flatten()))
}

/// Looks at one directory again; `None` when it is gone, or a name that scans pass over.
pub(super) fn scan_one(
    root: &OpenRoot,
    directory: &DirectoryName,
    memory: &Memory,
    interner: &Interner,
    now: i64,
) -> Option<Remembered> {
    if layout::is_passed_over(directory.as_str().as_bytes()) {
        return None;
    }
    let mut look = Look { root, now, texts: interner.local(), bytes: Vec::new(), details: DetailsWriter::default() };
    let (looked, summary) = look.at(directory.as_str().as_bytes(), EntryKind::Directory)?;
    Some(memory.remembered(looked, summary))
}

/// What a directory is, and the state of its summary if that settles it until the summary changes.
type Looked = (Known, Option<FileIdentity>);

/// Looks at directories, one after the other, in memory that is used again.
struct Look<'a> {
    root: &'a OpenRoot,
    now: i64,
    texts: LocalTexts<'a>,
    bytes: Vec<u8>,
    details: DetailsWriter,
}

impl Look<'_> {
    fn at(&mut self, name: &[u8], kind: EntryKind) -> Option<Looked> {
        let Some(directory) = std::str::from_utf8(name).ok().and_then(|name| name.parse::<DirectoryName>().ok()) else {
            return Some(unlisted_name(name));
        };
        if kind == EntryKind::Link {
            return Some(problem(&directory, ProblemReason::DirectoryIsLink, None));
        }
        match self.root.summary(&directory) {
            Ok(file) => Some(self.read(directory, &file)),
            Err(error) => {
                let reason = without_summary(self.root, &directory, error)?;
                if reason == ProblemReason::Incomplete
                    && let Ok(file) = self.root.summary(&directory)
                {
                    // The writer finished between the two looks.
                    return Some(self.read(directory, &file));
                }
                Some(problem(&directory, reason, None))
            }
        }
    }

    fn read(&mut self, directory: DirectoryName, file: &OutputFile) -> Looked {
        let identity = file.identity();
        let settled = (identity.last_change_second() < self.now.saturating_sub(GRAIN_SECONDS)).then_some(identity);
        match file.read_capped_into(layout::MAX_SUMMARY_BYTES, &mut self.bytes) {
            Ok(true) => {}
            Ok(false) => return problem(&directory, ProblemReason::SummaryTooLarge, settled),
            Err(_) => return problem(&directory, ProblemReason::SummaryUnreadable, None),
        }
        let listed = match decode_listed(&self.bytes, &mut self.details) {
            Ok(listed) => listed,
            Err(defect) => return problem(&directory, defect.reason(), settled),
        };
        let markers = listed
            .whole
            .as_deref()
            .map_or_else(Vec::new, |summary| summary_markers(&directory, summary, || self.root.run(&directory).ok()));
        let Some(entry) = RunEntry::new(directory.clone(), &listed, self.details.take(), markers, &mut self.texts)
        else {
            return problem(&directory, ProblemReason::RunIdInvalid, settled);
        };
        (Known::Run(Arc::new(entry)), settled)
    }
}

/// The markers that a summary alone shows, sorted. The run directory is opened only when an absolute path needs rebasing.
pub(super) fn summary_markers(
    directory: &DirectoryName,
    summary: &RunSummary,
    open: impl FnOnce() -> Option<RunDirectory>,
) -> Vec<Marker> {
    let mut markers = Vec::new();
    if !summary.malformed.is_empty() {
        markers.push(Marker::FieldMalformed);
    }
    let output_dir = if summary.report_paths.values().any(StoredPath::is_absolute) {
        open().and_then(|run| read_output_dir(&run))
    } else {
        None
    };
    let rebase = Rebase { output_dir: output_dir.as_deref(), directory: directory.as_str() };
    if summary.report_paths.values().any(|path| path.resolve(rebase).is_err()) {
        markers.push(Marker::UnsafeReportRef);
    }
    markers
}

/// The `output_dir` that the run's record gives.
pub(super) fn read_output_dir(run: &RunDirectory) -> Option<String> {
    let record = run.open(&layout::path(layout::RUN)).ok()?;
    recorded_output_dir(&record.read_capped(layout::MAX_DOCUMENT_BYTES).ok()??)
}

/// Why a directory has no readable summary; `None` when the directory itself is gone or is none.
fn without_summary(root: &OpenRoot, directory: &DirectoryName, error: GateError) -> Option<ProblemReason> {
    Some(match error {
        GateError::NotFound => match root.run(directory) {
            Ok(run) if run.is_being_written() => ProblemReason::InProgress,
            Ok(_) => ProblemReason::Incomplete,
            Err(GateError::NotFound) => return None,
            Err(GateError::Unsafe(_)) => ProblemReason::DirectoryIsLink,
            Err(_) => ProblemReason::SummaryUnreadable,
        },
        // The link may be the summary or, when the directory was replaced after it was listed, the directory.
        GateError::Unsafe(_) | GateError::IsDirectory => match root.run(directory) {
            Err(GateError::Unsafe(_)) => ProblemReason::DirectoryIsLink,
            _ => ProblemReason::SummaryNotRegular,
        },
        GateError::Denied(_) | GateError::Trouble(_) => ProblemReason::SummaryUnreadable,
    })
}

fn problem(directory: &DirectoryName, reason: ProblemReason, identity: Option<FileIdentity>) -> Looked {
    let problem = Problem {
        directory: directory.as_str().to_owned(),
        directory_bytes: None,
        reason,
        message: sentence(reason).to_owned(),
        run_id: None,
    };
    (Known::Problem(Arc::new(problem)), identity)
}

fn unlisted_name(name: &[u8]) -> Looked {
    let problem = Problem {
        directory: escape_bytes(name),
        directory_bytes: Some(name.to_vec()),
        reason: ProblemReason::DirectoryNameNotUtf8,
        message: sentence(ProblemReason::DirectoryNameNotUtf8).to_owned(),
        run_id: None,
    };
    (Known::Problem(Arc::new(problem)), None)
}

/// A name that no request can spell, for a person: bytes that are not UTF-8 are `\xNN`, and a backslash is doubled, so that two names
/// never look the same.
pub(super) fn escape_bytes(name: &[u8]) -> String {
    let mut shown = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        shown.push_str(&printable(&chunk.valid().replace('\\', "\\\\"), usize::MAX));
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

const fn sentence(reason: ProblemReason) -> &'static str {
    match reason {
        ProblemReason::InProgress => "a run is being made here; it is listed once its summary stands",
        ProblemReason::Incomplete => {
            "there is no retention-summary.json and nobody is writing: the run was broken off, or this is no run"
        }
        ProblemReason::SummaryUnreadable => {
            "retention-summary.json cannot be opened or read; check its permissions and the disk"
        }
        ProblemReason::SummaryTooLarge => "retention-summary.json exceeds 1 MiB",
        ProblemReason::SummaryNotJson => "retention-summary.json is not JSON",
        ProblemReason::SummaryNotObject => "retention-summary.json is JSON, but not an object",
        ProblemReason::SummaryNotRegular => {
            "retention-summary.json is a link, a directory, a special file, or on another mount; it is not followed"
        }
        ProblemReason::RunIdMissing => "retention-summary.json has no run_id",
        ProblemReason::RunIdInvalid => {
            "retention-summary.json has a run_id that is not 1 to 128 characters from A-Z a-z 0-9 . _ -"
        }
        ProblemReason::DirectoryIsLink => "the directory is a symbolic link; it is not followed",
        ProblemReason::DirectoryNameNotUtf8 => {
            "the directory's name is not UTF-8, so no request can name it; rename it"
        }
        ProblemReason::RunIdDuplicate => "another directory bears the same run id",
    }
}
