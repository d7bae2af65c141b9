//! What says who calls: the tokens file, and the headers of a request. Whatever they hold is taken or refused, and an error of the file repeats
//! nothing of a value.
#![no_main]

use guide_board::server::access::{HostName, Origin, bearer, host, origin, tokens};
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, Uri, Version};
use libfuzzer_sys::fuzz_target;

/// A text that no sentence of the program holds.
const SECRET: &str = "s3cr3t-s3cr3t-s3cr3t";

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = tokens::parse(text);
        let text = text.replace('§', SECRET);
        if let Err(error) = tokens::parse(&text) {
            // A name is told, between backticks; one that is a secret is a mistake that nobody can see.
            let told: String = error.to_string().split('`').step_by(2).collect();
            assert!(!told.contains(SECRET), "{told}");
        }
    }
    let hosts: Vec<HostName> = "board.example".parse().into_iter().collect();
    let origins: Vec<Origin> = "https://board.example".parse().into_iter().collect();
    let mut headers = HeaderMap::new();
    for value in bytes.split(|byte| *byte == b'\n').take(4) {
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        for name in [AUTHORIZATION, HOST, ORIGIN] {
            headers.append(name, value.clone());
        }
        let alone = |name| HeaderMap::from_iter([(name, value.clone())]);
        if let Ok(Some(token)) = bearer::token(&alone(AUTHORIZATION)) {
            assert!(bearer::is_token(token));
        }
        if let Ok(Some(origin)) = origin::of_request(&alone(ORIGIN), &origins) {
            assert_eq!(origin, "https://board.example");
        }
        let uri = Uri::from_static("/");
        if host::is_addressed_here(Version::HTTP_11, &uri, &alone(HOST), &hosts) {
            let host = value.to_str().expect("text").to_ascii_lowercase();
            let name = host.split(':').next().unwrap_or_default().trim_end_matches('.');
            let is_address = host.starts_with('[') || name.parse::<std::net::Ipv4Addr>().is_ok();
            assert!(is_address || name == "localhost" || name == "board.example", "{host}");
        }
    }
    let _ = bearer::token(&headers);
});
