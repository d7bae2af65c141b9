//! The commands of package managers that install something without saying which version.

use crate::baseline::shell::{Command, Word};

use super::unpinned_commands::is_python;

/// A package that is installed in whatever version is newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The rule.
    pub rule: &'static str,
    /// The command, as people name it.
    pub tool: &'static str,
    /// The first package without a version.
    pub name: String,
    /// What to do.
    pub remedy: &'static str,
}

/// The first unpinned package that a command installs.
pub fn package(command: &Command) -> Option<Package> {
    let (program, arguments) = (command.program(), command.arguments());
    // `./uv` is what the tree itself has built.
    if command.argv().first().is_some_and(|word| word.text.strip_prefix("./") == Some(program)) {
        return None;
    }
    let words: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
    match (program, words.as_slice()) {
        (name, ["install", ..]) if is_pip(name) => pip(arguments.get(1..)?, "pip install"),
        (name, ["-m", "pip", "install", ..]) if is_python(name) => pip(arguments.get(3..)?, "pip install"),
        ("uv", ["pip", "install", ..]) => pip(arguments.get(2..)?, "uv pip install"),
        ("pipx", ["install", ..]) => python_tool(arguments.get(1..)?, "pipx install"),
        ("uv", ["tool", "install", ..]) => python_tool(arguments.get(2..)?, "uv tool install"),
        ("npm", ["install" | "i" | "add", ..]) => npm(arguments.get(1..)?, "npm install"),
        ("pnpm", ["install" | "i" | "add", ..]) => npm(arguments.get(1..)?, "pnpm add"),
        ("yarn", ["global", "add", ..]) => npm(arguments.get(2..)?, "yarn global add"),
        ("yarn", ["add", ..]) => npm(arguments.get(1..)?, "yarn add"),
        ("bun", ["install" | "i" | "add", ..]) => npm(arguments.get(1..)?, "bun add"),
        ("go", ["install" | "run" | "get", ..]) => go(arguments),
        ("cargo", ["install" | "binstall", ..]) => cargo(arguments.get(1..)?),
        ("cargo", [toolchain, "install" | "binstall", ..]) if toolchain.starts_with('+') => cargo(arguments.get(2..)?),
        ("gem", ["install" | "i", ..]) => gem(arguments.get(1..)?),
        _ => None,
    }
}

fn is_pip(name: &str) -> bool {
    name.strip_prefix("pip")
        .is_some_and(|version| version.chars().all(|letter| letter.is_ascii_digit() || letter == '.'))
}

/// The words that are neither options nor their values.
fn operands<'a>(words: &'a [Word], valued: &[&str]) -> Vec<&'a Word> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word.text.starts_with('-') {
            if valued.contains(&word.text.as_str()) {
                words.next();
            }
        } else if !word.text.is_empty() {
            found.push(word);
        }
    }
    found
}

fn has(words: &[Word], options: &[&str]) -> bool {
    words.iter().any(|word| {
        let name = word.text.split('=').next().unwrap_or_default();
        options.contains(&name)
    })
}

/// What is named by a variable, a pattern or a path is not judged.
fn is_elsewhere(word: &Word) -> bool {
    let text = word.text.as_str();
    word.expands
        || text.starts_with(['.', '/', '~', '$', '<', '{', '%', '*'])
        || text.starts_with("file:")
        || text.contains("${{")
}

const PIP_VALUED: [&str; 44] = [
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-e",
    "--editable",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "--prefix",
    "--root",
    "--platform",
    "--python-version",
    "--only-binary",
    "--no-binary",
    "--progress-bar",
    "--src",
    "-C",
    "--config-settings",
    "--global-option",
    "--timeout",
    "--retries",
    "--trusted-host",
    "--proxy",
    "--cache-dir",
    "--log",
    "--python",
    "-p",
    "--report",
    "--group",
    "--abi",
    "--implementation",
    "--upgrade-strategy",
    "--exists-action",
    "--cert",
    "--client-cert",
    "--use-feature",
    "--use-deprecated",
    "--index",
    "--resolution",
];

/// `pip install`: hashes, a constraints file or an exact version pin.
fn pip(words: &[Word], tool: &'static str) -> Option<Package> {
    if has(words, &["--require-hashes", "-c", "--constraint", "--no-index", "--build-constraint"]) {
        return None;
    }
    let editable = words
        .iter()
        .zip(words.iter().skip(1))
        .filter(|(option, _)| ["-e", "--editable"].contains(&option.text.as_str()));
    let editable = editable.map(|(_, source)| source).filter(|source| source.text.contains("://"));
    let named = operands(words, &PIP_VALUED).into_iter().chain(editable);
    let name = named.into_iter().find(|word| !is_pinned_python(word))?.text.clone();
    let remedy = "name an exact version (`==`), or install a requirements file with hashes";
    Some(Package { rule: "pip-install", tool, name, remedy })
}

