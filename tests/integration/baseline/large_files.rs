//! Fixtures of `large-files`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "large-files";
const MIB: u64 = 1024 * 1024;

#[test]
fn flags_six_mebibytes() {
    assert_eq!(place(&repo().sized("data.csv", 6 * MIB).warns(ID)), ("data.csv", None));
}

#[test]
fn flags_sixty_mebibytes_first() {
    let item = repo().sized("a.bin", 6 * MIB).sized("z.bin", 60 * MIB).fails(ID);
    assert_eq!(place(&item).0, "z.bin");
}

#[test]
fn flags_one_byte_above_the_threshold() {
    repo().sized("a", 5 * MIB + 1).warns(ID);
    repo().sized("a", 50 * MIB + 1).fails(ID);
}

#[test]
fn accepts_exactly_the_threshold() {
    repo().sized("a", 5 * MIB).passes(ID);
    assert_eq!(repo().sized("a", 50 * MIB).check(ID).result, EvidenceResult::Warning);
}

#[test]
fn accepts_a_pointer_to_large_file_storage() {
    repo().file("model.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 999999999\n").passes(ID);
}

#[test]
fn accepts_a_link_to_something_large_outside_and_untracked_files() {
    let outside = repo().sized("huge", 60 * MIB);
    repo().link("data", outside.path().join("huge").to_str().unwrap()).passes(ID);
    repo().file("a", "x").sized("untracked", 60 * MIB).tracked(&["a"]).passes(ID);
}
