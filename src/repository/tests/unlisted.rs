//! The walk for files beyond a manifest, in whatever room there is for names.

use std::ops::ControlFlow;

use super::fixtures::Fixture;
use crate::repository::unlisted::{ListedPaths, MAX_LISTED, NAME_OVERHEAD, ROOM, Room, visit_within};

/// Room for this many names of the tests.
fn room(names: usize) -> usize {
    names * (NAME_OVERHEAD + 9)
}

fn walked(fixture: &Fixture, room: Room, listed: &[&str]) -> Vec<String> {
    let mut paths = ListedPaths::with_room_for(listed.len() as u64).expect("few");
    listed.iter().for_each(|path| paths.add(path));
    let mut found = Vec::new();
    let is_truncated = visit_within(room, &fixture.located("run"), paths, &mut |row| {
        found.push(row.shown_path);
        ControlFlow::Continue(())
    });
    assert!(!is_truncated.expect("walked"));
    found
}

#[test]
fn names_come_in_the_same_order_however_little_room_there_is_for_them() {
    let fixture = Fixture::new();
    let mut run = fixture.run("run");
    let mut expected = Vec::new();
    // Written backwards: the order is not that of writing. Some names are longer than the room of all.
    for number in (0..40).rev() {
        run = run.file(&format!("artifacts/file-{number:02}"), "");
        for below in (0..7).rev() {
            run = run.file(&format!("artifacts/dir-{number:02}/{below}-{}", "x".repeat(below * 30)), "");
        }
    }
    run.summary();
    expected.extend((0..40).map(|number| format!("artifacts/file-{number:02}")));
    let below = |number| (0..7).map(move |n: usize| format!("artifacts/dir-{number:02}/{n}-{}", "x".repeat(n * 30)));
    expected.extend((0..40).flat_map(below));
    assert_eq!(walked(&fixture, ROOM, &[]), expected);
    for (whole, files, directories) in [(0, 1, 1), (1, 3, 2), (8, 40, 40), (79, 39, 1), (80, 1, 1), (2, 100, 100)] {
        let room = Room { whole: room(whole), files: room(files), directories: room(directories) };
        assert_eq!(walked(&fixture, room, &[]), expected, "{room:?}");
    }
    let listed: Vec<&str> = expected.iter().step_by(2).map(String::as_str).collect();
    let rest: Vec<String> = expected.iter().skip(1).step_by(2).cloned().collect();
    let room = Room { whole: room(3), files: 500, directories: room(3) };
    assert_eq!(walked(&fixture, room, &listed), rest);
}

#[test]
fn a_manifest_too_large_to_tell_from_other_files_is_not_held() {
    assert!(ListedPaths::with_room_for(MAX_LISTED).is_some());
    assert!(ListedPaths::with_room_for(MAX_LISTED + 1).is_none());
    assert!(ListedPaths::with_room_for(u64::MAX).is_none());
}
