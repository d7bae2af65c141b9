//! `security-policy`: a published way to report a vulnerability.

use crate::baseline::documents::{Document, MAX_DOCUMENTS, Text, find, is_text_named, line_of};
use crate::baseline::outcome::Outcome;
use crate::baseline::prose::{measure, sections};
use crate::model::Severity;
use crate::repository::ambient::target_tree::TargetTree;

const DIRECTORIES: [&str; 6] = ["", ".github", "docs", "doc", ".gitlab", ".well-known"];

/// Sentences of the hosting platform's template that stand only in a policy nobody has filled in.
const TEMPLATE: [&str; 2] =
    ["Use this section to tell people about which versions", "Use this section to tell people how to report"];

/// Looks for a policy where platforms look, then for a way to report in it; a section of the README is half of it.
pub fn run(tree: &TargetTree) -> Outcome {
    let found = find(tree, &DIRECTORIES, is_policy_name);
    let Some(document) =
        found.iter().max_by_key(|document| (has_contact(document.as_str()), document.as_str().len() > 1))
    else {
        return without_policy(tree);
    };
    judge(document).fact("policy", document.path.as_str())
}

fn is_policy_name(name: &str) -> bool {
    ["security", "security-policy", "security_policy"].iter().any(|stem| is_text_named(name, stem))
}

fn judge(document: &Document) -> Outcome {
    let (path, text) = (document.path.as_str(), document.as_str());
    if document.text == Text::Unreadable {
        return Outcome::fail(Severity::Medium)
            .observe(format!(
                "{path} is a link that leads to no file of this tree, or cannot be read: put the policy there."
            ))
            .at(path);
    }
    if measure(text).words == 0 && !has_contact(text) {
        return Outcome::fail(Severity::Medium)
            .observe(format!(
                "{path} holds no text: say how to report a vulnerability privately and what happens then."
            ))
            .at_line(path, 1);
    }
    if let Some(line) = line_of(text, |line| TEMPLATE.iter().any(|sentence| line.contains(sentence))) {
        return Outcome::warning(Severity::Medium)
            .observe(format!("{path} is still the template: replace its instructions by your own contact and process."))
            .at_line(path, line);
    }
    if !has_contact(text) {
        return Outcome::warning(Severity::Medium)
            .observe(format!(
                "{path} names no way to report: add an e-mail address, a form, or a link to private vulnerability reporting."
            ))
            .at_line(path, 1);
    }
    Outcome::pass().observe(format!("{path} says how to report a vulnerability."))
}

fn without_policy(tree: &TargetTree) -> Outcome {
    let readmes = find(tree, &["", ".github", "docs"], |name| is_text_named(name, "readme"));
    for readme in &readmes {
        let reporting = sections(readme.as_str()).into_iter().find(|section| {
            (section.title.contains("security") || section.title.contains("vulnerabilit")) && has_contact(&section.body)
        });
        if let Some(section) = reporting {
            return Outcome::warning(Severity::Low)
                .observe(format!(
                    "{} says how to report a vulnerability, but platforms and scanners look for SECURITY.md: move the section there.",
                    readme.path
                ))
                .at_line(&readme.path, section.line);
        }
    }
    for readme in &readmes {
        if let Some(line) = line_of(readme.as_str(), reports_vulnerabilities) {
            return Outcome::warning(Severity::Low)
                .observe(format!(
                    "{} says how to report a vulnerability in one line, but platforms and scanners look for SECURITY.md: add one.",
                    readme.path
                ))
                .at_line(&readme.path, line);
        }
    }
    if let Some(document) = deep_in_documentation(tree) {
        return Outcome::warning(Severity::Low)
            .observe(format!(
                "{} says how to report a vulnerability, but platforms and scanners look for SECURITY.md at the root: link to it \
                 from there.",
                document.path
            ))
            .at(&document.path)
            .fact("policy", document.path);
    }
    Outcome::fail(Severity::Medium).observe(
        "No security policy was found in the tree. Add SECURITY.md with a private way to report vulnerabilities and what \
         reporters may expect. (A policy inherited from the organisation cannot be seen here.)",
    )
}

