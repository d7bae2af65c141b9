//! The supervisor itself: `guide-board supervise [--grace-ms N] -- COMMAND…`, hidden from the command list.
//!
//! Its life: become leader of an own process group (a terminal's Ctrl-C reaches the asker, who then decides) and child subreaper; start the
//! command in a process group of its own with an empty standard input; wait. End-of-file on descriptor 0, SIGTERM, SIGINT or
//! SIGHUP: SIGTERM to everything below, the grace time, then SIGKILL until nothing is left. When the command ends by itself, what it
//! left behind goes the same way.
//!
//! On descriptor 0 it writes lines of JSON: `{"started": PID}` at the beginning, and at the end one with how the command ended.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::descendants::{Reaped, reap, signal_all};

/// How long descendants are killed again and again before the supervisor gives up: what is left then cannot be killed by this user (a
/// set-uid program, a process stuck in the kernel), and waiting for it would hang the one who asked.
const KILL_BOUND: Duration = Duration::from_secs(10);

/// How often a pass over the descendants is repeated while some are left.
const PASS: Duration = Duration::from_millis(20);

/// The supervisor's arguments.
#[derive(Debug, Clone)]
pub struct Args {
    /// The time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// The command and its arguments.
    pub command: Vec<OsString>,
}

/// What the supervisor writes at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    /// The command's exit code, if it exited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signal: Option<i32>,
    /// How many processes besides the command itself had to be ended.
    pub(super) killed_descendants: usize,
    /// Whether some could not be ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) survivors: bool,
    /// Why the command could not be started, if it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_error: Option<String>,
    /// Whether that is because there is no such program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) program_missing: bool,
}

/// Runs the supervisor to its end. Its exit code is the command's, or 128 and the signal's number, or 127 if it could not be started.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let Some(control) = control_socket() else {
        let _ = writeln!(
            std::io::stderr(),
            "`supervise` is started by guide-board itself: descriptor 0 must be its socket"
        );
        return ExitCode::from(2);
    };
    let report = match supervise(args, &control) {
        Ok(report) => report,
        Err(error) => Report {
            program_missing: error.kind() == std::io::ErrorKind::NotFound,
            start_error: Some(error.to_string()),
            ..Report::default()
        },
    };
    // The asker may be gone; then nobody reads the report.
    let _ = write_line(&control, &report);
    let code = report.exit_code.or(report.signal.map(|signal| signal.saturating_add(128))).unwrap_or(127);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// Descriptor 0 as a socket, or `None` when it is something else.
fn control_socket() -> Option<UnixStream> {
    let stdin = std::io::stdin();
    rustix::net::sockopt::socket_type(stdin.as_fd()).ok()?;
    Some(UnixStream::from(stdin.as_fd().try_clone_to_owned().ok()?))
}

fn write_line(mut control: &UnixStream, line: &impl Serialize) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    control.write_all(&text)
}

fn supervise(args: &Args, control: &UnixStream) -> std::io::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // A no-op when the asker already made this process a group leader.
        let _ = rustix::process::setpgid(None, None);
        #[cfg(target_os = "linux")]
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        // The handlers stand before the command starts, so that no signal falls into a gap.
        let mut events = Events::new(control)?;
        let (program, arguments) = args
            .command
            .split_first()
            .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidInput, "no command was given"))?;
        let child = Command::new(program).args(arguments).stdin(Stdio::null()).process_group(0).spawn()?;
        let main = Pid::from_child(&child);
        let _ = write_line(control, &serde_json::json!({ "started": child.id() }));
        // From here on the child is reaped by `reap`, never through `child`.
        Ok(watch(main, args.grace, &mut events).await)
    })
}

/// Waits for the command, then for everything below it. Errors do not leave this function: there is always something left to end.
async fn watch(main: Pid, grace: Duration, events: &mut Events) -> Report {
    let mut report = Report::default();
    let mut reached: HashSet<i32> = HashSet::new();
    let mut terminating: Option<Instant> = None;
    let main_pid = main.as_raw_nonzero().get();
    loop {
        let (ended, children_left) = reap(main);
        match ended {
            Some(Reaped::Exited(code)) => report.exit_code = Some(code),
            Some(Reaped::Signalled(signal)) => report.signal = Some(signal),
            None => {}
        }
        if !children_left {
            break;
        }
        let main_left = report.exit_code.is_none() && report.signal.is_none();
        let group = main_left.then_some(main);
        match terminating {
            None if !main_left => {
                // Zombies of other parents are children left, too: only what a signal reaches is a descendant that had to be ended.
                reached.extend(signal_all(Signal::TERM, group));
                terminating = Some(Instant::now());
            }
            None => {}
            Some(since) if since.elapsed() >= grace + KILL_BOUND => {
                report.survivors = true;
                break;
            }
            Some(since) if since.elapsed() >= grace => reached.extend(signal_all(Signal::KILL, group)),
            Some(_) => {}
        }
        if events.next(terminating.map(|_| PASS)).await && terminating.is_none() {
            reached.extend(signal_all(Signal::TERM, group));
            terminating = Some(Instant::now());
        }
    }
    // Without subreapers nothing tells whether the group has other members; a group without members is no error.
    #[cfg(not(target_os = "linux"))]
    signal_all(Signal::KILL, Some(main));
    reached.remove(&main_pid);
    report.killed_descendants = reached.len();
    report
}

/// Everything that wakes the supervisor.
struct Events {
    control: tokio::net::UnixStream,
    control_open: bool,
    child: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Events {
    fn new(control: &UnixStream) -> std::io::Result<Self> {
        let reading = control.try_clone()?;
        // Shared with `control`, whose only writes are two short lines into an empty socket buffer.
        reading.set_nonblocking(true)?;
        Ok(Self {
            control: tokio::net::UnixStream::from_std(reading)?,
            control_open: true,
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next event, at most `bound`. True when it asks for the end.
    async fn next(&mut self, bound: Option<Duration>) -> bool {
        let mut ignored = [0_u8; 64];
        let timer = async {
            match bound {
                Some(bound) => tokio::time::sleep(bound).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.child.recv() => false,
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => true,
            _ = self.hangup.recv() => true,
            read = self.control.read(&mut ignored), if self.control_open => {
                let ended = !matches!(read, Ok(count) if count > 0);
                self.control_open = !ended;
                ended
            }
            () = timer => false,
        }
    }
}
