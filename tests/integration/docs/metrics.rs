//! The table of metrics, made from a scrape.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use guide_board::wire::pb;

use super::generated;
use crate::service::fixtures::Setup;
use crate::service::observe_metrics::Scraped;
use crate::support::World;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_metrics_is_what_a_scrape_gives() {
    let world = World::new();
    let scraped = Scraped::start(Setup::new(&world.path(""))).await;
    scraped.list(pb::ListRetainedRunsRequest::default()).await;
    generated::hold("docs/operations.md", "metrics", &table(&scraped.text().await));
}

/// One row a metric, in the order of their names.
fn table(text: &str) -> String {
    let mut rows: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut current = "";
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            current = name;
            rows.insert(name, ("", help));
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            rows.get_mut(name).expect("help comes first").0 = kind;
        } else if let Some((_, set)) = line.split_once('{') {
            let names =
                set.split("=\"").filter_map(|part| part.rsplit([',', '{']).next().filter(|_| !part.contains('}')));
            labels.entry(current).or_default().extend(names.map(|name| name.trim_matches('"')));
        }
    }
    let mut table = "| metric | kind | labels | |\n|---|---|---|---|\n".to_owned();
    for (name, (kind, help)) in rows {
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let labels: Vec<_> = labels
            .get(name)
            .into_iter()
            .flatten()
            .filter(|label| **label != "le")
            .map(|label| format!("`{label}`"))
            .collect();
        let _ =
            writeln!(table, "| `{name}{suffix}` | {kind} | {} | {} |", labels.join(", "), help.trim_end_matches('.'));
    }
    table
}
