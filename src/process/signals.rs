//! Being asked to end: SIGINT, SIGTERM and SIGHUP as a callback.

use std::thread;

use tokio::signal::unix::{SignalKind, signal};

/// The signal that asked this process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminationSignal {
    /// Ctrl-C.
    Interrupt,
    /// What service managers and `kill` send.
    Terminate,
    /// The terminal went away.
    Hangup,
}

impl TerminationSignal {
    /// The exit code that shells give a process that the signal ended: 128 and its number.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Hangup => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Calls `called` in a thread of its own, once, when this process is first asked to end. From then on those signals no longer end it by
/// themselves.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn on_termination(called: impl FnOnce(TerminationSignal) + Send + 'static) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(_entered);
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let received = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => TerminationSignal::Interrupt,
                _ = terminate.recv() => TerminationSignal::Terminate,
                _ = hangup.recv() => TerminationSignal::Hangup,
            }
        });
        called(received);
    })?;
    Ok(())
}
