//! Container images by name, and the instructions of a Dockerfile.

use std::collections::{HashMap, HashSet};

/// A longer name, or default of one, is not read.
const MAX_NAME: usize = 500;

/// How an image is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImagePin {
    /// By digest, or `scratch`, which is none.
    Digest,
    /// By tag, or by name only.
    Open,
    /// By a variable, or on this machine: the text does not say.
    Unknown,
}

/// Tells how an image is named.
pub fn image_pin(name: &str) -> ImagePin {
    let name = name.trim();
    if let Some((_, digest)) = name.split_once('@') {
        let hexadecimal = digest.split_once(':').map(|(_, hexadecimal)| hexadecimal).unwrap_or_default();
        return match digest {
            _ if digest.contains('$') => ImagePin::Unknown,
            _ if hexadecimal.len() >= 64 && hexadecimal.chars().all(|letter| letter.is_ascii_hexdigit()) => {
                ImagePin::Digest
            }
            _ => ImagePin::Open,
        };
    }
    if name.eq_ignore_ascii_case("scratch") {
        return ImagePin::Digest;
    }
    let local = ["localhost:", "localhost/", "127.0.0.1:"].iter().any(|prefix| name.starts_with(prefix));
    if name.is_empty() || name.contains(['$', '{', '%', '<']) || local { ImagePin::Unknown } else { ImagePin::Open }
}

/// An instruction of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Its keyword in upper case.
    pub keyword: String,
    /// What follows it; line ends within it are kept.
    pub text: String,
    /// The line it starts on, counted from 1.
    pub line: u64,
    /// The text of its here-documents, each with the line it starts on.
    pub heredocs: Vec<(u64, String)>,
}

/// Reads a Dockerfile; none of one whose escape is not the backslash, as on Windows.
pub fn instructions(text: &str) -> Vec<Instruction> {
    let directive = |line: &&str| line.trim_start().starts_with('#');
    let windows = text.lines().take_while(directive).any(|line| {
        let line = line.to_ascii_lowercase().replace([' ', '\t'], "");
        line.starts_with("#escape=`")
    });
    if windows {
        return Vec::new();
    }
    let mut found: Vec<Instruction> = Vec::new();
    let mut lines = (1_u64..).zip(text.lines()).peekable();
    while let Some((line, first)) = lines.next() {
        let trimmed = first.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (keyword, rest) = trimmed.split_once([' ', '\t']).unwrap_or((trimmed, ""));
        let mut body = rest.to_owned();
        while body.ends_with('\\') {
            let Some((_, next)) = lines.next() else {
                break;
            };
            body.push('\n');
            // A comment within an instruction is left out; what follows it goes on.
            let kept =
                if next.trim_start().starts_with('#') || next.trim().is_empty() { "\\" } else { next.trim_end() };
            body.push_str(kept);
        }
        let mut heredocs = Vec::new();
        if ["RUN", "COPY", "ADD"].iter().any(|known| known.eq_ignore_ascii_case(keyword)) {
            for delimiter in delimiters(&body) {
                let start = lines.peek().map_or(line, |(line, _)| *line);
                let mut content = String::new();
                for (_, next) in lines.by_ref() {
                    if next.trim_start_matches('\t') == delimiter {
                        break;
                    }
                    content.push_str(next);
                    content.push('\n');
                }
                heredocs.push((start, content));
            }
        }
        found.push(Instruction { keyword: keyword.to_ascii_uppercase(), text: body, line, heredocs });
    }
    found
}

/// The delimiters of the here-documents that an instruction asks for.
fn delimiters(text: &str) -> Vec<String> {
    text.split_whitespace()
        .filter_map(|word| word.trim_start_matches(|letter: char| letter.is_ascii_digit()).strip_prefix("<<"))
        .map(|word| word.trim_start_matches('-').trim_matches(['"', '\'']))
        .filter(|word| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_'))
        .map(str::to_owned)
        .collect()
}

/// The images that a Dockerfile takes from elsewhere, each with its line: of `FROM` and of `COPY --from`. The names of
/// stages are none; variables with a default are replaced by it.
pub fn base_images(instructions: &[Instruction]) -> Vec<(u64, String)> {
    let mut defaults: HashMap<&str, &str> = HashMap::new();
    let mut stages: HashSet<String> = HashSet::new();
    let mut found = Vec::new();
    for instruction in instructions {
        let words: Vec<&str> = instruction.text.split_whitespace().filter(|word| *word != "\\").collect();
        match instruction.keyword.as_str() {
            "ARG" if stages.is_empty() => {
                defaults.extend(
                    words
                        .iter()
                        .filter_map(|word| word.split_once('='))
                        .map(|(name, value)| (name, value.trim_matches(['"', '\'']))),
                );
            }
            "FROM" => {
                let mut operands = words.iter().filter(|word| !word.starts_with("--"));
                let image = operands.next().map(|image| expand(image, &defaults)).unwrap_or_default();
                let is_stage = stages.contains(&image.to_lowercase());
                // Every FROM opens a stage, named or not.
                stages.insert(operands.nth(1).copied().unwrap_or_default().to_lowercase());
                if !is_stage {
                    found.push((instruction.line, image));
                }
            }
            "COPY" => {
                let from = words.iter().find_map(|word| word.strip_prefix("--from="));
                let image = from.map(|image| expand(image, &defaults)).filter(|image| image.contains([':', '/']));
                found.extend(
                    image
                        .filter(|image| !stages.contains(&image.to_lowercase()))
                        .map(|image| (instruction.line, image)),
                );
            }
            _ => {}
        }
    }
    found
}

/// Replaces `$NAME`, `${NAME}` and `${NAME:-default}`; what has no default stays a variable.
fn expand(text: &str, defaults: &HashMap<&str, &str>) -> String {
    let mut expanded = String::new();
    let mut rest = text.trim_matches(['"', '\'']);
    if rest.len() > MAX_NAME {
        return "${}".to_owned();
    }
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (name, fallback, tail) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((inner, tail)) => match inner.split_once(":-").or_else(|| inner.split_once('-')) {
                Some((name, fallback)) => (name, Some(fallback), tail),
                None => (inner, None, tail),
            },
            None => {
                let end =
                    after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(after.len());
                let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
                (name, None, tail)
            }
        };
        match defaults.get(name).copied().or(fallback).filter(|value| value.len() <= MAX_NAME && !value.contains('$')) {
            Some(value) => expanded.push_str(value),
            None => expanded.push_str("${}"),
        }
        rest = tail;
    }
    expanded + rest
}

