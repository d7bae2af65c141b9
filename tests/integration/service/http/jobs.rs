//! Jobs over HTTP: started, watched as server-sent events, resumed, cancelled.

use guide_board::jobs::JobSettings;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::super::fixtures::{Service, Setup, eventually};
use super::super::served::{stand_in, waits_for_go, world_of_jobs};
use super::client::{ask, get, get_with, post};
use crate::support::{World, reports};

async fn serve(world: &World) -> Service {
    let program = env!("CARGO_BIN_EXE_guide-board").into();
    Setup::new(&world.path("")).jobs(JobSettings::default(), program, vec![world.path("extensions")]).start().await
}

/// Starts a job in this directory.
async fn start(service: &Service, output_dir: &str) -> String {
    let body =
        json!({"target": "profiles/target.json", "assessment": "profiles/assessment.json", "output_dir": output_dir});
    let job = post(service.address, "/runs", &body).await.expect(200).json();
    assert_eq!(job["run"]["target"], "profiles/target.json");
    job["run"]["job_id"].as_str().expect("an id").to_owned()
}

async fn ended(service: &Service, job: &str) -> Value {
    eventually("the end of the job", async || {
        let run = get(service.address, &format!("/runs/{job}")).await.expect(200).json()["run"].clone();
        run["ended_at"].is_string().then_some(run)
    })
    .await
}

/// The events of a stream: id, kind, data.
fn events(text: &str) -> Vec<(u64, String, Value)> {
    let event = |block: &str| {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
        let data: Value = serde_json::from_str(field("data: ")).expect("JSON");
        (field("id: ").parse().expect("a number"), field("event: ").to_owned(), data)
    };
    text.split_terminator("\n\n").map(event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_started_watched_and_its_run_found() {
    let world = world_of_jobs(&reports("pass"));
    let service = serve(&world).await;
    let configured = format!("{}/sample-noop", world.path("runs").display());
    let job = start(&service, &configured).await;
    let watched = get(service.address, &format!("/runs/{job}/watch")).await.expect(200);
    assert_eq!(watched.header("content-type"), Some("text/event-stream"));
    let all = events(&watched.text());
    assert_eq!(all.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), (1..=all.len() as u64).collect::<Vec<_>>());
    let (_, kind, last) = all.last().expect("events");
    assert_eq!((kind.as_str(), &last["run"]["status"]), ("status", &json!("succeeded")));
    assert!(all.iter().any(|(_, kind, event)| kind == "progress" && event["progress"]["total"] == 2));
    let run = ended(&service, &job).await;
    assert_eq!((&run["status"], &run["directory"]), (&json!("succeeded"), &json!("sample-noop")));
    let jobs = get(service.address, "/runs?statuses=succeeded").await.expect(200).json();
    assert_eq!(jobs["runs"][0]["job_id"], job.as_str());
    let through_job = get(service.address, &format!("/runs/{job}/reports")).await.expect(200).json();
    let id = run["run_id"].as_str().expect("an id");
    assert_eq!(get(service.address, &format!("/retained-runs/{id}/reports")).await.expect(200).json(), through_job);
    // From an event on, as a browser asks again; the header counts more than the query.
    let some = all.len() as u64 / 2;
    let path = format!("/runs/{job}/watch?after=1");
    let resumed = get_with(service.address, &path, &[("last-event-id", &some.to_string())]).await.expect(200);
    assert_eq!(events(&resumed.text()), all[some as usize..]);
    let after = get(service.address, &format!("/runs/{job}/watch?after={some}")).await.expect(200);
    assert_eq!(events(&after.text()), all[some as usize..]);
    // Behind the last event nothing comes any more, and a browser stops asking.
    let last = all.len().to_string();
    get_with(service.address, &path, &[("last-event-id", &last)]).await.expect(204);
    for wrong in ["x", "-1", "1.5"] {
        let answer = get_with(service.address, &path, &[("last-event-id", wrong)]).await;
        answer.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID");
    }
    let beyond = get(service.address, &format!("/runs/{job}/watch?after=1000")).await;
    beyond.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID");
    let data: Vec<_> = all.iter().map(|(_, _, event)| event.clone()).collect();
    let path = format!("/runs/{job}/watch");
    let lines = get_with(service.address, &path, &[("accept", "application/x-ndjson")]).await.expect(200).lines();
    let of_lines: Vec<_> = lines.iter().flat_map(|line| line["events"].as_array().expect("events").clone()).collect();
    assert_eq!(of_lines, data);
    let document = get_with(service.address, &path, &[("accept", "application/json")]).await.expect(200).json();
    assert_eq!(document, json!({"events": data}));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_they_happen_and_a_job_is_cancelled() {
    let world = world_of_jobs(&waits_for_go());
    let service = serve(&world).await;
    let job = start(&service, "d").await;
    let path = format!("/runs/{job}/watch");
    let mut stream = super::client::send(service.address, "GET", &path, &[("accept", "text/event-stream")], b"").await;
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\"status\":\"running\"") {
        assert!(stream.read_buf(&mut seen).await.expect("read") > 0, "{}", String::from_utf8_lossy(&seen));
    }
    for body in [&b""[..], b"{}"] {
        let answer =
            ask(service.address, "POST", &format!("/runs/{job}/cancel"), &[("content-type", "application/json")], body)
                .await;
        assert_eq!(answer.expect(200).json()["run"]["job_id"], job.as_str());
    }
    stream.read_to_end(&mut seen).await.expect("read to the end");
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.contains("\"status\":\"cancelled\"") && seen.ends_with("\r\n0\r\n\r\n"), "{seen}");
    assert_eq!(ended(&service, &job).await["status"], "cancelled");
    let twice = json!({"job_id": "another"});
    post(service.address, &format!("/runs/{job}/cancel"), &twice).await.refused(
        400,
        "INVALID_ARGUMENT",
        "FIELD_INVALID",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_who_goes_leaves_its_place_to_others() {
    let world = world_of_jobs(&waits_for_go());
    let service = Setup::new(&world.path(""))
        .jobs(JobSettings::default(), stand_in(&world, "sleep 60"), Vec::new())
        .with(|config| config.max_concurrent_calls = 1)
        .start()
        .await;
    let job = start(&service, "d").await;
    let path = format!("/runs/{job}/watch");
    let mut watcher = super::client::send(service.address, "GET", &path, &[], b"").await;
    // Answered, so that none of those who ask next has the place.
    let mut head = [0; 12];
    watcher.read_exact(&mut head).await.expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 200");
    eventually("the watch", async || (ask(service.address, "HEAD", &path, &[], b"").await.code == 429).then_some(()))
        .await;
    drop(watcher);
    eventually("a place", async || (ask(service.address, "HEAD", &path, &[], b"").await.code == 200).then_some(()))
        .await;
    assert_eq!(get(service.address, "/runs").await.expect(200).json()["total_size"], 1);
}
