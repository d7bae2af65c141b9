//! Inputs made to break something.