fn is_pinned_python(word: &Word) -> bool {
    let text = word.text.split(';').next().unwrap_or_default();
    // `name @ url` is one word when quoted.
    let (name, source) = text.split_once('@').unwrap_or((text, ""));
    if text.contains("://") {
        let archive = !["git+", "hg+", "svn+", "bzr+", "git:"].iter().any(|scheme| text.contains(scheme));
        return word.expands || archive || text.rsplit('@').next().is_some_and(has_commit);
    }
    let exact = |specifier: &str| {
        let version = specifier.trim_start_matches('=').trim();
        !version.is_empty() && !version.contains('*')
    };
    is_elsewhere(word)
        || text.split_once("==").is_some_and(|(_, version)| exact(version))
        || [".whl", ".tar.gz", ".zip"].iter().any(|suffix| text.ends_with(suffix))
        || text.contains('/')
        || (!source.is_empty() && !name.is_empty() && source != "latest")
        // Shells of other systems, and what a tool would refuse.
        || !text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

fn has_commit(revision: &str) -> bool {
    let revision = revision.split(['#', ' ', '&']).next().unwrap_or_default();
    revision.len() >= 40 && revision.chars().all(|letter| letter.is_ascii_hexdigit())
}

/// `pipx install`, `uv tool install`: one tool, with what it is installed beside.
fn python_tool(words: &[Word], tool: &'static str) -> Option<Package> {
    let valued = [PIP_VALUED.as_slice(), &["--with", "--from", "--suffix", "--pip-args", "--spec"]].concat();
    let name = operands(words, &valued).into_iter().find(|word| !is_pinned_python(word))?.text.clone();
    Some(Package { rule: "pip-install", tool, name, remedy: "name an exact version (`==`)" })
}

/// `npm install` of packages; without any it installs what the lock file says.
fn npm(words: &[Word], tool: &'static str) -> Option<Package> {
    const VALUED: [&str; 9] =
        ["--prefix", "-C", "--registry", "--tag", "-w", "--workspace", "--filter", "--loglevel", "--cache"];
    let name = operands(words, &VALUED).into_iter().find(|word| !is_pinned_npm(word))?.text.clone();
    Some(Package {
        rule: "npm-install",
        tool,
        name,
        remedy: "name an exact version (`@1.2.3`), or use `npm ci` with a lock file",
    })
}

fn is_pinned_npm(word: &Word) -> bool {
    let text = word.text.as_str();
    if is_elsewhere(word) || [".tgz", ".tar.gz"].iter().any(|suffix| text.ends_with(suffix)) {
        return true;
    }
    if ["git+", "git:", "github:", "http:", "https:"].iter().any(|scheme| text.starts_with(scheme)) {
        return text.split_once('#').is_some_and(|(_, revision)| has_commit(revision));
    }
    let (_, version) = text.rsplit_once('@').filter(|(name, _)| !name.is_empty()).unwrap_or((text, ""));
    let version = version.rsplit_once(':').map_or(version, |(_, version)| version);
    is_exact(version) || !text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '@')
}

/// Three numbers, and whatever qualifies them.
fn is_exact(version: &str) -> bool {
    let version = version.trim_start_matches(['v', '=']);
    let numbers = version.split(['-', '+']).next().unwrap_or_default();
    numbers.split('.').count() == 3
        && numbers.split('.').all(|number| !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit()))
}

/// `go install`, `go run` and `go get`: a whole version or a commit pins; a package of this module has its version in `go.mod`.
fn go(words: &[Word]) -> Option<Package> {
    let (verb, rest) = words.split_first()?;
    let tool = match verb.text.as_str() {
        "install" => "go install",
        "run" => "go run",
        _ => "go get",
    };
    let named = operands(rest, &["-o", "-tags", "-ldflags", "-C", "-mod", "-modfile", "-gcflags", "-exec"]);
    // What follows the package of `go run` are its arguments.
    let named = named.into_iter().take(if tool == "go run" { 1 } else { usize::MAX });
    let open = named.filter(|word| !is_elsewhere(word)).find(|word| match word.text.split_once('@') {
        Some((_, "none")) => false,
        Some((_, version)) => !version.is_empty() && !is_exact(version) && !has_commit(version),
        None => false,
    })?;
    Some(Package { rule: "go-install", tool, name: open.text.clone(), remedy: "name a whole version (`@v1.2.3`)" })
}

/// `cargo install`: a version, a revision or the crate's own lock file.
fn cargo(words: &[Word]) -> Option<Package> {
    const VALUED: [&str; 17] = [
        "--root",
        "--target",
        "-F",
        "--features",
        "--bin",
        "--index",
        "--registry",
        "-j",
        "--jobs",
        "--profile",
        "--color",
        "--target-dir",
        "--config",
        "-Z",
        "--example",
        "--git",
        "--strategies",
    ];
    if has(words, &["--locked", "--version", "--vers", "--path", "--rev", "--tag", "--list", "--frozen", "-V"]) {
        return None;
    }
    let git = words.iter().position(|word| word.text == "--git").and_then(|at| words.get(at.saturating_add(1)));
    let named = operands(words, &VALUED).into_iter().find(|word| git.is_some() || !word.text.contains('@'));
    let open = named.or(git).filter(|word| !is_elsewhere(word))?;
    let remedy = if git.is_some() { "name a revision (`--rev`)" } else { "name a version, or at least use `--locked`" };
    Some(Package { rule: "cargo-install", tool: "cargo install", name: open.text.clone(), remedy })
}

/// `gem install`: a version.
fn gem(words: &[Word]) -> Option<Package> {
    const VALUED: [&str; 8] = ["-i", "--install-dir", "-n", "--bindir", "-P", "--trust-policy", "-s", "--source"];
    if has(words, &["-v", "--version", "-g", "--file", "--local", "-l"])
        || words.iter().any(|word| word.text.starts_with("-v"))
    {
        return None;
    }
    let open = operands(words, &VALUED)
        .into_iter()
        .find(|word| !is_elsewhere(word) && !word.text.contains(':') && !word.text.ends_with(".gem"))?;
    Some(Package {
        rule: "gem-install",
        tool: "gem install",
        name: open.text.clone(),
        remedy: "name a version (`-v 1.2.3`)",
    })
}
