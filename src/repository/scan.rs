//! Scanning a root: every directory in it becomes a run or a problem; nothing is dropped and nothing fails the whole.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::decode::{decode_summary, recorded_output_dir};
use super::index::{Interner, RunEntry};
use super::layout;
use super::root::{EntryKind, FileIdentity, GateError, ListedEntry, OpenRoot, OutputFile, RunDirectory};
use crate::model::{DirectoryName, Marker, Problem, ProblemReason, Rebase, RunSummary, printable};

/// How many directories a scanning thread takes at a time.
const BATCH: usize = 64;
/// A summary that changed within this many seconds of a scan is read again by the next one: a second change within the clock's grain
/// would look the same. The coarsest filesystems in use have a grain of two seconds.
const GRAIN_SECONDS: i64 = 3;

/// What a directory is known to be.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// A run, as its summary of this identity says.
    Run(Arc<RunEntry>),
    /// A problem.
    Problem(Arc<Problem>),
}

impl Known {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Run(one), Self::Run(other)) => Arc::ptr_eq(one, other) || one == other,
            (Self::Problem(one), Self::Problem(other)) => one == other,
            _ => false,
        }
    }
}

/// What is known of a directory, and from which state of its summary.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) known: Known,
    /// The summary it was read from; `None` when it has to be looked at again whatever the summary is.
    identity: Option<FileIdentity>,
}

impl Remembered {
    /// The key to remember it under.
    pub(super) fn key(&self, name: &[u8]) -> Arc<[u8]> {
        match &self.known {
            Known::Run(run) => Arc::from(Arc::clone(&run.directory)),
            Known::Problem(_) => name.into(),
        }
    }
}

/// What a scan knows, by raw directory name; the name of a run is the one its entry holds.
pub(super) type Memory = HashMap<Arc<[u8]>, Remembered>;

/// What a scan found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) memory: Memory,
    /// Whether it is all as the memory had it before.
    pub(super) is_unchanged: bool,
}

