//! The process that started this one, and its end.

#[cfg(target_os = "linux")]
use rustix::event::{PollFd, PollFlags};
use rustix::event::{Timespec, poll};
use rustix::process::{Pid, getppid};

/// How often it is looked for where the kernel does not tell of its end.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

/// The process that started this one.
///
/// It is held by a descriptor, whose readiness tells the end of the whole process. `PR_SET_PDEATHSIG` would tell that of the one thread which started
/// us, and a program that starts its children from a pool of threads would end them with a thread.
#[derive(Debug)]
pub struct Parent {
    pid: Pid,
    /// `None` where there are no such descriptors: systems other than Linux, Linux before 5.3, sandboxes that refuse the call.
    #[cfg(target_os = "linux")]
    held: Option<std::os::fd::OwnedFd>,
}

/// Why there is no parent whose end could be noticed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParentError {
    /// It lives in another process id namespace, as the one who starts a container does.
    #[error(
        "whoever started this process is outside of its process id namespace, where its end cannot be seen, as at the start of a container; whoever \
         started that ends it with SIGTERM"
    )]
    Outside,
    /// The parent is process 1.
    #[error(
        "the parent is process 1: either whoever started this process has ended already, or process 1 did it, with whose end the kernel ends everything"
    )]
    First,
    /// The parent is another process than the one that was named, or has just ended.
    #[error("process {wanted} is not the parent, or no longer: it has ended already")]
    Gone {
        /// The process that should be the parent.
        wanted: i32,
    },
}

impl Parent {
    /// The parent as it is now, and the very process that is `expected`, where that is given. To be asked for as early as possible: one that
    /// ends before is not missed only when it is named.
    ///
    /// # Errors
    /// When its end could not be noticed, or has already come.
    pub fn of_this_process(expected: Option<i32>) -> Result<Self, ParentError> {
        let Some(pid) = getppid() else { return Err(ParentError::Outside) };
        let found = pid.as_raw_nonzero().get();
        match expected {
            Some(wanted) if wanted != found => return Err(ParentError::Gone { wanted }),
            None if pid.is_init() => return Err(ParentError::First),
            _ => {}
        }
        let parent = Self {
            pid,
            #[cfg(target_os = "linux")]
            held: rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok(),
        };
        // Had it ended before it was held, the descriptor could be one of another process with its number.
        if parent.is_gone() { Err(ParentError::Gone { wanted: found }) } else { Ok(parent) }
    }

    /// Waits until it has ended, however it did.
    pub fn wait(self) {
        while !self.is_gone() {
            #[cfg(target_os = "linux")]
            if let Some(held) = &self.held {
                // An error is an interruption, or leaves the look below.
                if poll(&mut [PollFd::new(held, PollFlags::IN)], None).is_ok() {
                    return;
                }
            }
            let _ = poll(&mut [], Some(&LOOK));
        }
    }

    /// Orphans get another parent at once.
    fn is_gone(&self) -> bool {
        getppid() != Some(self.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_that_is_another_process_than_the_one_named_is_gone() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        assert_eq!(Parent::of_this_process(Some(own)).map(drop), Err(ParentError::Gone { wanted: own }));
        let parent = getppid().expect("a parent").as_raw_nonzero().get();
        assert!(Parent::of_this_process(Some(parent)).is_ok());
    }
}
