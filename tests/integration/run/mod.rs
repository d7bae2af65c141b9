//! `guide-board run`, from the outside.

mod before_runners;
mod documents;
mod policy;
mod refusals;
mod reports_read;
mod runners;
mod secrets;
mod supervision;
