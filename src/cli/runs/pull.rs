//! `runs pull`: a whole run, verified, into a directory.

use std::path::PathBuf;

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use tokio_stream::StreamExt;
use tonic::{Code, Status};

use super::select::OneRun;
use super::{History, call};
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::model::RelativePath;
use crate::repository::ambient::{AmbientError, PartialFile, RunCopy};
use crate::repository::layout;
use crate::services::RetainedRuns;
use crate::wire::pb;
use crate::wire::pb::retained_run_service_server::RetainedRunService;

/// How often a read that breaks off is taken up again.
const ATTEMPTS: u32 = 5;

const EXAMPLES: &str = "\
Examples:
  guide-board runs pull --run-id run-20260508T164334Z-7f3a91c2 ./that-run
  guide-board runs pull --directory nightly-17 /archive/nightly-17 --json

Exit codes:
  0  the whole run is in DIR, and every byte is verified
  2  wrong usage, or DIR cannot be written
  6  no such run, or a file that the run records is missing
  7  refused: an unsafe path, a file that is not what the run records, or one
     in DIR that is another";

/// Copies a whole run into a directory, verified; broken off, it is taken up again
///
/// DIR becomes a run directory: the documents, reports, exports and artifacts, recorded or not. Each file is checked against the digest that the run
/// records, or else one computed where the run is. What stands in DIR already and is the same is kept, so that the same command goes on where
/// it was broken off; what is another is left alone and told. The summary comes last: DIR is a retained run once all the rest is there.
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
    service: &'a RetainedRuns,
    run: &'a OneRun,
    copy: RunCopy,
    force: bool,
    bar: ProgressBar,
    told: Told,
}

/// What came of it.
#[derive(Default)]
struct Told {
    pulled: u64,
    bytes: u64,
    kept: u64,
    problems: Vec<Problem>,
}

struct Problem {
    path: String,
    sentence: String,
    code: u8,
    /// Whether the run itself is so, and another try would not mend it.
    is_the_run_s: bool,
}

pub(super) async fn pull(args: &PullArgs, history: &History) -> Result<u8, Failure> {
    let request = pb::StreamArtifactManifestRequest {
        runs_dir: String::new(),
        run_id: args.run.run_id(),
        directory: args.run.directory(),
        include_unlisted: true,
        report_unsafe: true,
    };
    let service = &history.service;
    let mut manifest = call!(service, stream_artifact_manifest, request)?;
    let copy = RunCopy::open(&args.into).map_err(unwritable)?;
    let (bar, told) = (terminal::byte_bar(0), Told::default());
    let mut pull = Pull { service, run: &args.run, copy, force: args.force, bar, told };
    for document in [layout::RUN, layout::SUMMARY] {
        if !args.force && pull.is_another(document).await? {
            let message = "DIR holds another run, or another state of this one; --force replaces its files";
            return Err(Failure::new(exit::REFUSED, message));
        }
    }
    let mut run = pb::RetainedRun::default();
    while let Some(message) = manifest.next().await {
        let message = message?;
        pull.bar.inc_length(message.total_bytes);
        run = message.run.unwrap_or(run);
        for entry in &message.artifact_manifest {
            pull.entry(entry).await?;
        }
        if message.unlisted_truncated {
            pull.told.problem_of_run("", "there are more files than are looked at", exit::REFUSED);
        }
    }
    for document in [layout::RUN, layout::PLAN, layout::SOURCE_LOCK] {
        pull.document(document).await?;
    }
    // Last, and only when all that could be had is there: it is what makes the directory a run.
    if pull.told.is_whole() {
        pull.document(layout::SUMMARY).await?;
    }
    if pull.told.is_whole() {
        pull.copy.finish().map_err(unwritable)?;
    }
    pull.bar.finish_and_clear();
    pull.told.tell(&run, args, history.json)
}

