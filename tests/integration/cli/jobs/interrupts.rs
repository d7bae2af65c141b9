//! Ctrl-C and other signals while a job is followed.

use guide_board::wire::pb::JobStatus;
use rustix::process::Signal;

use super::{WAIT, go, jobs, retains, serve, start, started};
use crate::cli::live::Live;
use crate::service::served::{Served, ended, get};
use crate::support::World;

const QUESTION: &str = "cancel the job, detach, or go on? [c/d/g] ";

/// A job that says `ready`, waits for `go`, and makes a run; followed on a terminal.
async fn followed(more: &[&str]) -> (World, Served, String, Live) {
    let (world, server) = serve(&format!("echo ready\n{WAIT}\necho late\n{}", retains("completed"))).await;
    let job = started(&world, &server);
    let live = Live::on_a_terminal(jobs(&world, &server, &[&["watch", &job], more].concat()));
    live.wait_for("ready");
    (world, server, job, live)
}

async fn status(server: &Served, job: &str) -> JobStatus {
    get(server.client.runs(), job).await.status()
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_and_c_cancel_the_job_and_its_end_is_seen() {
    let (_world, server, job, mut live) = followed(&[]).await;
    live.signal(Signal::INT);
    live.wait_for(QUESTION);
    live.types("what\nc\n");
    let told = live.ended();
    assert_eq!(told.code, Some(130), "{told:?}");
    assert_eq!(told.stdout.matches(QUESTION).count(), 2, "{told:?}");
    assert!(told.stdout.contains("the job was cancelled"), "{told:?}");
    assert_eq!(status(&server, &job).await, JobStatus::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_and_d_let_the_job_go_on_and_tell_how_to_come_back() {
    let (world, server, job, mut live) = followed(&[]).await;
    live.signal(Signal::INT);
    live.wait_for(QUESTION);
    live.types("d\n");
    let told = live.ended();
    assert_eq!(told.code, Some(130), "{told:?}");
    assert!(told.stdout.contains(&format!("watch {job} --after 3 --server http://{}", server.address)), "{told:?}");
    assert_eq!(status(&server, &job).await, JobStatus::Running);
    go(&world);
    assert_eq!(ended(server.client.runs(), &job).await.status(), JobStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_and_g_go_on_and_lose_nothing_that_came_meanwhile() {
    let (world, _server, _, mut live) = followed(&[]).await;
    live.signal(Signal::INT);
    live.wait_for(QUESTION);
    live.types("g\n");
    live.wait_until("the bar again", |told| {
        told.rsplit_once(QUESTION).is_some_and(|(_, after)| after.contains("running"))
    });
    live.signal(Signal::INT);
    live.wait_until("the question again", |told| told.matches(QUESTION).count() == 2);
    // The job ends while the question waits: there is nothing left to ask.
    go(&world);
    let told = live.ended();
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!((told.stdout.matches("ready").count(), told.stdout.matches("late").count()), (1, 1), "{told:?}");
    assert!(told.stdout.contains("run id      the-run"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_detaches() {
    let (_world, server, job, live) = followed(&[]).await;
    live.signal(Signal::INT);
    live.wait_for(QUESTION);
    live.signal(Signal::INT);
    let told = live.ended();
    assert!(told.code == Some(130) && told.stdout.contains("detached, the job goes on"), "{told:?}");
    assert_eq!(status(&server, &job).await, JobStatus::Running);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_signals_detach_unless_told_otherwise() {
    let (world, server) = serve(&format!("echo ready\n{WAIT}")).await;
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let job = started(&world, &server);
        let live = Live::with_pipes(jobs(&world, &server, &["watch", &job]));
        live.wait_for("ready\n");
        live.signal(signal);
        let told = live.ended();
        assert_eq!((told.code, told.stdout.as_str()), (Some(code), ""), "{told:?}");
        assert!(told.stderr.contains("detached, the job goes on") && told.stderr.contains("cancels it"), "{told:?}");
        assert_eq!(status(&server, &job).await, JobStatus::Running);
        server
            .client
            .runs()
            .cancel_run(guide_board::wire::pb::CancelRunRequest { job_id: job })
            .await
            .expect("cancelled");
    }
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let live = Live::with_pipes(jobs(&world, &server, &start(&["--on-interrupt", "cancel"])));
        live.wait_for("ready\n");
        live.signal(signal);
        let told = live.ended();
        assert_eq!(told.code, Some(code), "{told:?}");
        assert!(
            told.stderr.contains("note: cancelling the job") && told.stderr.contains("the job was cancelled"),
            "{told:?}"
        );
    }
}
