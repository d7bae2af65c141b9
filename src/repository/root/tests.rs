//! Both mechanisms over one hostile tree.
