//! What happened to a job, numbered, for those who watch it. The last events are kept; a reader that was too slow learns how many it missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::job::{JobProgress, JobView};
use super::log::{LogLine, Tail};

/// What the kept events of one job may hold, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// How many events are handed out at once at the most.
const MAX_BATCH: usize = 256;
/// What the events handed out at once may hold, in bytes; the first one is always handed out.
const MAX_BATCH_BYTES: usize = 256 << 10;
/// How many of the last log lines an error carries.
const TAIL_LINES: usize = 40;
/// What they may hold, in bytes: a job's error stays as long as the job is remembered.
const TAIL_BYTES: usize = 64 << 10;
/// What an event costs beside its texts, in bytes, about.
const EVENT_BYTES: usize = 128;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// The job changed: its status, its run id, or that its cancellation was asked for.
    Change(Box<JobView>),
    /// Checks began, one ended, or their number became known.
    Progress(JobProgress),
    /// Its process wrote a line.
    Log(LogLine),
}

/// One event of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEvent {
    /// Its number; the first of a job is 1, and none is left out.
    pub number: u64,
    /// When.
    pub time: Timestamp,
    /// What.
    pub happening: Happening,
}

impl JobEvent {
    fn bytes(&self) -> usize {
        let texts = match &self.happening {
            Happening::Log(line) => line.text.len(),
            Happening::Progress(progress) => progress.last_check.len() + progress.current_check.len(),
            Happening::Change(view) => {
                let labels = view.labels.iter().map(|(key, value)| key.len() + value.len());
                let lines = view.error.iter().flat_map(|error| &error.log_lines).map(String::len);
                labels.chain(lines).sum::<usize>() + view.target.len() + view.assessment.len()
            }
        };
        texts + EVENT_BYTES
    }
}

/// Events that a reader takes at once.
#[derive(Debug)]
pub struct JobEvents {
    /// How many events after the reader's number are no longer held.
    pub dropped: u64,
    /// The events after those.
    pub events: Vec<Arc<JobEvent>>,
    /// The number to go on from.
    pub last: u64,
    /// Whether nothing more will come.
    pub is_over: bool,
}

/// The events of one job.
#[derive(Debug)]
pub struct JobFeed {
    ring: Mutex<Ring>,
    latest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Ring {
    events: VecDeque<Arc<JobEvent>>,
    capacity: usize,
    bytes: usize,
    last: u64,
    tail: Tail,
    is_over: bool,
}

impl JobFeed {
    /// An empty feed that holds `capacity` events.
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        let tail = Tail::new(TAIL_LINES, TAIL_BYTES);
        let ring = Ring { events: VecDeque::new(), capacity, bytes: 0, last: 0, tail, is_over: false };
        Arc::new(Self { ring: Mutex::new(ring), latest: watch::Sender::new(0) })
    }

    /// Adds an event. After the end nothing is added any more.
    pub(super) fn push(&self, happening: Happening) {
        self.add(happening, false);
    }

    /// Adds the last event.
    pub(super) fn end(&self, happening: Happening) {
        self.add(happening, true);
    }

    fn add(&self, happening: Happening, is_over: bool) {
        let mut ring = self.lock();
        if ring.is_over {
            return;
        }
        if let Happening::Log(line) = &happening {
            ring.tail.push(line.text.clone());
        }
        ring.is_over = is_over;
        if is_over {
            // Whoever ends the job has them by now.
            ring.tail.clear();
        }
        ring.last += 1;
        let event = JobEvent { number: ring.last, time: Timestamp::now(), happening };
        ring.bytes += event.bytes();
        ring.events.push_back(Arc::new(event));
        let capacity = ring.capacity;
        ring.trim(capacity, MAX_BYTES);
        self.latest.send_replace(ring.last);
    }

    /// Keeps the last event only.
    pub(super) fn forget(&self) {
        self.lock().trim(1, MAX_BYTES);
    }

