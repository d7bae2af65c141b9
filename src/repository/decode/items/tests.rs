//! Tests of the stream of items.
