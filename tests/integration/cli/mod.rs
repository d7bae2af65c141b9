//! The command line: golden files for its surface, and what a file cannot hold: terminals, pipes, signals, the same answer from a server.

mod closed_pipes;
mod golden;
mod jobs;
mod live;
mod new_extension;
pub(crate) mod place;
mod quickstart;
mod reaching;
mod remote;
mod same_answer;
mod surface;
mod terminal;
mod written_files;
