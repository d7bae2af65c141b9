//! Waiting for something to have been so for a while.

use std::time::Duration;

use tokio::time::Instant;

/// Resolves once what `since` tells the beginning of has gone on for so long. `None`: it is not so just now, and begins anew.
pub(super) async fn lasts(time: Duration, since: impl Fn() -> Option<Instant>) {
    loop {
        let now = Instant::now();
        // An instant too far away to be told never comes.
        let Some(until) = since().unwrap_or(now).checked_add(time) else { return std::future::pending().await };
        if until <= now {
            return;
        }
        tokio::time::sleep_until(until).await;
    }
}