/// Whether a line tells of reporting vulnerabilities and where.
fn reports_vulnerabilities(line: &str) -> bool {
    let lower = line.to_lowercase();
    let tells =
        ["report a security", "report security", "reporting security", "report vulnerabilit", "report a vulnerabilit"];
    tells.iter().any(|phrase| lower.contains(phrase)) && has_contact(line)
}

/// A policy somewhere beneath the documentation: a document of that name that tells of reporting and names a way.
fn deep_in_documentation(tree: &TargetTree) -> Option<Document> {
    tree.files()
        .iter()
        .filter(|file| {
            let directory = file.directory().to_lowercase();
            ["docs/", "doc/", "documentation/"].iter().any(|top| directory.starts_with(top))
                && is_policy_name(&file.name().to_lowercase())
        })
        .take(MAX_DOCUMENTS)
        .map(|file| Document::read(tree, file))
        .find(|document| {
            let lower = document.as_str().to_lowercase();
            let tells =
                ["reporting security", "reporting a security", "report a security", "report security", "vulnerabilit"];
            lower.contains("report")
                && tells.iter().any(|phrase| lower.contains(phrase))
                && words(&lower).any(is_address)
        })
}

/// Whether a text names an address, a link or a platform's private reporting.
pub fn has_contact(text: &str) -> bool {
    const PHRASES: [&str; 9] = [
        "security advisor",
        "private vulnerability report",
        "privately report",
        "report a vulnerability\" button",
        "hackerone",
        "bugcrowd",
        "huntr",
        "security tab",
        "contact:",
    ];
    let lower = text.to_lowercase();
    let spelled = lower
        .replace("[at]", "@")
        .replace("(at)", "@")
        .replace(" at ", "@")
        .replace("[dot]", ".")
        .replace(" dot ", ".")
        .replace("(dot)", ".")
        .replace(" @ ", "@")
        .replace(" . ", ".");
    PHRASES.iter().any(|phrase| lower.contains(phrase)) || words(&lower).any(is_link) || words(&spelled).any(is_address)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter.is_whitespace() || "<>()[]\"'`,;|*".contains(letter))
}

fn is_link(word: &str) -> bool {
    let Some((_, rest)) = word.split_once("https://").or_else(|| word.split_once("http://")) else {
        return false;
    };
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let decoration = ["shields.io", "badge", ".svg", ".png", "semver.org", "choosealicense.com"];
    host.contains('.') && !is_placeholder(host) && !decoration.iter().any(|mark| word.contains(mark))
}

fn is_address(word: &str) -> bool {
    let word = word.strip_prefix("mailto:").unwrap_or(word);
    let Some((user, host)) = word.split_once('@') else {
        return false;
    };
    let host = host.trim_end_matches(['.', ':', '!', '_', '?']);
    let label = host.rsplit_once('.').map_or("", |(_, last)| last);
    !user.is_empty()
        && !user.ends_with('/')
        && label.len() >= 2
        && label.chars().all(char::is_alphabetic)
        && host.chars().all(|letter| letter.is_alphanumeric() || ".-".contains(letter))
        && !is_placeholder(host)
}

fn is_placeholder(host: &str) -> bool {
    const RESERVED: [&str; 6] =
        ["example.com", "example.org", "example.net", "yourdomain.com", "domain.com", "email.com"];
    RESERVED.contains(&host) || host.ends_with(".example") || host.ends_with(".invalid") || host.contains("your")
}

#[cfg(test)]
mod tests {
    use super::has_contact;
    use proptest::prelude::*;

    #[test]
    fn ways_to_report() {
        for text in [
            "Mail security@proj.io.",
            "write to security [at] proj [dot] io",
            "security at proj dot io",
            "<https://github.com/o/r/security/advisories/new>",
            "Open a GitHub security advisory.",
            "Contact: mailto:sec@proj.io",
        ] {
            assert!(has_contact(text), "{text}");
        }
    }

    #[test]
    fn placeholders_and_versions_are_no_way_to_report() {
        for text in [
            "Mail security@example.com.",
            "We look at every report. At once.",
            "![x](https://img.shields.io/badge/a-b-c)",
            "Supported: package@1.2.3",
            "See https://example.org/policy",
        ] {
            assert!(!has_contact(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_asked(text in "\\PC{0,200}|[@./:a-z \\[\\]]{0,80}") {
            let _ = has_contact(&text);
        }
    }
}
