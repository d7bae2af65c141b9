//! The same question through gRPC and through HTTP gives the same answer, for every call that is asked with GET, over every root of fixtures.

use std::collections::BTreeSet;

use guide_board::services::reason_of;
use guide_board::wire::{Rule, Rules, message_to_json, pb};
use prost_reflect::{DynamicMessage, Value as Field};
use serde_json::Value;

use super::super::fixtures::{Service, Setup};
use super::client::{encoded, get};
use crate::cli::place::Place;
use crate::hostile::calls;

const ROOTS: [&str; 4] = ["runs", "odd", "broken", "empty"];

/// Outputs to ask every run for.
const OUTPUTS: [&str; 5] = ["reports/report.md", "run.json", "normalized/evidence.json", "artifacts", "none"];

/// What can be named in a root: run ids and directories, and one that is not there.
async fn names(service: &Service) -> BTreeSet<String> {
    let runs = service.list(pb::ListRetainedRunsRequest::default()).await.runs;
    let problems =
        service.retained().list_problems(pb::ListProblemsRequest::default()).await.expect("problems").into_inner();
    let named = problems.problems.into_iter().filter(|problem| problem.directory_bytes.is_empty());
    let mut names: BTreeSet<String> = named.map(|problem| problem.directory).collect();
    names.extend(runs.into_iter().flat_map(|run| [run.run_id, run.directory]));
    names.insert("nobody".to_owned());
    names
}

/// Without the moments of scans, which go on.
fn without_scans(mut json: Value) -> Value {
    if let Some(object) = json.as_object_mut() {
        object.remove("scanned_at");
        for root in object.get_mut("roots").and_then(Value::as_array_mut).into_iter().flatten() {
            *root = without_scans(root.take());
        }
    }
    json
}

/// Asks both ways; whether it was answered.
async fn compare(service: &Service, rule: &Rule, given: &[(&str, &str)]) -> bool {
    let mut request = DynamicMessage::new(rule.call.input());
    let mut path = rule.template.clone();
    for (name, text) in given {
        request.set_field_by_name(name, Field::String((*text).to_owned()));
        path = path.replace(&format!("{{{name}}}"), &encoded(text, false)).replace(&format!("{{{name}=**}}"), text);
    }
    let over_grpc = calls::ask(&service.channel, &rule.call, &request).await;
    let over_http = get(service.address, &path).await;
    assert!(over_http.is_whole, "{path}");
    if let Some(status) = &over_grpc.refusal {
        let error = &over_http.json()["error"];
        assert_eq!(error["reason"], reason_of(status).unwrap_or_default(), "{path}");
        assert_eq!(error["message"], status.message(), "{path}");
        return false;
    }
    assert_eq!(over_http.code, 200, "{path} {}", over_http.text());
    if rule.call.name() == "ReadArtifact" {
        assert_eq!(over_http.body, over_grpc.data(), "{path}");
        return true;
    }
    let merged = DynamicMessage::decode(rule.call.output(), over_grpc.messages.concat().as_slice()).expect("a merge");
    assert_eq!(without_scans(over_http.json()), without_scans(message_to_json(&merged)), "{path}");
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_and_over_grpc() {
    let rules = Rules::read().expect("rules");
    let place = Place::new();
    let mut answered = BTreeSet::new();
    for root in ROOTS {
        let service = Setup::over(&place.path(""), &[(root, &place.path(root))]).start().await;
        let names = names(&service).await;
        for rule in rules.iter().filter(|rule| rule.method == "GET") {
            let named = ["run_id", "directory", "job_id"]
                .into_iter()
                .find(|name| rule.template.contains(&format!("{{{name}}}")));
            for name in names.iter().filter(|name| named.is_some() || *name == "nobody") {
                let given: Vec<(&str, &str)> = named.map(|field| (field, name.as_str())).into_iter().collect();
                if rule.call.name() != "ReadArtifact" {
                    answered.extend(compare(&service, rule, &given).await.then(|| rule.template.clone()));
                    continue;
                }
                for output in OUTPUTS {
                    let given = [given[0], ("path", output)];
                    answered.extend(compare(&service, rule, &given).await.then(|| rule.template.clone()));
                }
            }
        }
    }
    let of_jobs = |rule: &&Rule| rule.template.contains("{job_id}");
    let asked: BTreeSet<_> =
        rules.iter().filter(|rule| rule.method == "GET" && !of_jobs(rule)).map(|rule| rule.template.clone()).collect();
    assert_eq!(answered, asked, "each is answered somewhere");
}
