//! Every call of the services, over a socket: what `api.md` and the comments in `proto/` promise, and what a hostile client or run
//! directory could do about it.

pub(crate) mod fixtures;
mod following;

mod artifact;
mod errors;
mod generations;
mod info_health;
mod jobs;
mod jobs_process;
mod jobs_refused;
mod limits;
mod manifest;
mod problems;
mod reflection;
mod reports;
mod retained_lists;
mod retained_run;
mod roots;
pub(crate) mod served;
mod shutdown;
