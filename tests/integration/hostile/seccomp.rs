//! `openat2` refused by a filter of system calls, as container runtimes and old kernels do: before the start, and after it.
//!
//! The filter is installed by this test binary on itself, run once more; what it then becomes, or goes on as, has the filter.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use guide_board::repository::root::ContainmentChoice;
use guide_board::wire::pb;
use rustix::io::Errno;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use serde_json::json;
use tonic::Code;

use super::calls;
use super::expected::{self, FINE, Outcome, UNSAFE_PATH, assert_outcome};
use super::names::Surroundings;
use super::requests::drive;
use super::server::{Server, in_place_of, with_mounts};
use super::tree::Tree;
use super::{mechanisms, not_tested};
use crate::service::fixtures::{Setup, eventually};

/// The number of the call; it is the same on every architecture.
const OPENAT2: i64 = 437;
/// The number of `statx`, which the walk asks for mounts.
#[cfg(target_arch = "x86_64")]
const STATX: i64 = 332;
#[cfg(not(target_arch = "x86_64"))]
const STATX: i64 = 291;
/// Set where a filter is to refuse `statx` too.
const STATX_TOO: &str = "GUIDE_BOARD_TEST_REFUSED_STATX";
/// The error that a filter answers with, for this binary run once more.
const ERRNO: &str = "GUIDE_BOARD_TEST_REFUSED_WITH";
/// The command to become behind the filter, a line for each argument.
const COMMAND: &str = "GUIDE_BOARD_TEST_BECOME";
/// What a kernel without the call says, and what filters say.
const REFUSALS: [Errno; 3] = [Errno::NOSYS, Errno::PERM, Errno::ACCESS];

fn filter(refused_with: i32) -> BpfProgram {
    let mut rules = BTreeMap::from([(OPENAT2, Vec::new())]);
    if std::env::var_os(STATX_TOO).is_some() {
        rules.insert(STATX, Vec::new());
    }
    let errno = SeccompAction::Errno(refused_with.try_into().expect("an error"));
    let architecture = std::env::consts::ARCH.try_into().expect("an architecture that seccomp knows");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, errno, architecture).expect("a filter");
    filter.try_into().expect("a program")
}

/// The error that this process is to be refused with, if it is one that was run once more.
fn refused_with() -> Option<i32> {
    std::env::var(ERRNO).ok().map(|text| text.parse().expect("a number"))
}

/// The name of a test of this module, as the test binary knows it.
fn test(name: &str) -> String {
    let (_, module) = module_path!().split_once("::").expect("a module of the crate");
    format!("{module}::{name}")
}

/// The binary at the top of the tree, behind a filter. What is given to it stands behind a shell that hands it on.
fn behind_a_filter(tree: &Tree, errno: Errno) -> Command {
    let plain = tree.command();
    let script = format!(
        "{COMMAND}=\"$(printf '%s\\n' \"$@\")\" exec \"$0\" {} --exact --nocapture --test-threads=1",
        test("behind_a_filter_openat2_is_refused_and_all_else_goes_on")
    );
    let mut command = in_place_of(&plain, "sh");
    command.args(["-c", &script]).arg(std::env::current_exe().expect("a path")).arg(plain.get_program());
    command.env(ERRNO, errno.raw_os_error().to_string());
    command
}

#[test]
fn behind_a_filter_openat2_is_refused_and_all_else_goes_on() {
    if let (Some(errno), Ok(become_this)) = (refused_with(), std::env::var(COMMAND)) {
        seccompiler::apply_filter(&filter(errno)).expect("a filter");
        let mut words = become_this.lines();
        let mut command = Command::new(words.next().expect("a program"));
        let error = command.args(words).env_remove(ERRNO).env_remove(COMMAND).env_remove(STATX_TOO).exec();
        panic!("it did not start: {error}");
    }
    let tree = Tree::new();
    for errno in REFUSALS {
        for (containment, code) in [("auto", 0), ("walk", 0), ("openat2", 2)] {
            let mut command = behind_a_filter(&tree, errno);
            let output =
                command.args(["runs", "list", "--json", "--containment", containment]).output().expect("it ran");
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{errno} {containment}: {told}");
            assert_eq!(told.contains("openat2 was asked for, and this system refuses it"), code == 2, "{told}");
        }
    }
}

