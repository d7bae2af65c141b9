//! `guide-board run`, from the outside.

mod abuse;
mod before_runners;
mod documents;
mod kills;
mod policy;
mod refusals;
mod reports_read;
mod runners;
mod secrets;
mod supervision;
