//! The settings table of `docs/operations.md` is that of the command tree (`GUIDE_BOARD_BLESS=1` writes it anew), and other facts of the tree.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::{Cli, PROGRAM, settings};

const BEGIN: &str = "<!-- begin: settings of the command tree -->\n";
const END: &str = "<!-- end: settings of the command tree -->";

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

fn row(arg: &Arg) -> Option<String> {
    let long = arg.get_long().filter(|long| !matches!(*long, "help" | "version") && !arg.is_hide_set())?;
    let value = match arg.get_action() {
        ArgAction::SetTrue => String::new(),
        _ => arg.get_value_names().into_iter().flatten().map(|name| format!(" {name}")).collect(),
    };
    let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = if matches!(arg.get_action(), ArgAction::SetTrue) { String::new() } else { defaults.join(", ") };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
    Some(format!("| `--{long}{value}` | {} | {} | {help} |\n", code(&variable), code(&default)))
}

fn section(text: &mut String, command: &Command, name: &str) {
    let rows: String = command.get_arguments().filter_map(row).collect();
    if !rows.is_empty() {
        let _ = write!(text, "### `{name}`\n\n| option | variable | default | |\n|---|---|---|---|\n{rows}\n");
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        section(text, below, &format!("{name} {}", below.get_name()));
    }
}

#[test]
fn the_settings_of_the_document_are_those_of_the_tree() {
    let mut text = String::new();
    section(&mut text, &settings::tree(), "guide-board");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
    let whole = std::fs::read_to_string(path).expect("docs/operations.md");
    let (head, rest) = whole.split_once(BEGIN).expect("the beginning of the table");
    let (stands, tail) = rest.split_once(END).expect("the end of the table");
    let wanted = format!("\n{}\n\n", text.trim());
    if stands != wanted && std::env::var_os("GUIDE_BOARD_BLESS").is_some() {
        std::fs::write(path, format!("{head}{BEGIN}{wanted}{END}{tail}")).expect("written");
        return;
    }
    let first = stands.lines().zip(wanted.lines()).find(|(stands, wanted)| stands != wanted);
    assert!(
        stands == wanted,
        "docs/operations.md is not what the tree says, first at {first:?}; GUIDE_BOARD_BLESS=1 cargo test --lib cli::tests writes it anew"
    );
}

#[test]
fn a_label_given_twice_is_refused_and_not_dropped() {
    let labels = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), "v".to_owned())).collect::<Vec<_>>();
    assert_eq!(super::distinct_labels(&labels(&["a", "b"])).map(|labels| labels.len()).ok(), Some(2));
    assert!(super::distinct_labels(&labels(&["a", "b", "a"])).is_err());
}

/// Every command that help shows, with the words that lead to it.
fn commands() -> Vec<(String, Command)> {
    fn add(command: &Command, words: &str, found: &mut Vec<(String, Command)>) {
        found.push((words.to_owned(), command.clone()));
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            add(below, &format!("{words} {}", below.get_name()), found);
        }
    }
    let mut found = Vec::new();
    add(&Cli::command(), PROGRAM, &mut found);
    found
}

/// The commands below `Examples:` in a command's help, without what follows a pipe or a redirection. None may stand elsewhere.
fn examples(command: &Command) -> Vec<Vec<String>> {
    let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let (_, rest) = help.split_once("Examples:\n").unwrap_or_default();
    let text = rest.split("\n\n").next().unwrap_or_default().replace("\\\n", " ");
    let of_line = |line: &str| -> Vec<String> {
        let words = shlex::split(line.trim()).expect("words");
        words.into_iter().take_while(|word| !matches!(word.as_str(), "|" | ">" | ">>")).collect()
    };
    text.lines().map(of_line).collect()
}

#[test]
fn every_command_has_examples_of_itself_and_every_example_is_accepted() {
    let mut wrong = Vec::new();
    for (words, command) in commands() {
        let examples = examples(&command);
        let is_leaf = !command.has_subcommands();
        let path: Vec<&str> = words.split(' ').collect();
        if !examples.iter().any(|example| example.iter().map(String::as_str).take(path.len()).eq(path.iter().copied()))
        {
            wrong.push(format!("`{words} --help` has no example of itself"));
        }
        if is_leaf && command.get_after_long_help().is_none_or(|help| !help.to_string().contains("\nExit codes:\n")) {
            wrong.push(format!("`{words} --help` has no exit codes"));
        }
        for example in examples {
            assert_eq!(example.first().map(String::as_str), Some(PROGRAM), "{words}: {example:?}");
            // `help` is answered as an error that is none.
            if let Err(error) = settings::tree().try_get_matches_from(&example)
                && error.use_stderr()
            {
                wrong.push(format!("`{words} --help`: {example:?}: {error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
