//! What ends a server: a signal, the end of standard input, or that of the process that started it.

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::cli::exit::{self, Failure};
use crate::process::Parent;

/// What ends it beside signals.
#[derive(Debug, Clone, Args)]
pub(super) struct LifeArgs {
    /// End as after SIGTERM when the process that started this one has ended, however it did
    #[arg(long)]
    die_with_parent: bool,
    /// The process that --die-with-parent means, like $$ of a shell: without it one that ends before the server looks for its parent is missed.
    /// A server that has another parent does not start
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    parent_pid: Option<i32>,
    /// End when standard input ends: for a server that must not outlive the one who started it
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

impl LifeArgs {
    /// The process whose end ends the server. To be called before anything else takes time.
    pub(super) fn parent(&self) -> Result<Option<Parent>, Failure> {
        let usage = |message: String| Failure::new(exit::USAGE, message);
        if !self.die_with_parent {
            let alone = self.parent_pid.map(|_| usage("--parent-pid goes with --die-with-parent".to_owned()));
            return alone.map_or(Ok(None), Err);
        }
        let parent = Parent::of_this_process(self.parent_pid);
        parent.map(Some).map_err(|error| usage(format!("--die-with-parent: {error}")))
    }

    /// Begins to listen for everything that ends the server.
    pub(super) fn ends(&self, parent: Option<Parent>) -> Result<Ends, Failure> {
        let handle = |kind| {
            signal(kind).map_err(|error| Failure::new(exit::INTERNAL, format!("cannot handle signals: {error}")))
        };
        let (terminate, interrupt) = (handle(SignalKind::terminate())?, handle(SignalKind::interrupt())?);
        // Whatever is sent to standard input is passed over; an error ends it like the end.
        let stdin = self.until_stdin_ends.then(|| {
            when_done("standard input", || drop(std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())))
        });
        let parent = parent.map(|parent| when_done("parent", || parent.wait()));
        let (stdin, parent) = (stdin.transpose()?, parent.transpose()?);
        Ok(Ends { terminate, interrupt, stdin, parent })
    }
}

/// Everything that ends a server.
#[derive(Debug)]
pub(super) struct Ends {
    terminate: Signal,
    interrupt: Signal,
    stdin: Option<oneshot::Receiver<()>>,
    parent: Option<oneshot::Receiver<()>>,
}

impl Ends {
    /// Resolves when the first of them has come, with what it was.
    pub(super) async fn first(self) -> &'static str {
        let Self { mut terminate, mut interrupt, stdin, parent } = self;
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            () = done(stdin) => "standard input ended",
            () = done(parent) => "the process that started the server has ended",
        }
    }
}

/// Waits in a thread of its own; the receiver hears when that is over.
fn when_done(name: &str, wait: impl FnOnce() + Send + 'static) -> Result<oneshot::Receiver<()>, Failure> {
    let (over, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        wait();
        let _ = over.send(());
    });
    thread.map_err(|error| Failure::new(exit::INTERNAL, format!("no thread to wait in: {error}")))?;
    Ok(receiver)
}

/// Resolves when that is over which is waited for, and without one never.
async fn done(receiver: Option<oneshot::Receiver<()>>) {
    match receiver {
        Some(over) => drop(over.await),
        None => std::future::pending().await,
    }
}
