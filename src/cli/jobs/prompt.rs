//! Being interrupted while a job is followed: signals, and the question what is to become of the job.

use std::io::{BufRead as _, IsTerminal as _};

use clap::ValueEnum;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::process::TerminationSignal;

/// What an interrupt means for the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnInterrupt {
    /// Ask, on a terminal; detach elsewhere
    Ask,
    /// Cancel the job and follow it to its end
    Cancel,
    /// Let the job go on alone
    Detach,
}

/// The signals that ask to end.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// From now on they no longer end this process by themselves.
    pub(super) fn new() -> Result<Self, Failure> {
        let of = |kind| {
            signal(kind).map_err(|error| Failure::new(exit::INTERNAL, format!("signals cannot be handled: {error}")))
        };
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            hangup: of(SignalKind::hangup())?,
        })
    }

    /// The next one. A call that is dropped loses none.
    pub(super) async fn next(&mut self) -> TerminationSignal {
        tokio::select! {
            _ = self.interrupt.recv() => TerminationSignal::Interrupt,
            _ = self.terminate.recv() => TerminationSignal::Terminate,
            _ = self.hangup.recv() => TerminationSignal::Hangup,
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Cancel,
    Detach,
    GoOn,
}

/// What a line says.
fn answer(line: &str) -> Option<Answer> {
    match line.trim().to_ascii_lowercase().as_str() {
        "c" | "cancel" => Some(Answer::Cancel),
        "d" | "detach" => Some(Answer::Detach),
        "g" | "go on" => Some(Answer::GoOn),
        _ => None,
    }
}

/// A question that waits for its answer.
pub(super) struct Question {
    lines: UnboundedReceiver<Option<String>>,
}

impl Question {
    /// Whether somebody can be asked.
    pub(super) fn can_be_asked() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks what is to become of the job.
    pub(super) fn ask() -> Self {
        let (sender, lines) = unbounded_channel();
        put();
        // A thread of its own: a read of a terminal cannot be taken back, and must not hold up the end of this program.
        std::thread::spawn(move || {
            loop {
                let mut line = String::new();
                let is_end = !matches!(std::io::stdin().lock().read_line(&mut line), Ok(1..));
                let said = answer(&line);
                // Nothing is read beyond the answer: it is not meant for this question.
                if sender.send((!is_end).then_some(line)).is_err() || is_end || said.is_some() {
                    return;
                }
            }
        });
        Self { lines }
    }

    /// The answer. Where no more can come, it is to detach. A call that is dropped loses nothing.
    pub(super) async fn answer(&mut self) -> Answer {
        loop {
            let Some(Some(line)) = self.lines.recv().await else { return Answer::Detach };
            match answer(&line) {
                Some(answer) => return answer,
                None => put(),
            }
        }
    }
}

fn put() {
    terminal::ask("cancel the job, detach, or go on? [c/d/g] ");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_letter_or_the_word() {
        assert_eq!(
            [answer("c\n"), answer(" D \n"), answer("go on\n")],
            [Some(Answer::Cancel), Some(Answer::Detach), Some(Answer::GoOn)]
        );
        assert_eq!(["", "\n", "x\n", "yes\n"].map(answer), [None; 4]);
    }
}
