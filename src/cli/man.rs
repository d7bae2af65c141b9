//! `guide-board man`: the manual pages, made from the command tree.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::exit::{self, Failure};
use super::{PROGRAM, settings, terminal};
use crate::repository::ambient;

/// The section of user commands.
const SECTION: &str = "1";

/// How roff is told what an apostrophe is.
const APOSTROPHE: [&str; 2] = [".ie \\n(.g .ds Aq \\(aq", ".el .ds Aq '"];

const EXAMPLES: &str = "\
Examples:
  guide-board man | man -l -
  guide-board man --output-dir man1

Exit codes:
  0 done; 1 the page cannot be printed; 2 wrong usage, or DIR cannot be written";

/// Prints the manual page, or writes one for each command
///
/// Without an option the page guide-board(1) goes to standard output. With --output-dir one page for each command is written, guide-board.1,
/// guide-board-runs-list.1 and so on, for a package or for a directory man1 of the MANPATH. A page that stands there is replaced; other files stay.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ManArgs {
    /// Write every page into this directory; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &ManArgs) -> ExitCode {
    exit::code_of(match &args.output_dir {
        None => printed(),
        Some(directory) => written(directory),
    })
}

fn printed() -> Result<u8, Failure> {
    let pages = pages()?;
    let (_, page) = pages.first().ok_or_else(|| Failure::new(exit::INTERNAL, "there is no page"))?;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(page.as_bytes())?;
    stdout.flush()?;
    Ok(exit::DONE)
}

fn written(directory: &Path) -> Result<u8, Failure> {
    let unwritable = |error: ambient::AmbientError| {
        Failure::new(exit::USAGE, format!("{error}; --output-dir names a directory that you may write"))
    };
    let pages = pages()?;
    ambient::create_directories(directory).map_err(unwritable)?;
    for (name, page) in &pages {
        ambient::write_atomically(&directory.join(name), page).map_err(unwritable)?;
    }
    let count = u64::try_from(pages.len()).unwrap_or(u64::MAX);
    terminal::print(&format!(
        "{} in {}\n",
        terminal::counted(count, "page"),
        terminal::cell(&directory.to_string_lossy())
    ))?;
    Ok(exit::DONE)
}

/// Every page and the name of its file, a command before those below it.
fn pages() -> Result<Vec<(String, String)>, Failure> {
    let mut tree = settings::tree().disable_help_subcommand(true);
    tree.build();
    let mut pages = Vec::new();
    add(&tree, None, &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, above: Option<&str>, pages: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let text = page(command, name, above)?;
    pages.push((format!("{name}.{SECTION}"), text));
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| add(below, Some(name), pages))
}

fn page(command: &Command, name: &str, above: Option<&str>) -> Result<String, Failure> {
    let man = Man::new(prepared(command)).section(SECTION);
    // The date stays empty, so that the same version gives the same page; the generator would leave out its place.
    let title = name.to_uppercase().replace('-', "\\-");
    let title =
        format!(".TH {title} {SECTION} \"\" \"{PROGRAM} {}\" \"Manual of {PROGRAM}\"\n", env!("CARGO_PKG_VERSION"));
    let mut page = title.into_bytes();
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.get_subcommands().any(|below| !below.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    if let Some(text) = command.get_after_long_help() {
        sections(&mut rest, &text.to_string());
    }
    if let Some(above) = above {
        rest.control("SH", ["SEE ALSO"]);
        rest.text([bold(above), roman(format!("({SECTION})"))]);
    }
    rest.to_writer(&mut page)?;
    let page = String::from_utf8(page)
        .map_err(|error| Failure::new(exit::INTERNAL, format!("a page is not UTF-8: {error}")))?;
    Ok(tidied(&page))
}

/// A page without what its generator repeats: each section brings the definition of the apostrophe again, lines end with blanks, and breaks stand
/// beside empty lines.
fn tidied(page: &str) -> String {
    let lines = page.lines().filter(|line| !APOSTROPHE.contains(line)).map(str::trim_end);
    let text: String = APOSTROPHE.into_iter().chain(lines).map(|line| format!("{line}\n")).collect();
    text.replace("\n.br\n\n.br\n", "\n.sp\n")
}

/// A command as its page wants it: the usage of its help, a description that does not begin with the page's own first line, and a text for
/// every option, those that only the long help shows included.
fn prepared(command: &Command) -> Command {
    let mut command =
        command.clone().mut_args(|argument| match (argument.get_long_help(), argument.get_help().cloned()) {
            (None, Some(help)) => argument.long_help(help),
            _ => argument,
        });
    let usage = command.render_usage().to_string();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
    if let Some(rest) = long.strip_prefix(about.as_str()).map(str::trim_start).filter(|rest| !rest.is_empty()) {
        command = command.long_about(rest.to_owned());
    }
    command.override_usage(usage.trim_start_matches("Usage: ").to_owned())
}

/// What help ends with, as sections: a line at the margin that ends with a colon is a heading, and what is below it stays as it is.
fn sections(page: &mut Roff, text: &str) {
    let mut is_open = false;
    for line in text.lines() {
        let heading = line.strip_suffix(':').filter(|heading| !heading.starts_with(' '));
        if let Some(heading) = heading {
            if std::mem::replace(&mut is_open, true) {
                page.control("fi", []);
            }
            let title = if heading == "Exit codes" { "EXIT STATUS".to_owned() } else { heading.to_uppercase() };
            page.control("SH", [title.as_str()]);
            page.control("nf", []);
        } else if !line.is_empty() {
            page.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
    }
    if is_open {
        page.control("fi", []);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_sections_and_stands_in_a_file_of_its_name() {
        let pages = pages().expect("pages");
        assert!(pages.len() > 30, "{}", pages.len());
        assert_eq!(pages.first().map(|(name, _)| name.as_str()), Some("guide-board.1"));
        for (name, page) in &pages {
            let title = name.trim_end_matches(".1").to_uppercase().replace('-', "\\-");
            assert!(page.contains(&format!("\n.TH {title} 1 \"\" \"guide-board ")), "{name}: {page}");
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "\"EXIT STATUS\""] {
                assert_eq!(page.matches(&format!("\n.SH {section}\n")).count(), 1, "{name}: {section}");
            }
            assert!(!page.contains(" \n") && page.matches(APOSTROPHE[1]).count() == 1, "{name}");
            assert_eq!(page.matches("\n.nf\n").count(), page.matches("\n.fi\n").count(), "{name}");
        }
    }

    #[test]
    fn an_option_s_variable_stands_in_its_page_and_hidden_commands_have_none() {
        let pages = pages().expect("pages");
        let page = |wanted: &str| pages.iter().find(|(name, _)| name == wanted).map(|(_, page)| page.as_str());
        assert!(page("guide-board-runs-list.1").is_some_and(|page| page.contains("GUIDE_BOARD_RUNS_LIST_LIMIT")));
        assert!(page("guide-board-runs.1").is_some_and(|page| page.contains("How opens are confined to a run")));
        assert!(page("guide-board-supervise.1").is_none() && page("guide-board-help.1").is_none());
        assert!(!page("guide-board.1").unwrap_or_default().contains("supervise"));
    }

    #[test]
    fn lines_that_roff_would_take_for_its_own_are_shown() {
        let mut page = Roff::new();
        sections(&mut page, "Examples:\n  .hidden \\n\n  'quoted'\n\nMore:\n  -x");
        let text = page.render();
        assert!(text.contains("\n\\&.hidden \\\\n\n"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with(".nf") || line.starts_with(".fi")).count(), 4, "{text}");
    }
}
