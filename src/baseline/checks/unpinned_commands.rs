//! Commands that bring in what may change from one run to the next: downloads that are run, packages without a version.
//!
//! What OpenSSF Scorecard finds, with two differences: an exact version counts as pinned (Scorecard asks pip and npm for
//! hashes), and what a variable names is not judged.

use std::collections::HashSet;

use crate::baseline::containers::is_shell;
use crate::baseline::shell::{Command, Word, commands};

use super::unpinned_packages::package;

/// A pipeline is followed back over so many commands.
const MAX_PIPES: usize = 16;
/// Scripts within scripts are read this deep.
const MAX_DEPTH: usize = 4;

/// A command that brings in something unpinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpinned {
    /// The rule.
    pub rule: &'static str,
    /// The line of the script, counted from 0.
    pub line: u64,
    /// What was found and what to do.
    pub sentence: String,
}

/// The files that were downloaded and not checked so far; they last from one step, or `RUN`, to the next.
pub type Downloads = HashSet<String>;

/// The commands of a script that bring in something unpinned.
pub fn unpinned(script: &str, downloaded: &mut Downloads) -> Vec<Unpinned> {
    let mut found = Vec::new();
    collect(script, 0, 0, downloaded, &mut found);
    found
}

fn collect(script: &str, first: u64, depth: usize, downloaded: &mut Downloads, found: &mut Vec<Unpinned>) {
    let commands = commands(script);
    let downloads: HashSet<usize> =
        commands.iter().enumerate().filter(|(_, command)| is_download(command)).map(|(at, _)| at).collect();
    for command in &commands {
        let line = first.saturating_add(command.line);
        if let Some(inner) = shell_script(command).filter(|_| depth < MAX_DEPTH) {
            collect(inner, line, depth.saturating_add(1), downloaded, found);
        }
        if verifies(command) {
            downloaded.clear();
        }
        if runs_download(command, &commands, &downloads, downloaded) {
            found.push(Unpinned {
                rule: "download-then-run",
                line,
                sentence:
                    "what is downloaded is run unseen: check its digest or signature first, or take it from a package \
                           manager at a fixed version."
                        .to_owned(),
            });
        } else if let Some(file) = downloaded_file(command) {
            downloaded.insert(file);
        }
        found.extend(package(command).map(|package| Unpinned {
            rule: package.rule,
            line,
            sentence: format!(
                "`{} {}` leaves the version open: {}.",
                package.tool,
                crate::baseline::found::shorten(&package.name),
                package.remedy
            ),
        }));
    }
}

/// The script that a command gives to a shell with `-c`.
fn shell_script(command: &Command) -> Option<&str> {
    if !is_shell(command.program()) && command.program() != "su" {
        return None;
    }
    let arguments = command.arguments();
    let at = arguments.iter().position(|word| is_dash_c(&word.text))?;
    arguments.get(at.saturating_add(1)).filter(|word| word.substituted.is_empty()).map(|word| word.text.as_str())
}

fn is_dash_c(option: &str) -> bool {
    option.starts_with('-') && !option.starts_with("--") && option.ends_with('c')
}

/// Whether a command checks what was downloaded.
fn verifies(command: &Command) -> bool {
    const TOOLS: [&str; 14] = [
        "sha256sum",
        "sha512sum",
        "sha384sum",
        "sha1sum",
        "shasum",
        "md5sum",
        "b2sum",
        "gpg",
        "gpgv",
        "cosign",
        "minisign",
        "openssl",
        "slsa-verifier",
        "certutil",
    ];
    let program = command.program().to_ascii_lowercase();
    // Functions of the script's own are told by their names.
    TOOLS.contains(&program.as_str())
        || ["checksum", "verify", "sha256", "sha512"].iter().any(|part| program.contains(part))
        || (program == "gh" && command.arguments().first().is_some_and(|word| word.text == "attestation"))
}

fn is_download(command: &Command) -> bool {
    if !["curl", "wget"].contains(&command.program()) {
        return false;
    }
    let mut urls =
        command.arguments().iter().map(|word| word.text.as_str()).filter(|text| text.contains("://")).peekable();
    urls.peek().is_none() || !urls.all(is_fixed_url)
}

/// A URL that names a commit or a digest, or leads to this machine.
fn is_fixed_url(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    let local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| host.starts_with(name));
    let digest = |part: &str| part.len() >= 40 && part.chars().all(|letter| letter.is_ascii_hexdigit());
    local || url.starts_with("file://") || host.split(['/', '?', '=', ':']).any(digest)
}