    /// What the kept events hold, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The last log lines, oldest first; none after the end.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.lock().tail.lines()
    }

    /// The number of the last event; 0 before the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.lock().last
    }

    /// Hears of every new event.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    /// The events after a number, as many as are handed out at once.
    #[must_use]
    pub fn after(&self, number: u64) -> JobEvents {
        let ring = self.lock();
        let before_first = ring.events.front().map_or(ring.last, |first| first.number.saturating_sub(1));
        let dropped = before_first.saturating_sub(number);
        let from = number.max(before_first);
        let skipped = usize::try_from(from.saturating_sub(before_first)).unwrap_or(usize::MAX);
        let mut bytes = 0_usize;
        let fits = |event: &&Arc<JobEvent>| {
            let is_first = bytes == 0;
            bytes = bytes.saturating_add(event.bytes());
            is_first || bytes <= MAX_BATCH_BYTES
        };
        let events: Vec<_> = ring.events.iter().skip(skipped).take(MAX_BATCH).take_while(fits).cloned().collect();
        let last = events.last().map_or(from, |event| event.number);
        JobEvents { dropped, events, last, is_over: ring.is_over && last >= ring.last }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// Drops the oldest events until no more than so many of so many bytes are left. The last one always stays.
    fn trim(&mut self, count: usize, bytes: usize) {
        while self.events.len() > 1 && (self.events.len() > count || self.bytes > bytes) {
            if let Some(oldest) = self.events.pop_front() {
                self.bytes = self.bytes.saturating_sub(oldest.bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(text: &str) -> Happening {
        Happening::Log(LogLine { text: text.to_owned(), is_truncated: false })
    }

    /// Reads on from a number until nothing is left; returns the numbers read, and how many were missed.
    fn read(feed: &JobFeed, mut after: u64) -> (Vec<u64>, u64) {
        let (mut numbers, mut missed) = (Vec::new(), 0);
        loop {
            let batch = feed.after(after);
            missed += batch.dropped;
            numbers.extend(batch.events.iter().map(|event| event.number));
            if batch.events.is_empty() {
                return (numbers, missed);
            }
            after = batch.last;
        }
    }

    #[test]
    fn events_are_bounded_by_number_and_by_bytes_and_the_last_one_stays() {
        let feed = JobFeed::new(10);
        for _ in 0..100 {
            feed.push(line("x"));
        }
        assert_eq!(read(&feed, 0), ((91..=100).collect(), 90));
        let feed = JobFeed::new(100_000);
        for _ in 0..1000 {
            feed.push(line(&"x".repeat(4096)));
        }
        assert!(feed.bytes() <= MAX_BYTES && feed.bytes() > MAX_BYTES / 2);
        assert_eq!(feed.last_lines().len(), TAIL_BYTES / 4096);
        let (numbers, missed) = read(&feed, 0);
        assert_eq!((numbers.len() as u64 + missed, numbers.last()), (1000, Some(&1000)));
        feed.end(line(&"y".repeat(2 * MAX_BYTES)));
        assert_eq!(read(&feed, 0), (vec![1001], 1000));
        feed.push(line("too late"));
        assert_eq!(feed.last(), 1001);
        assert!(feed.after(1001).is_over && feed.after(1001).events.is_empty());
        assert!(feed.last_lines().is_empty());
    }

    proptest! {
        #[test]
        fn whatever_is_read_and_forgotten_every_number_is_read_or_missed_once(
            capacity in 1_usize..20, pushed in 0_u64..60, after in 0_u64..60, forgets: bool,
        ) {
            let feed = JobFeed::new(capacity);
            (0..pushed).for_each(|_| feed.push(line("x")));
            if forgets {
                feed.forget();
            }
            let after = after.min(pushed);
            let (numbers, missed) = read(&feed, after);
            prop_assert_eq!(numbers, (after + missed + 1..=pushed).collect::<Vec<_>>());
            prop_assert_eq!(missed > 0, pushed.saturating_sub(if forgets { 1 } else { capacity as u64 }) > after && pushed > 0);
        }
    }
}
