//! The supervisor's view of what runs below it: signalling all of it, reaping all of it.

use rustix::process::{Pid, Signal};

/// Sends a signal to every living descendant of this process and returns the pids that were reached, the group of `main` included.
///
/// One pass can miss a process that is being forked right now; the caller repeats passes until [`reap`] says that no child is left,
/// which, for a child subreaper, is the kernel's word that no descendant is left.
#[cfg(target_os = "linux")]
pub(super) fn signal_all(signal: Signal, _main: Option<Pid>) -> Vec<i32> {
    let mut reached = Vec::new();
    for process in listed() {
        if send(&process, signal) {
            reached.push(process.pid);
        }
    }
    reached
}

/// Sends a signal to the command's process group: all that can be reached portably.
#[cfg(not(target_os = "linux"))]
pub(super) fn signal_all(signal: Signal, main: Option<Pid>) -> Vec<i32> {
    match main {
        Some(pid) if rustix::process::kill_process_group(pid, signal).is_ok() => vec![pid.as_raw_nonzero().get()],
        _ => Vec::new(),
    }
}

/// One process as `/proc` showed it. The start time tells it from a later process with the same pid.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy)]
struct Process {
    pid: i32,
    parent: i32,
    start_time: u64,
}

/// Every living descendant of this process, by parent links; zombies are left out, they only wait to be reaped.
#[cfg(target_os = "linux")]
fn listed() -> Vec<Process> {
    let Ok(processes) = procfs::process::all_processes() else { return Vec::new() };
    let alive: Vec<Process> = processes.filter_map(|process| read(&process.ok()?)).collect();
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut below = std::collections::HashSet::from([own]);
    let mut found = Vec::new();
    // Parents can be listed after their children, so passes are made until one adds nothing.
    loop {
        let before = found.len();
        for process in &alive {
            if below.contains(&process.parent) && below.insert(process.pid) {
                found.push(*process);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

#[cfg(target_os = "linux")]
fn read(process: &procfs::process::Process) -> Option<Process> {
    let stat = process.stat().ok()?;
    (stat.state != 'Z').then_some(Process { pid: stat.pid, parent: stat.ppid, start_time: stat.starttime })
}

/// Signals exactly the process that was listed. A grandchild is reaped by its own parent, so its pid can be another process by now: the
/// pidfd pins whatever bears the pid, and the start time says whether it is still the one that was listed.
#[cfg(target_os = "linux")]
fn send(process: &Process, signal: Signal) -> bool {
    use rustix::process::{PidfdFlags, kill_process, pidfd_open, pidfd_send_signal};
    let Some(pid) = Pid::from_raw(process.pid) else { return false };
    let same = || {
        let now = procfs::process::Process::new(process.pid).ok().and_then(|found| found.stat().ok());
        now.is_some_and(|stat| stat.starttime == process.start_time)
    };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => same() && pidfd_send_signal(&pidfd, signal).is_ok(),
        // Kernels before 5.3, and sandboxes that refuse the call, leave a window of a few microseconds.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => same() && kill_process(pid, signal).is_ok(),
        Err(_) => false,
    }
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaped {
    /// With an exit code.
    Exited(i32),
    /// By a signal.
    Signalled(i32),
}

/// Reaps every child that has ended. Returns how `main` ended, if it is among them, and whether any child is left.
pub(super) fn reap(main: Pid) -> (Option<Reaped>, bool) {
    use rustix::process::{WaitOptions, wait};
    let mut main_ended = None;
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                let ended = status
                    .exit_status()
                    .map(Reaped::Exited)
                    .or_else(|| status.terminating_signal().map(Reaped::Signalled));
                if pid == main && ended.is_some() {
                    main_ended = ended;
                }
            }
            Ok(None) => return (main_ended, true),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return (main_ended, false),
        }
    }
}
