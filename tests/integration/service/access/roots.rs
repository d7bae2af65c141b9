//! A root that a caller may not see is to them exactly like one that does not exist: every call, byte for byte.

use guide_board::wire::pb;
use serde_json::{Value, json};
use tonic::Code;

use super::{ALL, CI, CI_TOO, ask, everybody, guarded, with};
use crate::hostile::calls::methods;
use crate::service::fixtures::{Service, Setup, eventually, put, put_summary, refused, refused_field, summary};
use crate::service::served::{stand_in, start_request, world_of_jobs};
use crate::support::World;

/// The hidden root stands first. Its name stands in no other text, and is as long as `zqxnil`, which there is not.
async fn two_roots() -> (World, Service) {
    let world = world_of_jobs("");
    for (root, run) in [("zqxlab", "r-lab"), ("ci", "r-ci")] {
        put_summary(&world.path(root), "d", &summary(run, "2026-01-01T00:00:00Z"));
        put(&world.path(root), "d/artifacts/x", root);
    }
    put_summary(&world.path("zqxlab"), "d2", &summary("r-lab-2", "2026-01-02T00:00:00Z"));
    let (lab, ci) = (world.path("zqxlab"), world.path("ci"));
    let setup = Setup::over(&world.path(""), &[("zqxlab", &lab), ("ci", &ci)]);
    let settings = guide_board::jobs::JobSettings::default();
    let program = stand_in(&world, "exit 1");
    let setup = setup.jobs(settings, program, Vec::new());
    let service = guarded(setup, &world.path("tokens.toml"), &everybody()).start().await;
    (world, service)
}

