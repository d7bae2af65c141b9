//! The hostile names, and some honest ones, each with what it is as a path of an output, as a directory and as a run id.

use super::tree::{ODD, Tree};

/// What a name is as the path of an output of `run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AsPath {
    /// Its syntax is refused.
    Bad,
    /// No output: nothing there, or something that is none, whether or not it exists.
    Absent,
    /// A link, a special file or a mount in some component.
    Unsafe,
    /// A directory.
    Directory,
    /// An output, the bytes of which are those of every plain file.
    Plain,
}

/// What a name is as a directory in the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AsDirectory {
    /// No plain name of one component.
    Bad,
    /// A name that scans pass over.
    PassedOver,
    /// Nothing there.
    Absent,
    /// Something there that is no directory.
    Occupied,
    /// A link.
    Link,
    /// A run.
    Run,
}

/// What a name is as a run id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AsRunId {
    /// Its syntax is refused.
    Bad,
    /// No run bears it.
    Absent,
    /// A run bears it.
    Run,
}

/// A name.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) path: AsPath,
    pub(super) directory: AsDirectory,
    pub(super) run_id: AsRunId,
}

/// What of the tree is there only in certain surroundings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Surroundings {
    pub(super) has_mounts: bool,
}

/// Every name.
pub(super) fn names(tree: &Tree, surroundings: Surroundings) -> Vec<Name> {
    let mut names = refused_paths(tree);
    names.extend(literal_names());
    names.extend(look_alikes_and_twins());
    names.extend(what_stands_beside_the_runs());
    names.extend(what_stands_inside_the_run(tree, surroundings));
    names.extend(odd_names());
    names
}

fn name(text: impl Into<String>, path: AsPath, directory: AsDirectory, run_id: AsRunId) -> Name {
    Name { text: text.into(), path, directory, run_id }
}

