//! Every call of the services, over a socket: what `api.md` and the comments in `proto/` promise, and what a hostile client or run
//! directory could do about it.

pub(crate) mod fixtures;
mod following;

/// Who may call what.
#[cfg(target_os = "linux")]
mod access;
mod artifact;
mod catalog;
mod errors;
mod generations;
mod info_health;
mod items;
mod items_pages;
mod jobs;
mod jobs_cancel;
mod jobs_command;
mod jobs_limits;
mod jobs_process;
mod jobs_refused;
mod jobs_watch;
mod limits;
mod manifest;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod mounted_roots;
mod paging;
mod problems;
mod ranges;
mod reflection;
mod reports;
mod retained_lists;
mod retained_run;
mod roots;
pub(crate) mod served;
mod shutdown;
mod sizes;
