//! Recognising compiled artifacts by their first bytes, with the extension only where bytes alone would mislead.

/// How many bytes of a file are enough.
pub const HEAD_BYTES: usize = 1024;

/// The kind of compiled artifact that a file is, by its head and its lower-case extension.
pub fn artifact_kind(head: &[u8], extension: &str) -> Option<&'static str> {
    match head {
        [0x7f, b'E', b'L', b'F', ..] => Some("ELF"),
        [0, b'a', b's', b'm', ..] => Some("WebAssembly"),
        [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] => Some("Mach-O"),
        [0xca, 0xfe, 0xba, 0xbe, high, _, major_high, major_low, ..] => {
            Some(java_or_fat(*high, u16::from_be_bytes([*major_high, *major_low])))
        }
        [0xca, 0xfe, 0xd0, 0x0d, ..] => Some("packed Java archive"),
        [b'M', b'Z', ..] if is_portable_executable(head) => Some("Windows executable"),
        [b'd', b'e', b'x', b'\n', b'0', ..] => Some("Dalvik executable"),
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n', rest @ ..] => {
            Some(if rest.starts_with(b"debian-binary") { "Debian package" } else { "static library" })
        }
        [0xed, 0xab, 0xee, 0xdb, ..] => Some("RPM package"),
        [b'B', b'C', 0xc0, 0xde, ..] => Some("LLVM bitcode"),
        [0x1b, b'L', b'u', b'a', ..] => Some("Lua bytecode"),
        [b'F', b'O', b'R', b'1', _, _, _, _, b'B', b'E', b'A', b'M', ..] => Some("Erlang BEAM module"),
        [_, _, b'\r', b'\n', ..] if ["pyc", "pyo"].contains(&extension) => Some("Python bytecode"),
        [b'P', b'K', 3, 4, ..] => zip_kind(extension),
        [0xd0, 0xcf, 0x11, 0xe0, ..] if extension == "msi" => Some("Windows installer"),
        [0x64, 0x86, ..] | [0x4c, 0x01, ..] if extension == "obj" || extension == "o" => Some("object file"),
        _ => None,
    }
}

/// Java classes and fat Mach-O files share four bytes; a class then has its version, from 45 on, a fat file a count.
fn java_or_fat(high: u8, number: u16) -> &'static str {
    if high == 0 && number < 45 { "Mach-O" } else { "Java class" }
}

fn is_portable_executable(head: &[u8]) -> bool {
    let offset = head.get(0x3c..0x40).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map(u32::from_le_bytes);
    let Some(offset) = offset.and_then(|offset| usize::try_from(offset).ok()) else {
        return false;
    };
    match head.get(offset..offset.saturating_add(2)) {
        Some(mark) => mark == b"PE" || mark == b"NE" || mark == b"LE" || mark == b"LX",
        // The header lies beyond what was read: plausible only where one usually lies.
        None => head.len() >= HEAD_BYTES && offset < 0x10000,
    }
}

fn zip_kind(extension: &str) -> Option<&'static str> {
    match extension {
        "jar" | "war" | "ear" | "aar" | "par" | "jmod" => Some("Java archive"),
        "apk" | "aab" => Some("Android package"),
        "whl" | "egg" => Some("Python package"),
        "nupkg" => Some("NuGet package"),
        "ipa" => Some("iOS package"),
        "xpi" | "crx" | "vsix" => Some("extension package"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_class_and_a_fat_binary_differ_by_the_number_after_the_mark() {
        assert_eq!(artifact_kind(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52], "class"), Some("Java class"));
        assert_eq!(artifact_kind(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2], ""), Some("Mach-O"));
    }

    #[test]
    fn text_that_begins_with_mz_is_no_executable() {
        assert_eq!(artifact_kind(b"MZ is the mark of DOS executables, says this text.", "exe"), None);
        let mut head = vec![0; 256];
        head[..2].copy_from_slice(b"MZ");
        head[0x3c] = 0x80;
        head[0x80..0x82].copy_from_slice(b"PE");
        assert_eq!(artifact_kind(&head, ""), Some("Windows executable"));
    }

    #[test]
    fn a_plain_zip_is_no_artifact() {
        assert_eq!(artifact_kind(b"PK\x03\x04....", "zip"), None);
        assert_eq!(artifact_kind(b"PK\x03\x04....", "docx"), None);
        assert_eq!(artifact_kind(b"PK\x03\x04....", "jar"), Some("Java archive"));
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_asked(head in proptest::collection::vec(any::<u8>(), 0..128), extension in "[a-z]{0,4}") {
            let _ = artifact_kind(&head, &extension);
        }

        #[test]
        fn any_offset_after_mz_is_safe(offset in any::<u32>(), length in 64_usize..2048) {
            let mut head = vec![0; length];
            head[..2].copy_from_slice(b"MZ");
            head[0x3c..0x40].copy_from_slice(&offset.to_le_bytes());
            let _ = artifact_kind(&head, "");
        }
    }
}
