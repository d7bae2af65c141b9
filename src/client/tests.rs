//! The client against a server that breaks its streams as a script says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{
    Client, Connection, Follow, FollowError, FollowSettings, Followed, PatientClient, ServerAddress, until_answered,
};
use crate::wire::pb::run_service_server::{RunService, RunServiceServer};
use crate::wire::pb::{self, JobEventKind};

/// What one call of WatchRun does.
#[derive(Clone)]
enum Watch {
    /// Sends these lines by number, then this.
    Lines(std::ops::RangeInclusive<u64>, Then),
    Refuse(Status),
}

#[derive(Clone)]
enum Then {
    Break,
    Silence,
    CleanEnd,
    JobEnd(u64),
}

/// A service that follows a script, and notes what it was asked.
#[derive(Clone, Default)]
struct Script {
    watches: Arc<Mutex<Vec<Watch>>>,
    after: Arc<Mutex<Vec<u64>>>,
    starts: Arc<Mutex<Vec<String>>>,
}

type Reply<T> = Result<Response<T>, Status>;

fn ended_job() -> pb::Job {
    pb::Job { job_id: "job".to_owned(), ended_at: Some(prost_types::Timestamp::default()), ..Default::default() }
}

#[tonic::async_trait]
impl RunService for Script {
    type WatchRunStream = ReceiverStream<Result<pb::WatchRunResponse, Status>>;

