//! Compiles `proto/` without an installed protoc: Rust types and services, and the descriptor set that reflection and the JSON
//! dialect read.

use std::error::Error;
use std::path::PathBuf;

const FILES: [&str; 4] = [
    "guideboard/v1/types.proto",
    "guideboard/v1/retained_run_service.proto",
    "guideboard/v1/run_service.proto",
    "guideboard/v1/catalog_service.proto",
];

#[expect(clippy::disallowed_methods, reason = "a build script writes to its own output directory")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut compiler = protox::Compiler::new(["proto", "proto/third_party"])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    // The encoded set keeps options that a decode and encode through plain prost types would lose.
    std::fs::write(out.join("guideboard.v1.bin"), compiler.encode_file_descriptor_set())?;
    let mut config = prost_build::Config::new();
    config.bytes(["."]);
    config.btree_map(["."]);
    tonic_prost_build::configure().compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    Ok(())
}