const INTERPRETERS: [&str; 5] = ["perl", "ruby", "node", "nodejs", "php"];

fn is_interpreter(name: &str) -> bool {
    is_shell(name) || INTERPRETERS.contains(&name) || is_python(name)
}

/// Whether a program is Python, of whatever version.
pub fn is_python(name: &str) -> bool {
    name.strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"))
        .is_some_and(|version| version.chars().all(|letter| letter.is_ascii_digit() || letter == '.'))
}

/// Whether a command runs what one of the `downloads` (by position) gives it, or a file that was downloaded.
fn runs_download(command: &Command, all: &[Command], downloads: &HashSet<usize>, downloaded: &Downloads) -> bool {
    let program = command.program();
    let file = |word: &Word| downloaded.contains(plain(&word.text));
    if command.argv().first().is_some_and(|word| word.text.contains('/') && file(word)) {
        return true;
    }
    let gives_download = |word: &Word| {
        word.substituted.last().is_some_and(|at| downloads.contains(at))
            && (word.text == "<()" || word.text == "$()" || word.text.is_empty())
    };
    if ["eval", "source", "."].contains(&program) {
        return command.arguments().first().is_some_and(|word| gives_download(word) || file(word));
    }
    if !is_interpreter(program) {
        return false;
    }
    let arguments = command.arguments();
    if is_shell(program)
        && let Some(at) = arguments.iter().position(|word| is_dash_c(&word.text))
    {
        return arguments.get(at.saturating_add(1)).is_some_and(gives_download);
    }
    match arguments.iter().find(|word| !word.text.starts_with('-') && !word.text.is_empty()) {
        Some(word) if gives_download(word) || file(word) => return true,
        Some(word) if word.text == "/dev/stdin" => {}
        // Another file is the script; with -s the words are arguments.
        Some(_) if !arguments.iter().any(|word| word.text == "-s" || word.text == "-") => return false,
        _ => {}
    }
    reads_script(program, arguments) && upstream(command, all).any(|at| downloads.contains(&at))
}

/// Whether an interpreter without a script reads one from its input, rather than data.
fn reads_script(program: &str, arguments: &[Word]) -> bool {
    let options: Vec<&str> =
        arguments.iter().map(|word| word.text.as_str()).filter(|text| text.starts_with('-')).collect();
    let data: &[char] = match program {
        "perl" | "ruby" => &['e', 'n', 'p'],
        "node" | "nodejs" => &['e', 'p'],
        "php" => &['r'],
        _ if is_python(program) => &['c', 'm'],
        _ => &[],
    };
    !options.iter().any(|option| !option.starts_with("--") && option.contains(data))
}

/// The positions of the commands whose output reaches a command through pipes, the nearest first.
fn upstream(command: &Command, all: &[Command]) -> impl Iterator<Item = usize> {
    std::iter::successors(command.input, |at| all.get(*at)?.input).take(MAX_PIPES)
}

/// The file that a download leaves.
fn downloaded_file(command: &Command) -> Option<String> {
    if !is_download(command) {
        return None;
    }
    let arguments = command.arguments();
    let named = |options: &[&str], letter: char| {
        arguments.iter().zip(arguments.iter().skip(1)).find_map(|(option, value)| {
            let text = option.text.as_str();
            let short = text.starts_with('-') && !text.starts_with("--") && text.ends_with(letter);
            (short || options.contains(&text)).then(|| plain(&value.text).to_owned())
        })
    };
    let name_of_url = || {
        let url = arguments.iter().map(|word| word.text.as_str()).find(|text| text.contains("://"))?;
        let path = url.split(['?', '#']).next()?.split("://").nth(1)?;
        path.rsplit_once('/').map(|(_, name)| name.to_owned()).filter(|name| !name.is_empty())
    };
    if command.program() == "wget" {
        return named(&["--output-document"], 'O').or_else(name_of_url).filter(|file| file != "-");
    }
    let remote = arguments.iter().any(|word| {
        word.text == "--remote-name"
            || (word.text.starts_with('-') && !word.text.starts_with("--") && word.text.contains('O'))
    });
    named(&["--output"], 'o')
        .or_else(|| command.output.as_deref().map(|file| plain(file).to_owned()))
        .or_else(|| remote.then(name_of_url).flatten())
        .filter(|file| file != "-" && !file.starts_with("/dev/"))
}

fn plain(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}
