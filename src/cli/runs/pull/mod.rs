//! `runs pull`: a whole run, verified, into a directory.

mod fetch;
mod told;

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use clap::Args;
use tonic::{Code, Status};

use self::fetch::{Expected, Fetched, Fetcher, Trouble};
use self::told::Told;
use super::history::Manifest;
use super::select::OneRun;
use super::{History, call};
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::model::{ProblemReason, Rebase, RelativePath};
use crate::repository::ambient::{AmbientError, RunCopy, is_directory, resolved};
use crate::repository::{decode, layout};
use crate::services::reason_of;
use crate::wire::pb;

/// How many files of DIR that are not the run's are named.
const NAMED_FOREIGN: usize = 20;

const EXAMPLES: &str = "\
Examples:
  guide-board runs pull --run-id run-20260508T164334Z-7f3a91c2 ./that-run
  guide-board runs pull --directory nightly-17 /archive/nightly-17 --json

Exit codes:
  0  all that the run has is in DIR, and every byte is verified
  2  wrong usage, or DIR cannot be written
  6  no such run, or a file that the run records is missing
  7  refused: a run that is being made or changed meanwhile, an unsafe path, a
     file that is not what the run records, or one in DIR that is not the run's
  8  the server cannot be reached or refuses";

/// Copies a whole run into a directory, verified; broken off, it is taken up again
///
/// DIR becomes a run directory: the documents, reports, exports and artifacts, recorded or not. Each file is checked against the digest that the run
/// records for it (in its artifact manifest or submission package), or else one computed where the run is. What stands in DIR already and is the same is
/// kept, so that the same command goes on where it was broken off; what is another is left alone and told. The summary comes last: DIR is a retained
/// run once all is there that can be had. A run without a summary is copied as it is.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct PullArgs {
    #[command(flatten)]
    run: OneRun,
    /// The directory to fill; it is created when it does not exist
    #[arg(id = "into", value_name = "DIR")]
    into: PathBuf,
    /// Replace files in DIR that are not those of the run
    #[arg(long)]
    force: bool,
}

/// A pull under way.
struct Pull<'a> {
    fetcher: Fetcher<'a>,
    told: Told,
    /// The digests that the submission package records.
    recorded: BTreeMap<String, String>,
    /// The paths that were met, as hashes with a secret key: of a manifest that names a path again and again the first counts.
    met: HashSet<u64>,
    keys: RandomState,
}

/// The state of the two documents that make a directory a run: a run whose documents stay as they are is one run throughout.
#[derive(Debug, PartialEq, Eq)]
struct RunState {
    record: Option<String>,
    summary: Option<String>,
}

pub(super) async fn pull(args: &PullArgs, history: &History) -> Result<u8, Failure> {
    if history.directory().is_some_and(|runs| is_inside_a_run(&args.into, runs)) {
        return Err(Failure::new(exit::USAGE, "DIR lies inside a run; name a directory outside of the runs"));
    }
    let request = pb::StreamArtifactManifestRequest {
        run_id: args.run.run_id(),
        directory: args.run.directory(),
        include_unlisted: true,
        report_unsafe: true,
        ..Default::default()
    };
    let mut manifest = call!(history, stream_artifact_manifest, request)?;
    let header = manifest
        .message()
        .await
        .and_then(|header| header.ok_or_else(|| Status::unavailable("the reply ended at once")));
    let header = header.map_err(|status| history.failure(status))?;
    let run = header.run.clone().unwrap_or_default();
    if is_being_made(history, &run.directory).await? {
        return Err(Failure::new(exit::REFUSED, "the run is being made; pull it once it is done"));
    }
    let copy = RunCopy::open(&args.into).map_err(unwritable)?;
    let bar = terminal::byte_bar(header.total_bytes);
    let fetcher = Fetcher { history, run: &args.run, copy, force: args.force, bar };
    let (recorded, keys) = (BTreeMap::new(), RandomState::new());
    let mut pull = Pull { fetcher, told: Told::default(), recorded, met: HashSet::new(), keys };
    pull.all(&run.directory, manifest).await.map_err(|failure| {
        let hint = "; what was pulled stays in DIR, and the same command goes on from there";
        let may_go_on = failure.code() == exit::SERVER;
        failure.around("", if may_go_on { hint } else { "" })
    })?;
    pull.fetcher.bar.finish_and_clear();
    pull.told.tell(&run, &terminal::cell(&args.into.to_string_lossy()), history.json)
}

