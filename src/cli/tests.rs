//! The settings table of `docs/operations.md` is that of the command tree (`GUIDE_BOARD_BLESS=1` writes it anew), and other facts of the tree.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::{Cli, PROGRAM, settings};

const BEGIN: &str = "<!-- begin: settings of the command tree -->\n";
const END: &str = "<!-- end: settings of the command tree -->";

/// An option as its row tells it, but for the command and the variable, which rows that are otherwise the same share.
#[derive(PartialEq, Eq)]
struct Setting {
    option: String,
    default: String,
    meaning: String,
}

/// A row of the table: an option, and the commands that have it, each with its variable.
struct Row {
    setting: Setting,
    places: Vec<(String, String)>,
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

fn setting(arg: &Arg) -> Option<Setting> {
    let long = arg.get_long().filter(|long| !matches!(*long, "help" | "version") && !arg.is_hide_set())?;
    let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
    let names = arg.get_value_names().into_iter().flatten().filter(|_| !is_flag);
    let value: String = names.map(|name| format!(" {name}")).collect();
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = if is_flag { String::new() } else { code(&defaults.join(", ")) };
    let words: Vec<_> = arg.get_possible_values().iter().map(|word| code(word.get_name())).collect();
    let words = if is_flag || words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|").replace('<', "&lt;");
    Some(Setting { option: format!("`--{long}{value}`"), default, meaning: format!("{help}{words}") })
}

/// Adds the options of a command and of those below it, in the order of the tree. Where the same option stands with several commands, it has one row.
fn collect(rows: &mut Vec<Row>, command: &Command, path: &str) {
    for arg in command.get_arguments() {
        let Some(setting) = setting(arg) else { continue };
        let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let place = (if path.is_empty() { "all" } else { path }.to_owned(), variable);
        match rows.iter_mut().find(|row| row.setting == setting) {
            Some(row) => row.places.push(place),
            None => rows.push(Row { setting, places: vec![place] }),
        }
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        collect(rows, below, format!("{path} {}", below.get_name()).trim_start());
    }
}

/// The table. A variable that several commands share is told once, those that differ stand in the order of the commands.
fn table(rows: &[Row]) -> String {
    let mut text = "| command | option | variable | default | |\n|---|---|---|---|---|\n".to_owned();
    for Row { setting: Setting { option, default, meaning }, places } in rows {
        let commands: Vec<_> = places.iter().map(|(command, _)| command.as_str()).collect();
        let mut variables: Vec<_> = places.iter().map(|(_, variable)| code(variable)).collect();
        variables.dedup();
        let (commands, variables) = (commands.join("<br>"), variables.join("<br>"));
        let _ = writeln!(text, "| {commands} | {option} | {variables} | {default} | {meaning} |");
    }
    text
}

#[test]
fn the_settings_of_the_document_are_those_of_the_tree() {
    let mut rows = Vec::new();
    collect(&mut rows, &settings::tree(), "");
    let text = table(&rows);
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

/// Whether an option is one of a command, of those above it, or of those below it.
fn has_option(path: &[&Command], long: &str) -> bool {
    fn here_or_below(command: &Command, long: &str) -> bool {
        let mut arguments = command.get_arguments();
        arguments.any(|arg| arg.get_long() == Some(long) && !arg.is_hide_set())
            || command.get_subcommands().any(|below| here_or_below(below, long))
    }
    let is_above =
        |command: &&Command| command.get_arguments().any(|arg| arg.get_long() == Some(long) && !arg.is_hide_set());
    matches!(long, "help" | "version")
        || path.iter().any(is_above)
        || path.last().is_some_and(|command| here_or_below(command, long))
}

/// What is wrong with a command line as a document names it: a command or an option that is not in the tree.
fn stale(tree: &Command, words: &str) -> Option<String> {
    let mut path = vec![tree];
    let mut is_command = true;
    for word in words.split_whitespace() {
        let here = path.last().copied().unwrap_or(tree);
        if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            let long = long.split('=').next().unwrap_or(long);
            if !has_option(&path, long) {
                return Some(format!("there is no --{long}"));
            }
            // What follows may be its value.
            is_command = false;
        } else if let Some(below) = here.find_subcommand(word) {
            path.push(below);
        } else if is_command && here.has_subcommands() && word.starts_with(|letter: char| letter.is_ascii_lowercase()) {
            return Some(format!("there is no command {word}"));
        }
    }
    None
}

/// The documents whose options are all of this program.
const OF_OPERATION: [&str; 7] =
    ["durability", "jobs", "kubernetes-jobs", "operations", "reliability", "security", "sidecar"];

#[test]
fn documents_name_no_command_and_no_option_that_is_not_there() {
    let tree = settings::tree();
    assert!(stale(&tree, "runs list --jsn").is_some() && stale(&tree, "runs lits").is_some());
    assert!(stale(&tree, "--root x runs list --limit=3").is_none() && stale(&tree, "serve --help").is_none());
    let repository = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents =
        std::fs::read_dir(repository.join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
    let mut faults = Vec::new();
    for path in documents.chain([repository.join("README.md"), repository.join("SECURITY.md")]) {
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a document");
        // Outside of blocks, whose commands are executed.
        let prose = text.split("```").step_by(2);
        let spans = prose.flat_map(|prose| prose.split('`').skip(1).step_by(2));
        // Elsewhere options of other programs stand alone, too. `--features` is cargo's.
        let is_of_operation = path.file_stem().is_some_and(|stem| OF_OPERATION.iter().any(|name| stem == *name));
        let options = |span: &str| is_of_operation && span.starts_with("--") && !span.starts_with("--features");
        let named = spans.filter_map(|span| {
            Some((span, span.strip_prefix("guide-board ").or_else(|| options(span).then_some(span))?))
        });
        let wrong = named.filter_map(|(span, words)| Some((span, stale(&tree, words)?)));
        faults.extend(wrong.map(|(span, fault)| format!("{}: `{span}`: {fault}", path.display())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
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
        let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        // A line that a terminal of 80 columns breaks cannot be pasted, and no longer stands in its column.
        wrong.extend(
            help.lines()
                .filter(|line| line.chars().count() > 80)
                .map(|line| format!("`{words} --help`: too long: {line}")),
        );
        let path: Vec<&str> = words.split(' ').collect();
        if !examples.iter().any(|example| example.iter().map(String::as_str).take(path.len()).eq(path.iter().copied()))
        {
            wrong.push(format!("`{words} --help` has no example of itself"));
        }
        if is_leaf && !help.contains("\nExit codes:\n") {
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
