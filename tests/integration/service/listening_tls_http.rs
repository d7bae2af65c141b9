//! HTTP/1.1 and HTTP/2 over TLS beside gRPC, by clients that say themselves what they speak.

use std::sync::Arc;

use http::{Request, Version};
use hyper::body::Body as _;
use rcgen::CertificateParams;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tower_service::Service as _;

use super::fixtures::{Service, eventually, put, put_summary, summary};
use super::listening_tls::{serve, write};
use crate::support::World;
use crate::support::authority::Authority;

const ARTIFACT: &str = "/retained-runs/r1/artifacts/artifacts/ten.txt";

/// A client that believes this authority and shows this certificate.
fn client(authority: &Authority, identity: Option<(String, String)>, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    let certificate = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
    let mut authorities = RootCertStore::empty();
    authorities.add(certificate(&authority.pem())).expect("an authority");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("versions").with_root_certificates(authorities);
    let mut config = match identity {
        Some((own, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(vec![certificate(&own)], key).expect("a pair")
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}

async fn dial(service: &Service, config: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(service.address).await?;
    TlsConnector::from(Arc::clone(config)).connect("localhost".try_into().expect("a name"), socket).await
}

/// Asks over a connection of its own; what came to the last byte, and how the handshake was.
async fn get(service: &Service, config: &Arc<ClientConfig>, path: &str, headers: &str) -> (String, HandshakeKind) {
    let mut stream = dial(service, config).await.expect("a handshake");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut said = String::new();
    // Without the word of TLS that it was all, this is an error.
    stream.read_to_string(&mut said).await.expect("an end that is told");
    (said, stream.get_ref().1.handshake_kind().expect("a handshake"))
}

async fn serve_ten_bytes(world: &World, clients: Option<&Authority>) -> (Authority, Service) {
    put_summary(&world.path("runs"), "d1", &summary("r1", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d1/artifacts/ten.txt", "0123456789");
    let authority = Authority::new();
    let service = serve(world, write(world, &authority.issue("localhost"), clients)).await;
    (authority, service)
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_over_tls_answers_health_and_a_range_of_an_output() {
    let world = World::new();
    let (authority, service) = serve_ten_bytes(&world, None).await;
    // A client that speaks of no protocol speaks HTTP/1.1.
    for protocols in [&[&b"http/1.1"[..]][..], &[]] {
        let config = client(&authority, None, protocols);
        let stream = dial(&service, &config).await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), protocols.first().copied());
        let ready = eventually("health", async || {
            let (said, _) = get(&service, &config, "/health", "").await;
            said.starts_with("HTTP/1.1 200 ").then_some(said)
        });
        assert!(ready.await.ends_with("{\"status\":\"ok\"}\n"));
        let (said, _) = get(&service, &config, ARTIFACT, "range: bytes=2-4\r\n").await;
        let (head, body) = said.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 206 ") && head.contains("content-range: bytes 2-4/10"), "{head}");
        assert_eq!(body, "234");
        // The door and the guard stand behind TLS, too.
        let (said, _) = get(&service, &config, ARTIFACT, "origin: null\r\n").await;
        assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("ORIGIN_NOT_ALLOWED"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_over_tls_answers_json_and_bytes() {
    let world = World::new();
    let (authority, service) = serve_ten_bytes(&world, None).await;
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem())).domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{}", service.address)).expect("a URI");
    let endpoint = endpoint.tls_config(tls).expect("a configuration");
    let mut channel = endpoint.connect().await.expect("connected");
    let mut asked = async |path: &str, range: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(range) = range {
            request = request.header("range", range);
        }
        std::future::poll_fn(|context| channel.poll_ready(context)).await.expect("ready");
        let answer =
            channel.call(request.body(tonic::body::Body::empty()).expect("a request")).await.expect("an answer");
        assert_eq!(answer.version(), Version::HTTP_2);
        let (code, mut body) = (answer.status().as_u16(), answer.into_body());
        let mut bytes = Vec::new();
        while let Some(frame) = std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context)).await
        {
            bytes.extend_from_slice(frame.expect("a frame").data_ref().map_or(&[][..], |data| &data[..]));
        }
        (code, String::from_utf8(bytes).expect("text"))
    };
    eventually("health", async || {
        (asked("/health", None).await == (200, "{\"status\":\"ok\"}\n".to_owned())).then_some(())
    })
    .await;
    let (code, list) = asked("/retained-runs", None).await;
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!((code, &list["runs"][0]["run_id"]), (200, &serde_json::json!("r1")));
    assert_eq!(asked(ARTIFACT, Some("bytes=-3")).await, (206, "789".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_another_protocol_is_refused_in_the_handshake() {
    let world = World::new();
    let (authority, service) = serve_ten_bytes(&world, None).await;
    let config = client(&authority, None, &[b"http/0.9"]);
    dial(&service, &config).await.expect_err("no protocol in common");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_certificate_is_verified_at_each_connection() {
    let world = World::new();
    let clients = Authority::new();
    let (authority, service) = serve_ten_bytes(&world, Some(&clients)).await;
    let known = clients.issue_with("ci.example", |_: &mut CertificateParams| {});
    let config = client(&authority, Some(known), &[b"http/1.1"]);
    for _ in 0..3 {
        let (said, kind) = get(&service, &config, "/health", "").await;
        assert!(said.starts_with("HTTP/1.1 "), "{said}");
        assert_eq!(kind, HandshakeKind::Full, "an earlier session was taken up again");
    }
    // Where nobody is verified, sessions are taken up again.
    let other = World::new();
    let (authority, service) = serve_ten_bytes(&other, None).await;
    let config = client(&authority, None, &[b"http/1.1"]);
    get(&service, &config, "/health", "").await;
    assert_eq!(get(&service, &config, "/health", "").await.1, HandshakeKind::Resumed);
}
