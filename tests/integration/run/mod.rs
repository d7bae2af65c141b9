//! `guide-board run`, from the outside.

mod documents;
mod refusals;
mod runners;
mod secrets;
mod supervision;
