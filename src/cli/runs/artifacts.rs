//! `runs artifacts`: a run's manifest, with what stands on disk.

use clap::Args;

use super::select::OneRun;
use super::{History, call};
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::wire::{pb, to_json};

/// How many rows a table is laid out for at a time: a manifest may have a million.
const TABLE_ROWS: usize = 1000;

const EXAMPLES: &str = "\
Examples:
  guide-board runs artifacts --run-id run-20260508T164334Z-7f3a91c2
  guide-board runs artifacts --directory nightly-17 --include-unlisted

Exit codes:
  0 done, 2 wrong usage, 6 not found, 7 refused as unsafe or ambiguous, 8 the
  server cannot be reached or refuses";

/// Lists the artifacts of a run, and whether they stand on disk as recorded
///
/// The states are present, missing, other_size, not_regular_file, unreadable, unsafe_path and unaddressable. Works with --directory on runs
/// that were broken off, too.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ArtifactsArgs {
    #[command(flatten)]
    run: OneRun,
    /// Add the files found on disk that the manifest does not name
    #[arg(long)]
    include_unlisted: bool,
}

pub(super) async fn artifacts(args: &ArtifactsArgs, history: &History) -> Result<u8, Failure> {
    let request = pb::StreamArtifactManifestRequest {
        run_id: args.run.run_id(),
        directory: args.run.directory(),
        include_unlisted: args.include_unlisted,
        report_unsafe: true,
        ..Default::default()
    };
    let mut stream = call!(history, stream_artifact_manifest, request)?;
    let mut whole = pb::StreamArtifactManifestResponse::default();
    let mut shown = 0_usize;
    let mut rows = terminal::LongTable::default();
    while let Some(message) = stream.message().await.map_err(|status| history.failure(status))? {
        if message.run.is_some() {
            whole = message;
            continue;
        }
        whole.unlisted_truncated |= message.unlisted_truncated;
        whole.artifact_manifest.extend(message.artifact_manifest);
        if !history.json && whole.artifact_manifest.len() >= TABLE_ROWS {
            shown += whole.artifact_manifest.len();
            terminal::print(&rows.part(table(&std::mem::take(&mut whole.artifact_manifest))))?;
        }
    }
    if history.json {
        terminal::print_json(&to_json(&whole)?)?;
        return Ok(exit::DONE);
    }
    shown += whole.artifact_manifest.len();
    let mut text = rows.part(table(&whole.artifact_manifest));
    let entries = if whole.entry_count == 1 { "entry" } else { "entries" };
    text.push_str(&format!("{} {entries}, {}", whole.entry_count, terminal::size(whole.total_bytes)));
    let unlisted = u64::try_from(shown).unwrap_or(u64::MAX).saturating_sub(whole.entry_count);
    if unlisted > 0 {
        text.push_str(&format!(", {} beyond the manifest", terminal::counted(unlisted, "file")));
    }
    if whole.unlisted_truncated {
        text.push_str(" (there are more than are looked at)");
    }
    if !whole.compatibility.is_empty() {
        text.push_str(&format!("  [{}]", terminal::cell(&whole.compatibility.join(", "))));
    }
    text.push('\n');
    terminal::print(&text)?;
    Ok(exit::DONE)
}

fn table(artifacts: &[pb::Artifact]) -> String {
    if artifacts.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = artifacts
        .iter()
        .map(|artifact| {
            let state = artifact.state().as_str_name().trim_start_matches("FILE_STATE_").to_ascii_lowercase();
            let digest = terminal::cell_or_dash(artifact.sha256.get(..12).unwrap_or_default());
            let path = if artifact.path.is_empty() { "(refused)" } else { &artifact.path };
            let path = if artifact.unlisted { format!("{path}  (unlisted)") } else { path.to_owned() };
            let size = artifact.size_bytes.map_or_else(|| "-".to_owned(), terminal::size);
            vec![terminal::coloured(&state), size, digest, terminal::cell(&path)]
        })
        .collect();
    terminal::table(&["STATE", "SIZE", "SHA-256", "PATH"], &rows)
}
