//! `guide-board completions`: the completions of a shell, made from the command tree.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Args, Command, CommandFactory, ValueHint};
use clap_complete::aot::{Shell, generate};

use super::exit::{self, Failure};
use super::{Cli, PROGRAM};

const EXAMPLES: &str = "\
Examples:
  guide-board completions bash > guide-board.bash
  guide-board completions zsh > _guide-board

Where shells look:
  bash        ~/.local/share/bash-completion/completions/guide-board
              (with the package bash-completion; without it, source the file)
  zsh         a directory of $fpath, as _guide-board
  fish        ~/.config/fish/completions/guide-board.fish
  elvish      in ~/.config/elvish/rc.elv:
              eval (guide-board completions elvish | slurp)
  powershell  in the file that $PROFILE names:
              guide-board completions powershell | Out-String | iex

Exit codes:
  0 done, 2 wrong usage";

/// Prints the completions of a shell
///
/// The script goes to standard output. It knows the commands, their options, the words that an option takes, and where files and directories are
/// wanted. It is that of this version: write it anew when the program is updated.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &CompletionsArgs) -> ExitCode {
    // Not through the writer for people: a script goes out as it is.
    let mut stdout = std::io::stdout().lock();
    let printed = stdout.write_all(script(args.shell).as_bytes()).and_then(|()| stdout.flush());
    exit::code_of(printed.map(|()| exit::DONE).map_err(Failure::from))
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut shown(&Cli::command()), PROGRAM, &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    if shell != Shell::Bash {
        return script;
    }
    // The generator spells the hyphen of the name in two ways, so that nothing below a subcommand would be completed (clap-rs/clap#6421).
    script.replace(&PROGRAM.replace('-', "__subcmd__"), &PROGRAM.replace('-', "__"))
}

/// A command as completions show it: without what is hidden, and every value with a hint of what it is.
fn shown(command: &Command) -> Command {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let mut kept =
        Command::new(command.get_name().to_owned()).args(arguments.map(hinted)).subcommands(below.map(shown));
    if let Some(about) = command.get_about() {
        kept = kept.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        kept = kept.version(version.to_owned());
    }
    kept
}

/// An option or argument with what the name of its value says about it.
fn hinted(argument: &Arg) -> Arg {
    let argument = argument.clone();
    if !argument.is_positional() && !matches!(argument.get_action(), ArgAction::Set | ArgAction::Append) {
        return argument;
    }
    let hint = match argument.get_value_names().and_then(|names| names.first()).map(|name| name.as_str()) {
        Some("DIR" | "[NAME=]DIR" | "DIR|NAME") => ValueHint::DirPath,
        Some("FILE") => ValueHint::FilePath,
        // Of a server, and of a socket; in a run it is a path that only the run knows, and a file is the nearest.
        Some("PATH" | "URL") => ValueHint::AnyPath,
        Some("COMMAND") => ValueHint::CommandName,
        _ => ValueHint::Other,
    };
    argument.value_hint(hint)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    fn words(command: &Command, into: &mut Vec<String>) {
        into.extend(command.get_subcommands().map(|below| below.get_name().to_owned()));
        into.extend(command.get_arguments().filter_map(|argument| Some(argument.get_long()?.to_owned())));
        command.get_subcommands().for_each(|below| words(below, into));
    }

    #[test]
    fn every_shell_gets_every_command_and_option_that_is_shown_and_the_same_each_time() {
        let mut wanted = Vec::new();
        words(&shown(&Cli::command()), &mut wanted);
        for shell in Shell::value_variants() {
            let text = script(*shell);
            let lost: Vec<_> = wanted.iter().filter(|word| !text.contains(*word)).collect();
            assert!(lost.is_empty(), "{shell}: {lost:?}");
            assert_eq!(script(*shell), text, "{shell}");
        }
    }

    #[test]
    fn what_is_hidden_is_not_completed() {
        for shell in Shell::value_variants() {
            let text = script(*shell);
            for hidden in ["supervise", "sample-noop", "until-stdin-ends"] {
                assert!(!text.contains(hidden), "{shell}: {hidden}");
            }
        }
    }
}
