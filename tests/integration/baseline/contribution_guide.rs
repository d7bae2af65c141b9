//! Fixtures of `contribution-guide`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "contribution-guide";

#[test]
fn flags_a_tree_without_one() {
    repo().file("README.md", "# T\nText.\n## Contributors\nAlice, Bob, Carol, Dave, Eve and others.\n").fails(ID);
}

#[test]
fn flags_an_empty_one() {
    assert_eq!(place(&repo().file("CONTRIBUTING.md", "").fails(ID)), ("CONTRIBUTING.md", Some(1)));
}

#[test]
fn flags_two_words() {
    repo().file("CONTRIBUTING.md", "# Contributing\nPatches welcome.\n").warns(ID);
}

#[test]
fn flags_code_named_like_one() {
    repo().file("contributing.py", "x = 1").file("src/CONTRIBUTING.md", "Send a patch ".repeat(9)).fails(ID);
}

#[test]
fn accepts_a_section_of_the_readme() {
    repo().file("README.md", "# T\nText.\n## Contributing\nOpen a pull request and run make test first.\n").passes(ID);
}

#[test]
fn accepts_one_deep_in_the_documentation() {
    repo()
        .file(
            "docs/dev/contributing.rst",
            "Guide\n=====\n\nFork, change, test, and open a request against the main branch.\n",
        )
        .passes(ID);
}

#[test]
fn accepts_a_short_one_that_links_to_the_guide() {
    repo().file(".github/CONTRIBUTING.md", "See [the guide](https://proj.io/guide).\n").passes(ID);
}

#[test]
fn accepts_a_readme_that_links_to_the_guide() {
    for target in ["https://proj.io/docs/latest/contribute", "https://github.com/o/r/blob/main/.github/CONTRIBUTING.md"]
    {
        repo().file("README.md", format!("# T\n[Contribute]({target}) |\n")).passes(ID);
    }
}

#[test]
fn flags_a_readme_that_links_to_the_contributors() {
    repo()
        .file("README.md", "# T\n[x](https://github.com/o/r/graphs/contributors) and contribute/ is a directory.\n")
        .fails(ID);
}
