//! All calls while names are exchanged under the server: no canary, no hang, no answer outside of the contract, no mixed contents, and
//! afterwards everything as before.
//!
//! `GUIDE_BOARD_LOOP_SECONDS` says how long the storm lasts for each mechanism; `scripts/races` has it last a minute.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use prost_reflect::MethodDescriptor;
use serde_json::{Value, json};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use super::calls::{self, Answer, all};
use super::expected::{
    self, ARTIFACT_NOT_FOUND, FINE, JOB_NOT_FOUND, OUTPUT_EXISTS, Outcome, PROFILE_INVALID, RUN_NOT_FOUND, UNSAFE_PATH,
};
use super::mechanisms;
use super::server::Server;
use super::storm::{LARGE, LARGE_BYTES, LINKS, RUNS, Storm, tree};
use super::tree::{PLAIN, Tree};
use crate::service::fixtures::eventually;

const AMBIGUOUS: Outcome = (Code::FailedPrecondition, "RUN_ID_AMBIGUOUS");
const CHANGED: Outcome = (Code::Aborted, "CHANGED_WHILE_READING");
/// How many clients call at once, each over a connection of its own.
const CLIENTS: usize = 4;

/// What a call may answer in the storm: what it is asked about is as it should be, gone, a link, or another file than a moment ago.
/// UNAVAILABLE is not among it: nothing of this is trouble of the system.
fn allowed(call: &str) -> &'static [Outcome] {
    match call {
        "GetServerInfo" | "ListRetainedRuns" | "ListProblems" | "ListRuns" | "ListExtensions" | "ValidateProfile" => {
            &[FINE]
        }
        "PlanAssessment" => &[PROFILE_INVALID],
        "GetRun" | "WatchRun" | "CancelRun" | "GetRunReports" => &[JOB_NOT_FOUND],
        "StartRun" => &[OUTPUT_EXISTS],
        "GetRetainedRun" | "GetLatestRetainedRun" => &[FINE, RUN_NOT_FOUND, UNSAFE_PATH, AMBIGUOUS],
        // The kind that is asked for may be the one that is gone.
        "GetRetainedRunReports" => &[FINE, RUN_NOT_FOUND, ARTIFACT_NOT_FOUND, UNSAFE_PATH, AMBIGUOUS, CHANGED],
        "StreamArtifactManifest" => &[FINE, RUN_NOT_FOUND, UNSAFE_PATH, AMBIGUOUS, CHANGED],
        "ReadArtifact" | "ListFindings" | "ListEvidence" => {
            &[FINE, RUN_NOT_FOUND, ARTIFACT_NOT_FOUND, UNSAFE_PATH, AMBIGUOUS, CHANGED]
        }
        other => panic!("{other} is new: say here what it may answer while names change"),
    }
}

/// One question.
#[derive(Debug, Clone)]
struct Question {
    method: MethodDescriptor,
    json: Value,
}

/// All calls, about all runs and names that the storm goes over.
fn questions() -> Vec<Question> {
    let mut questions = Vec::new();
    for method in calls::methods() {
        let has = |field: &str| method.input().get_field_by_name(field).is_some();
        let mut ask = |json: Value| questions.push(Question { method: method.clone(), json });
        for base in expected::bases(&method) {
            if method.name() == "StartRun" {
                // With profiles that are there it comes to look at the place to write to.
                for directory in RUNS.into_iter().chain(LINKS).filter(|_| base.outcome == OUTPUT_EXISTS) {
                    ask(with(&base.json, &[("output_dir", directory)]));
                }
            } else if !has("directory") {
                ask(base.json);
            } else {
                for directory in RUNS.into_iter().chain(LINKS) {
                    for selector in ["directory", "run_id"] {
                        let mut json = base.json.clone();
                        json.as_object_mut()
                            .expect("an object")
                            .retain(|key, _| !["directory", "run_id", "offset"].contains(&key.as_str()));
                        let json = with(&json, &[(selector, directory)]);
                        if has("path") {
                            paths(directory).iter().for_each(|path| ask(with(&json, &[("path", path)])));
                        } else if has("report_unsafe") {
                            let mut strict = json.clone();
                            strict["report_unsafe"] = json!(false);
                            ask(json);
                            ask(strict);
                        } else {
                            ask(json);
                        }
                    }
                }
            }
        }
    }
    questions
}

