//! Child processes under supervision: whatever a command starts, nothing of it outlives the one who asked for it.
//!
//! The room lies beneath both [`crate::assessment`], which starts runners, and `jobs`, which starts whole assessments: both need
//! the same promise, and neither may know the other. It knows nothing of runs; only processes.
//!
//! How it works: the command is not our child but the child of a small supervisor, `guide-board supervise`, which is this same
//! binary ([`supervise`]). The supervisor is a child subreaper, so the kernel hands every orphan below it to it and to nobody else; a
//! descendant can leave its process group, its session and its parent, but not its subreaper. Its descriptor 0 is one end of a
//! socket pair whose other end only [`Supervised`] holds: when that end goes away, for whatever reason (a shutdown, a crash, SIGKILL),
//! the supervisor reads end-of-file and takes everything down. So no `unsafe`, no `PR_SET_PDEATHSIG` (which follows the parent's
//! *thread*), and no pid file.
//!
//! On systems other than Linux there are no subreapers and no `/proc`: only the command's process group is signalled there, and
//! a descendant that changes its group or session can survive.

mod descendants;
mod parent;
mod signals;
mod spawn;
pub mod supervise;

pub use parent::{Parent, ParentError};
pub use signals::{TerminationSignal, on_termination};
pub use spawn::{Ending, Environment, SpawnError, SpawnRequest, StartFailure, Supervised, Terminator};
