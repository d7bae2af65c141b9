//! Holds the arrows and rules of `docs/ARCHITECTURE.md`. A failure names the place, the rule and the fix.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test stops where something is not as it should be"
)]
#![allow(clippy::disallowed_methods, reason = "tests look at real files")]

#[path = "architecture/sources.rs"]
mod sources;

use std::fmt::Write as _;

use sources::{Source, manifest_dir, rust_files, source};

/// The rooms in reading order, and the rooms that each may use. What is not listed is forbidden.
const ROOMS: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("repository", &["model"]),
    ("process", &[]),
    ("assessment", &["model", "repository", "process"]),
    ("baseline", &["model", "repository", "assessment"]),
    ("jobs", &["model", "repository", "process"]),
    ("wire", &[]),
    ("services", &["model", "repository", "assessment", "jobs", "wire"]),
    ("server", &["model", "repository", "jobs", "wire", "services"]),
    ("client", &["wire"]),
    (
        "cli",
        &["model", "repository", "process", "assessment", "baseline", "jobs", "wire", "services", "server", "client"],
    ),
];

/// The rooms that speak gRPC. The CLI calls the services in process, and maps their statuses to exit codes.
const KNOW_STATUS: [&str; 4] = ["services", "server", "client", "cli"];
/// The rooms that know protobuf types.
const KNOW_PROTOBUF: [&str; 5] = ["wire", "services", "server", "client", "cli"];
/// Where `std::fs` and `tokio::fs` may stand: the gate, and what the operator names.
const OPEN_FILES: [&str; 2] = ["src/repository/root", "src/repository/ambient"];
/// Where the raw system calls on files may stand: those two, and the write side, which works beneath held descriptors.
const RAW_FILES: [&str; 3] = ["src/repository/root", "src/repository/ambient", "src/repository/record"];
/// The most lines of a file in `src`.
const MAX_LINES: usize = 450;

/// Every source of the library and the binary, those for tests only left out.
fn library() -> Vec<Source> {
    rust_files("src").iter().map(|path| source(path)).filter(|source| !source.is_test()).collect()
}

/// Fails with all violations at once: whoever moves a room wants to see the whole.
#[track_caller]
fn hold(violations: &[String], fix: &str) {
    let mut text = String::new();
    for violation in violations {
        let _ = writeln!(text, "  {violation}");
    }
    assert!(violations.is_empty(), "\n{text}\nThe fix: {fix}\n");
}

#[test]
fn arrows_run_downward_only() {
    let mut violations = Vec::new();
    for source in library() {
        let Some(room) = source.room() else { continue };
        let allowed = ROOMS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, allowed)| *allowed);
        for (used, line) in source.first_segments(&["crate", "::"]) {
            let is_room = ROOMS.iter().any(|(name, _)| *name == used);
            if is_room && used != room && !allowed.contains(&used.as_str()) {
                violations.push(format!("{}:{line}: `{room}` uses `crate::{used}`", source.path));
            }
        }
        // `super` may go up to the room, not out of it.
        let levels = source.path.matches('/').count() - usize::from(source.path.ends_with("/mod.rs"));
        let out = vec![["super", "::"]; levels].concat();
        for line in source.lines_with(&out) {
            violations.push(format!("{}:{line}: `super` leads out of `{room}`", source.path));
        }
    }
    hold(
        &violations,
        "move what is shared into a room beneath both, or hand it in from above; what each room may use stands in ROOMS in \
         tests/architecture.rs and in docs/ARCHITECTURE.md. Spell another room as `crate::ROOM`.",
    );
}

/// What the services use of `assessment`: what reads and plans. Nothing of it runs anything.
const READ_AND_PLAN: [&str; 7] =
    ["check", "documents", "extensions", "plan", "AssessmentError", "ProfileProblem", "ProfileSource"];

#[test]
fn a_server_reads_and_plans_and_runs_nothing() {
    let mut violations = Vec::new();
    for source in library().iter().filter(|source| source.room() == Some("services")) {
        for (used, line) in source.first_segments(&["crate", "::", "assessment", "::"]) {
            if !READ_AND_PLAN.contains(&used.as_str()) {
                violations.push(format!("{}:{line}: `crate::assessment::{used}`", source.path));
            }
        }
        for line in source.lines_with(&["crate", "::", "assessment", ";"]) {
            violations.push(format!("{}:{line}: all of `crate::assessment`", source.path));
        }
    }
    hold(
        &violations,
        "an assessment is executed by a process of its own, which `jobs` starts; a service may look at profiles and extensions and plan with \
         them, with what READ_AND_PLAN names.",
    );
}

#[test]
fn statuses_stay_in_the_rooms_that_speak_grpc() {
    let mut violations = Vec::new();
    for source in library().iter().filter(|source| source.room().is_some_and(|room| !KNOW_STATUS.contains(&room))) {
        for line in source.lines_with(&["Status"]) {
            violations.push(format!("{}:{line}: `Status`", source.path));
        }
    }
    hold(
        &violations,
        "return the room's own error; `src/services/status.rs` turns it into a status, in one match. Only services, server, client and cli \
         know tonic's Status.",
    );
}

