//! Every call of the descriptor set with every hostile name in every field that takes text.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_reflect::{FieldDescriptor, MethodDescriptor};
use tonic::Code;
use tonic::transport::Channel;

use super::calls::{self, Answer, all, ask, call, put_text};
use super::expected::{
    self, Base, FIELD_INVALID, FINE, Meaning, OUTPUT_EXISTS, Outcome, RUN_NOT_FOUND, assert_outcome,
};
use super::mechanisms;
use super::names::{AsDirectory, Name, Surroundings, names};
use super::server::{Server, with_mounts};
use super::tree::{PLAIN, Tree};

/// How many calls are made at once.
const AT_ONCE: usize = 16;

async fn every_call_answers_as_the_contract_says(containment: &str) {
    if !mechanisms().contains(&containment) {
        return;
    }
    let tree = Tree::new();
    let (mut command, surroundings) = with_mounts(tree.command());
    let server = Server::start(&tree, &mut command, containment).await;
    let made = drive(&tree, &server.channel, surroundings, 1).await;
    assert!(made > 3_000, "{made}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_openat2_every_name_in_every_field_of_every_call_is_answered_as_the_contract_says() {
    every_call_answers_as_the_contract_says("openat2").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_walk_every_name_in_every_field_of_every_call_is_answered_as_the_contract_says() {
    every_call_answers_as_the_contract_says("walk").await;
}

#[test]
fn every_field_of_every_call_is_known_to_these_tests() {
    let mut met = BTreeSet::new();
    for method in calls::methods() {
        assert!(!method.is_client_streaming(), "{}: these tests make calls of one request", method.full_name());
        assert!(!expected::bases(&method).is_empty());
        met.extend(calls::texts(&method).iter().map(|field| expected::meaning(&method, field) as u8));
    }
    assert!(met.len() > 10, "{met:?}");
}

/// Makes all the calls, with every `part`-th name; returns how many.
pub(super) async fn drive(tree: &Tree, channel: &Channel, surroundings: Surroundings, part: usize) -> usize {
    let names: Vec<Name> = names(tree, surroundings).into_iter().step_by(part).collect();
    let mut made = 0;
    let mut faults: Vec<String> = Vec::new();
    for method in calls::methods() {
        for base in expected::bases(&method) {
            let answer = ask(channel, &method, &calls::request(&method, &base.json)).await;
            assert_outcome(&(method.name(), &base), &answer, base.outcome);
            tree.assert_clean(&(method.name(), &base), &answer.bytes());
            let is_wanted = |field: &FieldDescriptor| base.only.is_empty() || base.only.contains(&field.name());
            for field in calls::texts(&method).iter().filter(|field| is_wanted(field)) {
                let asked: Vec<&Name> = names.iter().step_by(expected::meaning(&method, field).step()).collect();
                for batch in asked.chunks(AT_ONCE) {
                    let question = |name| ask_with(tree, channel, &method, &base, field, name);
                    faults.extend(all(batch.iter().copied().map(question)).await.into_iter().flatten());
                    made += batch.len();
                }
                ask_what_is_not_utf8(tree, channel, &method, &base, field).await;
                made += 1;
            }
        }
    }
    ask_in_words_of_the_configuration(tree, channel).await;
    assert!(faults.is_empty(), "{} wrong answers:\n{}", faults.len(), faults[..faults.len().min(20)].join("\n"));
    made
}

/// Whether a request would start a job, which these names are not meant for.
fn starts_a_job(base: &Base, meaning: Meaning, name: &Name) -> bool {
    base.outcome == OUTPUT_EXISTS && meaning == Meaning::OutputDirectory && name.directory == AsDirectory::Absent
}

async fn ask_with(
    tree: &Tree,
    channel: &Channel,
    method: &MethodDescriptor,
    base: &Base,
    field: &FieldDescriptor,
    name: &Name,
) -> Option<String> {
    let meaning = expected::meaning(method, field);
    if starts_a_job(base, meaning, name) {
        return None;
    }
    let mut request = calls::request(method, &base.json);
    // Exactly one of the two may be set.
    for (one, other) in [("run_id", "directory"), ("directory", "run_id")] {
        if field.name() == one {
            request.clear_field_by_name(other);
        }
    }
    put_text(&mut request, field, &name.text);
    let answer = ask(channel, method, &request).await;
    let shown: String = name.text.chars().take(80).collect();
    let what = (method.name(), field.name(), shown);
    tree.assert_clean(&what, &answer.bytes());
    if method.name() == "ReadArtifact" && meaning == Meaning::Path && answer.refusal.is_none() {
        let from = base.json["offset"].as_u64().unwrap_or(0) as usize;
        assert_eq!(answer.data(), &PLAIN.as_bytes()[from..], "{what:?}");
    }
    expected::fault(&what, &answer, expected::expected(method, meaning, name, base.outcome))
}

/// Bytes that are no UTF-8 in a field that is text.
async fn ask_what_is_not_utf8(
    tree: &Tree,
    channel: &Channel,
    method: &MethodDescriptor,
    base: &Base,
    field: &FieldDescriptor,
) {
    const PLACE: &str = "not-here-utf8";
    let mut request = calls::request(method, &base.json);
    put_text(&mut request, field, PLACE);
    let mut bytes = request.encode_to_vec();
    let at = bytes.windows(PLACE.len()).position(|window| window == PLACE.as_bytes()).expect("encoded");
    bytes[at + 3..at + 7].copy_from_slice(b"\xff\xfe\xc0\xaf");
    let answer = call(channel, method, bytes).await;
    let what = (method.name(), field.name(), "not UTF-8");
    tree.assert_clean(&what, &answer.bytes());
    assert_eq!(answer.outcome().0, Code::InvalidArgument, "{what:?}: {:?}", answer.refusal);
    assert!(answer.messages.is_empty(), "{what:?}");
}

/// The roots by the names and paths that they have, and by others that lead there too.
async fn ask_in_words_of_the_configuration(tree: &Tree, channel: &Channel) {
    let absolute = tree.path("runs").to_str().expect("text").to_owned();
    let asked: Vec<(String, Outcome)> = [
        ("", FINE),
        ("runs", FINE),
        ("absolute", FINE),
        (&absolute, FINE),
        ("./runs", expected::ROOT_NOT_FOUND),
        ("runs/", expected::ROOT_NOT_FOUND),
        ("runs/../runs", expected::ROOT_NOT_FOUND),
        ("runs-secret", expected::ROOT_NOT_FOUND),
        ("outside", expected::ROOT_NOT_FOUND),
        (&tree.alias("runs"), expected::ROOT_NOT_FOUND),
    ]
    .map(|(text, outcome)| (text.to_owned(), outcome))
    .to_vec();
    for method in calls::methods() {
        for base in expected::bases(&method) {
            let Some(field) = calls::texts(&method).into_iter().find(|field| field.name() == "runs_dir") else {
                continue;
            };
            for (text, outcome) in &asked {
                let mut request = calls::request(&method, &base.json);
                put_text(&mut request, &field, text);
                let answer = ask(channel, &method, &request).await;
                let outcome = if *outcome == FINE { base.outcome } else { *outcome };
                assert_outcome(&(method.name(), text), &answer, outcome);
                tree.assert_clean(&(method.name(), text), &answer.bytes());
            }
        }
        ask_with_neither_and_both(channel, &method).await;
    }
}

/// Exactly one of `run_id` and `directory`; an empty one is unset.
async fn ask_with_neither_and_both(channel: &Channel, method: &MethodDescriptor) {
    if method.input().get_field_by_name("directory").is_none() {
        return;
    }
    let base = &expected::bases(method)[0];
    let asked = [
        ("", "", FIELD_INVALID),
        ("run", "run", FIELD_INVALID),
        ("run", "../run", FIELD_INVALID),
        ("gone", "", RUN_NOT_FOUND),
    ];
    for (run_id, directory, outcome) in asked {
        let mut json = base.json.clone();
        json["run_id"] = run_id.into();
        json["directory"] = directory.into();
        let answer: Answer = ask(channel, method, &calls::request(method, &json)).await;
        assert_outcome(&(method.name(), run_id, directory), &answer, outcome);
    }
}
