//! `jobs watch`, and the loop that follows a job to its end: its events, and who interrupts.

use std::collections::VecDeque;

use clap::Args;
use tonic::Status;

use super::prompt::{Answer, OnInterrupt, Question, Signals};
use super::view::View;
use super::{OneJob, Server, outcome};
use crate::cli::exit::{self, Failure};
use crate::cli::reach::for_at_most;
use crate::cli::terminal;
use crate::cli::values::{count, quoted};
use crate::client::{Follow, FollowError, FollowSettings, Followed, until_answered};
use crate::process::TerminationSignal;
use crate::services::reason_of;
use crate::wire::pb;

/// How many events are held back while a question waits for its answer.
const MAX_HELD: usize = 4096;

const EXAMPLES: &str = "\
Examples:
  guide-board jobs watch job-20261121T082036Z-7cf72346
  guide-board jobs watch job-20261121T082036Z-7cf72346 --json \\
    | jq -r 'select(.kind == \"log\").log_line'

Exit codes:
  0    the run completed
  2    wrong usage, or N is larger than the number of any event so far
  3    the run failed
  4    the run is blocked
  5    the run has an infrastructure error, or the job failed or was cancelled
  6    no such job, or the server no longer knows it
  7    the run says nothing of its result
  8    the server cannot be reached, or refuses
  129, 130, 143  ended by SIGHUP, Ctrl-C, SIGTERM; detached or cancelled";

/// Follows a job to its end
///
/// On a terminal with a bar: checks done of all, the check that is being made, the time; elsewhere in plain lines. Standard output gets the run at the end, or with
/// --json each event of the job on a line, as it comes. The job's log lines, progress and everything else go to standard error.
///
/// When the connection breaks, it is made anew, and the job is followed from the last event on: no line is lost, none comes twice. What the server no
/// longer holds is told as passed over. A minute of silence counts as a broken connection. A server that is busy is waited for likewise, once it has
/// answered; one that is busy at the beginning is told at once.
///
/// Ctrl-C asks whether to cancel the job, to detach, or to go on; a second one detaches. Where nobody can be asked, it detaches, as SIGTERM and SIGHUP
/// always do: the job goes on. --on-interrupt says otherwise.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct WatchArgs {
    #[command(flatten)]
    job: OneJob,
    /// Begin after the event of this number
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count)]
    after: u64,
    #[command(flatten)]
    follow: FollowArgs,
}

/// How a job is followed.
#[derive(Debug, Clone, Args)]
pub(super) struct FollowArgs {
    /// What becomes of the job when following it is interrupted
    #[arg(long, value_name = "HOW", default_value = "ask")]
    on_interrupt: OnInterrupt,
    /// How long to try again when the connection breaks or the server is busy
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = count)]
    retry_for: u64,
}

impl FollowArgs {
    pub(super) fn settings(&self) -> FollowSettings {
        FollowSettings { retry_for: for_at_most(self.retry_for), ..FollowSettings::default() }
    }
}

pub(super) async fn watch(args: &WatchArgs, server: &Server) -> Result<u8, Failure> {
    to_the_end(server, &args.job.job_id, Begin::After(args.after), &args.follow, Signals::new()?).await
}

/// From where on a job is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// All of it: this command has started it, and told nobody yet.
    Start,
    /// What comes after the event of this number.
    After(u64),
}

impl Begin {
    const fn after(self) -> u64 {
        match self {
            Self::Start => 0,
            Self::After(number) => number,
        }
    }
}

/// Follows a job to its end, or until somebody detaches.
pub(super) async fn to_the_end(
    server: &Server,
    job_id: &str,
    begin: Begin,
    args: &FollowArgs,
    signals: Signals,
) -> Result<u8, Failure> {
    let follow = Follow::new(server.client.clone(), job_id.to_owned(), begin.after(), args.settings());
    let following = Following {
        server,
        job_id,
        begin,
        settings: args.settings(),
        on_interrupt: args.on_interrupt,
        follow: match begin {
            Begin::Start => follow.after_an_answer(),
            Begin::After(_) => follow,
        },
        view: View::new(server.json),
        held: VecDeque::new(),
        question: None,
        cancelled_by: None,
        signals,
    };
    Box::pin(following.run()).await
}

struct Following<'a> {
    server: &'a Server,
    job_id: &'a str,
    begin: Begin,
    settings: FollowSettings,
    on_interrupt: OnInterrupt,
    follow: Follow,
    view: View,
    /// What came while a question waits.
    held: VecDeque<Followed>,
    question: Option<Question>,
    /// The signal that had the job cancelled.
    cancelled_by: Option<TerminationSignal>,
    signals: Signals,
}

enum Next {
    Signal(TerminationSignal),
    Answer(Answer),
    Learnt(Result<Option<Followed>, FollowError>),
}

