//! Fixtures of `security-policy`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "security-policy";

#[test]
fn flags_a_tree_without_one() {
    repo().file("security.rs", "// mail a@b.io").file("src/SECURITY.md", "mail a@b.io").fails(ID);
}

#[test]
fn flags_one_without_a_way_to_report() {
    repo().file("SECURITY.md", "# Security\nWe take security seriously and fix everything fast.\n").warns(ID);
}

#[test]
fn flags_a_placeholder_address() {
    repo().file("SECURITY.md", "# Security\nPlease mail security@example.com about it.\n").warns(ID);
}

#[test]
fn flags_the_template_at_its_line() {
    let text =
        "# Security Policy\n\nUse this section to tell people about which versions of your project are supported.\n";
    assert_eq!(place(&repo().file(".github/SECURITY.md", text).warns(ID)), (".github/SECURITY.md", Some(3)));
}

#[test]
fn flags_a_title_only() {
    repo().file("SECURITY.md", "# Security\n").fails(ID);
}

#[test]
fn flags_a_section_of_the_readme_as_half_of_it() {
    let item = repo().file("README.md", "# T\nx\n## Security\nMail sec@proj.io.\n").warns(ID);
    assert_eq!(place(&item), ("README.md", Some(3)));
}

#[test]
fn accepts_an_address_spelled_out() {
    repo().file("docs/security.rst", "Security\n========\n\nWrite to sec [at] proj [dot] io.\n").passes(ID);
}

#[test]
fn accepts_a_bare_link_to_the_policy_of_the_organisation() {
    repo().file("SECURITY.md", "<https://github.com/org/.github/blob/main/SECURITY.md>\n").passes(ID);
}

#[test]
fn accepts_security_txt() {
    repo().file(".well-known/security.txt", "Contact: mailto:sec@proj.io\n").passes(ID);
}

#[test]
fn accepts_the_private_reporting_of_the_platform() {
    repo().file(".github/SECURITY.md", "# Security\nOpen a draft security advisory in this repository.\n").passes(ID);
}

#[test]
fn flags_a_line_of_the_readme_as_half_of_it() {
    let item =
        repo().file("README.md", "# T\n- **Report a security vulnerability:** https://proj.io/security\n").warns(ID);
    assert_eq!(place(&item), ("README.md", Some(2)));
}

#[test]
fn flags_a_policy_deep_in_the_documentation_as_half_of_it() {
    let text = "Security policies\n=================\n\nReporting security issues: mail security@proj.io.\n";
    assert_eq!(
        place(&repo().file("docs/internals/security.txt", text).warns(ID)),
        ("docs/internals/security.txt", None)
    );
}

#[test]
fn flags_documentation_of_security_that_is_no_policy() {
    repo()
        .file("docs/topics/security.rst", "Security\n========\n\nEscape what users write. See https://proj.io/xss.\n")
        .file("README.md", "# T\nThe report of the security audit is at https://proj.io/audit.\n")
        .fails(ID);
}
