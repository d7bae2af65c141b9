//! `quickstart`: told twice in a row, and killed in between.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::place::Place;
use crate::support::{eventually, is_alive};

#[test]
fn the_story_can_be_told_again_and_tells_of_bytes() {
    let place = Place::new();
    for told in 1..=2 {
        let output = place.command().args(["quickstart", "--once", "--repo", "empty"]).output().expect("it ran");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
        for step in 1..=8 {
            assert!(text.lines().any(|line| line.starts_with(&format!("{step}. "))), "{step}: {text}");
        }
        assert!(text.contains("high      No licence was found"), "{text}");
        assert!(text.contains("stdout.txt, ") && !text.contains(" 0 bytes"), "{text}");
        let list = place.command().args(["runs", "list", "--target", "empty"]).output().expect("it ran").stdout;
        let list = String::from_utf8(list).expect("UTF-8");
        assert!(list.contains(&format!("\n{told} run")), "{list}");
    }
}

#[test]
fn what_cannot_be_written_is_told_before_anything_starts() {
    let place = Place::new();
    std::fs::write(place.path("empty/runs"), "no directory").expect("written");
    let output = place.command().current_dir(place.path("empty")).arg("quickstart").output().expect("it ran");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{told}");
    assert!(told.contains("runs/.quickstart") && told.contains("run this in a directory that you may write"), "{told}");
}

#[test]
fn the_server_of_a_killed_quickstart_ends_with_it() {
    let place = Place::new();
    let mut child = place
        .command()
        .args(["quickstart", "--once"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
    let pid = first.split_once("(pid ").and_then(|(_, rest)| rest.split_once(')')).expect("a process id").0;
    let server: u32 = pid.parse().expect("a number");
    child.kill().expect("killed");
    child.wait().expect("ended");
    eventually("the server's end", None, || (!is_alive(server)).then_some(()));
    let output = place.command().args(["quickstart", "--once"]).output().expect("it ran");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
