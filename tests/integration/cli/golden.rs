//! Executes the golden files of `golden/` and compares. `GUIDE_BOARD_BLESS=1` writes them anew; read the difference before keeping it.
//!
//! A golden file is a transcript. `$ NAME=value… guide-board …` is a command, words split at blanks, blanks kept within single quotes. What it
//! writes to standard output follows as it is, each line of standard error behind `! `, and `? N` when its exit code is not 0. A text without a
//! line break at its end is followed by `\ no line break`. Lines that begin with `;; ` are comments. Blanks at the end of a line do not count.
//!
//! `golden/help/` holds what `-h` and `--help` of every command say, a file each; it is written from the commands that help lists.

use std::path::{Path, PathBuf};

use super::place::Place;

fn golden_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/cli/golden")
}

fn is_blessing() -> bool {
    std::env::var_os("GUIDE_BOARD_BLESS").is_some()
}

fn check(name: &str) {
    let file = golden_directory().join(format!("{name}.txt"));
    let written = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
    let place = Place::new();
    let mut printed = String::new();
    for line in written.lines() {
        if line.starts_with(";;") {
            printed.push_str(&format!("{line}\n"));
        } else if let Some(command) = line.strip_prefix("$ ") {
            printed.push_str(&format!("$ {command}\n{}\n", execute(&place, command)));
        }
    }
    hold(&file, &written, &printed);
}

/// Fails unless what is printed is what is written.
#[track_caller]
fn hold(file: &Path, written: &str, printed: &str) {
    if printed == written {
        return;
    }
    if is_blessing() {
        std::fs::write(file, printed).expect("written");
        return;
    }
    let name = file.strip_prefix(golden_directory()).expect("a golden file").display();
    panic!(
        "golden/{name}: {}\nGUIDE_BOARD_BLESS=1 cargo test --test integration cli::golden writes it anew",
        difference(written, printed)
    );
}

/// The first difference, with the command that it belongs to.
fn difference(written: &str, printed: &str) -> String {
    let mut command = "";
    let (mut left, mut right) = (written.lines(), printed.lines());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return "they differ in line breaks".to_owned(),
            (left, right) if left != right => {
                return format!("after `{command}`\n  the file says  {left:?}\n  it printed     {right:?}");
            }
            (Some(line), _) if line.starts_with("$ ") => command = line,
            _ => {}
        }
    }
}

fn execute(place: &Place, line: &str) -> String {
    let words = words(line);
    let program = words.iter().position(|word| word == "guide-board").expect("the program's name");
    let (variables, arguments) = words.split_at(program);
    let mut command = place.command();
    command.args(&arguments[1..]);
    command.envs(variables.iter().map(|variable| variable.split_once('=').expect("NAME=value")));
    let output = command.output().expect("the binary runs");
    let lines = |bytes: &[u8], mark: &str| {
        let text = place.redacted(&String::from_utf8_lossy(bytes));
        let mut marked: String = text.lines().map(|line| format!("{}\n", format!("{mark}{line}").trim_end())).collect();
        if !text.is_empty() && !text.ends_with('\n') {
            marked.push_str("\\ no line break\n");
        }
        marked
    };
    let mut transcript = format!("{}{}", lines(&output.stdout, ""), lines(&output.stderr, "! "));
    match output.status.code() {
        Some(0) => {}
        Some(code) => transcript.push_str(&format!("? {code}\n")),
        None => transcript.push_str("? ended by a signal\n"),
    }
    transcript
}

/// A command line in words.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => words.last_mut().expect("a word").push(letter),
        }
    }
    words
}

macro_rules! golden {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )+

        #[test]
        fn every_golden_file_is_executed() {
            let mut found = names(&golden_directory());
            found.retain(|name| name != "help");
            let mut known = vec![$(concat!(stringify!($name), ".txt")),+];
            found.sort();
            known.sort_unstable();
            assert_eq!(found, known);
        }
    };
}

golden!(
    artifacts, cat, errors, extensions, help, init, items, json, latest, list, man, plan, problems, pull, report, run,
    serve, settings, show, usage,
);

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("listed");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
}

/// The names below `Commands:` of a short help.
fn listed(help: &str) -> Vec<String> {
    let (_, rest) = help.split_once("\nCommands:\n").unwrap_or_default();
    let lines = rest.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn help_of_every_command() {
    let place = Place::new();
    let directory = golden_directory().join("help");
    let mut waiting = vec!["guide-board".to_owned()];
    let mut known = Vec::new();
    while let Some(command) = waiting.pop() {
        let short = execute(&place, &format!("{command} -h"));
        let long = execute(&place, &format!("{command} --help"));
        assert!(long.contains("\nExamples:\n"), "{command}");
        let file = directory.join(format!("{}.txt", command.replace(' ', "-")));
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        hold(&file, &written, &format!("$ {command} -h\n{short}\n$ {command} --help\n{long}\n"));
        waiting.extend(listed(&short).into_iter().map(|below| format!("{command} {below}")));
        known.push(file);
    }
    assert!(known.len() > 30, "{known:?}");
    for left in names(&directory).into_iter().map(|name| directory.join(name)).filter(|file| !known.contains(file)) {
        assert!(is_blessing(), "{}: there is no such command", left.display());
        std::fs::remove_file(left).expect("removed");
    }
}

#[test]
fn words_are_split_as_written() {
    assert_eq!(words("A=1 guide-board 'x y' z''"), ["A=1", "guide-board", "x y", "z"]);
}
