//! `guide-board tokens new`: a token for a caller, and the entry that a tokens file holds for it.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::exit::{self, Failure};
use super::terminal;
use crate::model::RootName;
use crate::server::access::tokens::{digest, parse};
use crate::services::Scope;

/// The random bytes of a token.
const TOKEN_BYTES: usize = 32;

const EXAMPLES: &str = "\
Examples:
  guide-board tokens new --name ci --scope read --scope run --runs-root ci \\
    >> tokens.toml
  guide-board tokens new --name dashboard --scope read >> tokens.toml

Exit codes:
  0 done, 2 wrong usage";

/// Makes tokens for `serve --tokens`
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct TokensArgs {
    #[command(subcommand)]
    command: TokensCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum TokensCommand {
    New(NewArgs),
}

/// Prints a new token, and the entry for it in a tokens file
///
/// Standard output gets the entry, to be appended to the file that `serve --tokens` names; a running server takes it up within two seconds. It
/// holds the token's SHA-256, so that the file is no secret.
///
/// Standard error gets the token, this once. Give it to the caller, who sends it as `authorization: Bearer TOKEN`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
struct NewArgs {
    /// The caller's name, for the log; each has its own
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What the caller may do: read, or run to start and cancel runs; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scope)]
    scopes: Vec<Scope>,
    /// A runs directory that the caller sees, by its name; may be repeated [default: all]
    #[arg(long = "runs-root", value_name = "NAME")]
    roots: Vec<RootName>,
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::from_word(text).ok_or_else(|| "a scope is read or run".to_owned())
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &TokensArgs) -> ExitCode {
    let TokensCommand::New(args) = &args.command;
    exit::code_of(new(args).map(|()| exit::DONE))
}

fn new(args: &NewArgs) -> Result<(), Failure> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(exit::INTERNAL, format!("no random numbers: {error}")))?;
    let token = data_encoding::BASE64URL_NOPAD.encode(&bytes);
    let entry = entry(args, &token);
    // What would be refused later is refused now; its line is that of an entry that nobody has seen.
    parse(&entry).map_err(|error| {
        let told = error.to_string();
        let what = told.split_once(": ").map_or(told.as_str(), |(_, what)| what);
        Failure::new(exit::USAGE, what.to_owned())
    })?;
    // The empty line lets it follow whatever stands in the file, with or without a line's end.
    terminal::print(&format!("\n{entry}"))?;
    terminal::note(&format!("the token of {}, shown this once: {token}", terminal::cell(&args.name)));
    Ok(())
}

fn entry(args: &NewArgs, token: &str) -> String {
    let list =
        |words: &mut dyn Iterator<Item = &str>| words.map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let name = toml::Value::from(args.name.as_str());
    let digest = data_encoding::HEXLOWER.encode(&digest(token));
    let scopes = list(&mut args.scopes.iter().map(|scope| scope.word()));
    let mut entry = format!("[[token]]\nname = {name}\nsha256 = \"{digest}\"\nscopes = [{scopes}]\n");
    if !args.roots.is_empty() {
        let roots = list(&mut args.roots.iter().map(RootName::as_str));
        entry.push_str(&format!("roots = [{roots}]\n"));
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_is_that_of_the_token_and_holds_it_not() {
        let roots = vec!["ci".parse().expect("a name"), "lab".parse().expect("a name")];
        let args = NewArgs { name: "ci@x".to_owned(), scopes: vec![Scope::Read, Scope::Run], roots };
        let token = "0123456789abcdef-token";
        let entry = entry(&args, token);
        assert_eq!(parse(&entry).expect("an entry").len(), 1);
        assert!(!entry.contains(token) && entry.ends_with("scopes = [\"read\", \"run\"]\nroots = [\"ci\", \"lab\"]\n"));
        let plain = format!("[[token]]\nname = \"other\"\ntoken = \"{token}\"\nscopes = [\"read\"]\n");
        assert!(parse(&(entry + &plain)).is_err(), "both are the same token");
    }
}