impl Pull<'_> {
    /// Whether a document stands in the copy already that is not the run's.
    async fn is_another(&self, document: &str) -> Result<bool, Failure> {
        let path = layout::path(document);
        let Ok(Some((size, sha256))) = self.copy.standing(&path) else { return Ok(false) };
        match self.read(&path, 0, None, true).await {
            Ok(Read { header, .. }) => Ok((header.size_bytes, header.sha256) != (size, sha256)),
            Err(status) if status.code() == Code::NotFound => Ok(true),
            Err(status) => Err(status.into()),
        }
    }

    /// Pulls what a manifest entry names, if it is what the entry says.
    async fn entry(&mut self, entry: &pb::Artifact) -> Result<(), Failure> {
        use pb::FileState as State;
        let (sentence, code) = match entry.state() {
            State::Present => {
                let recorded = Some(entry.sha256.as_str()).filter(|digest| !digest.is_empty());
                return self.file(&entry.path, recorded).await.map(drop);
            }
            State::Missing => ("the run records it, but it is not there", exit::NOT_FOUND),
            State::OtherSize => ("it has another size than the run records", exit::REFUSED),
            State::NotRegularFile => ("it is a link, a directory or a special file", exit::REFUSED),
            State::UnsafePath => ("the path that the run records is refused", exit::REFUSED),
            State::Unaddressable => ("no request can spell its name", exit::REFUSED),
            State::Unreadable | State::Unspecified => ("it cannot be read", exit::REFUSED),
        };
        self.told.problem_of_run(&entry.path, sentence, code);
        Ok(())
    }

    /// Pulls a document that stands directly in the run, if it is there.
    async fn document(&mut self, path: &str) -> Result<(), Failure> {
        if !self.file(path, None).await? && path == layout::SUMMARY {
            terminal::note("the run has no summary: it is incomplete, and so is the copy");
        }
        Ok(())
    }

    /// Pulls one file; `false` when it is not there.
    async fn file(&mut self, path: &str, recorded: Option<&str>) -> Result<bool, Failure> {
        let Ok(relative) = path.parse::<RelativePath>() else {
            self.told.problem_of_run(path, "its path is refused", exit::REFUSED);
            return Ok(true);
        };
        self.bar.set_message(terminal::cell(path));
        match self.fetch(&relative, recorded).await {
            Ok(()) => Ok(true),
            Err(Trouble::Status(status)) if status.code() == Code::NotFound && recorded.is_none() => Ok(false),
            Err(Trouble::Status(status)) => match status.code() {
                // About this file alone: the others still come.
                Code::NotFound | Code::FailedPrecondition | Code::DataLoss | Code::InvalidArgument | Code::Aborted => {
                    self.told.problem(path, status.message());
                    Ok(true)
                }
                _ => Err(status.into()),
            },
            Err(Trouble::Refused(sentence)) => {
                self.told.problem(path, &sentence);
                Ok(true)
            }
            Err(Trouble::Unwritable(error)) => Err(unwritable(error)),
        }
    }

    async fn fetch(&mut self, path: &RelativePath, recorded: Option<&str>) -> Result<(), Trouble> {
        let mut read = self.read(path, 0, None, recorded.is_none()).await?;
        let header = read.header;
        let expected = recorded.map_or_else(|| header.sha256.clone(), str::to_owned);
        if let Some((size, sha256)) = self.copy.standing(path)? {
            if size == header.size_bytes && sha256 == expected {
                self.told.kept += 1;
                self.bar.inc(size);
                return Ok(());
            }
            if !self.force {
                return Err(Trouble::Refused(
                    "another file of that name stands in DIR; --force replaces it".to_owned(),
                ));
            }
        }
        let Self { copy, bar, .. } = &*self;
        let mut partial = copy.begin(path, &header.generation)?;
        let before = partial.length();
        bar.inc(before);
        if before == 0 {
            take(&mut partial, &header.data, bar)?;
        } else {
            read = self.read(path, before, Some(&header.generation), false).await?;
            take(&mut partial, &read.header.data, bar)?;
        }
        let mut attempts = 1;
        loop {
            match read.rest.next().await {
                Some(Ok(message)) => take(&mut partial, &message.data, bar)?,
                None if partial.length() == header.size_bytes => break,
                // A broken connection can be taken up again; the generation holds both parts to one file.
                Some(Err(status)) if attempts < ATTEMPTS && status.code() == Code::Unavailable => {
                    attempts += 1;
                    read = self.read(path, partial.length(), Some(&header.generation), false).await?;
                    take(&mut partial, &read.header.data, bar)?;
                }
                Some(Err(status)) => return Err(status.into()),
                None => return Err(Trouble::Refused("it ended before its size was reached".to_owned())),
            }
        }
        if partial.sha256() != expected {
            partial.discard()?;
            return Err(Trouble::Refused("its bytes are not those whose digest the run records".to_owned()));
        }
        let fetched = partial.length().saturating_sub(before);
        partial.place(self.force)?;
        self.told.pulled += 1;
        self.told.bytes = self.told.bytes.saturating_add(fetched);
        Ok(())
    }

    async fn read(
        &self,
        path: &RelativePath,
        offset: u64,
        generation: Option<&str>,
        compute_sha256: bool,
    ) -> Result<Read, Status> {
        let request = pb::ReadArtifactRequest {
            runs_dir: String::new(),
            run_id: self.run.run_id(),
            directory: self.run.directory(),
            path: path.to_string(),
            offset: i64::try_from(offset).unwrap_or(i64::MAX),
            limit: 0,
            expected_generation: generation.unwrap_or_default().to_owned(),
            expected_sha256: String::new(),
            compute_sha256,
        };
        let mut rest = self.service.read_artifact(tonic::Request::new(request)).await?.into_inner();
        let header = rest.next().await.unwrap_or_else(|| Err(Status::unavailable("the reply ended at once")))?;
        Ok(Read { header, rest })
    }
}

