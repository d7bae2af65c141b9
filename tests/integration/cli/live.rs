//! A command that runs: on a terminal or with pipes, typed to, interrupted, and what it has told so far.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::eventually;

/// What a stream has told so far.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl Told {
    fn collect(&self, mut stream: impl Read + Send + 'static) -> JoinHandle<()> {
        let told = self.clone();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // Linux reports the end of a terminal's far side as an error.
            while let Ok(count @ 1..) = stream.read(&mut piece) {
                told.0.lock().expect("a lock").extend_from_slice(&piece[..count]);
            }
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("a lock")).replace("\r\n", "\n")
    }
}

/// A command that runs. Dropped, it is killed.
pub(super) struct Live {
    child: Child,
    near: Option<File>,
    stdout: Told,
    stderr: Told,
    readers: Vec<JoinHandle<()>>,
}

/// A command that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    /// On a terminal: everything.
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Live {
    /// Starts a command whose three standard streams are a terminal.
    pub(super) fn on_a_terminal(mut command: Command) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&near).expect("granted");
        unlockpt(&near).expect("unlocked");
        let name = ptsname(&near, Vec::new()).expect("a name");
        let open = || -> OwnedFd {
            rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, rustix::fs::Mode::empty()).expect("opened")
        };
        command.stdin(open()).stdout(open()).stderr(open());
        let child = command.spawn().expect("it starts");
        // The last of this process's copies of the far side, so that the near side ends with the child.
        drop(command);
        let near = File::from(near);
        let stdout = Told::default();
        let readers = vec![stdout.collect(near.try_clone().expect("a copy"))];
        Self { child, near: Some(near), stdout, stderr: Told::default(), readers }
    }

    /// Starts a command whose output goes to pipes, and that nobody can type to.
    pub(super) fn with_pipes(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let (stdout, stderr) = (Told::default(), Told::default());
        let readers = vec![
            stdout.collect(child.stdout.take().expect("a pipe")),
            stderr.collect(child.stderr.take().expect("a pipe")),
        ];
        Self { child, near: None, stdout, stderr, readers }
    }

    /// Waits until one of the streams has told this.
    pub(super) fn wait_for(&self, text: &str) {
        self.wait_until(text, |told| told.contains(text));
    }

    /// Waits until one of the streams is like this.
    pub(super) fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        eventually(&format!("{what:?}"), None, || {
            (is_so(&self.stdout.text()) || is_so(&self.stderr.text())).then_some(())
        });
    }

    /// Types something at the terminal.
    pub(super) fn types(&mut self, text: &str) {
        self.near.as_mut().expect("a terminal").write_all(text.as_bytes()).expect("typed");
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().try_into().expect("a pid")).expect("a pid"), signal).expect("sent");
    }

    /// Waits for its end.
    pub(super) fn ended(mut self) -> Ended {
        let status = eventually("the end of the command", None, || self.child.try_wait().expect("asked"));
        for reader in self.readers.drain(..) {
            reader.join().expect("read");
        }
        Ended { code: status.code(), stdout: self.stdout.text(), stderr: self.stderr.text() }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