/// Whether a directory lies deeper in the runs directory than a run does. Of one that is yet to be made its first ancestor counts that is there.
fn is_inside_a_run(directory: &Path, runs: &Path) -> bool {
    let directory = Path::new(".").join(directory);
    let Some(standing) = directory.ancestors().find(|ancestor| is_directory(ancestor)) else { return false };
    let below = directory.strip_prefix(standing).map_or(0, |rest| rest.components().count());
    let inside = resolved(standing);
    inside.strip_prefix(resolved(runs)).is_ok_and(|inside| inside.components().count().saturating_add(below) > 1)
}

/// Whether the run is being made right now.
async fn is_being_made(history: &History, directory: &str) -> Result<bool, Failure> {
    let mut page_token = String::new();
    loop {
        let request = pb::ListProblemsRequest {
            reasons: vec![ProblemReason::InProgress.word().to_owned()],
            page_size: 500,
            page_token,
            ..Default::default()
        };
        let page = call!(history, list_problems, request)?;
        if page.problems.iter().any(|problem| problem.directory == directory) {
            return Ok(true);
        }
        if page.next_page_token.is_empty() {
            return Ok(false);
        }
        page_token = page.next_page_token;
    }
}

/// Whether a file is not there; that its run is not there is another thing.
fn is_no_file(status: &Status) -> bool {
    status.code() == Code::NotFound && reason_of(status).as_deref() == Some("ARTIFACT_NOT_FOUND")
}

