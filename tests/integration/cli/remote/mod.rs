//! `runs … --server`: the same output as on a local directory, over connections that break, from servers that are not as they should be; and
//! which of the two is meant.

mod broken;
mod odd_servers;
mod same_output;
mod which;
