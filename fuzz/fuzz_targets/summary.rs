//! `retention-summary.json`: any bytes are a summary or have a reason, a valid run id stays valid, and what lists need is what the whole
//! summary says, whichever way it was read.
#![no_main]

use guide_board::model::{Detail, DetailsWriter, RunId};
use guide_board::repository::decode::{decode_listed, decode_summary};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut details = DetailsWriter::default();
    let (listed, summary) = match (decode_listed(bytes, &mut details), decode_summary(bytes)) {
        (Ok(listed), Ok(summary)) => (listed, summary),
        (Err(short), Err(long)) => return assert_eq!(short, long),
        (listed, summary) => panic!("{listed:?} but {summary:?}"),
    };
    let again: RunId = summary.run_id.as_str().parse().expect("an accepted run id is one");
    assert_eq!(again, summary.run_id);
    assert!(!summary.unknown.contains_key("run_id"));
    assert_eq!(listed.run_id, summary.run_id.as_str());
    assert_eq!(listed.target_profile_ref.as_deref(), summary.target_profile_ref.as_deref());
    assert_eq!(listed.assessment_profile_ref.as_deref(), summary.assessment_profile_ref.as_deref());
    assert_eq!(listed.result_status.as_deref(), summary.result_status.as_deref());
    assert_eq!(listed.completed_at, summary.completed_at);
    if listed.whole.is_none() {
        assert!(summary.malformed.is_empty() && summary.report_paths.values().all(|path| !path.is_absolute()));
    }
    let mut count = 0;
    for detail in details.iter() {
        count += 1;
        match detail {
            Detail::StartedAt(time) => assert_eq!(Some(time), summary.started_at),
            Detail::EvidenceCount(word, number) => assert_eq!(summary.evidence_counts.get(word), Some(&number)),
            Detail::FindingCount(key, number) => assert_eq!(summary.finding_counts.get(key), Some(&number)),
            Detail::SourceCommit(source, commit) => assert_eq!(summary.source_commits[source], commit),
            Detail::Label(key, value) => assert_eq!(summary.labels[key], value),
        }
    }
    let maps = summary.evidence_counts.len() + summary.finding_counts.len() + summary.source_commits.len();
    assert_eq!(count, maps + summary.labels.len() + usize::from(summary.started_at.is_some()));
});
