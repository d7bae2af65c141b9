//! Files that real tools wrote (`tests/fixtures/reports`). `GUIDE_BOARD_BLESS=1 cargo test --lib normalizers` writes the goldens anew; read the
//! difference before keeping it.

use std::path::{Path, PathBuf};

use super::{Format, check, shown};
use crate::assessment::normalizers::Collector;

fn reports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports")
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "xml" => Some(Format::JunitXml),
        "sarif" => Some(Format::Sarif210),
        "tap" => Some(Format::Tap14),
        _ => None,
    }
}

/// Every report of a format, read and compared.
fn hold(format: Format, least: usize) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(reports()).expect("fixtures").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| format_of(path) == Some(format));
    paths.sort();
    assert!(paths.len() >= least, "{} reports", paths.len());
    for path in paths {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let mut collector = Collector::new(format, vec![check("all", &[]), check("none", &["nothing is called so"])]);
        collector.read(&name, std::fs::File::open(&path).expect("opened")).expect("read to its end");
        let mut made = serde_json::to_string_pretty(&shown(&collector.finish())).expect("JSON");
        made.push('\n');
        let golden = reports().join("golden").join(format!("{name}.json"));
        if std::env::var_os("GUIDE_BOARD_BLESS").is_some() {
            std::fs::write(&golden, &made).expect("written");
        }
        let stands = std::fs::read_to_string(&golden).unwrap_or_default();
        let first = stands.lines().zip(made.lines()).find(|(stands, made)| stands != made);
        assert!(
            stands == made,
            "golden/{name}.json: {first:?}; GUIDE_BOARD_BLESS=1 cargo test --lib normalizers writes it anew"
        );
    }
}

#[test]
fn junit_xml_of_real_tools_becomes_what_its_golden_says() {
    hold(Format::JunitXml, 7);
}

#[test]
fn sarif_of_real_tools_becomes_what_its_golden_says() {
    hold(Format::Sarif210, 5);
}

#[test]
fn tap_of_real_tools_becomes_what_its_golden_says() {
    hold(Format::Tap14, 7);
}
