//! What no root of fixtures can show: the calls about jobs, profiles and plans, through gRPC, HTTP and the command line. With `same_answer` here
//! and in `cli`, every call of the descriptor set is compared; one that is not is found by the last test.

use std::collections::BTreeSet;
use std::process::Output;

use guide_board::wire::{Rules, from_json, message_to_json};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};

use super::super::fixtures::refused_with;
use super::super::served::{Served, world_of_jobs};
use super::client::{get, get_with, post};
use crate::hostile::calls;
use crate::support::{self, World};

/// The calls compared here.
const HERE: [&str; 8] =
    ["StartRun", "GetRun", "ListRuns", "WatchRun", "CancelRun", "GetRunReports", "ValidateProfile", "PlanAssessment"];

/// A server process and the three ways to ask it.
struct Faces {
    world: World,
    server: Served,
}

impl Faces {
    async fn over(script: &str) -> Self {
        let world = world_of_jobs(script);
        let server = Served::start(&world, &["--extension-dir", "extensions"]).await;
        Self { world, server }
    }

    /// What gRPC answers, in the dialect; a stream as one document.
    async fn grpc(&self, call: &str, request: &Value) -> Result<Value, tonic::Status> {
        let method = method(call);
        let request = from_json(&method.input(), request).expect("a request");
        let answer = calls::ask(&self.server.channel().await, &method, &request).await;
        if let Some(status) = answer.refusal {
            return Err(status);
        }
        let merged = DynamicMessage::decode(method.output(), answer.messages.concat().as_slice()).expect("a merge");
        Ok(message_to_json(&merged))
    }

    /// What the command line answers; what stands on `--server` as on a directory of its own.
    fn cli(&self, arguments: &[&str]) -> Output {
        let mut command = self.world.command();
        command.args(["--extension-dir", "extensions"]).args(arguments);
        if arguments[0] == "jobs" {
            command.args(["--server", &format!("http://{}", self.server.address)]);
        }
        command.arg("--json").output().expect("it ran")
    }

