//! Connections that break: nothing is lost, nothing comes twice, nothing is started twice, and when there is no going on, it is said.

use super::proxy::{Cut, Proxy};
use super::{WAIT, jobs_at, json, retains, serve, start, started, told};
use crate::cli::live::Live;
use crate::service::served::{Served, stand_in, world_of_jobs};

#[tokio::test(flavor = "multi_thread")]
async fn over_connections_that_are_cut_every_line_comes_once_and_in_order() {
    let paced = "for i in $(seq 40); do seq $((i*10-9)) $((i*10)); sleep 0.01; done";
    let (world, server) = serve(&format!("{paced}\n{}", retains("completed"))).await;
    let job = started(&world, &server);
    let lines = |text: &str| text.lines().filter_map(|line| line.parse().ok()).collect::<Vec<u32>>();
    let plan = [Cut::After(700), Cut::After(1400), Cut::After(2800), Cut::After(5600)];
    let proxy = Proxy::start(server.address, &plan).await;
    let ended = Live::with_pipes(jobs_at(&world, proxy.address, &["watch", &job])).ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(lines(&ended.stderr), (1..=400).collect::<Vec<_>>());
    assert!(proxy.cuts() >= 3, "{}", proxy.cuts());
    assert!(ended.stderr.contains("note: the connection broke ("), "{ended:?}");
    assert!(ended.stderr.contains("note: the server answers again\n"), "{ended:?}");
    // The whole again, from memory and as JSON.
    let proxy = Proxy::start(server.address, &[Cut::After(300), Cut::After(3000)]).await;
    let ended = Live::with_pipes(jobs_at(&world, proxy.address, &["watch", &job, "--json"])).ended();
    let events: Vec<_> = ended.stdout.lines().map(json).collect();
    let numbers: Vec<_> = events.iter().filter_map(|event| event["number"].as_u64()).collect();
    assert_eq!((ended.code, numbers), (Some(0), (1..=403).collect()));
    assert_eq!(proxy.cuts(), 2);
    let straight = told(&world, &server, &["watch", &job], 0);
    assert_eq!(lines(&straight.stderr), (1..=400).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_whose_answer_is_lost_starts_nothing_twice() {
    let (world, server) = serve(&retains("completed")).await;
    // The server's settings and headers take less, so the job is accepted by then.
    let proxy = Proxy::start(server.address, &[Cut::Unheard(250), Cut::Unheard(250)]).await;
    let ended = Live::with_pipes(jobs_at(&world, proxy.address, &start(&[]))).ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // It is told once, however often it happens.
    assert_eq!((proxy.cuts(), ended.stderr.matches("; asking again\n").count()), (2, 1), "{ended:?}");
    assert!(ended.stdout.contains("run id      the-run\n"), "{ended:?}");
    assert!(told(&world, &server, &["list"], 0).stdout.ends_with("\n1 job\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_job_is_told_as_gone_and_where_to_look() {
    let (world, server) = serve(&format!("echo here\n{WAIT}")).await;
    let job = started(&world, &server);
    let proxy = Proxy::start(server.address, &[]).await;
    let live = Live::with_pipes(jobs_at(&world, proxy.address, &["watch", &job]));
    live.wait_for("here\n");
    server.kill();
    live.wait_for("the connection broke");
    let server = Served::start(&world, &[]).await;
    proxy.lead_to(server.address);
    let ended = live.ended();
    assert_eq!(ended.code, Some(6), "{ended:?}");
    let look = format!("`guide-board runs list --server http://{}`", proxy.address);
    let says = ["error: the server no longer knows the job", &look, &job];
    assert!(says.iter().all(|words| ended.stderr.contains(words)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_away_is_given_up_and_one_that_never_was_at_once() {
    let (world, server) = serve(&format!("echo here\n{WAIT}")).await;
    let job = started(&world, &server);
    let live = Live::with_pipes(jobs_at(&world, server.address, &["watch", &job, "--retry-for", "1"]));
    live.wait_for("here\n");
    let address = server.address;
    server.kill();
    let ended = live.ended();
    assert_eq!(ended.code, Some(8), "{ended:?}");
    assert!(
        ended.stderr.contains("did not answer for 1 second:") && ended.stderr.contains("--after 3 --server"),
        "{ended:?}"
    );
    for words in [start(&[]), vec!["list"], vec!["watch", &job], vec!["cancel", &job], vec!["reports", &job]] {
        let ended = Live::with_pipes(jobs_at(&world, address, &words)).ended();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(8), ""), "{ended:?}");
        assert!(ended.stderr.starts_with(&format!("error: no server answers at http://{address}: ")), "{ended:?}");
        assert!(
            ended.stderr.contains("start one with `guide-board serve`, or name another with --server"),
            "{ended:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_no_longer_holds_is_told() {
    let world = world_of_jobs("");
    stand_in(&world, &format!("seq 100\n{}", retains("completed")));
    let server = Served::start(&world, &["--cli-command=./stand-in", "--job-events=10"]).await;
    let job = started(&world, &server);
    // Queued, running, 100 lines, ended: of 103 events the last ten.
    told(&world, &server, &["watch", &job], 0);
    let ended = told(&world, &server, &["watch", &job], 0);
    assert!(ended.stderr.starts_with("note: 93 events passed over, log lines maybe among them"), "{ended:?}");
    let ended = told(&world, &server, &["watch", &job, "--json", "--after", "2"], 0);
    let first = json(ended.stdout.lines().next().expect("a line"));
    assert_eq!((&first["kind"], &first["dropped"], &first["number"]), (&"dropped".into(), &91.into(), &93.into()));
}
