//! Tests of single items.