#[test]
fn protobuf_types_stay_above_the_domain() {
    let mut violations = Vec::new();
    for source in library().iter().filter(|source| source.room().is_some_and(|room| !KNOW_PROTOBUF.contains(&room))) {
        for name in ["pb", "prost", "prost_types", "prost_reflect", "tonic"] {
            for line in source.lines_with(&[name, "::"]) {
                violations.push(format!("{}:{line}: `{name}::`", source.path));
            }
        }
    }
    hold(
        &violations,
        "use a type of `model` here, and convert in `src/services/convert.rs` or `src/services/parse.rs`.",
    );
}

#[test]
fn only_the_gate_and_ambient_open_files() {
    let stands_in = |path: &str, places: &[&str]| {
        let rest_of = |place: &&str| path.strip_prefix(*place);
        places.iter().filter_map(rest_of).any(|rest| rest.starts_with('/') || rest == ".rs")
    };
    let mut violations = Vec::new();
    for source in library() {
        for (crate_name, places) in [("std", &OPEN_FILES[..]), ("tokio", &OPEN_FILES[..]), ("rustix", &RAW_FILES[..])] {
            for (segment, line) in source.first_segments(&[crate_name, "::"]) {
                if segment == "fs" && !stands_in(&source.path, places) {
                    violations.push(format!("{}:{line}: `{crate_name}::fs`", source.path));
                }
            }
        }
        if !stands_in(&source.path, &OPEN_FILES[1..]) && source.path != "src/lib.rs" {
            for line in source.lines_with(&["clippy", "::", "disallowed_methods"]) {
                violations.push(format!("{}:{line}: lifts clippy::disallowed_methods", source.path));
            }
        }
    }
    hold(
        &violations,
        "what a request or a document names is opened through `repository::root`; a path of the operator's through a function of \
         `repository::ambient`; a run is written through `repository::record`.",
    );
}

#[test]
fn nothing_panics_for_convenience() {
    let mut violations = Vec::new();
    for source in library() {
        let calls = [&[".", "unwrap", "(", ")"][..], &[".", "expect", "("][..]];
        for line in calls.iter().flat_map(|call| source.lines_with(call)) {
            let above: Vec<&str> = source.text.lines().take(line).collect();
            let nearby = above.iter().rev().take(8);
            let is_excused = nearby.copied().any(|text| {
                text.contains("#[expect(clippy::expect_used") || text.contains("#[expect(clippy::unwrap_used")
            });
            if !is_excused {
                violations.push(format!("{}:{line}", source.path));
            }
        }
    }
    hold(
        &violations,
        "return an error, or give a value for the case that cannot be; where a panic is right, say why with \
         #[expect(clippy::expect_used, reason = \"…\")] on the function.",
    );
}

#[test]
fn every_file_says_what_its_room_is_for() {
    let mut files = rust_files("src");
    files.extend(rust_files("tests"));
    files.push(manifest_dir().join("build.rs"));
    let violations: Vec<String> = files
        .iter()
        .map(|path| source(path))
        .filter(|source| !source.text.lines().next().is_some_and(|line| line.starts_with("//! ")))
        .map(|source| source.path)
        .collect();
    hold(&violations, "begin the file with a `//!` line that says what it is for.");
}

#[test]
fn no_file_is_too_long() {
    let violations: Vec<String> = rust_files("src")
        .iter()
        .map(|path| source(path))
        .filter(|source| source.text.lines().count() > MAX_LINES)
        .map(|source| format!("{}: {} lines", source.path, source.text.lines().count()))
        .collect();
    hold(&violations, &format!("a file past {MAX_LINES} lines is two rooms: split it where it changes its subject."));
}

#[test]
fn the_maps_name_every_room_in_order() {
    let read = |name: &str| std::fs::read_to_string(manifest_dir().join(name)).unwrap_or_default();
    let (map, guide) = (read("src/lib.rs"), read("docs/ARCHITECTURE.md"));
    let mut violations = Vec::new();
    let (mut in_map, mut in_guide) = (0, 0);
    for (room, _) in ROOMS {
        match map.find(&format!("//! - [`{room}`]: ")) {
            Some(place) if place > in_map => in_map = place,
            _ => violations.push(format!("src/lib.rs does not describe `{room}` in its place")),
        }
        match guide.find(&format!("| `{room}` | ")) {
            Some(place) if place > in_guide => in_guide = place,
            _ => violations.push(format!("docs/ARCHITECTURE.md has no row for `{room}` in its place")),
        }
    }
    for module in read("src/lib.rs").lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')) {
        if !ROOMS.iter().any(|(room, _)| *room == module) {
            violations.push(format!("src/lib.rs has `{module}`, which is no room of ROOMS"));
        }
    }
    hold(
        &violations,
        "keep ROOMS in tests/architecture.rs, the map in src/lib.rs and the table in docs/ARCHITECTURE.md the same.",
    );
}