/// Requests that a root is asked with, beside its name; all of them are answered where the root is seen.
fn questions(name: &str) -> Vec<Value> {
    match name {
        "GetLatestRetainedRun" => vec![json!({}), json!({"target": "t"})],
        "ListRetainedRuns" | "ListProblems" => {
            vec![json!({}), json!({"page_token": "x"}), json!({"page_size": -1})]
        }
        "ReadArtifact" => vec![
            json!({"directory": "d", "path": "artifacts/x"}),
            json!({"run_id": "r-lab", "path": "artifacts/x"}),
            json!({"directory": "d", "path": "../x", "offset": -1}),
        ],
        "StartRun" => {
            let request = json!({"target": "profiles/target.json", "assessment": "profiles/assessment.json"});
            let with = |key: &str, value: &str| {
                let mut request = request.clone();
                request[key] = json!(value);
                request
            };
            vec![
                request.clone(),
                with("output_dir", "d"),
                with("output_dir", "../x"),
                with("request_id", "q"),
                json!({}),
            ]
        }
        _ => vec![json!({"directory": "d"}), json!({"run_id": "r-lab"}), json!({"directory": "no"}), json!({})],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_root_is_answered_as_an_unknown_one_by_every_call_that_names_roots() {
    let (world, service) = two_roots().await;
    let path = |name: &str| world.path(name).to_str().expect("UTF-8").to_owned();
    let mut asked = 0;
    for method in methods().iter().filter(|method| method.input().get_field_by_name("runs_dir").is_some()) {
        for question in questions(method.name()) {
            for (hidden, unknown) in [("zqxlab".to_owned(), "zqxnil".to_owned()), (path("zqxlab"), path("zqxnil"))] {
                let answers = [&hidden, &unknown].map(|root| {
                    let mut request = question.clone();
                    request["runs_dir"] = json!(root);
                    request
                });
                let [first, second] = answers;
                let (first, second) =
                    (ask(&service, CI, method, &first).await, ask(&service, CI, method, &second).await);
                assert_eq!(first.outcome(), (Code::NotFound, "ROOT_NOT_FOUND".to_owned()), "{}", method.name());
                let bytes = |answer: &crate::hostile::calls::Answer, root: &str| {
                    let status = answer.refusal.as_ref().expect("a refusal");
                    let mut metadata = status.metadata().clone();
                    metadata.remove("date");
                    metadata.remove("x-request-id");
                    let details = String::from_utf8_lossy(status.details()).into_owned();
                    format!("{} {details:?} {metadata:?} {}", status.message(), answer.messages.len())
                        .replace(root, "ROOT")
                };
                assert_eq!(bytes(&first, &hidden), bytes(&second, &unknown), "{}", method.name());
                assert!(first.refusal.expect("one").message().ends_with("the roots are: ci"));
                asked += 1;
            }
        }
    }
    assert!(asked > 40, "{asked}");
    // The test could not see a difference if nobody were answered.
    let request = json!({"runs_dir": "zqxlab", "directory": "d"});
    let method = methods().into_iter().find(|method| method.name() == "GetRetainedRun").expect("the call");
    assert_eq!(ask(&service, ALL, &method, &request).await.outcome().0, Code::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_to_one_who_does_not_see_a_root_tells_of_it() {
    let (_world, service) = two_roots().await;
    for method in methods() {
        for question in [json!({}), json!({"page_size": 1})] {
            if question
                .as_object()
                .is_some_and(|asked| asked.keys().any(|key| method.input().get_field_by_name(key).is_none()))
            {
                continue;
            }
            let answer = ask(&service, CI, &method, &question).await;
            let text = String::from_utf8_lossy(&answer.bytes()).into_owned();
            assert!(!text.contains("zqxlab"), "{}: {text}", method.name());
        }
    }
    // An unset root is the first one that there is for the caller.
    let runs = |token| with(token, pb::ListRetainedRunsRequest::default());
    let first = async |token| service.retained().list_retained_runs(runs(token)).await.expect("runs").into_inner();
    assert_eq!((first(CI).await.total_size, first(ALL).await.total_size), (1, 2));
    assert_eq!(first(CI).await.runs[0].runs_dir, "ci");
    let info =
        service.catalog().get_server_info(with(CI, pb::GetServerInfoRequest {})).await.expect("info").into_inner();
    assert_eq!(info.roots.iter().map(|root| root.name.as_str()).collect::<Vec<_>>(), ["ci"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_hidden_root_does_not_exist_and_is_not_counted() {
    let (_world, service) = two_roots().await;
    let start = pb::StartRunRequest { runs_dir: "zqxlab".into(), ..start_request() };
    let job = service.runs().start_run(with(ALL, start)).await.expect("a job").into_inner().run.expect("a job").job_id;
    // Of the same length, and of no job.
    let unknown: String = job.chars().map(|letter| if letter == 'j' { 'k' } else { letter }).collect();
    let mut asked = 0;
    for method in methods().iter().filter(|method| method.input().get_field_by_name("job_id").is_some()) {
        let mut told = Vec::new();
        for id in [&job, &unknown] {
            let answer = ask(&service, CI, method, &json!({"job_id": id})).await;
            assert_eq!(answer.outcome(), (Code::NotFound, "JOB_NOT_FOUND".to_owned()), "{}", method.name());
            let status = answer.refusal.expect("one");
            told.push(
                format!("{} {:?}", status.message(), String::from_utf8_lossy(status.details()))
                    .replace(id.as_str(), "ID"),
            );
        }
        assert_eq!(told[0], told[1]);
        asked += 1;
    }
    assert_eq!(asked, 4, "get, watch, cancel, reports");
    let listed = async |token, statuses: Vec<String>| {
        let request = pb::ListRunsRequest { statuses, page_size: 1, ..Default::default() };
        service.runs().list_runs(with(token, request)).await.expect("jobs").into_inner()
    };
    let of_ci = listed(CI, Vec::new()).await;
    assert_eq!((of_ci.total_size, of_ci.runs.len(), of_ci.next_page_token.as_str()), (0, 0, ""));
    assert_eq!(listed(ALL, Vec::new()).await.total_size, 1);
    let counted = async |token| {
        let info = service.catalog().get_server_info(with(token, pb::GetServerInfoRequest {})).await.expect("info");
        let jobs = info.into_inner().jobs.expect("counts");
        jobs.queued + jobs.running + jobs.succeeded + jobs.failed + jobs.cancelled
    };
    assert_eq!((counted(CI).await, counted(ALL).await), (0, 1));
    // Nobody who does not see it has cancelled it.
    eventually("its end", async || {
        let request = with(ALL, pb::GetRunRequest { job_id: job.clone() });
        let job = service.runs().get_run(request).await.expect("the job").into_inner().run.expect("the job");
        job.ended_at.map(|_| assert!(job.cancel_requested_at.is_none()))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_are_each_callers_own() {
    let (_world, service) = two_roots().await;
    let start = |directory: &str| pb::StartRunRequest {
        runs_dir: "ci".into(),
        output_dir: directory.into(),
        request_id: "the-same".into(),
        ..start_request()
    };
    let job = async |token, directory: &str| {
        let reply = service.runs().start_run(with(token, start(directory))).await;
        reply.map(|reply| reply.into_inner().run.expect("a job").job_id)
    };
    let first = job(CI, "one").await.expect("a job");
    assert_eq!(job(CI, "one").await.expect("the same"), first);
    let second = job(CI_TOO, "two").await.expect("a job of its own");
    assert_ne!(first, second);
    refused(service.runs().start_run(with(CI, start("two"))).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    refused(service.runs().start_run(with(CI_TOO, start("one"))).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_of_one_root_is_none_of_another() {
    let (_world, service) = two_roots().await;
    let request = |root: &str, token: String| pb::ListRetainedRunsRequest {
        runs_dir: root.into(),
        page_size: 1,
        page_token: token,
        ..Default::default()
    };
    let page =
        service.retained().list_retained_runs(with(ALL, request("zqxlab", String::new()))).await.expect("a page");
    let token = page.into_inner().next_page_token;
    assert!(!token.is_empty());
    let outcome = service.retained().list_retained_runs(with(CI, request("ci", token.clone()))).await;
    refused_field(outcome, "FIELD_INVALID", "page_token");
    refused(
        service.retained().list_retained_runs(with(CI, request("zqxlab", token))).await,
        Code::NotFound,
        "ROOT_NOT_FOUND",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_roots_are_not_configured_sees_none() {
    let world = World::new();
    let text = super::entry("nobody", CI, "scopes = [\"read\"]\nroots = [\"elsewhere\"]");
    let service = guarded(Setup::new(&world.path("")), &world.path("tokens.toml"), &text).start().await;
    let unset = service.retained().list_retained_runs(with(CI, pb::ListRetainedRunsRequest::default())).await;
    refused(unset, Code::NotFound, "ROOT_NOT_FOUND");
    let info =
        service.catalog().get_server_info(with(CI, pb::GetServerInfoRequest {})).await.expect("info").into_inner();
    assert!(info.roots.is_empty());
}
