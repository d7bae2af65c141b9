//! Slow and abusive clients against a server process: what they do to its memory, descriptors and threads, and whether others are served meanwhile.
//!
//! Everything is bounded in count and time. `GUIDE_BOARD_LOOP_SECONDS` says how long the floods last; `scripts/abuse` prints the figures.

mod connections;
mod descriptors;
mod floods;
mod frames;
mod probe;
mod readers;
mod server;
mod sizes;
mod slow;
mod streams;

use std::time::Duration;

/// How long a condition may take to come true before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one flood lasts.
fn flood_time() -> Duration {
    let seconds = std::env::var("GUIDE_BOARD_LOOP_SECONDS").ok();
    let seconds = seconds.map(|text| text.parse().expect("GUIDE_BOARD_LOOP_SECONDS is a number of seconds"));
    seconds.map_or(Duration::from_millis(400), Duration::from_secs)
}
