//! How a job that is followed looks: a bar with the log above it on a terminal, plain lines elsewhere, JSON lines for programs.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget};
use jiff::Timestamp;

use super::{said, state_word};
use crate::cli::exit::Failure;
use crate::cli::terminal;
use crate::client::Followed;
use crate::wire::pb::{self, JobEventKind};
use crate::wire::to_json;

/// What is shown of a job.
pub(super) struct View {
    json: bool,
    /// Whether there is a bar. Without one, what it would show stands in lines.
    is_live: bool,
    bar: ProgressBar,
    state: String,
    progress: Option<pb::JobProgress>,
    since: Option<Timestamp>,
    has_shown_log: bool,
    /// Lines of the log that wait to be written at once: the bar is drawn anew after each writing, which takes longer than a line.
    log: String,
}

impl View {
    pub(super) fn new(json: bool) -> Self {
        let mut view = Self {
            json,
            is_live: !json && std::io::stderr().is_terminal(),
            bar: ProgressBar::hidden(),
            state: String::new(),
            progress: None,
            since: None,
            has_shown_log: false,
            log: String::new(),
        };
        view.resume();
        view
    }

    /// Takes the bar away, for a question.
    pub(super) fn pause(&mut self) {
        self.flush();
        self.bar.finish_and_clear();
        self.bar = ProgressBar::hidden();
    }

    /// Puts the bar there.
    pub(super) fn resume(&mut self) {
        if self.is_live {
            // What is known stands in it before it is seen for the first time.
            self.bar = ProgressBar::hidden();
            self.draw();
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.enable_steady_tick(Duration::from_millis(120));
        }
    }

    /// Takes the bar away for good.
    pub(super) fn close(&mut self) {
        self.pause();
        self.is_live = false;
    }

    /// Whether log lines of the job were shown.
    pub(super) const fn has_shown_log(&self) -> bool {
        self.has_shown_log
    }

    /// Says something.
    pub(super) fn note(&mut self, message: &str) {
        self.flush();
        self.bar.suspend(|| terminal::note(message));
    }

    /// Writes the lines of the log that were shown and not written yet.
    pub(super) fn flush(&mut self) {
        let lines = std::mem::take(&mut self.log);
        if !lines.is_empty() {
            self.bar.suspend(|| terminal::tell_lines(&lines));
        }
    }

    /// Shows what was learnt. Lines of the log may wait for `flush`.
    pub(super) fn show(&mut self, followed: &Followed) -> Result<(), Failure> {
        match followed {
            Followed::Event(event) if self.json => terminal::print_json_line(&to_json(event.as_ref())?)?,
            Followed::Event(event) => self.event(event),
            Followed::Broken(status) => self.note(&format!("the connection broke ({}); trying again", said(status))),
            Followed::Resumed => self.note("the server answers again"),
        }
        Ok(())
    }

    fn event(&mut self, event: &pb::JobEvent) {
        match event.kind() {
            JobEventKind::Status => self.status(event.run.as_ref()),
            JobEventKind::Progress => self.progress(event.progress.clone().unwrap_or_default()),
            JobEventKind::Log => {
                self.has_shown_log = true;
                let cut = if event.log_line_truncated { " …" } else { "" };
                self.log.push_str(&terminal::log_line(&event.log_line));
                self.log.push_str(cut);
                self.log.push('\n');
            }
            JobEventKind::Dropped => {
                let events = terminal::counted(event.dropped, "event");
                self.note(&format!(
                    "{events} passed over, log lines maybe among them: the server no longer holds them"
                ));
            }
            JobEventKind::Heartbeat | JobEventKind::Unspecified => {}
        }
    }

    fn status(&mut self, job: Option<&pb::Job>) {
        let Some(job) = job else { return };
        self.flush();
        let state = state_word(job);
        let began = job.started_at.as_ref().or(job.created_at.as_ref());
        self.since = began.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok());
        if !self.is_live && state != self.state {
            self.note(&format!("{}: {state}", terminal::cell(&job.job_id)));
        }
        self.state = state;
        self.draw();
    }

    fn progress(&mut self, progress: pb::JobProgress) {
        self.flush();
        // That a check began is for the bar alone.
        let before = self.progress.as_ref().map(|before| (before.done, before.total));
        if !self.is_live && progress.total > 0 && before != Some((progress.done, progress.total)) {
            let last = if progress.last_check.is_empty() {
                String::new()
            } else {
                format!(", the last: {}", terminal::cell(&progress.last_check))
            };
            self.note(&format!("{} of {} checks done{last}", progress.done, progress.total));
        }
        self.progress = Some(progress);
        self.draw();
    }

    fn draw(&self) {
        if !self.is_live {
            return;
        }
        let progress = self.progress.clone().unwrap_or_default();
        self.bar.set_style(terminal::job_style(progress.total > 0));
        self.bar.set_length(progress.total.into());
        self.bar.set_position(progress.done.into());
        let check = if progress.current_check.is_empty() { &progress.last_check } else { &progress.current_check };
        self.bar.set_message(format!("{} {}", self.state, terminal::cell(check)));
        let elapsed = self.since.map(|since| Timestamp::now().duration_since(since));
        // The clocks of two machines may differ, and a job may be older than this machine.
        let elapsed = elapsed.and_then(|elapsed| Duration::try_from(elapsed).ok()).unwrap_or_default();
        if Instant::now().checked_sub(elapsed).is_some() {
            self.bar.set_elapsed(elapsed);
        }
    }
}

impl Drop for View {
    /// Whatever ends the view leaves a clean line.
    fn drop(&mut self) {
        self.pause();
    }
}
