//! `ci-configuration`: a pipeline that does something on a change.

use crate::baseline::documents::Document;
use crate::baseline::outcome::Outcome;
use crate::model::Severity;
use crate::repository::ambient::target_tree::TargetTree;

use super::ci_platforms::{Platform, platform_of};

/// Looks for the configuration of any known platform, and whether one of them holds work to do.
pub fn run(tree: &TargetTree) -> Outcome {
    let found: Vec<(&Platform, String, bool)> = tree
        .files()
        .iter()
        .filter_map(|file| platform_of(file).map(|platform| (platform, Document::read(tree, file))))
        .map(|(platform, document)| {
            let works = (platform.does_work)(document.as_str());
            (platform, document.path, works)
        })
        .collect();
    if found.is_empty() {
        return Outcome::fail(Severity::Low).observe(
            "No CI configuration was found. Have every change built and tested by a pipeline kept in the repository. (One \
             configured only on a server cannot be seen here.)",
        );
    }
    let mut platforms: Vec<&str> =
        found.iter().filter(|(_, _, works)| *works).map(|(platform, _, _)| platform.name).collect();
    platforms.dedup();
    let idle: Vec<&(&Platform, String, bool)> = found.iter().filter(|(_, _, works)| !works).collect();
    let outcome = if platforms.is_empty() {
        idle.iter().fold(Outcome::warning(Severity::Medium), |outcome, (platform, document, _)| {
            outcome
                .observe(format!("{} configures no work: {} needs {}.", document, platform.name, platform.needs))
                .at_line(document, 1)
        })
    } else {
        Outcome::pass().observe(format!("The repository configures {}.", platforms.join(", ")))
    };
    let working: Vec<&str> =
        found.iter().filter(|(_, _, works)| *works).map(|(_, document, _)| document.as_str()).take(100).collect();
    let idle: Vec<&str> = idle.iter().map(|(_, document, _)| document.as_str()).take(100).collect();
    outcome.fact("platforms", platforms).fact("configurations", working).fact("without_work", idle)
}
