//! The same names through HTTP: in the paths, queries and bodies of every rule of the protos, spelled plainly and percent-encoded.

use std::net::SocketAddr;

use guide_board::wire::{Rule, Rules};
use prost_reflect::FieldDescriptor;
use serde_json::{Value, json};
use tonic::Code;

use super::calls::{self, all};
use super::expected::{self, Base, Meaning, OUTPUT_EXISTS, Outcome, PATH_INVALID};
use super::mechanisms;
use super::names::{AsDirectory, Name, names};
use super::server::{Server, with_mounts};
use super::tree::{PLAIN, Tree};
use crate::service::http::client::{Answer, ask, encoded};

/// How many requests are made at once.
const AT_ONCE: usize = 16;
/// The longest name that fits into the line of a request with every byte of it encoded.
const MAX_NAME: usize = 16 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_every_name_in_every_field_of_every_call_is_answered_as_the_contract_says() {
    let containment = mechanisms()[0];
    let tree = Tree::new();
    let (mut command, surroundings) = with_mounts(tree.command());
    let server = Server::start(&tree, &mut command, containment).await;
    let names: Vec<Name> = names(&tree, surroundings).into_iter().filter(|name| name.text.len() <= MAX_NAME).collect();
    let rules = Rules::read().expect("rules");
    let (mut made, mut faults) = (0, Vec::new());
    for rule in rules.iter() {
        let bases = expected::bases(&rule.call).into_iter().filter_map(|base| fitted(rule, base));
        for base in bases {
            for field in fields(rule, &base) {
                let meaning = expected::meaning(&rule.call, &field);
                // The paths are where HTTP could differ; the rest is asked for less.
                let step = if is_in_path(rule, field.name()) { 1 } else { 3 * meaning.step() };
                let asked: Vec<&Name> = names.iter().step_by(step).collect();
                for (batch, part) in asked.chunks(AT_ONCE).enumerate() {
                    let question = |name| ask_with(&tree, server.address(), rule, &base, &field, name, batch % 2 == 1);
                    faults.extend(all(part.iter().copied().map(question)).await.into_iter().flatten());
                    made += part.len();
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} wrong answers:\n{}", faults.len(), faults[..faults.len().min(20)].join("\n"));
    assert!(made > 1_500, "{made}");
}

/// A base whose run is named as the rule's path names it; `None` when HTTP asks for it in another way.
fn fitted(rule: &Rule, mut base: Base) -> Option<Base> {
    let run = base.json["directory"].as_str().or(base.json["run_id"].as_str()).map(str::to_owned);
    if let (Some(run), Some(object)) = (run, base.json.as_object_mut()) {
        object.remove("directory");
        object.remove("run_id");
        let named = if rule.template.contains("{directory}") { "directory" } else { "run_id" };
        object.insert(named.to_owned(), json!(run));
    }
    base.json.get("offset").is_none().then_some(base)
}

fn is_in_path(rule: &Rule, field: &str) -> bool {
    rule.template.contains(&format!("{{{field}")) && !rule.takes_body
}

/// The fields to replace; a run is named by the path alone.
fn fields(rule: &Rule, base: &Base) -> Vec<FieldDescriptor> {
    let names_the_run = |name: &str| matches!(name, "run_id" | "directory");
    let is_wanted = |field: &FieldDescriptor| base.only.is_empty() || base.only.contains(&field.name());
    let is_asked = |field: &FieldDescriptor| !names_the_run(field.name()) || is_in_path(rule, field.name());
    calls::texts(&rule.call).into_iter().filter(|field| is_wanted(field) && is_asked(field)).collect()
}

/// Path, query and body of a request.
fn spelled(rule: &Rule, request: &Value, every_byte: bool) -> (String, Value) {
    let mut path = rule.template.clone();
    let mut query = Vec::new();
    for (name, value) in request.as_object().expect("an object") {
        let values: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |values| values.iter().collect());
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if path.contains(&format!("{{{name}=**}}")) {
            let segments: Vec<_> = text(value).split('/').map(|segment| encoded(segment, every_byte)).collect();
            path = path.replace(&format!("{{{name}=**}}"), &segments.join("/"));
        } else if path.contains(&format!("{{{name}}}")) {
            path = path.replace(&format!("{{{name}}}"), &encoded(&text(value), every_byte));
        } else if let Some(map) = value.as_object() {
            query.extend(
                map.iter()
                    .map(|(key, value)| format!("{name}[{}]={}", encoded(key, true), encoded(&text(value), true))),
            );
        } else {
            query.extend(values.into_iter().map(|value| format!("{name}={}", encoded(&text(value), every_byte))));
        }
    }
    if rule.takes_body {
        return (path, request.clone());
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    (path + &query, Value::Null)
}

async fn ask_with(
    tree: &Tree,
    address: SocketAddr,
    rule: &Rule,
    base: &Base,
    field: &FieldDescriptor,
    name: &Name,
    every_byte: bool,
) -> Option<String> {
    let meaning = expected::meaning(&rule.call, field);
    let starts_a_job = base.outcome == OUTPUT_EXISTS && meaning == Meaning::OutputDirectory;
    if starts_a_job && name.directory == AsDirectory::Absent {
        return None;
    }
    let mut request = base.json.clone();
    request[field.name()] = if field.is_map() {
        json!({name.text.clone(): name.text, "k": name.text})
    } else if field.is_list() {
        json!([name.text])
    } else {
        json!(name.text)
    };
    // A call of a job by its id has it in the path, also where the rest is a body.
    let (path, mut body) = spelled(rule, &request, every_byte);
    if rule.template.contains(&format!("{{{}}}", field.name()))
        && let Some(body) = body.as_object_mut()
    {
        body.remove(field.name());
    }
    let shown: String = name.text.chars().take(80).collect();
    let what = (rule.call.name(), field.name(), shown, every_byte);
    let text = if rule.takes_body { body.to_string() } else { String::new() };
    let headers = [("content-type", "application/json")];
    let answer = ask(address, rule.method, &path, &headers, text.as_bytes()).await;
    tree.assert_clean(&what, &answer.raw);
    let outcome = expected::expected(&rule.call, meaning, name, base.outcome);
    let is_one_segment = rule.template.contains(&format!("{{{}}}", field.name()));
    let is_path = is_one_segment || is_in_path(rule, field.name());
    // What no segment of a path may hold is refused as such, whatever it was to be.
    let unsafe_letters: &[char] = if is_one_segment { &['/', '\\', '\0'] } else { &['\\', '\0'] };
    let outcome = if is_path && name.text.contains(unsafe_letters) { PATH_INVALID } else { outcome };
    if answer.code == 200 && rule.call.name() == "ReadArtifact" && meaning == Meaning::Path {
        assert_eq!(answer.text(), PLAIN, "{what:?}");
    }
    fault(&what, &answer, outcome)
}

/// What is wrong with an answer, as [`expected::fault`] has it.
fn fault(what: &dyn std::fmt::Debug, answer: &Answer, (code, reason): Outcome) -> Option<String> {
    let wanted = match code {
        Code::Ok => 200,
        Code::InvalidArgument | Code::FailedPrecondition => 400,
        Code::NotFound => 404,
        Code::AlreadyExists => 409,
        other => panic!("{other:?} as an HTTP code"),
    };
    let told = || format!("{what:?} answered {} {}, not {wanted} {reason}", answer.code, answer.text());
    if answer.code != wanted || !answer.is_whole {
        return Some(told());
    }
    if code == Code::Ok {
        return None;
    }
    let error = &answer.json()["error"];
    let violations = error["field_violations"].as_array().map_or(0, Vec::len);
    let names_fields = if code == Code::InvalidArgument { (1..=20).contains(&violations) } else { violations == 0 };
    let is_well_made = error["reason"] == reason && error["code"] == wanted && names_fields;
    (!is_well_made).then(told)
}
