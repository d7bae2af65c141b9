//! The documented recipe for following by polling, as a client would write it.

use std::collections::BTreeSet;

use guide_board::wire::pb;
use prost_types::Timestamp;
use tokio::time::Instant;

use super::fixtures::{PATIENCE, Service, Setup, all_pages, put_summary, summary};
use crate::support::World;

/// A client that follows: asks from the newest time seen on, and drops what it has met at that time.
#[derive(Default)]
struct Follower {
    newest: Option<Timestamp>,
    met: BTreeSet<String>,
}

impl Follower {
    /// The runs that are new since the last time, oldest first.
    async fn poll(&mut self, service: &Service) -> Vec<String> {
        let request = pb::ListRetainedRunsRequest { completed_after: self.newest, page_size: 2, ..Default::default() };
        let mut runs = all_pages(service, request).await;
        runs.reverse();
        let at_newest = |run: &pb::RetainedRun, newest: &Option<Timestamp>| run.completed_at == *newest;
        let new: Vec<_> = runs.iter().filter(|run| !self.met.contains(&run.directory)).cloned().collect();
        if let Some(last) = runs.last() {
            self.newest = last.completed_at;
            self.met =
                runs.iter().filter(|run| at_newest(run, &self.newest)).map(|run| run.directory.clone()).collect();
        }
        new.into_iter().map(|run| run.directory).collect()
    }

    /// Polls until so many new runs came.
    async fn until(&mut self, service: &Service, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut new = Vec::new();
        while new.len() < count {
            assert!(Instant::now() < deadline, "only {new:?} came");
            new.extend(self.poll(service).await);
        }
        new
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_meets_each_run_once_also_those_of_one_second() {
    let world = World::new();
    let root = world.path("runs");
    let put = |directory: &str, completed: &str| put_summary(&root, directory, &summary(directory, completed));
    put("first", "2026-05-08T16:00:00Z");
    put("second", "2026-05-08T16:00:01Z");
    let service = Setup::new(&world.path("")).start().await;
    let mut follower = Follower::default();
    assert_eq!(follower.until(&service, 2).await, ["first", "second"]);
    put("same-second", "2026-05-08T16:00:01Z");
    assert_eq!(follower.until(&service, 1).await, ["same-second"]);
    put("third", "2026-05-08T16:00:02Z");
    put("fourth", "2026-05-08T16:00:02Z");
    let new = follower.until(&service, 2).await;
    assert_eq!(new.iter().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(["third", "fourth"]));
    assert_eq!(follower.poll(&service).await, Vec::<String>::new(), "nothing is met again");
}