/// A file being read.
struct Read {
    header: pb::ReadArtifactResponse,
    rest: <RetainedRuns as RetainedRunService>::ReadArtifactStream,
}

fn take(partial: &mut PartialFile<'_>, bytes: &[u8], bar: &ProgressBar) -> Result<(), AmbientError> {
    partial.write(bytes)?;
    bar.inc(u64::try_from(bytes.len()).unwrap_or(0));
    Ok(())
}

/// Why a file was not pulled.
enum Trouble {
    Status(Status),
    Refused(String),
    Unwritable(AmbientError),
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<AmbientError> for Trouble {
    fn from(error: AmbientError) -> Self {
        match error {
            AmbientError::NotAFile { .. } => Self::Refused("something else than a file stands in DIR".to_owned()),
            other => Self::Unwritable(other),
        }
    }
}

fn unwritable(error: AmbientError) -> Failure {
    Failure::new(exit::USAGE, error.to_string())
}

impl Told {
    /// Something that another try may mend.
    fn problem(&mut self, path: &str, sentence: &str) {
        let (path, sentence) = (path.to_owned(), sentence.to_owned());
        self.problems.push(Problem { path, sentence, code: exit::REFUSED, is_the_run_s: false });
    }

    fn problem_of_run(&mut self, path: &str, sentence: &str, code: u8) {
        self.problems.push(Problem { path: path.to_owned(), sentence: sentence.to_owned(), code, is_the_run_s: true });
    }

    /// Whether the copy has all that the run has.
    fn is_whole(&self) -> bool {
        self.problems.iter().all(|problem| problem.is_the_run_s)
    }

    fn tell(&self, run: &pb::RetainedRun, args: &PullArgs, as_json: bool) -> Result<u8, Failure> {
        if as_json {
            let problem = |problem: &Problem| json!({"path": problem.path, "message": problem.sentence});
            terminal::print_json(&json!({
                "run_id": run.run_id,
                "directory": run.directory,
                "files_pulled": self.pulled,
                "bytes_pulled": self.bytes,
                "files_kept": self.kept,
                "problems": self.problems.iter().map(problem).collect::<Vec<_>>(),
            }))?;
        } else {
            let shown = terminal::cell(&args.into.to_string_lossy());
            let mut text =
                format!("{}, {}, into {shown}", terminal::counted(self.pulled, "file"), terminal::size(self.bytes));
            if self.kept > 0 {
                text.push_str(&format!("; {} there already", terminal::counted(self.kept, "file")));
            }
            terminal::print(&format!("{text}\n"))?;
        }
        if self.problems.is_empty() {
            return Ok(exit::DONE);
        }
        for problem in &self.problems {
            let path = if problem.path.is_empty() { "(no path)".to_owned() } else { terminal::cell(&problem.path) };
            terminal::note(&format!("{path}: {}", problem.sentence));
        }
        let code = self.problems.iter().map(|problem| problem.code).max().unwrap_or(exit::REFUSED);
        let count = terminal::counted(u64::try_from(self.problems.len()).unwrap_or(u64::MAX), "problem");
        let message = if self.is_whole() {
            format!("the copy has all that the run has, but the run itself has {count}")
        } else {
            format!("the copy is not whole: {count}; mend what stands in the way and run the command again")
        };
        Err(Failure::new(code, message))
    }
}
