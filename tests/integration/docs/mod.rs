//! The documents: their commands do what they say, and what they take from the sources is up to date.
//!
//! A ```` ```console ```` block is executed. Lines that begin with `$ ` are commands, `> ` continues one, the lines below are what it prints: `[..]`
//! stands for anything within a line, a line `...` for any number of lines, and a last line `? 3` for exit code 3. All blocks of a document
//! share one shell in one fresh directory, with `guide-board` on the path. Paths beneath `/srv/guide-board` are those of that directory, and those
//! beneath `/opt/guide-board` of `deploy/kubernetes`.

mod api;
mod commands;
mod failure_modes;
mod generated;
mod metrics;
mod security;
