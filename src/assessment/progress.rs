//! Telling how far a run is.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use crate::model::{EvidenceResult, ResultStatus, RunId};

/// Who is told how far a run is.
pub trait Progress {
    /// The run directory stands; `total` checks are planned.
    fn run(&mut self, run_id: &RunId, output_dir: &Path, total: usize);
    /// A runner begins its checks, all in one program: which of them it is at is not known. `check_id` is the first of them.
    fn start(&mut self, done: usize, total: usize, check_id: &str);
    /// One more check is done. `result` is the gravest of its items.
    fn check(&mut self, done: usize, total: usize, check_id: &str, result: EvidenceResult);
    /// The run is retained.
    fn end(&mut self, result_status: ResultStatus);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn run(&mut self, _: &RunId, _: &Path, _: usize) {}
    fn start(&mut self, _: usize, _: usize, _: &str) {}
    fn check(&mut self, _: usize, _: usize, _: &str, _: EvidenceResult) {}
    fn end(&mut self, _: ResultStatus) {}
}

/// Writes one JSON object a line, each in one write. A reader that is gone is no error: the run matters more.
#[derive(Debug)]
pub struct JsonLines<W>(pub W);

impl<W: Write> JsonLines<W> {
    fn line(&mut self, event: &serde_json::Value) {
        let _ = self.0.write_all(format!("{event}\n").as_bytes());
        let _ = self.0.flush();
    }
}

impl<W: Write> Progress for JsonLines<W> {
    fn run(&mut self, run_id: &RunId, output_dir: &Path, total: usize) {
        let output_dir = output_dir.to_string_lossy();
        self.line(&json!({"event": "run", "run_id": run_id.as_str(), "output_dir": output_dir, "total": total}));
    }

    fn start(&mut self, done: usize, total: usize, check_id: &str) {
        self.line(&json!({"event": "start", "done": done, "total": total, "check_id": check_id}));
    }

    fn check(&mut self, done: usize, total: usize, check_id: &str, result: EvidenceResult) {
        self.line(&json!({"event": "check", "done": done, "total": total, "check_id": check_id, "result": result}));
    }

    fn end(&mut self, result_status: ResultStatus) {
        self.line(&json!({"event": "end", "result_status": result_status}));
    }
}