/// Scans a root. What `memory` remembers of an unchanged summary is not read again. `now` is the clock's second when the scan began.
pub(super) fn scan(
    root: &OpenRoot,
    memory: &Memory,
    interner: &Mutex<Interner>,
    now: i64,
    threads: usize,
) -> Result<Found, GateError> {
    let mut names: Vec<ListedEntry> = root.entries()?;
    names.retain(|entry| {
        !layout::is_passed_over(&entry.name) && matches!(entry.kind, EntryKind::Directory | EntryKind::Link)
    });
    let next = AtomicUsize::new(0);
    let changes = AtomicUsize::new(0);
    let work = || {
        let mut found: Vec<(Arc<[u8]>, Remembered)> = Vec::new();
        loop {
            let begin = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) =
                names.get(begin..names.len().min(begin.saturating_add(BATCH))).filter(|batch| !batch.is_empty())
            else {
                return found;
            };
            let looked: Vec<_> =
                batch.iter().filter_map(|entry| Some((entry, look(root, entry, memory, now)?))).collect();
            let mut interner = interner.lock().unwrap_or_else(PoisonError::into_inner);
            for (entry, looked) in looked {
                let now_known = looked.remember(&mut interner);
                let is_same = |before: &Remembered| before.known.is_same(&now_known.known);
                if !memory.get(entry.name.as_slice()).is_some_and(is_same) {
                    changes.fetch_add(1, Ordering::Relaxed);
                }
                found.push((now_known.key(&entry.name), now_known));
            }
        }
    };
    let threads = threads.min(names.len() / BATCH + 1).max(1);
    let mut found: Memory = HashMap::with_capacity(names.len());
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        found.extend(work());
        for helper in helpers {
            match helper.join() {
                Ok(part) => found.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    // Nothing new, and as many as before: so nothing is gone either.
    let is_unchanged = changes.into_inner() == 0 && found.len() == memory.len();
    Ok(Found { memory: found, is_unchanged })
}

/// Looks at one directory again; `None` when it is gone, or a name that scans pass over.
pub(super) fn scan_one(
    root: &OpenRoot,
    directory: &DirectoryName,
    interner: &Mutex<Interner>,
    now: i64,
) -> Option<Remembered> {
    if layout::is_passed_over(directory.as_str().as_bytes()) {
        return None;
    }
    let entry = ListedEntry { name: directory.as_str().as_bytes().to_vec(), kind: EntryKind::Directory };
    let looked = look(root, &entry, &Memory::new(), now)?;
    Some(looked.remember(&mut interner.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// What a look at a directory gave.
enum Looked {
    Unchanged(Remembered),
    Run { directory: DirectoryName, summary: Box<RunSummary>, markers: Vec<Marker>, identity: Option<FileIdentity> },
    Problem { problem: Problem, identity: Option<FileIdentity> },
}

impl Looked {
    fn remember(self, interner: &mut Interner) -> Remembered {
        match self {
            Self::Unchanged(remembered) => remembered,
            Self::Run { directory, summary, markers, identity } => {
                let entry = interner.entry(&directory, *summary, &markers);
                Remembered { known: Known::Run(Arc::new(entry)), identity }
            }
            Self::Problem { problem, identity } => Remembered { known: Known::Problem(Arc::new(problem)), identity },
        }
    }
}

fn look(root: &OpenRoot, entry: &ListedEntry, memory: &Memory, now: i64) -> Option<Looked> {
    let Some(directory) = std::str::from_utf8(&entry.name).ok().and_then(|name| name.parse::<DirectoryName>().ok())
    else {
        return Some(unlisted_name(&entry.name));
    };
    if entry.kind == EntryKind::Link {
        return Some(problem(&directory, ProblemReason::DirectoryIsLink, None));
    }
    if let Some(remembered) = memory.get(entry.name.as_slice())
        && remembered.identity.is_some()
        && remembered.identity == root.summary_identity(&directory)
    {
        return Some(Looked::Unchanged(remembered.clone()));
    }
    match root.summary(&directory) {
        Ok(file) => Some(read_summary(root, directory, &file, now)),
        Err(error) => {
            let reason = without_summary(root, &directory, error)?;
            if reason == ProblemReason::Incomplete
                && let Ok(file) = root.summary(&directory)
            {
                // The writer finished between the two looks.
                return Some(read_summary(root, directory, &file, now));
            }
            Some(problem(&directory, reason, None))
        }
    }
}

fn read_summary(root: &OpenRoot, directory: DirectoryName, file: &OutputFile, now: i64) -> Looked {
    let identity = file.identity();
    let settled = (identity.last_change_second() < now.saturating_sub(GRAIN_SECONDS)).then_some(identity);
    let bytes = match file.read_capped(layout::MAX_SUMMARY_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return problem(&directory, ProblemReason::SummaryTooLarge, settled),
        Err(_) => return problem(&directory, ProblemReason::SummaryUnreadable, None),
    };
    match decode_summary(&bytes) {
        Ok(summary) => {
            let markers = summary_markers(&directory, &summary, || root.run(&directory).ok());
            Looked::Run { directory, summary: Box::new(summary), markers, identity: settled }
        }
        Err(defect) => problem(&directory, defect.reason(), settled),
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
    let output_dir = if summary.report_paths.values().any(crate::model::StoredPath::is_absolute) {
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
    Looked::Problem { problem, identity }
}

fn unlisted_name(name: &[u8]) -> Looked {
    let problem = Problem {
        directory: escape_bytes(name),
        directory_bytes: Some(name.to_vec()),
        reason: ProblemReason::DirectoryNameNotUtf8,
        message: sentence(ProblemReason::DirectoryNameNotUtf8).to_owned(),
        run_id: None,
    };
    Looked::Problem { problem, identity: None }
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