    fn cli_json(&self, arguments: &[&str]) -> Value {
        let output = self.cli(arguments);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

fn method(call: &str) -> MethodDescriptor {
    let rules = Rules::read().expect("rules");
    rules.iter().find(|rule| rule.call.name() == call).unwrap_or_else(|| panic!("no {call}")).call.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_one_job_through_every_face() {
    let faces = Faces::over(&support::reports("pass")).await;
    let address = faces.server.address;
    let profiles = ("profiles/target.json", "profiles/assessment.json");
    let body = json!({"target": profiles.0, "assessment": profiles.1, "request_id": "one", "output_dir": "d", "labels": {"a": "b"}});
    let over_http = post(address, "/runs", &body).await.expect(200).json();
    let job = over_http["run"]["job_id"].as_str().expect("an id").to_owned();
    // The end of the watch is the end of the job, so that nothing moves while the faces are compared.
    let accept = [("accept", "application/json")];
    let watched = get_with(address, &format!("/runs/{job}/watch"), &accept).await.expect(200).json();
    let one = json!({"job_id": job});
    assert_eq!(watched, faces.grpc("WatchRun", &one).await.expect("events"));
    let lines = faces.cli(&["jobs", "watch", &job]);
    let lines: Vec<Value> =
        String::from_utf8_lossy(&lines.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(Value::from(lines), watched["events"]);

    let started = faces.grpc("StartRun", &body).await.expect("the same job");
    assert_eq!(started, post(address, "/runs", &body).await.expect(200).json());
    let again = ["--target", profiles.0, "--assessment", profiles.1, "--request-id", "one", "--output-dir", "d"];
    let detached = [&["jobs", "start", "--detach", "--label", "a=b"][..], &again].concat();
    assert_eq!(faces.cli_json(&detached), started);

    for (call, request, path, arguments) in [
        ("GetRun", &one, format!("/runs/{job}"), &["jobs", "show", &job][..]),
        ("ListRuns", &json!({}), "/runs".to_owned(), &["jobs", "list"]),
        ("GetRunReports", &one, format!("/runs/{job}/reports"), &["jobs", "reports", &job]),
    ] {
        let over_grpc = faces.grpc(call, request).await.expect("an answer");
        assert_eq!(get(address, &path).await.expect(200).json(), over_grpc, "{call}");
        assert_eq!(faces.cli_json(arguments), over_grpc, "{call}");
    }
    let cancelled = faces.grpc("CancelRun", &one).await.expect("the job as it ended");
    assert_eq!(post(address, &format!("/runs/{job}/cancel"), &json!({})).await.expect(200).json(), cancelled);
    assert_eq!(faces.cli_json(&["jobs", "cancel", &job]), cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_not_there_is_refused_alike() {
    let faces = Faces::over("").await;
    let address = faces.server.address;
    let one = json!({"job_id": "job-x"});
    for (call, path, arguments) in [
        ("GetRun", "/runs/job-x", "show"),
        ("WatchRun", "/runs/job-x/watch", "watch"),
        ("GetRunReports", "/runs/job-x/reports", "reports"),
        ("CancelRun", "/runs/job-x/cancel", "cancel"),
    ] {
        let status = faces.grpc(call, &one).await.expect_err("a refusal");
        let message = refused_with(status, tonic::Code::NotFound, "JOB_NOT_FOUND").message;
        let over_http = match call {
            "CancelRun" => post(address, path, &json!({})).await,
            _ => get(address, path).await,
        };
        assert_eq!(over_http.refused(404, "NOT_FOUND", "JOB_NOT_FOUND"), message, "{call}");
        let output = faces.cli(&["jobs", arguments, "job-x"]);
        assert_eq!(output.status.code(), Some(6), "{call}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(&message), "{call}: {output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_and_a_plan_are_the_same_through_every_face() {
    let faces = Faces::over("").await;
    let address = faces.server.address;
    std::fs::write(faces.world.path("profiles/wrong.json"), "{\"id\": 7}").expect("written");
    for (kind, path, command) in [
        ("target", "profiles/target.json", "validate-target"),
        ("assessment", "profiles/assessment.json", "validate-assessment"),
        ("target", "profiles/wrong.json", "validate-target"),
    ] {
        let request = json!({"kind": kind, "path": path});
        let verdict = faces.grpc("ValidateProfile", &request).await.expect("a verdict");
        assert_eq!(post(address, "/profiles/validate", &request).await.expect(200).json(), verdict, "{path}");
        assert_eq!(faces.cli_json(&["profile", command, path]), verdict, "{path}");
    }
    let request = json!({"target": "profiles/target.json", "assessment": "profiles/assessment.json"});
    let over_grpc = faces.grpc("PlanAssessment", &request).await.expect("a plan");
    let over_http = post(address, "/assessments/plan", &request).await.expect(200).json();
    assert_eq!(over_http, over_grpc);
    let planned = ["plan", "--target", "profiles/target.json", "--assessment", "profiles/assessment.json"];
    let printed = faces.world.command().args(["--extension-dir", "extensions"]).args(planned).output().expect("it ran");
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap_or_else(|error| panic!("{error}: {printed:?}"));
    // The command line prints the document that a run keeps, of which the message has the typed fields.
    let plan = &over_grpc["plan"];
    for key in ["target_profile_ref", "assessment_profile_ref", "frameworks", "extensions"] {
        assert_eq!(plan[key], printed[key], "{key}");
    }
    assert_eq!(plan["steps"].as_array().map(Vec::len), Some(1), "{plan}");
    for key in ["order", "extension_id", "check_group", "checks", "runner_ref", "timeout_seconds"] {
        assert_eq!(plan["steps"][0][key], printed["steps"][0][key], "{key}");
    }
}

#[test]
fn every_call_is_compared_somewhere() {
    let rules = Rules::read().expect("rules");
    let with_get = rules.iter().filter(|rule| rule.method == "GET" && !rule.template.contains("{job_id}"));
    let compared: BTreeSet<&str> = with_get.map(|rule| rule.call.name()).chain(HERE).collect();
    let all: BTreeSet<&str> = rules.iter().map(|rule| rule.call.name()).collect();
    assert_eq!(compared, all, "a call that three faces do not answer alike, or that nobody asked");
}