impl Pull<'_> {
    /// Pulls all that the run has, the summary last.
    async fn all(&mut self, directory: &str, mut manifest: Manifest) -> Result<(), Failure> {
        let state = self.state().await?;
        for document in [layout::RUN, layout::SUMMARY] {
            if !self.fetcher.force && self.is_another(document).await? {
                let message = "DIR holds another run, or another state of this one; --force replaces its files";
                return Err(Failure::new(exit::REFUSED, message));
            }
        }
        self.recorded = self.recorded_digests(directory).await?;
        self.document(layout::RUN).await?;
        while let Some(message) = manifest.message().await.map_err(|status| self.failure(status))? {
            for entry in &message.artifact_manifest {
                self.entry(entry).await?;
            }
            if message.unlisted_truncated {
                self.told.mendable("", "there are more files than are looked at");
            }
        }
        self.document(layout::PLAN).await?;
        self.document(layout::SOURCE_LOCK).await?;
        self.end(&state).await
    }

    /// What a status means where the run is.
    fn failure(&self, status: Status) -> Failure {
        self.fetcher.history.failure(status)
    }

    async fn state(&self) -> Result<RunState, Failure> {
        Ok(RunState { record: self.generation(layout::RUN).await?, summary: self.generation(layout::SUMMARY).await? })
    }

    /// The generation of a document; `None` when it cannot be had.
    async fn generation(&self, document: &str) -> Result<Option<String>, Failure> {
        match self.fetcher.open(&layout::path(document), 0, None, false).await {
            Ok(reading) => Ok(Some(reading.header.generation)),
            Err(status) if is_no_file(&status) || status.code() == Code::FailedPrecondition => Ok(None),
            Err(status) => Err(self.failure(status)),
        }
    }

    /// Whether a document stands in the copy already that is not the run's.
    async fn is_another(&self, document: &str) -> Result<bool, Failure> {
        let path = layout::path(document);
        let Ok(Some((size, sha256))) = self.fetcher.copy.standing(&path) else { return Ok(false) };
        match self.fetcher.open(&path, 0, None, true).await {
            Ok(reading) => Ok((reading.header.size_bytes, reading.header.sha256) != (size, sha256)),
            Err(status) if is_no_file(&status) => Ok(true),
            Err(status) => Err(self.failure(status)),
        }
    }

    /// The digests of documents that the run's submission package records.
    async fn recorded_digests(&self, directory: &str) -> Result<BTreeMap<String, String>, Failure> {
        let package = self.fetcher.bytes(&layout::path(layout::SUBMISSION_PACKAGE), layout::MAX_DOCUMENT_BYTES).await;
        let bytes = match package {
            Ok(bytes) => bytes.unwrap_or_default(),
            // What is wrong with it is told when it is pulled itself.
            Err(status) if is_no_file(&status) || status.code() == Code::FailedPrecondition => Vec::new(),
            Err(status) => return Err(self.failure(status)),
        };
        let rebase = Rebase { output_dir: None, directory };
        let recorded = decode::recorded_digests(&bytes).into_iter();
        Ok(recorded.filter_map(|one| Some((one.path.resolve(rebase).ok()?.to_string(), one.sha256))).collect())
    }

    /// Pulls what a manifest entry names, if it is what the entry says.
    async fn entry(&mut self, entry: &pb::Artifact) -> Result<(), Failure> {
        use pb::FileState as State;
        // The summary has its time, whatever a manifest says.
        if entry.path == layout::SUMMARY || !entry.path.is_empty() && !self.met.insert(self.keys.hash_one(&entry.path))
        {
            return Ok(());
        }
        let (sentence, code) = match entry.state() {
            State::Present => {
                let sha256 = Some(entry.sha256.as_str()).filter(|digest| !digest.is_empty());
                let there = self.file(&entry.path, Expected { sha256, generation: None }).await?;
                if !there && !entry.unlisted {
                    self.told.of_run(&entry.path, "missing", "the run records it, but it is gone", exit::NOT_FOUND);
                }
                return Ok(());
            }
            State::Unreadable | State::Unspecified => {
                self.told.mendable(&entry.path, "it cannot be read where the run is");
                return Ok(());
            }
            State::Missing => ("the run records it, but it is not there", exit::NOT_FOUND),
            State::OtherSize => ("it has another size than the run records", exit::REFUSED),
            State::NotRegularFile => ("it is a link, a directory or a special file", exit::REFUSED),
            State::UnsafePath => ("the path that the run records is refused", exit::REFUSED),
            State::Unaddressable => ("no request can spell its name", exit::REFUSED),
        };
        let state = entry.state().as_str_name().trim_start_matches("FILE_STATE_").to_ascii_lowercase();
        self.told.of_run(&entry.path, &state, sentence, code);
        Ok(())
    }

    /// Pulls a document that stands directly in the run, if it is there.
    async fn document(&mut self, path: &str) -> Result<(), Failure> {
        self.met.insert(self.keys.hash_one(path));
        self.file(path, Expected::default()).await.map(drop)
    }

    /// The end: the summary, over a copy that has all that can be had of a run that stayed as it was.
    async fn end(&mut self, state: &RunState) -> Result<(), Failure> {
        let known = |path: &str| self.met.contains(&self.keys.hash_one(path));
        let foreign = self.fetcher.copy.unknown_files(&layout::OUTPUT_DIRECTORIES, NAMED_FOREIGN, known);
        match foreign {
            Ok(foreign) => {
                for path in foreign {
                    self.told.mendable(&path, "it stands in DIR, and the run has no such file; take it away");
                }
            }
            // A link or a file in place of a directory: told of each file beneath it already.
            Err(_) if !self.told.is_whole() => {}
            Err(error) => return Err(unwritable(error)),
        }
        if self.state().await? != *state {
            self.told.mendable("", "the run changed while it was pulled");
        }
        if let Some(generation) = state.summary.as_deref().filter(|_| self.told.is_whole()) {
            let expected = Expected { sha256: None, generation: Some(generation) };
            self.told.has_summary = self.file(layout::SUMMARY, expected).await? && self.told.is_whole();
        }
        if self.told.is_whole()
            && let Err(error) = self.fetcher.copy.finish()
        {
            terminal::note(&format!("what earlier tries left in DIR stays there: {error}"));
        }
        Ok(())
    }

    /// Pulls one file; `false` when it is not there.
    async fn file(&mut self, path: &str, expected: Expected<'_>) -> Result<bool, Failure> {
        // What is no output is none of a run's files, whatever a server says: DIR gets nothing else.
        let is_output = |path: &RelativePath| layout::may_be_output(path) && !layout::is_output_directory(path);
        let Some(relative) = path.parse::<RelativePath>().ok().filter(is_output) else {
            self.told.of_run(path, "unsafe_path", "its path is refused", exit::REFUSED);
            return Ok(true);
        };
        self.fetcher.bar.set_message(terminal::cell(path));
        let sha256 = expected.sha256.or_else(|| self.recorded.get(path).map(String::as_str));
        match self.fetcher.fetch(&relative, Expected { sha256, ..expected }).await {
            Ok(Fetched::Kept) => self.told.kept += 1,
            Ok(Fetched::Pulled(bytes)) => {
                self.told.pulled += 1;
                self.told.bytes = self.told.bytes.saturating_add(bytes);
            }
            Err(Trouble::Status(status)) if is_no_file(&status) => return Ok(false),
            Err(Trouble::Status(status)) => match status.code() {
                // About this file alone: the others still come.
                Code::FailedPrecondition | Code::DataLoss | Code::InvalidArgument | Code::Aborted => {
                    self.told.mendable(path, status.message());
                }
                _ => return Err(self.failure(status)),
            },
            Err(Trouble::InTheWay(sentence)) => self.told.mendable(path, sentence),
            Err(Trouble::OtherBytes) => {
                let sentence = "its bytes are not those whose digest the run records";
                self.told.of_run(path, "other_digest", sentence, exit::REFUSED);
            }
            Err(Trouble::Unwritable(error)) => return Err(unwritable(error)),
        }
        Ok(true)
    }
}

fn unwritable(error: AmbientError) -> Failure {
    Failure::new(exit::USAGE, error.to_string())
}