/// The scripts that an instruction `RUN` gives to a shell, each with the line it starts on.
pub fn scripts(instruction: &Instruction) -> Vec<(u64, String)> {
    if instruction.keyword != "RUN" {
        return Vec::new();
    }
    let mut text = instruction.text.as_str();
    while let Some(rest) = text.trim_start().strip_prefix("--") {
        let Some((_, tail)) = rest.split_once([' ', '\t', '\n']) else {
            return Vec::new();
        };
        text = tail.trim_start_matches(['\\', '\n', ' ', '\t']);
    }
    let skipped = instruction.text.get(..instruction.text.len().saturating_sub(text.len())).unwrap_or_default();
    let line = instruction.line.saturating_add(u64::try_from(skipped.matches('\n').count()).unwrap_or(0));
    if text.trim_start().starts_with('[') {
        let words: Vec<String> = serde_json::from_str(&text.replace("\\\n", " ")).unwrap_or_default();
        return match words.as_slice() {
            [shell, option, script, ..] if is_shell(shell) && option.ends_with('c') => vec![(line, script.clone())],
            _ => vec![(line, words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))],
        };
    }
    let program = text.split_whitespace().next().unwrap_or_default();
    if instruction.heredocs.is_empty() {
        vec![(line, text.to_owned())]
    } else if program.starts_with("<<") || is_shell(program) {
        instruction.heredocs.clone()
    } else {
        // The here-document feeds another program.
        Vec::new()
    }
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Whether a program is a shell of the POSIX family.
pub fn is_shell(program: &str) -> bool {
    ["sh", "bash", "dash", "ash", "zsh", "ksh"].contains(&program.rsplit('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn images(text: &str) -> Vec<(u64, String)> {
        base_images(&instructions(text))
    }

    #[test]
    fn stages_and_defaults_are_followed() {
        let text = "# c\nARG TAG=3.1\nARG BASE=a/b:${TAG}\nFROM --platform=linux/amd64 a/c:$TAG AS build\nFROM build\nFROM ${NONE:-d:1} as Last\nFROM last\nFROM $OTHER\n";
        let expected = [(4, "a/c:3.1"), (6, "d:1"), (8, "${}")].map(|(line, image)| (line, image.to_owned()));
        assert_eq!(images(text), expected);
    }

    #[test]
    fn copies_from_an_image_name_it() {
        let text = "FROM a@sha256:0\nFROM b AS c\nCOPY --from=c /x /y\nCOPY --from=0 /x /y\nCOPY --from=d/e:1 /x /y\n";
        assert_eq!(images(text).last(), Some(&(5, "d/e:1".to_owned())));
        assert_eq!(images(text).len(), 3);
    }

    #[test]
    fn digests_pin_and_variables_do_not_say() {
        let digest = format!("a:1@sha256:{}", "0".repeat(64));
        for (name, pin) in [
            (digest.as_str(), ImagePin::Digest),
            ("scratch", ImagePin::Digest),
            ("a", ImagePin::Open),
            ("a:latest", ImagePin::Open),
            ("a@sha256:00", ImagePin::Open),
            ("a@${DIGEST}", ImagePin::Unknown),
            ("${{ matrix.image }}", ImagePin::Unknown),
            ("localhost:5000/a", ImagePin::Unknown),
        ] {
            assert_eq!(image_pin(name), pin, "{name}");
        }
    }

    #[test]
    fn runs_keep_their_lines_through_comments() {
        let found =
            instructions("FROM a\nRUN --mount=type=cache,target=/x \\\n  one && \\\n  # why\n  two\nRUN three\n");
        assert_eq!(scripts(&found[1]), [(3, "one && \\\n\\\n  two".to_owned())]);
        assert_eq!(found[2].line, 6);
    }

    #[test]
    fn here_documents_are_scripts_of_a_shell_only() {
        let found = instructions("RUN <<EOF\none\nEOF\nCOPY <<EOF /x\nRUN two\nEOF\nRUN python3 <<EOF\nthree\nEOF\n");
        let found: Vec<(u64, String)> = found.iter().flat_map(scripts).collect();
        assert_eq!(found, [(2, "one\n".to_owned())]);
    }

    #[test]
    fn the_exec_form_is_read() {
        let found = instructions("RUN [\"bash\", \"-c\", \"one; two\"]\nRUN [\"pip\", \"install\", \"a b\"]\n");
        let found: Vec<String> = found.iter().flat_map(scripts).map(|(_, script)| script).collect();
        assert_eq!(found, ["one; two", "'pip' 'install' 'a b'"]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_a_dockerfile(text in "(FROM |RUN |COPY |ARG |[a-c \n\\\\$#<{}=\\[\"@:-]){0,60}|\\PC{0,100}") {
            let found = instructions(&text);
            prop_assert!(base_images(&found).len() <= found.len());
            found.iter().for_each(|instruction| drop(scripts(instruction)));
        }
    }
}
