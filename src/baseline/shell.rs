//! POSIX shell scripts taken apart into commands: enough to know what is run, and what is only text.
//!
//! Comments, here-documents and quoted text give no commands; substitutions and the scripts of `sh -c` do. Nothing is
//! expanded: a word that holds a variable says so.

mod reader;

use reader::Reader;

/// Programs that run the program named after them, each with its options that take a value.
const WRAPPERS: [(&str, &[&str]); 8] = [
    ("sudo", &["-u", "-g", "-C", "-p", "-h", "-D"]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C"]),
    ("nice", &["-n"]),
    ("exec", &[]),
    ("command", &[]),
    ("time", &[]),
    ("nohup", &[]),
];

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// Its text without quotes; variables stand as they are written.
    pub text: String,
    /// Whether the shell (or the workflow) puts something else in its place.
    pub expands: bool,
    /// The commands substituted into it, by their position in the list.
    pub substituted: Vec<usize>,
}

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// The line it starts on, counted from 0.
    pub line: u64,
    /// Its words, without assignments, keywords and redirections.
    pub words: Vec<Word>,
    /// The command whose output it reads through a pipe.
    pub input: Option<usize>,
    /// The file its output goes to.
    pub output: Option<String>,
    /// Whether its output goes into a pipe, a file or a substitution.
    pub is_captured: bool,
}

/// The commands of a script; those in a substitution come before the command around it.
pub fn commands(script: &str) -> Vec<Command> {
    Reader::new(script).read()
}

impl Command {
    /// The program and its arguments, without `sudo`, `env` and the like before them.
    pub fn argv(&self) -> &[Word] {
        let mut words = self.words.as_slice();
        while let Some((first, rest)) = words.split_first() {
            let Some((_, valued)) = WRAPPERS.iter().find(|(name, _)| *name == program(&first.text)) else {
                break;
            };
            words = rest;
            while let Some((word, rest)) = words.split_first() {
                if !word.text.starts_with('-') && !is_assignment(word) {
                    break;
                }
                let skipped = usize::from(valued.contains(&word.text.as_str()));
                words = rest.get(skipped..).unwrap_or_default();
            }
        }
        words
    }

    /// The name of the program, without its directory.
    pub fn program(&self) -> &str {
        self.argv().first().map(|word| program(&word.text)).unwrap_or_default()
    }

    /// The arguments.
    pub fn arguments(&self) -> &[Word] {
        self.argv().get(1..).unwrap_or_default()
    }
}

fn program(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn is_assignment(word: &Word) -> bool {
    word.text.split_once('=').is_some_and(|(name, _)| {
        let name = name.trim_end_matches('+');
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(script: &str) -> Vec<(u64, String)> {
        commands(script)
            .iter()
            .map(|command| {
                let words: Vec<&str> = command.argv().iter().map(|word| word.text.as_str()).collect();
                (command.line, words.join(" "))
            })
            .collect()
    }

    fn texts(script: &str) -> Vec<String> {
        lines(script).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn commands_end_where_the_shell_ends_them() {
        assert_eq!(texts("a b; c && d || e | f & g\nh"), ["a b", "c", "d", "e", "f", "g", "h"]);
        assert_eq!(lines("a \\\n  b\nc"), [(0, "a b".to_owned()), (2, "c".to_owned())]);
        assert_eq!(texts("if a; then b; else { c; }; fi"), ["a", "b", "c", "fi"]);
        assert_eq!(texts("f() { a; }\ncase $x in p) b;; esac"), ["a", "b", "esac"]);
    }

    #[test]
    fn comments_quotes_and_here_documents_are_no_commands() {
        assert_eq!(texts("a # b; c\n# d\ne#f"), ["a", "e#f"]);
        assert_eq!(texts("echo 'a; b' \"c | d\""), ["echo a; b c | d"]);
        assert_eq!(texts("cat <<EOF > f\na; b\nEOF\nc"), ["cat", "c"]);
        assert_eq!(texts("cat <<-'E F'\n\ta\n\tE F\nb"), ["cat", "b"]);
        assert_eq!(texts("a=(b c) d"), ["d"]);
    }

    #[test]
    fn substitutions_are_commands_of_their_own() {
        let found = commands("x \"$(a | b)\" `c` <(d)");
        let names: Vec<&str> = found.iter().map(Command::program).collect();
        assert_eq!(names, ["a", "b", "c", "d", "x"]);
        assert_eq!(found[1].input, Some(0));
        let substituted: Vec<&Vec<usize>> = found[4].words.iter().skip(1).map(|word| &word.substituted).collect();
        assert_eq!(substituted, [&vec![0, 1], &vec![2], &vec![3]]);
        assert!(found[1].is_captured && !found[4].is_captured);
        assert_eq!(texts("echo $((1 + (2))) ${x:-$(y)} ${{ a.b }}"), ["echo $(()) ${x:-$(y)} ${{ a.b }}"]);
    }

    #[test]
    fn redirections_are_no_words() {
        let found = commands("a 2>&1 >out b < in <<< word 3> x");
        assert_eq!(texts("a 2>&1 >out b < in <<< word 3> x"), ["a b"]);
        assert_eq!(found[0].output.as_deref(), Some("out"));
        assert!(commands("a &> f")[0].is_captured);
        assert!(!commands("a 2> f")[0].is_captured);
    }

    #[test]
    fn wrappers_and_assignments_are_left_out() {
        assert_eq!(texts("A=1 sudo -E -u me env B=2 /usr/bin/pip install x"), ["/usr/bin/pip install x"]);
        assert_eq!(commands("nice -n 5 sudo -n /usr/bin/pip")[0].program(), "pip");
    }

    proptest! {
        #[test]
        fn any_text_gives_commands(text in "[a-c \n;|&()<>$`'\"{}#=\\\\-]{0,200}|\\PC{0,100}") {
            let found = commands(&text);
            for command in &found {
                prop_assert!(command.input.is_none_or(|at| at < found.len()));
                prop_assert!(!command.words.is_empty());
                let _ = (command.argv(), command.program());
            }
        }
    }
}
