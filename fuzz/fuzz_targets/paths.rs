//! Paths: what is accepted has plain components only and is kept as written, and a stored path resolves to such a path or to none.
#![no_main]

use guide_board::model::{DirectoryName, Rebase, RelativePath, StoredPath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str, &str)| {
    let (path, output_dir, directory) = texts;
    let is_plain = |path: &RelativePath| {
        !path.as_str().contains(['\0', '\\'])
            && path.components().all(|component| !matches!(component, "" | "." | ".."))
    };
    if let Ok(parsed) = path.parse::<RelativePath>() {
        assert_eq!(parsed.as_str(), path);
        assert!(is_plain(&parsed));
    }
    if directory.parse::<DirectoryName>().is_ok() {
        let rebase = Rebase { output_dir: Some(output_dir), directory };
        if let Ok(resolved) = StoredPath::new(path).resolve(rebase) {
            assert!(is_plain(&resolved));
            assert!(path.ends_with(resolved.as_str()));
        }
    }
});
