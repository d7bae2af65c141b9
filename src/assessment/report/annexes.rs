//! The parts of the report that policy, mappings and extensions add.

use std::fmt::Write as _;

use super::markdown::{code, escape};
use super::{MOST, many};
use crate::assessment::documents::{Fragment, Mapping, PolicySummary};

/// What policy did that a reader has to know: waivers that no longer waive, entries that concern nothing.
pub(super) fn policy(out: &mut String, policy: &PolicySummary) -> std::fmt::Result {
    for waiver in &policy.expired_waivers {
        writeln!(
            out,
            "\nThe waiver {} of {} expired ({}) and does not waive {} any more.",
            escape(&waiver.waiver_ref),
            escape(&waiver.owner),
            escape(&waiver.expires),
            many(waiver.finding_refs.len(), "finding")
        )?;
    }
    if !policy.unused.is_empty() {
        let shown: Vec<String> = policy.unused.iter().take(MOST).map(|entry| escape(entry)).collect();
        writeln!(out, "\nPolicy entries that concern no finding: {}.", shown.join(", "))?;
    }
    Ok(())
}

/// The mappings, by set.
pub(super) fn mappings(out: &mut String, mappings: &[Mapping]) -> std::fmt::Result {
    if mappings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Controls\n\n| set | requirement | controls | status | evidence |\n|---|---|---|---|---:|")?;
    for mapping in mappings.iter().take(MOST) {
        let controls: Vec<String> = mapping.control_refs.iter().map(|control| escape(control)).collect();
        writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            escape(&mapping.mapping_set),
            escape(&mapping.requirement_ref),
            controls.join(", "),
            escape(mapping.status.word()),
            mapping.evidence_refs.len()
        )?;
    }
    if mappings.len() > MOST {
        writeln!(out, "\n{} more stand in `normalized/mappings.json`.", mappings.len() - MOST)?;
    }
    Ok(())
}

/// What the extensions add, each under its heading.
pub(super) fn fragments(out: &mut String, fragments: &[Fragment]) -> std::fmt::Result {
    for fragment in fragments {
        writeln!(out, "\n## {}\n\nFrom the extension `{}`.\n", escape(&fragment.title), code(&fragment.extension_id))?;
        if let Some(error) = &fragment.error {
            writeln!(out, "This part could not be made: {}", super::paragraph(error))?;
        }
        writeln!(out, "{}", closed(fragment.markdown.trim_end()))?;
    }
    Ok(())
}

/// The text, with a code block that it leaves open closed: what comes after it is no code.
fn closed(markdown: &str) -> String {
    let mut open: Option<&str> = None;
    for line in markdown.lines() {
        let line = line.trim_start();
        let fence = fence(line);
        match (open, fence) {
            (None, Some(fence)) => open = Some(fence),
            (Some(begun), Some(fence)) if fence.starts_with(begun) && line.trim_end().len() == fence.len() => {
                open = None;
            }
            _ => {}
        }
    }
    match open {
        Some(fence) => format!("{markdown}\n{fence}"),
        None => markdown.to_owned(),
    }
}

/// The fence that a line begins with: three or more backticks or tildes.
fn fence(line: &str) -> Option<&str> {
    let length = ['`', '~'].iter().map(|mark| line.len() - line.trim_start_matches(*mark).len()).max()?;
    (length >= 3).then(|| line.get(..length)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_code_block_of_a_fragment_is_closed() {
        assert_eq!(closed("a\n```rust\nb"), "a\n```rust\nb\n```");
        assert_eq!(closed("~~~~\n~~~\n"), "~~~~\n~~~\n\n~~~~");
        for whole in ["", "a `b` c", "```\nb\n```", "````\n```\n````", "~~~ x\n```\n~~~"] {
            assert_eq!(closed(whole), whole);
        }
    }
}
