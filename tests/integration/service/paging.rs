//! Paging against a model: random histories of a root, two servers on it that come and go, and what every page has to be.

/// Random histories: what stands in the root, and how it changes between pages.
mod history;
/// What a token is bound to, what it holds, and what becomes of one that was tampered with.
mod tokens;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use guide_board::wire::pb;
use jiff::Timestamp;

use self::history::{Entry, History, Place, Query, REASONS};
use super::fixtures::{Service, Setup, eventually};
use crate::support::{Random, World, seeds};

/// After so many pages nothing changes any more, so that every listing ends.
const PAGES_WITH_CHANGES: usize = 12;

/// Two servers on one root, which restart independently of each other.
struct Servers {
    directory: std::path::PathBuf,
    running: [Service; 2],
}

impl Servers {
    async fn start(directory: &Path) -> Self {
        let running = [server(directory).await, server(directory).await];
        Self { directory: directory.to_owned(), running }
    }

    async fn restart(&mut self, which: usize) {
        self.running[which] = server(&self.directory).await;
    }

    /// Waits until both have scanned the root as it is now.
    async fn settle(&self) {
        let now = Timestamp::now();
        for service in &self.running {
            eventually("a scan after the change", async || (scanned_at(service).await > now).then_some(())).await;
        }
    }
}

async fn server(directory: &Path) -> Service {
    Setup::new(directory).with(|config| config.poll_interval = Duration::from_millis(5)).start().await
}

async fn scanned_at(service: &Service) -> Timestamp {
    let page = service.list(pb::ListRetainedRunsRequest { page_size: 1, ..Default::default() }).await;
    time_of(&page.scanned_at.expect("a time"))
}

fn time_of(time: &prost_types::Timestamp) -> Timestamp {
    Timestamp::new(time.seconds, time.nanos).expect("a time")
}

/// Says which history it was, should a test fail in it.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in history {}", self.0);
        }
    }
}

/// A history in a fresh root with two servers on it.
async fn begin(seed: u64, world: &World) -> (Random, History, Servers) {
    let mut random = Random::new(seed);
    std::fs::create_dir_all(world.path("runs")).expect("made");
    let history = History::begin(&world.path("runs"), &mut random);
    (random, history, Servers::start(&world.path("")).await)
}

