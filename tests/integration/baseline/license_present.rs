//! Fixtures of `license-present`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "license-present";

#[test]
fn flags_a_tree_without_one() {
    assert_eq!(repo().file("README.md", "x").fails(ID).severity, Some(Severity::High));
}

#[test]
fn flags_an_empty_file_at_its_first_line() {
    assert_eq!(place(&repo().file("LICENSE", " \n").fails(ID)), ("LICENSE", Some(1)));
}

#[test]
fn flags_a_bare_name() {
    repo().file("LICENSE", "MIT\n").warns(ID);
}

#[test]
fn flags_a_text_that_is_no_licence() {
    repo().file("LICENSE.txt", "This file was left here by the project generator. ".repeat(8)).warns(ID);
}

#[test]
fn flags_a_declaration_without_a_text_at_its_line() {
    let item = repo().file("Cargo.toml", "[package]\nname = \"a\"\nlicense = \"MIT\"\n").warns(ID);
    assert_eq!(place(&item), ("Cargo.toml", Some(3)));
}

#[test]
fn flags_a_link_that_leads_nowhere() {
    repo().link("LICENSE", "../LICENSE").fails(ID);
}

#[test]
fn flags_code_that_is_named_like_one() {
    repo().file("license.rs", MIT).file("license-header.txt", MIT).fails(ID);
}

#[test]
fn flags_one_where_platforms_do_not_look() {
    repo().file("docs/LICENSE", MIT).warns(ID);
}

#[test]
fn flags_a_licence_that_is_not_open() {
    repo().file("LICENSE", format!("Business Source License 1.1\n{}", "terms ".repeat(30))).warns(ID);
}

#[test]
fn accepts_one_beside_an_empty_one() {
    let item = repo().file("LICENSE", "").file("LICENSE-MIT", MIT).passes(ID);
    assert_eq!(item.facts["spdx_ids"], serde_json::json!(["MIT"]));
}

#[test]
fn accepts_the_reuse_directory() {
    repo().file("LICENSES/MIT.txt", MIT).passes(ID);
}

#[test]
fn accepts_a_link_to_a_file_of_the_tree() {
    repo().file("legal/mit.txt", MIT).link("COPYING", "legal/mit.txt").passes(ID);
}

#[test]
fn accepts_a_text_of_its_own_that_reads_like_a_licence() {
    let text = "Copyright Example. Permission to use is granted to members under these terms. ".repeat(4);
    assert_eq!(repo().file("LICENCE.md", text).passes(ID).facts["spdx_ids"], serde_json::json!(["unrecognised"]));
}

#[test]
fn accepts_the_file_that_the_manifest_names() {
    repo()
        .file("Cargo.toml", "[package]\nlicense-file = \"legal/terms.txt\"\n")
        .file("legal/terms.txt", MIT)
        .passes(ID);
}

#[test]
fn flags_the_licences_of_dependencies_alone() {
    repo().file("licenses/click.txt", MIT).fails(ID);
}
