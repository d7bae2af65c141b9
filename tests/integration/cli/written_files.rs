//! `runs cat --output`: a file is whole or not there.

use super::place::Place;

const RUN: [&str; 4] = ["runs", "cat", "--run-id", "run-20260508T164334Z-7f3a91c2"];

#[test]
fn a_file_is_whole_and_never_overwritten_unasked() {
    let place = Place::new();
    let original = place.path("runs/run-20260508T164334Z-7f3a91c2/reports/report.md");
    let cat = |arguments: &[&str]| place.command().args(RUN).args(arguments).output().expect("it ran").status.code();
    assert_eq!(cat(&["reports/report.md", "--output", "copy"]), Some(0));
    let bytes = std::fs::read(&original).expect("read");
    assert_eq!(std::fs::read(place.path("copy")).expect("read"), bytes);
    std::fs::write(place.path("copy"), "mine").expect("written");
    assert_eq!(cat(&["reports/report.md", "-o", "copy"]), Some(2));
    assert_eq!(std::fs::read(place.path("copy")).expect("read"), b"mine");
    assert_eq!(cat(&["reports/report.md", "-o", "copy", "--force", "--offset", "2"]), Some(0));
    assert_eq!(std::fs::read(place.path("copy")).expect("read"), bytes.get(2..).expect("more"));
}

#[test]
fn nothing_is_left_where_nothing_could_be_read_and_only_files_are_replaced() {
    let place = Place::new();
    std::fs::create_dir(place.path("out")).expect("made");
    std::os::unix::fs::symlink("../a-file", place.path("out/link")).expect("linked");
    let cat = |arguments: &[&str]| place.command().args(RUN).args(arguments).output().expect("it ran").status.code();
    assert_eq!(cat(&["reports/none.md", "--output", "out/none"]), Some(6));
    assert_eq!(cat(&["../x", "--output", "out/none"]), Some(7));
    assert_eq!(cat(&["reports/report.md", "--output", "out/link", "--force"]), Some(2));
    assert_eq!(cat(&["reports/report.md", "--output", "out", "--force"]), Some(2));
    assert_eq!(std::fs::read_to_string(place.path("a-file")).expect("read"), "text");
    let left: Vec<_> =
        std::fs::read_dir(place.path("out")).expect("listed").map(|entry| entry.expect("one").file_name()).collect();
    assert_eq!(left, ["link"]);
}