/// What happens between two pages: changes, restarts. Returns the directories that changed, and whether the servers have seen it all.
async fn meanwhile(
    page: usize,
    random: &mut Random,
    history: &mut History,
    servers: &mut Servers,
) -> (Vec<String>, bool) {
    let changed = if page < PAGES_WITH_CHANGES { history.change(random) } else { Vec::new() };
    if random.below(6) == 0 {
        servers.restart(random.below(2)).await;
    }
    let is_settled = random.below(3) > 0;
    if is_settled {
        servers.settle().await;
    }
    (changed, is_settled)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stays_is_listed_exactly_once_and_in_order_whatever_happens_to_the_others() {
    for seed in seeds(6) {
        let _named = Named(seed);
        let world = World::new();
        let (mut random, mut history, mut servers) = begin(seed, &world).await;
        for _ in 0..2 {
            list_all_runs(&mut random, &mut history, &mut servers).await;
        }
    }
}

async fn list_all_runs(random: &mut Random, history: &mut History, servers: &mut Servers) {
    let query = Query::any(random, history);
    servers.settle().await;
    let mut staying: BTreeMap<String, usize> =
        history.matching(&query).into_iter().map(|place| (place.directory, 0)).collect();
    let mut last: Option<Place> = None;
    let mut request = query.request();
    for page in 0.. {
        let (changed, is_settled) = meanwhile(page, random, history, servers).await;
        for directory in &changed {
            staying.remove(directory);
        }
        let limit = 1 + random.below(7);
        request.page_size = i32::try_from(limit).expect("small");
        let reply = servers.running[random.below(2)].list(request.clone()).await;
        assert!(reply.runs.len() <= limit);
        for run in &reply.runs {
            let place = Place::of(run);
            assert!(last.as_ref().is_none_or(|last| *last < place), "{place:?} after {last:?}");
            assert!(history.ever_matched(run, &query), "no version of it matches {query:?}: {run:?}");
            staying.entry(place.directory.clone()).and_modify(|times| *times += 1);
            last = Some(place);
        }
        if is_settled {
            let (first_left, all) = (last_before(&request), history.matching(&query));
            let left: Vec<_> = all.iter().filter(|place| first_left.as_ref().is_none_or(|at| at < *place)).collect();
            let given: Vec<_> = reply.runs.iter().map(Place::of).collect();
            assert_eq!(given.iter().collect::<Vec<_>>(), left[..left.len().min(limit)], "{query:?}");
            assert_eq!(reply.next_page_token.is_empty(), left.len() <= limit);
            assert_eq!(usize::try_from(reply.total_size), Ok(all.len()));
            assert_eq!(reply.status_counts, history.status_counts(&query));
            assert_eq!(usize::try_from(reply.problem_count), Ok(history.problems(&[]).len()));
        }
        if reply.next_page_token.is_empty() {
            break;
        }
        request.page_token = reply.next_page_token;
    }
    let lost_or_twice: Vec<_> = staying.iter().filter(|(_, times)| **times != 1).collect();
    assert!(lost_or_twice.is_empty(), "{lost_or_twice:?} of {query:?}");
}

/// The place after which a request's page begins, as its token has it.
fn last_before(request: &pb::ListRetainedRunsRequest) -> Option<Place> {
    (!request.page_token.is_empty()).then(|| tokens::inside(&request.page_token).run_place())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_that_stays_is_listed_exactly_once_and_in_order_whatever_happens_to_the_others() {
    for seed in seeds(3) {
        let _named = Named(seed);
        let world = World::new();
        let (mut random, mut history, mut servers) = begin(seed, &world).await;
        for _ in 0..2 {
            list_all_problems(&mut random, &mut history, &mut servers).await;
        }
    }
}

async fn list_all_problems(random: &mut Random, history: &mut History, servers: &mut Servers) {
    let reasons: Vec<&str> = REASONS.into_iter().filter(|_| random.below(3) == 0).collect();
    let mut request = pb::ListProblemsRequest {
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        ..Default::default()
    };
    servers.settle().await;
    // Whether a run is a duplicate depends on others, so only what is broken by itself is known to stay.
    let mut staying: BTreeMap<String, usize> =
        history.problems(&reasons).into_iter().map(|(directory, _)| (directory, 0)).collect();
    staying.retain(|directory, _| matches!(history.entry(directory), Some(Entry::Broken(_))));
    let mut last = (String::new(), String::new());
    for page in 0.. {
        let (changed, is_settled) = meanwhile(page, random, history, servers).await;
        for directory in &changed {
            staying.remove(directory);
        }
        let limit = 1 + random.below(3);
        request.page_size = i32::try_from(limit).expect("small");
        let service = &servers.running[random.below(2)];
        let reply = service.retained().list_problems(request.clone()).await.expect("problems").into_inner();
        let begin = last.clone();
        let given: Vec<_> = reply.problems.iter().map(place_of).collect();
        for place in &given {
            assert!(last < *place, "{place:?} after {last:?}");
            last.clone_from(place);
            staying.entry(place.0.clone()).and_modify(|times| *times += 1);
        }
        if is_settled {
            let all = history.problems(&reasons);
            let left: Vec<_> = all.iter().filter(|place| **place > begin).cloned().collect();
            assert_eq!(given, left[..left.len().min(limit)]);
            assert_eq!(reply.next_page_token.is_empty(), left.len() <= limit);
            assert_eq!(usize::try_from(reply.total_size), Ok(all.len()));
            assert_eq!(reply.reason_counts.values().sum::<i64>(), reply.total_size);
        }
        if reply.next_page_token.is_empty() {
            break;
        }
        request.page_token = reply.next_page_token;
    }
    let lost_or_twice: Vec<_> = staying.iter().filter(|(_, times)| **times != 1).collect();
    assert!(lost_or_twice.is_empty(), "{lost_or_twice:?} of {reasons:?}");
}

/// The place of a problem in a list: its directory and its reason's word.
fn place_of(problem: &pb::Problem) -> (String, String) {
    let name = problem.reason().as_str_name().trim_start_matches("PROBLEM_REASON_");
    (problem.directory.clone(), name.to_ascii_lowercase())
}
