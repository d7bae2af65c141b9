//! Parts of documents that are made from the sources, and the test that compares them. `GUIDE_BOARD_BLESS=1` writes them anew.

use std::path::Path;

/// Fails unless what stands between the document's markers `<!-- begin: NAME -->` and `<!-- end: NAME -->` is `text`.
#[track_caller]
pub(crate) fn hold(document: &str, name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let whole = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{document}: {error}"));
    let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (head, rest) = whole.split_once(&begin).unwrap_or_else(|| panic!("{document} has no {begin}"));
    let (stands, tail) = rest.split_once(&end).unwrap_or_else(|| panic!("{document} has no {end}"));
    let wanted = format!("\n{}\n\n", text.trim());
    if stands == wanted {
        return;
    }
    if std::env::var_os("GUIDE_BOARD_BLESS").is_some() {
        std::fs::write(&path, format!("{head}{begin}{wanted}{end}{tail}")).expect("written");
        return;
    }
    let first = stands.lines().zip(wanted.lines()).find(|(stands, wanted)| stands != wanted);
    panic!(
        "{document} is not what the sources say; the first difference: {first:?}. GUIDE_BOARD_BLESS=1 cargo test --test integration docs:: \
         writes it anew"
    );
}
