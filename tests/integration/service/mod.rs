//! Every call of the services, over a socket: what `api.md` and the comments in `proto/` promise, and what a hostile client or run
//! directory could do about it.

pub(crate) mod fixtures;
mod following;
pub(crate) mod http;

/// Who may call what.
#[cfg(target_os = "linux")]
pub(crate) mod access;
mod artifact;
mod catalog;
pub(crate) mod cluster;
mod deadlines;
mod errors;
mod generations;
mod info_health;
mod items;
mod items_pages;
mod jobs;
mod jobs_cancel;
mod jobs_command;
#[cfg(target_os = "linux")]
mod jobs_disk;
mod jobs_engine;
mod jobs_limits;
#[cfg(target_os = "linux")]
mod jobs_many;
mod jobs_process;
mod jobs_refused;
mod jobs_stop;
mod jobs_watch;
mod limits;
mod listening_slow;
mod listening_tls;
mod listening_tls_http;
mod listening_unix;
mod manifest;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod mounted_roots;
mod observe_log;
pub(crate) mod observe_metrics;
#[cfg(feature = "otel")]
mod observe_otel;
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
mod sidecar;
mod sizes;