impl Following<'_> {
    async fn run(mut self) -> Result<u8, Failure> {
        loop {
            let question = self.question.as_mut();
            let answer = async {
                match question {
                    Some(question) => question.answer().await,
                    None => std::future::pending().await,
                }
            };
            let next = tokio::select! {
                biased;
                signal = self.signals.next() => Next::Signal(signal),
                answer = answer => Next::Answer(answer),
                learnt = self.follow.next(), if self.held.len() < MAX_HELD => Next::Learnt(learnt),
            };
            let detached_by = match next {
                Next::Signal(signal) => self.interrupted(signal).await?,
                Next::Answer(answer) => self.answered(answer).await?,
                Next::Learnt(Ok(Some(followed))) if self.question.is_some() => {
                    self.held.push_back(followed);
                    None
                }
                Next::Learnt(Ok(Some(followed))) => {
                    self.view.show(&followed)?;
                    if !self.follow.has_waiting() {
                        self.view.flush();
                    }
                    None
                }
                Next::Learnt(Ok(None)) => break,
                Next::Learnt(Err(error)) => {
                    self.show_held()?;
                    return Err(self.lost(error));
                }
            };
            if let Some(signal) = detached_by {
                return self.detach(signal);
            }
        }
        self.show_held()?;
        self.view.close();
        let job = self.follow.ended().cloned().unwrap_or_default();
        outcome::tell(self.server, &job, self.view.has_shown_log(), self.cancelled_by, self.settings).await
    }

    /// What a signal leads to: the signal itself when it is to detach.
    async fn interrupted(&mut self, signal: TerminationSignal) -> Result<Option<TerminationSignal>, Failure> {
        let is_second = self.question.is_some() || self.cancelled_by.is_some();
        match self.on_interrupt {
            _ if is_second => Ok(Some(signal)),
            OnInterrupt::Cancel => self.cancel(signal).await,
            OnInterrupt::Ask if signal == TerminationSignal::Interrupt && Question::can_be_asked() => {
                self.view.pause();
                self.question = Some(Question::ask());
                Ok(None)
            }
            OnInterrupt::Ask | OnInterrupt::Detach => Ok(Some(signal)),
        }
    }

    async fn answered(&mut self, answer: Answer) -> Result<Option<TerminationSignal>, Failure> {
        self.question = None;
        self.view.resume();
        self.show_held()?;
        match answer {
            Answer::Cancel => self.cancel(TerminationSignal::Interrupt).await,
            Answer::Detach => Ok(Some(TerminationSignal::Interrupt)),
            Answer::GoOn => Ok(None),
        }
    }

    /// Takes back the question, if there is one without an answer, and shows what came meanwhile.
    fn show_held(&mut self) -> Result<(), Failure> {
        if self.question.take().is_some() {
            terminal::ask("\n");
            self.view.resume();
        }
        while let Some(followed) = self.held.pop_front() {
            self.view.show(&followed)?;
        }
        self.view.flush();
        Ok(())
    }

    /// Cancels the job; a signal meanwhile detaches.
    async fn cancel(&mut self, signal: TerminationSignal) -> Result<Option<TerminationSignal>, Failure> {
        self.view.note("cancelling the job; Ctrl-C again detaches");
        let request = pb::CancelRunRequest { job_id: self.job_id.to_owned() };
        let cancelled = until_answered(
            &self.server.client,
            self.settings.retry_for,
            |_| (),
            async |client| client.runs().cancel_run(request.clone()).await,
        );
        tokio::select! {
            outcome = cancelled => match outcome {
                Ok(_) => self.cancelled_by = Some(signal),
                // The job goes on, and so does following it.
                Err(status) => self.view.note(&format!("the job cannot be cancelled: {}", super::said(&status))),
            },
            second = self.signals.next() => return Ok(Some(second)),
        }
        Ok(None)
    }

    fn detach(mut self, signal: TerminationSignal) -> Result<u8, Failure> {
        self.show_held()?;
        self.view.close();
        let id = quoted(&terminal::whole(self.job_id));
        let cancel = format!("cancel {id}");
        let fate = if self.cancelled_by.is_some() { "is being cancelled" } else { "goes on" };
        terminal::note(&format!(
            "detached, the job {fate}; {} follows it from here, {} cancels it",
            self.way_on(),
            self.server.command(&cancel)
        ));
        Ok(signal.exit_code())
    }

    fn lost(&mut self, error: FollowError) -> Failure {
        self.view.close();
        match error {
            FollowError::Refused(status) => self.refused(status),
            FollowError::Forgotten(_) => Failure::new(
                exit::NOT_FOUND,
                format!(
                    "the server no longer knows the job {}: it was restarted, which ends its jobs, or has forgotten it; if the job made a \
                     run, {} shows it, and {} what is left of it otherwise",
                    terminal::cell(self.job_id),
                    self.server.way.command_by_name("runs list"),
                    self.server.way.command_by_name("runs problems")
                ),
            ),
            FollowError::GaveUp(status) => {
                let did = if reason_of(&status).is_some() { "was busy" } else { "did not answer" };
                let message = format!(
                    "the server at {} {did} for {}: {}; the job may go on, {} follows it from here",
                    self.server.address(),
                    terminal::counted(self.settings.retry_for.as_secs(), "second"),
                    super::said(&status),
                    self.way_on()
                );
                Failure::new(exit::SERVER, message)
            }
        }
    }

    /// The command that follows the job from here.
    fn way_on(&self) -> String {
        let after = match self.follow.after() {
            0 => String::new(),
            number => format!(" --after {number}"),
        };
        self.server.command(&format!("watch {}{after}", quoted(&terminal::whole(self.job_id))))
    }

    /// A refusal, and the way on where there is one: a job that was started or followed so far is not what was refused.
    fn refused(&self, status: Status) -> Failure {
        let reason = reason_of(&status).unwrap_or_default();
        let failure = self.server.failure(status);
        let has_begun = self.follow.after() > self.begin.after() || reason == "CREDENTIALS_REVOKED";
        if !has_begun && self.begin != Begin::Start {
            return failure;
        }
        let with = match reason.as_str() {
            "SCOPE_MISSING" => " with the scope `read`",
            "CREDENTIALS_REVOKED" | "CREDENTIALS_INVALID" | "CREDENTIALS_MISSING" => " with valid credentials",
            _ => "",
        };
        let on = format!("; the job may go on, {} follows it from here{with}", self.way_on());
        let started = format!("{} was started, but cannot be followed: ", terminal::cell(self.job_id));
        failure.around(if has_begun { "" } else { &started }, &on)
    }
}
