//! What is noted of a call while it is served, for the log of accesses: the call's layer makes the notes, whoever learns something adds it.
//!
//! The notes go with the task that serves a call, so that no function has to hand them on. Without a server around it, as in the command
//! line, a call has no notes, and noting does nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tonic::Code;

use super::trace_context::TraceContext;
use crate::model::printable;
use crate::repository::RunSelector;

/// The longest name that is noted, in characters.
const MAX_NAME: usize = 128;

tokio::task_local! {
    static NOTES: Arc<CallNotes>;
}

/// The notes of one request. What is noted twice is what was noted last.
#[derive(Debug, Default)]
pub struct CallNotes {
    /// The request's id.
    pub request_id: String,
    /// The trace that it belongs to, and its own span there.
    pub trace: TraceContext,
    noted: Mutex<Noted>,
}

/// What was noted. Names are printable and bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Noted {
    /// The call: service and method, as the protos name them.
    pub call: Option<Arc<str>>,
    /// The template of an HTTP path.
    pub route: Option<String>,
    /// Who calls.
    pub caller: Option<String>,
    /// The name of the runs root.
    pub root: Option<String>,
    /// The run id asked for.
    pub run: Option<String>,
    /// The run's directory asked for.
    pub directory: Option<String>,
    /// The job.
    pub job: Option<String>,
    /// How the call ended.
    pub code: Option<Code>,
}

impl CallNotes {
    /// Empty notes of a request.
    #[must_use]
    pub fn new(request_id: String, trace: TraceContext) -> Self {
        Self { request_id, trace, noted: Mutex::default() }
    }

    /// Notes which call it is.
    pub fn set_call(&self, call: &Arc<str>) {
        self.lock().call = Some(Arc::clone(call));
    }

    /// Notes the template of the HTTP path that was matched; never the path itself, which may hold anything.
    pub fn set_route(&self, template: &str) {
        self.lock().route = Some(printable(template, MAX_NAME));
    }

    /// Notes who calls.
    pub fn set_caller(&self, name: &str) {
        self.lock().caller = Some(printable(name, MAX_NAME));
    }

    /// Notes how the call ended.
    pub fn set_code(&self, code: Code) {
        self.lock().code = Some(code);
    }

    /// What was noted so far.
    #[must_use]
    pub fn noted(&self) -> Noted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves a call with its notes at hand.
pub fn with_notes<F: Future>(notes: Arc<CallNotes>, call: F) -> impl Future<Output = F::Output> {
    NOTES.scope(notes, call)
}

/// Notes the runs root: its configured name, never what the request called it.
pub(super) fn root(name: &str) {
    note(|noted| noted.root = Some(printable(name, MAX_NAME)));
}

/// Notes the run.
pub(super) fn run(selector: &RunSelector) {
    note(|noted| match selector {
        RunSelector::RunId(run_id) => noted.run = Some(printable(run_id.as_str(), MAX_NAME)),
        RunSelector::Directory(directory) => noted.directory = Some(printable(directory.as_str(), MAX_NAME)),
    });
}

/// Notes the job. What cannot be the id of one is not noted: it may be anything.
pub(super) fn job(job_id: &str) {
    let is_like_one = (1..=MAX_NAME).contains(&job_id.len())
        && job_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if is_like_one {
        note(|noted| noted.job = Some(job_id.to_owned()));
    }
}

/// The call's place in its trace, for what it starts; `None` without notes.
pub(super) fn trace() -> Option<TraceContext> {
    NOTES.try_with(|notes| notes.trace).ok()
}

fn note(add: impl FnOnce(&mut Noted)) {
    // An error means that nobody keeps notes of this call.
    let _ = NOTES.try_with(|notes| add(&mut notes.lock()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_call_notes_is_printable_and_bounded_and_without_notes_nothing_happens() {
        root("runs");
        let notes = Arc::new(CallNotes::default());
        with_notes(Arc::clone(&notes), async {
            root("runs");
            run(&RunSelector::Directory(format!("a\u{202e}{}", "b".repeat(200)).parse().expect("a name")));
            job("/etc/passwd");
            job(&"j".repeat(1000));
        })
        .await;
        let noted = notes.noted();
        assert_eq!(noted.root.as_deref(), Some("runs"));
        let directory = noted.directory.expect("a directory");
        assert!(directory.starts_with("a\\u{202e}b") && directory.ends_with('…') && directory.len() < 160);
        assert_eq!((noted.job, noted.run), (None, None));
        notes.set_caller("a\nb");
        assert_eq!(notes.noted().caller.as_deref(), Some("a\\nb"));
    }
}
