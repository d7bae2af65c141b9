//! How a job's process ended, in words for people: the exit code or the signal, what the system means by it, and whether there was room to write.

use std::time::Duration;

use rustix::process::Signal;

use crate::process::Ending;
use crate::repository::{FreeSpace, RunsRoot};

/// With less than this left, a filesystem counts as full, in bytes: not even the documents of a small run fit.
const HARDLY_ANY_BYTES: u64 = 256 << 10;

/// What the last lines of a process may say, in the words of the system, and what that means.
const TELLING_LINES: [(&str, &str); 3] = [
    ("No space left on device", "its last lines say that a filesystem it wrote to was full"),
    ("Disk quota exceeded", "its last lines say that a disk quota was exceeded"),
    ("Cannot allocate memory", "its last lines say that there was no more memory for it"),
];

/// How a process ended, as people know it. Of one that `was_asked` to end it is known who sent the signal, and nothing is guessed.
pub(super) fn describe(ending: &Ending, time_limit: Option<Duration>, was_asked: bool) -> String {
    let named = |signal| named(signal).map(|(name, hint)| (name, if was_asked { "" } else { hint }));
    let mut how = match ending {
        Ending { start_failure: Some(_), .. } => "the job's process could not be started".to_owned(),
        Ending { timed_out: true, .. } => {
            let limit = time_limit.unwrap_or_default().as_secs_f64();
            format!("the job took longer than the {limit} seconds that a job may take, and was ended")
        }
        Ending { supervisor_lost: true, .. } => {
            "the job's supervisor was lost, as happens when the memory runs out".to_owned()
        }
        Ending { signal: Some(signal), .. } => match named(*signal) {
            Some((name, hint)) => format!("the job's process was ended by signal {signal} ({name}){hint}"),
            None => format!("the job's process was ended by signal {signal}"),
        },
        Ending { exit_code: Some(code), .. } => match code.checked_sub(128).and_then(named) {
            Some((name, hint)) => {
                format!("the job's process ended with exit code {code}, which stands for {name}{hint}")
            }
            None => format!("the job's process ended with exit code {code}"),
        },
        _ => "the job's process ended".to_owned(),
    };
    if ending.survivors {
        how.push_str("; some of what it had started could not be ended");
    }
    how
}

/// Why a job that failed may have failed, as far as its filesystem and its last lines tell; empty, or a clause that begins with a semicolon.
pub(super) fn hint(root: &RunsRoot, last_lines: &[String]) -> String {
    if let Some(full) = root.free_space().and_then(fullness) {
        return format!("; the filesystem of the runs root is full ({full})");
    }
    let newest_first = || last_lines.iter().rev();
    let told = TELLING_LINES.iter().find(|(said, _)| newest_first().any(|line| line.contains(said)));
    told.map_or_else(String::new, |(_, meaning)| format!("; {meaning}"))
}

/// What a full filesystem has left; `None` when it is not full.
fn fullness(free: FreeSpace) -> Option<String> {
    if free.bytes < HARDLY_ANY_BYTES {
        return Some(format!("{} KiB are left", free.bytes >> 10));
    }
    free.files.filter(|files| *files == 0).map(|_| "it can hold no more files".to_owned())
}

/// The name of a signal that ends processes, and what sends it where that is worth a word.
fn named(signal: i32) -> Option<(&'static str, &'static str)> {
    let known = [
        (Signal::HUP, "SIGHUP", ""),
        (Signal::INT, "SIGINT", ""),
        (Signal::ILL, "SIGILL", ""),
        (Signal::ABORT, "SIGABRT", ", with which a program ends itself, as when it gets no memory"),
        (Signal::BUS, "SIGBUS", ", as for a mapped file whose filesystem is full"),
        (Signal::FPE, "SIGFPE", ""),
        (Signal::KILL, "SIGKILL", ", which the kernel sends when the memory runs out"),
        (Signal::SEGV, "SIGSEGV", ""),
        (Signal::PIPE, "SIGPIPE", ""),
        (Signal::TERM, "SIGTERM", ""),
        (Signal::XCPU, "SIGXCPU", ", which the kernel sends at the limit of processor time"),
        (Signal::XFSZ, "SIGXFSZ", ", which the kernel sends when a file grows beyond the limit for files"),
    ];
    known.iter().find(|(known, ..)| known.as_raw() == signal).map(|(_, name, hint)| (*name, *hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filesystem_is_full_without_bytes_or_without_files_and_one_that_counts_none_is_not() {
        let free = |bytes, files| fullness(FreeSpace { bytes, files });
        assert_eq!(free(HARDLY_ANY_BYTES - 1, None).as_deref(), Some("255 KiB are left"));
        assert_eq!(free(u64::MAX, Some(0)).as_deref(), Some("it can hold no more files"));
        assert_eq!((free(HARDLY_ANY_BYTES, Some(1)), free(u64::MAX, None)), (None, None));
    }

    #[test]
    fn every_ending_has_words_and_survivors_are_told() {
        let told = |ending: Ending| describe(&ending, Some(Duration::from_millis(1500)), false);
        assert_eq!(told(Ending::default()), "the job's process ended");
        assert_eq!(told(Ending { signal: Some(64), ..Ending::default() }), "the job's process was ended by signal 64");
        assert!(told(Ending { timed_out: true, ..Ending::default() }).contains("than the 1.5 seconds"));
        assert!(told(Ending { supervisor_lost: true, ..Ending::default() }).contains("supervisor was lost"));
        let survived = told(Ending { exit_code: Some(153), survivors: true, ..Ending::default() });
        assert!(survived.contains("SIGXFSZ, which") && survived.ends_with("could not be ended"), "{survived}");
        let killed = describe(&Ending { signal: Some(9), ..Ending::default() }, None, true);
        assert_eq!(killed, "the job's process was ended by signal 9 (SIGKILL)");
    }
}
