//! Tests of the stream of items.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Every item of a document with where it ends.
fn all(document: &[u8]) -> Result<Vec<(String, u64)>, ItemsError> {
    let mut items = Vec::new();
    read_items(document, "findings", &mut |item| {
        items.push((item.text.to_owned(), item.end));
        ControlFlow::Continue(())
    })?;
    Ok(items)
}

fn from(document: &[u8], end: u64) -> Result<Vec<(String, u64)>, ItemsError> {
    let mut items = Vec::new();
    let rest = document.get(usize::try_from(end).expect("an offset")..).unwrap_or_default();
    resume_items(rest, end, &mut |item| {
        items.push((item.text.to_owned(), item.end));
        ControlFlow::Continue(())
    })?;
    Ok(items)
}

fn texts(document: &str) -> Vec<String> {
    all(document.as_bytes()).expect("items").into_iter().map(|(text, _)| text).collect()
}

fn defect(document: &str) -> String {
    match all(document.as_bytes()) {
        Err(ItemsError::Malformed(why)) => why,
        other => panic!("{document}: {other:?}"),
    }
}

#[test]
fn an_array_and_an_object_with_it_under_either_name_are_the_same() {
    for document in [
        r#"[{"a":1}, 2]"#,
        r#"{"findings": [{"a":1}, 2]}"#,
        r#"{"schema": {"items": 3}, "items": [{"a":1}, 2], "more": [[]]}"#,
        r#"{"findings": null, "items": [{"a":1}, 2]}"#,
    ] {
        assert_eq!(texts(document), [r#"{"a":1}"#, "2"], "{document}");
    }
    assert!(texts("[]").is_empty());
}

#[test]
fn what_is_no_json_or_has_no_array_is_malformed() {
    for document in ["", "[", "[{}", "[{}]]", "[{},]", "[1 2]", "{\"findings\": [}", "\u{feff}[]", "[{\"a\":tru}]"] {
        assert!(defect(document).contains("not JSON"), "{document}: {}", defect(document));
    }
    for document in ["{}", "null", "7", "\"[]\"", r#"{"evidence": []}"#, r#"{"items": {}}"#, r#"{"findings": "x"}"#] {
        assert!(defect(document).contains("no array"), "{document}: {}", defect(document));
    }
    assert!(defect(r#"{"items": [], "findings": []}"#).contains("two arrays"));
    assert!(defect(r#"{"items": [1], "items": [2]}"#).contains("two arrays"));
    assert!(matches!(all(b"[\"\xff\"]"), Err(ItemsError::Malformed(_))));
}

#[test]
fn bombs_of_depth_and_strings_are_refused() {
    assert!(defect(&format!("[{}", "[".repeat(1_000_000))).contains("128"));
    assert!(defect(&format!(r#"{{"x": "{}", "items": []}}"#, "a".repeat(17 << 20))).contains("16 MiB"));
}

#[test]
fn an_item_of_more_than_16_mib_is_too_large_whatever_it_is_made_of() {
    let giant = format!(r#"[{{"a": 1}}, {{"title": "{}"}}]"#, "a".repeat(17 << 20));
    assert!(matches!(all(giant.as_bytes()), Err(ItemsError::ItemTooLarge)));
    let empty = format!("[{}", " ".repeat(17 << 20));
    assert!(matches!(all(empty.as_bytes()), Err(ItemsError::ItemTooLarge)));
}

#[test]
fn an_item_is_too_large_by_its_own_length_wherever_reading_began() {
    for (length, is_read) in [(MAX_ITEM_BYTES, true), (MAX_ITEM_BYTES + 1, false), (MAX_ITEM_BYTES + 9000, false)] {
        let item = format!(r#"{{"a": "b",{}"c": 1}}"#, " ".repeat(length - 17));
        assert_eq!(item.len(), length);
        let document = format!("[{}{item}]", "[1],".repeat(20_000));
        assert_eq!(all(document.as_bytes()).is_ok(), is_read, "{length}");
        let last_but_one = u64::try_from(20_000 * 4).expect("a length");
        assert_eq!(from(document.as_bytes(), last_but_one).is_ok(), is_read, "{length}");
    }
}

#[test]
fn an_item_of_several_mebibytes_is_read() {
    let document = format!(r#"[{{"title": "{}"}}, 1]"#, "a".repeat(9 << 20));
    assert_eq!(texts(&document).len(), 2);
}

/// A document that is made as it is read: `left` items more.
struct Endless<'a> {
    left: u64,
    pending: &'static [u8],
    given: &'a Cell<u64>,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.pending.is_empty() && self.left > 0 {
            self.left -= 1;
            self.pending = if self.left == 0 { b"{}]" } else { b"{}," };
        }
        let count = self.pending.read(buffer)?;
        self.given.set(self.given.get() + u64::try_from(count).expect("a length"));
        Ok(count)
    }
}

#[test]
fn many_items_are_read_with_no_more_than_a_buffer_ahead() {
    let given = Cell::new(0);
    let document = Endless { left: 200_000, pending: b"[", given: &given };
    let mut seen = 0_u64;
    read_items(document, "findings", &mut |item| {
        seen += 1;
        assert_eq!(item.end, seen * 3);
        assert!(given.get() - item.end <= u64::try_from(BUFFER_BYTES).expect("a length"));
        ControlFlow::Continue(())
    })
    .expect("items");
    assert_eq!(seen, 200_000);
}

#[test]
fn reading_on_for_a_page_reads_the_page_and_no_more_than_a_buffer_ahead() {
    let given = Cell::new(0);
    let mut seen = 0_u64;
    resume_items(Endless { left: 1_000_000, pending: b",", given: &given }, 77, &mut |item| {
        seen += 1;
        assert_eq!(item.end, 77 + seen * 3);
        if seen == 500 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .expect("items");
    assert!(seen == 500 && given.get() <= seen * 3 + u64::try_from(BUFFER_BYTES).expect("a length"), "{}", given.get());
}

#[test]
fn reading_on_from_where_any_item_ended_gives_the_rest() {
    let document = r#"{"x": [1], "findings" : [ 1 , -2.5e3,{"a":"]\"}"} ,"x\\", null,true
        , [ [] ] ,7 ], "items_of_others": [4] }"#;
    let items = all(document.as_bytes()).expect("items");
    assert_eq!(items.len(), 8);
    for (place, (text, end)) in items.iter().enumerate() {
        let until = document.get(..usize::try_from(*end).expect("an offset")).expect("a boundary");
        assert!(until.ends_with(text.as_str()), "{text} does not end at {end}");
        assert_eq!(from(document.as_bytes(), *end).expect("the rest"), items[place + 1..], "after {text}");
    }
}

#[test]
fn reading_on_from_anywhere_else_is_an_error_or_items_of_the_same_file() {
    let document = br#"{"findings": [{"a": [1, 2], "b": "x, [3]"}, {"c": null}]}"#;
    for end in 0..document.len() + 10 {
        if let Ok(items) = from(document, u64::try_from(end).expect("an offset")) {
            for (text, _) in items {
                assert!(String::from_utf8_lossy(document).contains(&text), "{text} at {end}");
            }
        }
    }
    assert!(from(document, u64::from(u32::MAX)).is_err());
    assert!(resume_items(&b",1]"[..], u64::MAX, &mut |_| ControlFlow::Continue(())).is_ok());
}

#[test]
fn reading_stops_where_the_visitor_breaks_off() {
    let mut seen = 0;
    let outcome = read_items(&b"[1,2,3 and no JSON"[..], "findings", &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    });
    assert!(outcome.is_ok() && seen == 1);
}

#[test]
fn trouble_with_the_disk_is_no_malformed_document() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::TimedOut.into())
        }
    }
    let outcome = read_items(b"[1,".chain(Broken), "findings", &mut |_| ControlFlow::Continue(()));
    assert!(matches!(outcome, Err(ItemsError::Read(error)) if error.kind() == std::io::ErrorKind::TimedOut));
}

/// Any JSON.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("\\PC{0,4}", inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_any_bytes_from_any_place_is_total(
        bytes in proptest::collection::vec(any::<u8>(), 0..200), end in 0..300_u64,
    ) {
        let _ = all(&bytes);
        let _ = from(&bytes, end);
    }

    #[test]
    fn reading_anything_like_json_is_total(text in "[\\[\\]{}\":,a-z0-9 \\\\-]{0,60}") {
        let _ = all(text.as_bytes());
        let _ = all(format!("[{text}]").as_bytes());
        let _ = from(format!(",{text}]").as_bytes(), 0);
    }

    #[test]
    fn the_items_of_any_array_are_those_of_the_whole_parse_wherever_reading_is_taken_up(
        values in proptest::collection::vec(json(), 0..12), pretty: bool, name in prop_oneof![
            Just(None), Just(Some("findings")), Just(Some("items"))
        ],
    ) {
        let array = Value::from(values);
        let document = match name {
            None => array,
            Some(name) => serde_json::json!({"before": [1, {}], name: array, "after": {"items": []}}),
        };
        let text = if pretty { format!("{document:#}") } else { document.to_string() };
        let whole: Value = serde_json::from_str(&text).expect("JSON");
        let expected = name.map_or(&whole, |name| &whole[name]).as_array().expect("the array").clone();
        let items = all(text.as_bytes()).expect("items");
        let parse = |items: &[(String, u64)]| -> Vec<Value> {
            items.iter().map(|(text, _)| serde_json::from_str(text).expect("JSON")).collect()
        };
        prop_assert_eq!(&parse(&items), &expected);
        for (place, (_, end)) in items.iter().enumerate() {
            let rest = from(text.as_bytes(), *end).expect("the rest");
            prop_assert_eq!(parse(&rest), expected.get(place + 1..).expect("the rest"));
        }
    }
}
