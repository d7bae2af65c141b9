//! What a tokens file may say, and what is told of one that is wrong.

use proptest::prelude::*;

use super::*;

const SECRET: &str = "s3cr3t-s3cr3t-s3cr3t";

fn entry(rest: &str) -> String {
    format!("[[token]]\nname = \"ci\"\n{rest}")
}

#[test]
fn every_kind_of_entry_is_read() {
    let callers = parse(&format!(
        "[[token]]\nname = \"ci\"\ntoken = \"{SECRET}\"\nscopes = [\"read\", \"run\"]\nroots = [\"ci\", \"lab\"]\n\
         [[token]]\nname = \"b\"\nsha256 = \"{}\"\nscopes = [\"run\"]\n\
         [[client]]\nname = \"c@x\"\ndns = \"A.example\"\nscopes = [\"read\"]\n\
         [[peer]]\nname = \"p\"\nuid = 0\nscopes = [\"read\"]\n",
        "0".repeat(64)
    ))
    .expect("callers");
    assert_eq!((callers.len(), callers.has_plain_tokens()), (4, true));
    let roots: std::collections::BTreeSet<_> = callers.roots().into_iter().map(RootName::as_str).collect();
    assert_eq!(roots.into_iter().collect::<Vec<_>>(), ["ci", "lab"]);
    assert!(parse("").expect("nobody").is_empty());
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_without_any_value() {
    let cases = [
        (format!("{SECRET}\n"), 1),
        (format!("\n{SECRET} = 1\n"), 2),
        (format!("token = \"{SECRET}\""), 1),
        (format!("token = [\"{SECRET}\"]"), 1),
        (format!("[token.{SECRET}]"), 1),
        (entry(&format!("token = \"{SECRET}\"\nscopes = \"{SECRET}\"")), 4),
        (entry(&format!("token = \"{SECRET}\"\nscopes = [\"{SECRET}\"]")), 4),
        (entry(&format!("token = \"{SECRET}\"\nscopes = []")), 4),
        (entry(&format!("token = \"{SECRET}\"\nscopes = [\"read\", \"read\"]")), 4),
        (entry(&format!("token = \"{SECRET}\"\nscopes = [\"read\"]\nroots = []")), 5),
        (entry(&format!("token = \"{SECRET}\"\nscopes = [\"read\"]\nroots = [\"{SECRET} \"]")), 5),
        (entry(&format!("token = \"{SECRET}\"\nscopes = [\"read\"]\n{SECRET} = 1")), 5),
        (entry(&format!("token = \"{SECRET}\"")), 1),
        (entry("scopes = [\"read\"]"), 1),
        (entry(&format!("token = \"{SECRET}\"\nsha256 = \"{}\"\nscopes = [\"read\"]", "0".repeat(64))), 1),
        (entry("token = \"short\"\nscopes = [\"read\"]"), 3),
        (entry(&format!("token = \"{SECRET} {SECRET}\"\nscopes = [\"read\"]")), 3),
        (entry("token = 12345678901234567890\nscopes = [\"read\"]"), 3),
        (entry(&format!("sha256 = \"{}\"\nscopes = [\"read\"]", "A".repeat(64))), 3),
        (entry(&format!("sha256 = \"{SECRET}\"\nscopes = [\"read\"]")), 3),
        (format!("[[token]]\nname = \"{SECRET} \"\ntoken = \"{SECRET}\"\nscopes = [\"read\"]"), 2),
        (format!("[[token]]\ntoken = \"{SECRET}\"\nscopes = [\"read\"]"), 1),
        ("[[peer]]\nname = \"p\"\nuid = -1\nscopes = [\"read\"]".to_owned(), 3),
        ("[[peer]]\nname = \"p\"\nuid = 4294967296\nscopes = [\"read\"]".to_owned(), 3),
        (format!("[[peer]]\nname = \"p\"\nuid = \"{SECRET}\"\nscopes = [\"read\"]"), 3),
        ("[[client]]\nname = \"c\"\nuri = \"\"\nscopes = [\"read\"]".to_owned(), 3),
        ("[[client]]\nname = \"c\"\nuri = \"a\"\ndns = \"b\"\nscopes = [\"read\"]".to_owned(), 1),
    ];
    for (text, line) in cases {
        let error = parse(&text).expect_err(&text);
        assert_eq!(error.line, line, "{text}\n{error}");
        assert!(!error.to_string().contains(SECRET) && !error.to_string().contains("short"), "{error}");
    }
}

#[test]
fn a_name_and_a_credential_stand_there_once() {
    let token =
        |name: &str, token: &str| format!("[[token]]\nname = \"{name}\"\ntoken = \"{token}\"\nscopes = [\"read\"]\n");
    let error = parse(&(token("a", SECRET) + &token("a", "0123456789abcdef"))).expect_err("refused").to_string();
    assert!(error.contains("`a`") && error.starts_with("line 5"), "{error}");
    let error = parse(&(token("a", SECRET) + &token("b", SECRET))).expect_err("refused").to_string();
    assert!(error.contains("`b`") && !error.contains(SECRET), "{error}");
    // Plain and hashed are the same token.
    let hashed = format!(
        "[[token]]\nname = \"b\"\nsha256 = \"{}\"\nscopes = [\"read\"]\n",
        data_encoding::HEXLOWER.encode(&digest(SECRET))
    );
    assert!(parse(&(token("a", SECRET) + &hashed)).is_err());
    let peer = "[[peer]]\nname = \"a\"\nuid = 5\nscopes = [\"read\"]\n";
    assert!(parse(&(token("a", SECRET) + peer)).is_err(), "names are shared by all kinds");
}

#[test]
fn more_callers_than_may_be_are_refused() {
    let peers = |count: usize| -> String {
        (0..count).map(|uid| format!("[[peer]]\nname=\"p{uid}\"\nuid={uid}\nscopes=[\"read\"]\n")).collect()
    };
    assert_eq!(parse_at_most(20, &peers(20)).expect("callers").len(), 20);
    assert!(parse_at_most(20, &peers(21)).expect_err("refused").to_string().contains("more than 20"));
}

#[test]
fn what_is_kept_of_a_token_does_not_show_it() {
    let callers = parse(&entry(&format!("token = \"{SECRET}\"\nscopes = [\"read\"]"))).expect("callers");
    assert!(!format!("{callers:?}").contains(SECRET));
}

proptest! {
    #[test]
    fn parsing_is_total_and_no_error_repeats_a_secret(
        key in "(name|token|sha256|scopes|roots|uid|x)",
        value in "(\"s3cr3t[a-z]{0,30}\"|[0-9]{1,25}|\\[\"s3cr3t[a-z]{0,9}\"\\]|true|s3cr3t)",
        kind in "(token|client|peer|[a-z]{1,5})",
    ) {
        let text = format!("[[{kind}]]\nname = \"n\"\n{key} = {value}\nscopes = [\"read\"]\n");
        if let Err(error) = parse(&text) {
            prop_assert!(!error.to_string().contains("s3cr3t"), "{}", error);
        }
    }

    #[test]
    fn parsing_any_text_is_total(text in "\\PC{0,120}") {
        let _ = parse(&text);
    }
}