    async fn watch_run(&self, request: Request<pb::WatchRunRequest>) -> Reply<Self::WatchRunStream> {
        self.after.lock().expect("a lock").push(request.into_inner().after);
        let next = {
            let mut watches = self.watches.lock().expect("a lock");
            if watches.len() > 1 { watches.remove(0) } else { watches[0].clone() }
        };
        let (lines, then) = match next {
            Watch::Lines(lines, then) => (lines, then),
            Watch::Refuse(status) => return Err(status),
        };
        let (sender, receiver) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move {
            for number in lines {
                let event = pb::JobEvent { number, kind: JobEventKind::Log.into(), ..Default::default() };
                let _ = sender.send(Ok(pb::WatchRunResponse { events: vec![event] })).await;
            }
            match then {
                Then::Break => drop(sender.send(Err(Status::unavailable("cut"))).await),
                Then::Silence => sender.closed().await,
                Then::CleanEnd => {}
                Then::JobEnd(number) => {
                    let kind = JobEventKind::Status.into();
                    let event = pb::JobEvent { number, kind, run: Some(ended_job()), ..Default::default() };
                    let _ = sender.send(Ok(pb::WatchRunResponse { events: vec![event] })).await;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn get_run(&self, _: Request<pb::GetRunRequest>) -> Reply<pb::GetRunResponse> {
        Ok(Response::new(pb::GetRunResponse { run: Some(ended_job()) }))
    }

    async fn start_run(&self, request: Request<pb::StartRunRequest>) -> Reply<pb::StartRunResponse> {
        let mut starts = self.starts.lock().expect("a lock");
        starts.push(request.into_inner().request_id);
        if starts.len() < 3 {
            return Err(Status::unavailable("cut"));
        }
        Ok(Response::new(pb::StartRunResponse { run: Some(ended_job()) }))
    }

    async fn list_runs(&self, _: Request<pb::ListRunsRequest>) -> Reply<pb::ListRunsResponse> {
        Err(Status::unimplemented("not scripted"))
    }

    async fn cancel_run(&self, _: Request<pb::CancelRunRequest>) -> Reply<pb::CancelRunResponse> {
        Err(Status::unimplemented("not scripted"))
    }

    async fn get_run_reports(&self, _: Request<pb::GetRunReportsRequest>) -> Reply<pb::GetRunReportsResponse> {
        Err(Status::unimplemented("not scripted"))
    }
}

async fn serve(watches: &[Watch]) -> (Script, Client) {
    let script = Script { watches: Arc::new(Mutex::new(watches.to_vec())), ..Script::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = ServerAddress::from(listener.local_addr().expect("an address"));
    let router = tonic::transport::Server::builder().add_service(RunServiceServer::new(script.clone()));
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    (script, Client::connect(&address.into()).await.expect("connected"))
}

fn impatient() -> FollowSettings {
    FollowSettings { retry_for: Duration::from_millis(300), silence: Duration::from_millis(100) }
}

/// The numbers, `-1` for a break and `-2` for the connection that is back.
async fn all(follow: &mut Follow) -> Result<Vec<i64>, FollowError> {
    let mut learnt = Vec::new();
    while let Some(next) = follow.next().await? {
        learnt.push(match next {
            Followed::Event(event) => event.number.try_into().expect("small"),
            Followed::Broken(_) => -1,
            Followed::Resumed => -2,
        });
    }
    Ok(learnt)
}

#[tokio::test]
async fn broken_silent_and_repeating_streams_give_every_event_once() {
    let watches = [
        Watch::Lines(1..=3, Then::Break),
        Watch::Refuse(Status::unavailable("not yet")),
        // What was seen already comes again.
        Watch::Lines(2..=5, Then::Silence),
        Watch::Lines(6..=6, Then::JobEnd(7)),
    ];
    let (script, client) = serve(&watches).await;
    let mut follow = Follow::new(client, "job".to_owned(), 0, impatient());
    assert_eq!(all(&mut follow).await.expect("to the end"), [1, 2, 3, -1, -2, 4, 5, -1, -2, 6, 7]);
    assert_eq!(*script.after.lock().expect("a lock"), [0, 3, 3, 5]);
    assert_eq!((follow.ended(), follow.after()), (Some(&ended_job()), 7));
}

#[tokio::test]
async fn a_stream_that_ends_without_the_jobs_end_has_it_asked_for() {
    let (_, client) = serve(&[Watch::Lines(9..=9, Then::CleanEnd)]).await;
    let mut follow = Follow::new(client, "job".to_owned(), 9, impatient());
    assert_eq!(all(&mut follow).await.expect("to the end"), [0; 0]);
    assert_eq!(follow.ended(), Some(&ended_job()));
}

#[tokio::test]
async fn a_job_that_is_not_known_any_more_is_told_apart_from_one_that_never_was() {
    let unknown = || Watch::Refuse(Status::not_found("no such job"));
    let (_, client) = serve(&[unknown()]).await;
    let refused = all(&mut Follow::new(client, "job".to_owned(), 0, impatient())).await;
    assert!(matches!(refused, Err(FollowError::Refused(_))), "{refused:?}");
    let (_, client) = serve(&[Watch::Lines(1..=1, Then::Break), unknown()]).await;
    let refused = all(&mut Follow::new(client, "job".to_owned(), 0, impatient())).await;
    assert!(matches!(refused, Err(FollowError::Forgotten(_))), "{refused:?}");
}

#[tokio::test]
async fn without_an_answer_it_gives_up_in_time() {
    let (_, client) = serve(&[Watch::Lines(1..=1, Then::Break), Watch::Refuse(Status::unavailable("away"))]).await;
    let began = std::time::Instant::now();
    let outcome = all(&mut Follow::new(client, "job".to_owned(), 0, impatient())).await;
    assert!(matches!(&outcome, Err(FollowError::GaveUp(status)) if status.message() == "away"), "{outcome:?}");
    assert!(began.elapsed() >= Duration::from_millis(300));
}

fn busy() -> Watch {
    let mut details = ErrorDetails::with_error_info("LIMIT_REACHED", "guideboard.v1", HashMap::new());
    details.set_retry_info(Some(Duration::from_secs(1)));
    Watch::Refuse(Status::with_error_details(Code::ResourceExhausted, "too many calls", details))
}

#[tokio::test]
async fn a_server_that_is_busy_at_first_refuses_unless_it_has_answered_before() {
    let watches = [busy(), busy(), Watch::Lines(1..=1, Then::JobEnd(2))];
    let (_, client) = serve(&watches).await;
    let refused = all(&mut Follow::new(client, "job".to_owned(), 0, impatient())).await;
    assert!(
        matches!(&refused, Err(FollowError::Refused(status)) if status.message() == "too many calls"),
        "{refused:?}"
    );
    let (_, client) = serve(&watches).await;
    let patient = FollowSettings { retry_for: Duration::from_secs(30), ..impatient() };
    let mut follow = Follow::new(client, "job".to_owned(), 0, patient).after_an_answer();
    assert_eq!(all(&mut follow).await.expect("to the end"), [-1, -2, 1, 2]);
}

#[tokio::test]
async fn a_server_that_stays_busy_is_given_up_in_time() {
    let (_, client) = serve(&[Watch::Lines(1..=1, Then::Break), busy()]).await;
    let began = std::time::Instant::now();
    let following = async { all(&mut Follow::new(client, "job".to_owned(), 0, impatient())).await };
    let outcome = tokio::time::timeout(Duration::from_secs(30), following).await.expect("an end");
    assert!(
        matches!(&outcome, Err(FollowError::GaveUp(status)) if status.message() == "too many calls"),
        "{outcome:?}"
    );
    assert!(began.elapsed() >= impatient().retry_for);
}

#[tokio::test]
async fn a_call_that_is_dropped_loses_nothing() {
    let (_, client) = serve(&[Watch::Lines(1..=20, Then::Break), Watch::Lines(21..=40, Then::JobEnd(41))]).await;
    let mut follow = Follow::new(client, "job".to_owned(), 0, impatient());
    let mut numbers = Vec::new();
    loop {
        // Polled once and dropped, again and again.
        let next = tokio::select! {
            biased;
            next = follow.next() => next.expect("no failure"),
            () = tokio::time::sleep(Duration::from_micros(200)) => continue,
        };
        match next {
            Some(Followed::Event(event)) => numbers.push(event.number),
            Some(_) => {}
            None => break,
        }
        assert!(follow.after() >= *numbers.last().unwrap_or(&0));
    }
    assert_eq!(numbers, (1..=41).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_call_that_may_be_made_twice_is_made_until_it_is_answered() {
    let (script, client) = serve(&[Watch::Refuse(Status::unavailable("unused"))]).await;
    let request = pb::StartRunRequest { request_id: "one".to_owned(), ..Default::default() };
    let mut told = 0;
    let reply = until_answered(
        &client,
        Duration::from_secs(30),
        |_| told += 1,
        async |client| client.runs().start_run(request.clone()).await,
    );
    assert_eq!(reply.await.expect("a job").run, Some(ended_job()));
    assert_eq!((told, script.starts.lock().expect("a lock").clone()), (2, vec!["one".to_owned(); 3]));
    let refused = until_answered(
        &client,
        Duration::from_secs(30),
        |_| (),
        async |client| client.runs().list_runs(pb::ListRunsRequest::default()).await,
    );
    assert_eq!(refused.await.expect_err("a refusal").code(), Code::Unimplemented);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_broken_connection_but_for_a_digest() {
    // It accepts connections, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = ServerAddress::from(listener.local_addr().expect("an address"));
    let accepting = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let client = Client::connect(&address.into()).await.expect("connected");
    let (patience, short) = (Duration::from_millis(50), Duration::from_millis(100));
    let server = PatientClient::with_timeout(client, patience, short, |_| ());
    let silent = |status: Status| assert_eq!(status.message(), "the server does not answer");
    let read = |compute_sha256| pb::ReadArtifactRequest { compute_sha256, ..Default::default() };
    let within = async {
        let list = server.call(async |client| client.runs().list_runs(pb::ListRunsRequest::default()).await);
        silent(list.await.expect_err("no answer"));
        let manifest = server.stream_artifact_manifest(pb::StreamArtifactManifestRequest::default());
        silent(manifest.await.expect_err("no answer"));
        silent(server.read_artifact(read(false)).await.expect_err("no answer"));
    };
    tokio::time::timeout(Duration::from_secs(30), within).await.expect("an end");
    // Longer than all tries of another call take.
    let digest = tokio::time::timeout(Duration::from_millis(400), server.read_artifact(read(true))).await;
    assert!(digest.is_err(), "{digest:?}");
    accepting.abort();
}

#[tokio::test]
async fn a_call_that_took_longer_than_it_may_had_no_reader_that_took_long_and_is_told() {
    let (_, client) = serve(&[Watch::Refuse(Status::unavailable("unused"))]).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let server = PatientClient::new(client, Duration::from_secs(30), move |connection| {
        noted.lock().expect("a lock").push(matches!(connection, Connection::Broken(_)));
    });
    let late = || {
        let details = ErrorDetails::with_error_info("DEADLINE_EXCEEDED", "guideboard.v1", HashMap::new());
        Status::with_error_details(Code::DeadlineExceeded, "the call took longer than it may", details)
    };
    let answers = Mutex::new(vec![Ok(()), Err(late()), Ok(())]);
    for _ in 0..2 {
        let call = server.call(async |_| answers.lock().expect("a lock").pop().expect("an answer").map(Response::new));
        call.await.expect("an answer");
    }
    assert_eq!(*told.lock().expect("a lock"), [true, false]);
}