#[test]
fn a_server_that_is_to_use_openat2_and_may_not_does_not_start() {
    let tree = Tree::bare();
    for errno in REFUSALS {
        let mut command = behind_a_filter(&tree, errno);
        let output =
            command.args(["serve", "--listen", "127.0.0.1:0", "--containment", "openat2"]).output().expect("it ran");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("use --containment walk") && !told.contains("listening"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_not_use_openat2_takes_the_walk_and_says_so() {
    let tree = Tree::new();
    for errno in REFUSALS {
        let mut command = behind_a_filter(&tree, errno);
        command.stdout(Stdio::null()).stderr(std::fs::File::create(tree.path("log")).expect("a log"));
        let server = Server::start(&tree, &mut command, "auto").await;
        let info: pb::GetServerInfoResponse = server.ask(&tree, "GetServerInfo", &json!({})).await.merged();
        assert!(info.features.contains(&"containment-walk".to_owned()), "{info:?}");
        let log = std::fs::read_to_string(tree.path("log")).expect("a log");
        assert!(log.contains("containment=walk"), "{log}");
        assert!(log.lines().any(|line| line.contains("WARN") && line.contains("openat2 is refused")), "{log}");
        drive(&tree, &server.channel, Surroundings::default(), 10).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_statx_too_no_mount_is_crossed() {
    let tree = Tree::new();
    for errno in REFUSALS {
        let mut plain = behind_a_filter(&tree, errno);
        plain.env(STATX_TOO, "1");
        let (mut command, surroundings) = with_mounts(plain);
        let server = Server::start(&tree, command.stdout(Stdio::null()), "auto").await;
        let info: pb::GetServerInfoResponse = server.ask(&tree, "GetServerInfo", &json!({})).await.merged();
        assert!(info.features.contains(&"containment-walk".to_owned()), "{info:?}");
        let paths =
            ["mount-directory", "mount-directory/secret.txt", "mount-file"].map(|name| format!("artifacts/{name}"));
        for path in paths.iter().filter(|_| surroundings.has_mounts) {
            let answer = server.ask(&tree, "ReadArtifact", &json!({"directory": "run", "path": path})).await;
            assert_outcome(path, &answer, UNSAFE_PATH);
        }
        drive(&tree, &server.channel, surroundings, 10).await;
    }
}

#[test]
fn openat2_that_is_refused_after_the_start_opens_nothing() {
    if let Some(errno) = refused_with() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        return runtime.block_on(refuse_while_serving(errno));
    }
    if mechanisms().len() < 2 {
        return not_tested("openat2 refused after the start", "this system refuses it before");
    }
    for errno in REFUSALS {
        let mut again = Command::new(std::env::current_exe().expect("a path"));
        again.args([
            &test("openat2_that_is_refused_after_the_start_opens_nothing"),
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ]);
        let output = again.env(ERRNO, errno.raw_os_error().to_string()).output().expect("it ran");
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && told.contains("1 passed"), "{errno}: {told}");
    }
}

/// A server in this process that has scanned its root with openat2, and from then on is refused it in all its threads.
async fn refuse_while_serving(errno: i32) {
    let tree = Tree::new();
    assert_eq!(ContainmentChoice::Auto.decide().expect("decided").to_string(), "openat2");
    let service = Setup::new(&tree.path("")).start().await;
    let read = calls::methods().into_iter().find(|method| method.name() == "ReadArtifact").expect("a call");
    let request = json!({"run_id": "run", "path": "artifacts/plain.txt"});
    let ask = async || calls::ask(&service.channel, &read, &calls::request(&read, &request)).await;
    assert_outcome(&"before", &ask().await, FINE);
    seccompiler::apply_filter_all_threads(&filter(errno)).expect("a filter");
    let closed = if errno == Errno::NOSYS.raw_os_error() { "IO_TROUBLE" } else { "UNREADABLE" };
    let closed: Outcome = (Code::Unavailable, closed);
    for method in calls::methods() {
        for base in expected::bases(&method) {
            let answer = calls::ask(&service.channel, &method, &calls::request(&method, &base.json)).await;
            tree.assert_clean(&(method.name(), &base), &answer.bytes());
            let outcome = answer.outcome();
            let names_a_run = method.input().get_field_by_name("directory").is_some();
            // Lists go on to tell what was scanned, until the next scan tells that nothing can be read.
            let is_gone =
                outcome == (Code::NotFound, "RUN_NOT_FOUND".to_owned()) && base.json.get("directory").is_none();
            if names_a_run || method.name() == "GetLatestRetainedRun" {
                assert!(is_gone || (outcome.0, outcome.1.as_str()) == closed, "{}: {outcome:?}", method.name());
                assert!(answer.messages.is_empty(), "{}", method.name());
            }
        }
    }
    // What is scanned from then on is told as unreadable, and nothing is guessed.
    let problems = pb::ListProblemsRequest { reasons: vec!["summary_unreadable".to_owned()], ..Default::default() };
    eventually("a scan that can open nothing", async || {
        let listed = service.retained().list_problems(problems.clone()).await.ok()?.into_inner();
        (listed.total_size > 10).then_some(())
    })
    .await;
}