fn with(json: &Value, fields: &[(&str, &str)]) -> Value {
    let mut json = json.clone();
    for (field, text) in fields {
        json[*field] = json!(text);
    }
    json
}

fn paths(directory: &str) -> &'static [&'static str] {
    match directory {
        "large" => &["artifacts/large-0", "artifacts/large-1"],
        "moved" => &["artifacts/deep/plain.txt", "artifacts/link/plain.txt", "normalized/evidence.json"],
        "leaf" => &[
            "artifacts/plain.txt",
            "artifacts/link",
            "reports/report.md",
            "retention-summary.json",
            "normalized/findings.json",
        ],
        _ => &["artifacts/plain.txt", "reports/report.md", "run.json"],
    }
}

/// Whether the bytes of an output are all of one file, and of the right one.
fn is_whole(question: &Question, data: &[u8]) -> bool {
    let path = question.json["path"].as_str().expect("a path");
    if path.contains("large") {
        let is_all = |byte: u8| data.len() == LARGE_BYTES && data.iter().all(|found| *found == byte);
        return LARGE.into_iter().any(is_all);
    }
    if path.ends_with(".json") { serde_json::from_slice::<Value>(data).is_ok() } else { data == PLAIN.as_bytes() }
}

fn judge(tree: &Tree, question: &Question, answer: &Answer) -> Outcome {
    let call = question.method.name();
    tree.assert_clean(question, &answer.bytes());
    let (code, reason) = answer.outcome();
    let found = allowed(call).iter().find(|outcome| **outcome == (code, reason.as_str()));
    let outcome = *found.unwrap_or_else(|| panic!("{call} {}: {:?}", question.json, answer.refusal));
    if call == "ReadArtifact" && outcome == FINE {
        assert!(is_whole(question, &answer.data()), "{}: other bytes than those of the file", question.json);
    }
    outcome
}

async fn ask(tree: &Tree, channel: &Channel, question: &Question) -> Outcome {
    let request = calls::request(&question.method, &question.json);
    judge(tree, question, &calls::ask(channel, &question.method, &request).await)
}