/// `..` in every place, absolute paths, empty and dot components, NUL, backslashes, and what is too long.
fn refused_paths(tree: &Tree) -> Vec<Name> {
    let mut texts: Vec<String> = [
        ".",
        "..",
        "/",
        "//",
        "./",
        "../",
        "/..",
        "../..",
        "./run",
        "../runs/run",
        "../secret.txt",
        "../runs-secret/run",
        "../run-secret/secret.txt",
        "../run-secret/artifacts/secret.txt",
        "../run/artifacts/plain.txt",
        "../../etc/passwd",
        "artifacts/..",
        "artifacts/.",
        "artifacts/../secret.txt",
        "artifacts/../artifacts/plain.txt",
        "artifacts/../../run-secret/secret.txt",
        "artifacts/dir/../plain.txt",
        "artifacts/plain.txt/..",
        "artifacts/plain.txt/.",
        "artifacts/missing/../plain.txt",
        "artifacts/./plain.txt",
        "./artifacts/plain.txt",
        "artifacts//plain.txt",
        "artifacts///plain.txt",
        "artifacts/plain.txt/",
        "artifacts/",
        "/artifacts/plain.txt",
        "//artifacts/plain.txt",
        "/run",
        "/etc/passwd",
        concat!("/proc/self/root", "/etc/passwd"),
        "/proc/self/environ",
        "/dev/zero",
        "/old/place/artifacts/plain.txt",
        "file:///etc/passwd",
        "\\",
        "..\\",
        "..\\..\\secret.txt",
        "artifacts\\plain.txt",
        "artifacts/..\\plain.txt",
        "run\\",
        "C:\\x",
        "\\\\host\\share",
        "\0",
        "run\0",
        "\0run",
        "..\0",
        "artifacts/plain.txt\0",
        "artifacts/plain.txt\0.md",
        "artifacts/pl\0ain.txt",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend(
        ["outside/secret.txt", "runs/run", "runs/run/artifacts/plain.txt", "runs-secret/run"].map(|at| tree.alias(at)),
    );
    texts.push(format!("artifacts/{}", "x/".repeat(2_038)) + "123456789012");
    texts.push("artifacts/".to_owned() + &"../".repeat(1_362) + "x");
    texts.extend([4_096, 4_097].map(|length| "n".repeat(length)));
    texts.push(vec!["a"; 10_000].join("/"));
    texts.push("../".repeat(10_000));
    assert!(texts.iter().filter(|text| text.len() >= 4_096).count() == 6, "paths about the bound");
    texts.into_iter().map(|text| name(text, AsPath::Bad, AsDirectory::Bad, AsRunId::Bad)).collect()
}

/// Encoded forms, control bytes and what a shell, a template or another system would make something of: all of it literal.
fn literal_names() -> Vec<Name> {
    let one_component = [
        "%2e",
        "..%2f",
        "%2e%2e%2fsecret.txt",
        "..%2fsecret.txt",
        "artifacts%2fplain.txt",
        "%00",
        "run%00",
        "%252e%252e",
        "%u002e",
        "&#46;&#46;",
        "run\n",
        "run\r\n",
        "\t",
        "\u{1}",
        "\u{7f}",
        "\u{85}",
        "$(id)",
        "`id`",
        "|id",
        ";",
        "{{7*7}}",
        "${HOME}",
        "C:",
        "nul",
        "-",
        "--",
        "?",
        "[a-z]*",
        "\"",
        "'",
        "#",
        "+",
        "=",
        "run=etc",
        "\u{feff}run",
        "%s%n",
    ];
    let mut names: Vec<Name> = one_component
        .into_iter()
        .map(|text| {
            let directory = if text.starts_with('.') { AsDirectory::PassedOver } else { AsDirectory::Absent };
            name(text, AsPath::Absent, directory, id_of(text))
        })
        .collect();
    let several = [
        "artifacts/%2e%2e/secret.txt",
        "artifacts/%2e%2e%2fsecret.txt",
        "artifacts/..%2fsecret.txt",
        "artifacts/plain.txt%00",
        "%2e%2e/run-secret/secret.txt",
        "..%c0%af/secret.txt",
        "artifacts/plain.txt\n",
        "artifacts/\u{1}plain.txt",
        "C:/secret.txt",
        "~/secret.txt",
        "artifacts/plain%2etxt",
        "artifacts/.../secret.txt",
    ];
    names.extend(several.map(|text| name(text, AsPath::Absent, AsDirectory::Bad, AsRunId::Bad)));
    names
}

fn id_of(text: &str) -> AsRunId {
    let listed = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if text.chars().all(listed) && !text.starts_with(['.', '-']) { AsRunId::Absent } else { AsRunId::Bad }
}

/// Names that look like others, begin like others, or are as long as a name may be.
fn look_alikes_and_twins() -> Vec<Name> {
    use AsRunId::{Absent, Bad, Run};
    let one = |text: &str, run_id| name(text, AsPath::Absent, AsDirectory::Absent, run_id);
    let below = |text: &str| name(text, AsPath::Absent, AsDirectory::Bad, Bad);
    let mut names: Vec<Name> =
        ["ｒｕｎ", "rυn", "run\u{200b}", "run\u{202e}", "ru\u{301}n", "․․", "‥", "…", "．", "run∕", "∕", "⁄"]
            .map(|text| one(text, Bad))
            .to_vec();
    names.extend(
        ["ru", "runn", "Run", "RUN", "run.", "secret", "outside", "hidden", "not-utf8"].map(|text| one(text, Absent)),
    );
    names.extend(["run ", " run", "-secret"].map(|text| one(text, Bad)));
    names.extend(["．．/secret.txt", "‥/secret.txt", "artifacts/．．/secret.txt", "artifacts／plain.txt/x"].map(below));
    names.extend(
        [
            "-secret/secret.txt",
            "run-secret/secret.txt",
            "artifacts-secret/x",
            "reports.bak/r.md",
            "Artifacts/plain.txt",
        ]
        .map(below),
    );
    names.extend(["ARTIFACTS/PLAIN.TXT", "artifacts/plain", "artifacts/plain.txt.", "artifacts/plain.txt "].map(below));
    names.push(name("run-secret", AsPath::Absent, AsDirectory::Run, Run));
    names.push(name("run", AsPath::Absent, AsDirectory::Run, Run));
    names.push(one(&"n".repeat(128), Absent));
    names.push(one(&"n".repeat(129), Bad));
    names.push(one(&"n".repeat(255), Bad));
    names.push(name("n".repeat(256), AsPath::Absent, AsDirectory::Bad, Bad));
    names.push(name("n".repeat(4_095), AsPath::Absent, AsDirectory::Bad, Bad));
    names.push(below(&format!("artifacts/{}", "n".repeat(256))));
    names.push(below(&format!("artifacts/{}n", "n/".repeat(2_042))));
    names
}

/// Links, files and hidden names in the root, and files of the run that are no outputs.
fn what_stands_beside_the_runs() -> Vec<Name> {
    use AsRunId::{Absent, Bad};
    let in_root = |text: &str, directory, run_id| name(text, AsPath::Absent, directory, run_id);
    let links =
        ["link-run", "link-outside", "link-dangling", "link-loop", "link-proc", "link-root", "link-up", "link-file"];
    let mut names: Vec<Name> = links.map(|text| in_root(text, AsDirectory::Link, Absent)).to_vec();
    names.extend(["a-file", "a-fifo", "a-socket"].map(|text| in_root(text, AsDirectory::Occupied, Absent)));
    let passed_over = [".hidden-run", ".hidden", "...", "..hidden", "lost+found"];
    names.extend(passed_over.map(|text| in_root(text, AsDirectory::PassedOver, Bad)));
    names.extend(["secret.txt", "run.json.bak"].map(|text| in_root(text, AsDirectory::Absent, Absent)));
    let hidden = [".work/context.json", "link-run/artifacts/plain.txt", "not-\u{fffd}\u{fffd}-utf8/x"];
    names.extend(hidden.map(|text| in_root(text, AsDirectory::Bad, Bad)));
    names
}

/// Links, special files, mounts and directories among the outputs.
fn what_stands_inside_the_run(tree: &Tree, surroundings: Surroundings) -> Vec<Name> {
    let below = |text: &str, path| name(text, path, AsDirectory::Bad, AsRunId::Bad);
    let mut unsafe_paths: Vec<&str> = vec![
        "artifacts/link-file",
        "artifacts/link-plain",
        "artifacts/link-directory",
        "artifacts/link-directory/secret.txt",
        "artifacts/link-directory/missing",
        "artifacts/link-dir/below.txt",
        "artifacts/link-sibling/secret.txt",
        "artifacts/link-sibling/plain.txt",
        "artifacts/link-hidden",
        "artifacts/link-here/plain.txt",
        "artifacts/link-here/link-here/link-here/plain.txt",
        "artifacts/link-up/secret.txt",
        "artifacts/link-up/artifacts/plain.txt",
        "artifacts/link-loop",
        "artifacts/link-loop/x",
        "artifacts/link-dangling",
        "artifacts/link-dangling/x",
        "artifacts/link-proc/etc/passwd",
        "artifacts/link-proc",
        "artifacts/link-fd/0",
        "exports/secret.txt",
        "exports/report.md",
        "artifacts/fifo",
        "artifacts/socket",
    ];
    if tree.has_devices {
        unsafe_paths.extend(["artifacts/null", "artifacts/no-driver"]);
    }
    let mut directories = vec!["artifacts/dir", "artifacts/dir/...", "artifacts", "reports", "normalized"];
    if surroundings.has_mounts {
        unsafe_paths.extend([
            "artifacts/mount-directory",
            "artifacts/mount-directory/secret.txt",
            "artifacts/mount-directory/missing",
        ]);
        unsafe_paths.extend(["artifacts/mount-file", "artifacts/mount-file/x"]);
    } else {
        directories.push("artifacts/mount-directory");
    }
    let mut names: Vec<Name> = unsafe_paths.into_iter().map(|text| below(text, AsPath::Unsafe)).collect();
    // A link in the place of an output directory.
    names.push(name("exports", AsPath::Unsafe, AsDirectory::Absent, AsRunId::Absent));
    for text in directories {
        names.push(match text.contains('/') {
            true => below(text, AsPath::Directory),
            false => name(text, AsPath::Directory, AsDirectory::Absent, AsRunId::Absent),
        });
    }
    names.extend(
        ["artifacts/fifo/below", "artifacts/socket/below", "artifacts/plain.txt/below"]
            .map(|text| below(text, AsPath::Absent)),
    );
    if surroundings.has_mounts {
        names.push(name("mounted", AsPath::Absent, AsDirectory::Run, AsRunId::Run));
    }
    names
}

/// Odd names that are served like any other.
fn odd_names() -> Vec<Name> {
    let mut names = Vec::new();
    for text in ODD.iter().filter(|text| **text != "run.json") {
        names.push(name(*text, AsPath::Absent, AsDirectory::Run, id_of(text)));
        names.push(name(format!("artifacts/{text}"), AsPath::Plain, AsDirectory::Bad, AsRunId::Bad));
    }
    let others = [
        "artifacts/plain.txt",
        "artifacts/...",
        "artifacts/dir/.../below.txt",
        "artifacts/hard.txt",
        "reports/report.md",
    ];
    names.extend(others.map(|text| name(text, AsPath::Plain, AsDirectory::Bad, AsRunId::Bad)));
    names
}
