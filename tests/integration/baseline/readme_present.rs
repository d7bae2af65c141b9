//! Fixtures of `readme-present`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "readme-present";

#[test]
fn flags_a_tree_without_one() {
    repo().file("readme.py", "print('a readme')").file("README.md.bak", "x").fails(ID);
}

#[test]
fn flags_an_empty_one() {
    assert_eq!(place(&repo().file("README.md", "\n\n").fails(ID)), ("README.md", Some(1)));
}

#[test]
fn flags_a_title_with_badges() {
    repo().file("README.md", "# Tool\n\n[![ci](https://ci.io/b.svg)](https://ci.io)\n").warns(ID);
}

#[test]
fn flags_an_underlined_title() {
    repo().file("README.rst", "Tool\n====\n").warns(ID);
}

#[test]
fn flags_three_words_that_lead_nowhere() {
    repo().file("README", "To be written.\n").warns(ID);
}

#[test]
fn accepts_a_link_to_the_readme_of_a_member() {
    let text = "# Tool\nDoes one thing, does it well, and is used like any other filter in a pipe.\n";
    repo().file("tool/README.md", text).link("README.md", "tool/README.md").passes(ID);
}

#[test]
fn accepts_a_short_one_that_points_to_the_manual() {
    repo().file("README.md", "# Tool\nSee [the manual](docs/index.md).\n").passes(ID);
}

#[test]
fn accepts_a_script_without_spaces_between_words() {
    repo()
        .file("README.md", "# 道具\n\nこの道具はファイルを検査して結果を表示するための小さなプログラムです。\n")
        .passes(ID);
}

#[test]
fn accepts_utf16() {
    let text = "# T\nDoes one thing, does it well, and is used like any other filter in a pipe.\n";
    let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    repo().file("README.md", bytes).passes(ID);
}
