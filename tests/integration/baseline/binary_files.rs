//! Fixtures of `binary-files`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "binary-files";
const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0";
const CLASS: &[u8] = b"\xca\xfe\xba\xbe\0\0\0\x34";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0";

#[test]
fn flags_an_executable_whatever_its_name() {
    let item = repo().file("docs/picture.png", ELF).fails(ID);
    assert_eq!((place(&item), item.severity), (("docs/picture.png", None), Some(Severity::High)));
}

#[test]
fn flags_bytecode_and_packages() {
    for (path, bytes) in [
        ("A.class", CLASS),
        ("lib/a.jar", ZIP),
        ("a.whl", ZIP),
        ("a.wasm", b"\0asm\x01\0\0\0"),
        ("a.pyc", b"\xa7\r\r\n\0\0\0\0"),
        ("liba.a", b"!<arch>\nx/"),
        ("a.dylib", b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
    ] {
        let item = repo().file(path, bytes).check(ID);
        assert_eq!(item.result, EvidenceResult::Fail, "{path}");
    }
}

#[test]
fn flags_a_gradle_wrapper_mildly() {
    repo().file("gradle/wrapper/gradle-wrapper.jar", ZIP).warns(ID);
}

#[test]
fn flags_test_data_mildly() {
    repo().file("tests/data/hello.elf", ELF).warns(ID);
}

#[test]
fn accepts_a_gradle_wrapper_that_a_workflow_validates() {
    let workflow = "jobs:\n  a:\n    steps:\n      - uses: gradle/actions/wrapper-validation@v4\n";
    repo().file("gradle/wrapper/gradle-wrapper.jar", ZIP).file(".github/workflows/w.yml", workflow).passes(ID);
}

#[test]
fn accepts_pictures_fonts_documents_and_archives() {
    repo()
        .file("a.png", b"\x89PNG\r\n\x1a\n....")
        .file("a.woff2", b"wOF2....")
        .file("a.pdf", b"%PDF-1.7\n")
        .file("a.zip", ZIP)
        .file("a.docx", ZIP)
        .passes(ID);
}

#[test]
fn accepts_text_with_the_extension_of_a_binary() {
    repo()
        .file("libm.so", "/* GNU ld script */ GROUP ( libm.so.6 )")
        .file("run.exe", "MZ is not all it takes")
        .file("a.class", "CSS?")
        .passes(ID);
}

#[test]
fn accepts_scripts_that_are_executable_and_empty_objects() {
    repo().file("configure", "#!/bin/sh\nexit 0\n").file("empty.o", "").file("short.so", "\x7fEL").passes(ID);
}
