//! `runs cat`: the bytes of one output.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tonic::Status;

use super::select::OneRun;
use super::{History, Output, call};
use crate::cli::exit::{self, Failure};
use crate::cli::settings::is_on_the_command_line;
use crate::cli::terminal;
use crate::cli::values::count;
use crate::repository::ambient::{AmbientError, OutputFile};
use crate::wire::pb;

const EXAMPLES: &str = "\
Examples:
  guide-board runs cat --directory nightly-17 normalized/findings.json | jq .
  guide-board runs cat --directory nightly-17 reports/report.md -o report.md
  guide-board runs cat --directory nightly-17 artifacts/ext/log.txt --limit 80

Exit codes:
  0 done; 2 wrong usage, an offset beyond the end, or FILE exists; 6 no such
  run or output; 7 a path that is no plain one, a link, a directory, or a run
  id that stands in two directories; 8 the server cannot be reached or refuses";

/// Prints the bytes of one output of a run, or writes them to a file
///
/// PATH is taken as `runs artifacts` and `runs show` give it: relative to the run, literally. To a terminal only text is printed, and what would
/// steer the terminal is escaped; a pipe or file gets the bytes as they are. A file is complete or not there.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct CatArgs {
    #[command(flatten)]
    run: OneRun,
    /// The output's path, relative to the run
    #[arg(value_name = "PATH")]
    path: String,
    /// Write to this file, which must not exist; - is standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where to start, in bytes
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count)]
    offset: u64,
    /// How many bytes at the most; 0: to the end
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count)]
    limit: u64,
    /// Replace an existing --output file; print bytes that are not text to a terminal
    #[arg(long)]
    force: bool,
}

pub(super) async fn cat(args: &CatArgs, history: &History) -> Result<u8, Failure> {
    // Set in the environment or a file it is meant for the commands that have a JSON form, and no error here.
    if history.json && is_on_the_command_line("json") {
        return Err(Failure::new(exit::USAGE, "`runs cat` prints bytes; `runs artifacts --json` describes them"));
    }
    let request = pb::ReadArtifactRequest {
        run_id: args.run.run_id(),
        directory: args.run.directory(),
        path: args.path.clone(),
        offset: i64::try_from(args.offset).unwrap_or(i64::MAX),
        limit: i64::try_from(args.limit).unwrap_or(i64::MAX),
        ..Default::default()
    };
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        None => {
            let limit = request.limit;
            let output = call!(history, read_artifact, request)?;
            print(output, limit, args.force, &|status| history.failure(status)).await.map(|()| exit::DONE)
        }
        Some(path) => {
            // Ended from outside, it still takes away what it began to write.
            let unhandled = |error| Failure::new(exit::INTERNAL, format!("signals cannot be handled: {error}"));
            let mut terminate = signal(SignalKind::terminate()).map_err(unhandled)?;
            let mut interrupt = signal(SignalKind::interrupt()).map_err(unhandled)?;
            tokio::select! {
                written = write(history, request, path, args.force) => written.map(|()| exit::DONE),
                _ = terminate.recv() => Ok(exit::TERMINATED),
                _ = interrupt.recv() => Ok(exit::INTERRUPTED),
            }
        }
    }
}

async fn write(history: &History, request: pb::ReadArtifactRequest, path: &Path, replace: bool) -> Result<(), Failure> {
    let unwritable = |error: AmbientError| {
        let hint = if error.is_already_there() { "; --force replaces it" } else { "" };
        Failure::new(exit::USAGE, format!("{error}{hint}"))
    };
    let mut file = OutputFile::create(path, replace).map_err(unwritable)?;
    let limit = request.limit;
    let output = call!(history, read_artifact, request)?;
    let mut take = |bytes: &[u8]| file.write_all(bytes).map_err(Failure::from);
    copy(output, limit, &|status| history.failure(status), &mut take).await?;
    file.finish().map_err(unwritable)
}

/// Prints an output, of which at most `limit` bytes were asked for, 0 being all; to a terminal only as text.
pub(in crate::cli) async fn print(
    output: Output,
    limit: i64,
    force: bool,
    failure: &dyn Fn(Status) -> Failure,
) -> Result<(), Failure> {
    let mut stdout = std::io::stdout();
    if !terminal::stdout_is_terminal() || force {
        copy(output, limit, failure, &mut |bytes| stdout.write_all(bytes).map_err(Failure::from)).await?;
        return stdout.flush().map_err(Failure::from);
    }
    let mut pending: Vec<u8> = Vec::new();
    copy(output, limit, failure, &mut |bytes| {
        pending.extend_from_slice(bytes);
        let (text, rest) = text_of(&pending)?;
        terminal::print(&text)?;
        pending = rest;
        Ok(())
    })
    .await?;
    if pending.is_empty() { Ok(()) } else { Err(not_text()) }
}

/// The text that some bytes begin with, and the bytes of a character that is not whole yet.
fn text_of(bytes: &[u8]) -> Result<(String, Vec<u8>), Failure> {
    let (valid, rest) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, Vec::new()),
        Err(error) if error.error_len().is_none() => {
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            (std::str::from_utf8(valid).unwrap_or_default(), rest.to_vec())
        }
        Err(_) => return Err(not_text()),
    };
    if valid.contains('\0') { Err(not_text()) } else { Ok((terminal::sanitised(valid), rest)) }
}

fn not_text() -> Failure {
    Failure::new(
        exit::USAGE,
        "this is not text; write it to a file with --output, or print it all the same with --force",
    )
}

/// Hands the bytes of an output on, piece by piece.
async fn copy(
    mut output: Output,
    limit: i64,
    failure: &dyn Fn(Status) -> Failure,
    take: &mut dyn FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut bar = None;
    while let Some(message) = output.message().await.map_err(failure)? {
        let bar = bar.get_or_insert_with(|| {
            let left = message.size_bytes.saturating_sub(u64::try_from(message.offset).unwrap_or(0));
            terminal::byte_bar(
                u64::try_from(limit).ok().filter(|limit| *limit > 0).map_or(left, |limit| left.min(limit)),
            )
        });
        take(&message.data)?;
        bar.inc(u64::try_from(message.data.len()).unwrap_or(0));
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_in_two_waits_for_its_rest_and_other_bytes_are_no_text() {
        let (text, rest) = text_of("aé".as_bytes().get(..2).expect("two bytes")).expect("text");
        assert_eq!((text.as_str(), rest.len()), ("a", 1));
        assert!(text_of(b"\xff").is_err() && text_of(b"a\0b").is_err());
    }
}
