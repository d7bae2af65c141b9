//! The configuration file that `init` writes: every option of the command tree as a comment, so that it changes nothing as it is.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

use crate::cli::settings;

/// The longest line of a comment, in characters.
const WIDTH: usize = 100;

const HEAD: &str = "\
# Settings of guide-board. The file is read where --config or GUIDE_BOARD_CONFIG names it.
#
# Every option stands here with its default, behind a `#`: take that away and change the value. Where there is no default, the line
# ends with `# no default`, and its value only shows the form. An option of the command line wins over its environment variable, and that
# over this file. Relative paths are resolved where the command runs.
";

/// The whole file.
pub(super) fn text() -> String {
    let mut text = HEAD.to_owned();
    section(&mut text, &settings::tree(), "");
    text
}

/// The options of a command in a table of its name, and those of the commands below it.
fn section(text: &mut String, command: &Command, table: &str) {
    let settings: Vec<&Arg> = command.get_arguments().filter(|arg| is_setting(arg)).collect();
    if !settings.is_empty() && !table.is_empty() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = write!(text, "\n# {about}\n[{table}]\n");
    }
    for arg in settings {
        setting(text, arg);
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let name = below.get_name();
        section(text, below, &if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") });
    }
}

fn is_setting(arg: &Arg) -> bool {
    // A file cannot name the file.
    arg.get_long().is_some_and(|long| !matches!(long, "help" | "version" | "config")) && !arg.is_hide_set()
}

fn setting(text: &mut String, arg: &Arg) {
    let long = arg.get_long().unwrap_or_default();
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let shape = arg.get_value_names().and_then(|names| names.first()).filter(|_| !is_switch);
    let mut explained = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let words = arg.get_possible_values();
    if !words.is_empty() && !is_switch {
        let words: Vec<_> = words.iter().filter(|word| !word.is_hide_set()).map(|word| word.get_name()).collect();
        let _ = write!(explained, ": {}", words.join(", "));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(explained, " [{}]", variable.to_string_lossy());
    }
    text.push('\n');
    for line in wrapped(&explained) {
        let _ = writeln!(text, "# {line}");
    }
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| literal(&value.to_string_lossy())).collect();
    let is_list = matches!(arg.get_action(), ArgAction::Append);
    let form = || literal(shape.map(|name| name.as_str()).unwrap_or_default());
    let (value, remark) = match defaults.as_slice() {
        _ if is_switch => ("false".to_owned(), ""),
        [] if is_list => (format!("[{}]", form()), "  # no default"),
        [] => (form(), "  # no default"),
        defaults if is_list => (format!("[{}]", defaults.join(", ")), ""),
        [first, ..] => (first.clone(), ""),
    };
    let _ = writeln!(text, "#{long} = {value}{remark}");
}

/// A value as TOML: a number where it reads back as the same text.
fn literal(text: &str) -> String {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => text.to_owned(),
        _ => toml::Value::from(text).to_string(),
    }
}

/// A text in lines.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if let Some(last) = lines.last_mut() {
            if last.is_empty() {
                last.push_str(word);
                continue;
            }
            if last.chars().count() + 1 + word.chars().count() <= WIDTH {
                last.push(' ');
                last.push_str(word);
                continue;
            }
        }
        lines.push(word.to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::settings::check_file;

    /// Every line that is a setting, as it is without its `#`.
    fn settings() -> Vec<String> {
        let text = text();
        let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
        text.lines().filter(is_setting).map(|line| line.trim_start_matches('#').to_owned()).collect()
    }

    #[test]
    fn the_file_is_accepted_as_it_is_and_changes_nothing() {
        check_file(&text()).expect("accepted");
        let table: toml::Table = text().parse().expect("TOML");
        fn is_empty(table: &toml::Table) -> bool {
            table.values().all(|value| value.as_table().is_some_and(is_empty))
        }
        assert!(is_empty(&table), "{table}");
    }

    #[test]
    fn every_default_is_accepted_when_its_comment_sign_is_taken_away() {
        let opened: String = text()
            .lines()
            .map(|line| {
                let is_default = line.starts_with('#') && !line.starts_with("# ") && !line.ends_with("# no default");
                format!("{}\n", if is_default { line.trim_start_matches('#') } else { line })
            })
            .collect();
        check_file(&opened).expect("accepted");
        assert!(opened.contains("\nuds-mode = \"0600\"\n"), "a text that looks like a number stays a text: {opened}");
        assert!(settings().iter().filter(|line| !line.ends_with("# no default")).count() > 40);
    }

    #[test]
    fn every_form_of_a_value_without_default_is_toml() {
        for line in settings() {
            assert!(line.parse::<toml::Table>().is_ok(), "{line}");
        }
    }

    #[test]
    fn every_option_stands_in_it_once() {
        fn count(command: &Command) -> usize {
            let below = command.get_subcommands().filter(|below| !below.is_hide_set());
            command.get_arguments().filter(|arg| is_setting(arg)).count() + below.map(count).sum::<usize>()
        }
        assert_eq!(settings().len(), count(&settings::tree()));
    }
}
