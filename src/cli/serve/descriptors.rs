//! The file descriptors that serving may need: asked for at the start, and told when they are too few.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the process needs beside connections, calls and jobs: its log, its roots, its timers, its threads' doors to the kernel.
const OWN: u64 = 64;
/// The most that one call holds open: a run, directories in it, a file.
const OF_A_CALL: u64 = 4;
/// The most that one job holds open: its pipes, its lock.
const OF_A_JOB: u64 = 8;

/// What may go on at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) calls: usize,
    pub(super) jobs: usize,
}

impl Load {
    fn descriptors(self) -> u64 {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let calls = count(self.calls).saturating_mul(OF_A_CALL);
        let jobs = count(self.jobs).saturating_mul(OF_A_JOB);
        OWN.saturating_add(count(self.connections)).saturating_add(calls).saturating_add(jobs)
    }
}

/// Raises the soft limit as far as this load needs it and the hard one lets it, and returns how many connections there can be. No further:
/// whatever jobs start inherits it, and some programs go over every descriptor that they might have.
pub(super) fn make_room(load: Load) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = decide(load, limit);
    if wanted.soft != limit.current
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: wanted.soft, maximum: limit.maximum })
    {
        tracing::warn!(%error, "the limit of open files cannot be raised");
        return decide(load, Rlimit { current: limit.current, maximum: limit.current }).connections;
    }
    if let Some(soft) = wanted.soft.filter(|soft| *soft < load.descriptors()) {
        let (needed, connections) = (load.descriptors(), wanted.connections);
        tracing::warn!(
            limit = soft,
            needed,
            connections,
            "fewer open files are allowed than the limits of connections, calls and jobs may need; raise the hard limit, or lower those"
        );
    }
    wanted.connections
}

#[derive(Debug, PartialEq, Eq)]
struct Decision {
    /// The soft limit; `None`: no limit.
    soft: Option<u64>,
    connections: usize,
}

/// Where there are too few for everything, connections get half of them at the most: without the rest no call could be answered.
fn decide(load: Load, limit: Rlimit) -> Decision {
    let needed = load.descriptors();
    let Some(current) = limit.current else { return Decision { soft: None, connections: load.connections } };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed)).max(current);
    let half = usize::try_from(raised / 2).unwrap_or(usize::MAX).max(1);
    let connections = if raised < needed { load.connections.min(half) } else { load.connections };
    Decision { soft: Some(raised), connections }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_as_far_as_needed_and_connections_get_half_of_too_few() {
        let load = Load { connections: 500, calls: 100, jobs: 2 };
        assert_eq!(load.descriptors(), 980);
        for (current, maximum, soft, connections) in [
            (Some(100), Some(5000), Some(980), 500),
            (Some(100), None, Some(980), 500),
            (Some(2000), Some(5000), Some(2000), 500),
            (Some(100), Some(600), Some(600), 300),
            (Some(64), Some(64), Some(64), 32),
            (Some(1), Some(1), Some(1), 1),
            (None, None, None, 500),
        ] {
            let decision = decide(load, Rlimit { current, maximum });
            assert_eq!(decision, Decision { soft, connections }, "{current:?} {maximum:?}");
        }
    }
}