/// How often each call gave each answer.
type Tally = BTreeMap<(String, &'static str), u64>;

/// Asks one question after the other, until the time has come and the first `least` were asked.
async fn client(tree: &Tree, channel: &Channel, questions: &[Question], least: usize, until: Instant) -> Tally {
    let mut tally = Tally::new();
    for (count, question) in questions.iter().cycle().enumerate() {
        if count >= least && Instant::now() >= until {
            break;
        }
        let (_, reason) = ask(tree, channel, question).await;
        *tally.entry((question.method.name().to_owned(), reason)).or_default() += 1;
    }
    tally
}

/// Asks for the files that change places with links, as fast as can be, until the time has come; returns how often. Each has to be met as
/// itself and as refused.
async fn hammer(tree: &Tree, channel: &Channel, questions: &[Question], until: Instant) -> u64 {
    let is_wanted = |question: &&Question| {
        let of = |field: &str| question.json[field].as_str().unwrap_or_default();
        let changes = [
            ("leaf", "artifacts/plain.txt"),
            ("ancestor", "artifacts/plain.txt"),
            ("storm", "artifacts/plain.txt"),
            ("storm", "reports/report.md"),
            ("relinked", "artifacts/plain.txt"),
        ];
        question.method.name() == "ReadArtifact" && changes.contains(&(of("directory"), of("path")))
    };
    let wanted: Vec<&Question> = questions.iter().filter(is_wanted).collect();
    let mut met: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    let mut count = 0;
    let gives_up = until + calls::DEADLINE;
    while Instant::now() < until || !met.values().all(|met| met.contains(&FINE) && met.contains(&UNSAFE_PATH)) {
        assert!(Instant::now() < gives_up, "not met in both states: {met:?}");
        let outcomes =
            all(wanted.iter().map(async |question| (question.json.to_string(), ask(tree, channel, question).await)));
        for (question, outcome) in outcomes.await {
            count += 1;
            let met = met.entry(question).or_default();
            if !met.contains(&outcome) {
                met.push(outcome);
            }
        }
    }
    count
}

fn seconds() -> Option<u64> {
    let text = std::env::var("GUIDE_BOARD_LOOP_SECONDS").ok()?;
    Some(text.parse().expect("GUIDE_BOARD_LOOP_SECONDS is a number of seconds"))
}

async fn weather(containment: &str) {
    if !mechanisms().contains(&containment) {
        return;
    }
    let tree = tree();
    let server = Server::start(&tree, &mut tree.command(), containment).await;
    let questions = questions();
    let mut channels = Vec::new();
    for _ in 0..CLIENTS {
        let uri = format!("http://{}", server.address());
        channels.push(Endpoint::from_shared(uri).expect("a URI").connect().await.expect("connected"));
    }
    // Once in calm weather over every connection: what the server keeps for good it has then.
    for channel in &channels {
        let calm = client(&tree, channel, &questions, questions.len() / 4, Instant::now()).await;
        assert!(calm.keys().all(|(_, reason)| *reason != "CHANGED_WHILE_READING"), "{calm:?}");
    }
    let descriptors = server.descriptors();

    let storm = Storm::over(&tree);
    let until = Instant::now() + Duration::from_secs(seconds().unwrap_or(1));
    // Each client begins with another part, and together they ask everything.
    let part = questions.len().div_ceil(CLIENTS);
    let one = async |number: usize| {
        let mut questions = questions.clone();
        questions.rotate_left(number * part);
        client(&tree, &channels[number], &questions, part, until).await
    };
    let (first, second, third, fourth, hammered) =
        tokio::join!(one(0), one(1), one(2), one(3), hammer(&tree, &channels[0], &questions, until));
    let rounds = storm.end();

    let mut tally = Tally::new();
    for (key, count) in [first, second, third, fourth].into_iter().flatten() {
        *tally.entry(key).or_default() += count;
    }
    let calls: u64 = tally.values().sum::<u64>() + hammered;
    let told = format!(
        "{containment}: {calls} calls in {rounds} rounds of the storm; {hammered} reads, and of all calls: {tally:?}"
    );
    if seconds().is_some() {
        let _ = writeln!(std::io::stderr(), "{told}");
    }
    for method in calls::methods() {
        assert!(tally.keys().any(|(call, _)| call == method.name()), "{} was not called: {told}", method.name());
    }
    calm_again(&tree, &server, &channels[0], descriptors).await;
}

/// After the storm the answers are exactly those of before, and the server holds nothing more.
async fn calm_again(tree: &Tree, server: &Server, channel: &Channel, descriptors: usize) {
    for directory in RUNS.into_iter().chain(LINKS) {
        let is_link = LINKS.contains(&directory);
        for call in ["GetRetainedRun", "GetRetainedRunReports", "StreamArtifactManifest"] {
            let answer = server.ask(tree, call, &json!({"directory": directory})).await;
            expected::assert_outcome(&(call, directory), &answer, if is_link { UNSAFE_PATH } else { FINE });
        }
        let by_id = json!({"run_id": directory});
        let outcome = if is_link { RUN_NOT_FOUND } else { FINE };
        let what = format!("{directory} by its id");
        eventually(&what, async || {
            let answer = server.ask(tree, "GetRetainedRun", &by_id).await;
            ((answer.outcome().0, answer.outcome().1.as_str()) == outcome).then_some(())
        })
        .await;
    }
    let read = json!({"directory": "relinked", "path": "artifacts/plain.txt"});
    assert_eq!(server.ask(tree, "ReadArtifact", &read).await.data(), PLAIN.as_bytes());
    for question in questions() {
        ask(tree, channel, &question).await;
    }
    eventually("as many descriptors as before", async || (server.descriptors() <= descriptors).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_openat2_names_that_change_under_the_server_lead_nowhere() {
    weather("openat2").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_walk_names_that_change_under_the_server_lead_nowhere() {
    weather("walk").await;
}
