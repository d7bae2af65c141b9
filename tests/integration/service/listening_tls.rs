//! TLS: who is believed, certificates that change while the server runs, and handshakes that never end.

use std::path::Path;
use std::time::Duration;

use guide_board::server::{Listener, Listening, Tls, TlsFiles};
use guide_board::wire::pb;
use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::fixtures::{PATIENCE, Service, Setup, eventually};
use crate::support::World;
use crate::support::authority::Authority;

/// Writes a pair of files for the server; returns them as its options would.
pub(super) fn write(world: &World, (certificate, key): &(String, String), client_ca: Option<&Authority>) -> TlsFiles {
    let put = |name: &str, text: &str| {
        std::fs::write(world.path(name), text).expect("written");
        world.path(name)
    };
    TlsFiles {
        certificate: put("cert.pem", certificate),
        key: put("key.pem", key),
        client_ca: client_ca.map(|authority| put("clients.pem", &authority.pem())),
    }
}

pub(super) async fn serve(world: &World, files: TlsFiles) -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let tls = Some(Tls::load(files).expect("certificates"));
    Setup::new(&world.path(""))
        .with(|config| config.connections.header_time = Duration::from_millis(500))
        .start_on(Listening { main: Listener::Tcp(listener), tls, health: None }, address)
}

/// A call over a connection of its own.
async fn list(service: &Service, tls: ClientTlsConfig) -> Result<(), String> {
    let mut client = connect(service, tls).await?;
    let reply = client.list_retained_runs(pb::ListRetainedRunsRequest::default()).await;
    match reply {
        Ok(_) => Ok(()),
        // Answered, if only that the first scan is not done.
        Err(status) if status.code() == tonic::Code::Unavailable && !status.details().is_empty() => Ok(()),
        Err(status) => Err(format!("{status:?}")),
    }
}

async fn connect(service: &Service, tls: ClientTlsConfig) -> Result<RetainedRunServiceClient<Channel>, String> {
    let endpoint = Endpoint::from_shared(format!("https://{}", service.address)).expect("a URI");
    let endpoint = endpoint.tls_config(tls.domain_name("localhost")).expect("a configuration");
    let channel = endpoint.connect().await.map_err(|error| format!("{error:?}"))?;
    Ok(RetainedRunServiceClient::new(channel))
}

fn trusting(authority: &Authority) -> ClientTlsConfig {
    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_the_authority_is_served_and_one_without_tls_is_not() {
    let world = World::new();
    let authority = Authority::new();
    let service = serve(&world, write(&world, &authority.issue("localhost"), None)).await;
    list(&service, trusting(&authority)).await.expect("served");
    list(&service, trusting(&Authority::new())).await.expect_err("a client does not believe a stranger");
    let plain = Endpoint::from_shared(format!("http://{}", service.address)).expect("a URI").connect_lazy();
    let request = pb::ListRetainedRunsRequest::default();
    RetainedRunServiceClient::new(plain).list_retained_runs(request).await.expect_err("not served in the clear");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_authority_of_clients_only_they_are_served() {
    let world = World::new();
    let (authority, clients) = (Authority::new(), Authority::new());
    let service = serve(&world, write(&world, &authority.issue("localhost"), Some(&clients))).await;
    let known_as =
        |(certificate, key): (String, String)| trusting(&authority).identity(Identity::from_pem(certificate, key));
    list(&service, known_as(clients.issue("ci.example"))).await.expect("served");
    list(&service, trusting(&authority)).await.expect_err("nobody's certificate");
    list(&service, known_as(Authority::new().issue("ci.example"))).await.expect_err("a stranger's certificate");
    let ran_out = |params: &mut CertificateParams| {
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    };
    list(&service, known_as(clients.issue_with("ci.example", ran_out))).await.expect_err("one that ran out");
    let not_yet = |params: &mut CertificateParams| params.not_before = date_time_ymd(4000, 1, 1);
    list(&service, known_as(clients.issue_with("ci.example", not_yet))).await.expect_err("one of times to come");
    for (purpose, is_served) in
        [(ExtendedKeyUsagePurpose::ServerAuth, false), (ExtendedKeyUsagePurpose::ClientAuth, true)]
    {
        let of_purpose = |params: &mut CertificateParams| params.extended_key_usages = vec![purpose.clone()];
        let outcome = list(&service, known_as(clients.issue_with("ci.example", of_purpose))).await;
        assert_eq!(outcome.is_ok(), is_served, "{purpose:?}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_change_are_taken_up_and_bad_ones_are_not() {
    let world = World::new();
    let (first, second) = (Authority::new(), Authority::new());
    let service = serve(&world, write(&world, &first.issue("localhost"), None)).await;
    let mut standing = connect(&service, trusting(&first)).await.expect("connected");
    // A certificate without its key, as between the writing of the two.
    std::fs::write(world.path("cert.pem"), second.issue("localhost").0).expect("written");
    list(&service, trusting(&first)).await.expect("the earlier pair");
    std::fs::write(world.path("key.pem"), "words").expect("written");
    list(&service, trusting(&first)).await.expect("the earlier pair");
    write(&world, &second.issue("localhost"), None);
    eventually("the new certificate", async || list(&service, trusting(&second)).await.ok()).await;
    list(&service, trusting(&first)).await.expect_err("the earlier pair is gone");
    let reply = standing.list_retained_runs(pb::ListRetainedRunsRequest::default()).await;
    reply.expect("a connection that stands goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_end_is_cut_off() {
    let world = World::new();
    let authority = Authority::new();
    let service = serve(&world, write(&world, &authority.issue("localhost"), None)).await;
    let mut silent = TcpStream::connect(service.address).await.expect("connected");
    let mut said = Vec::new();
    let read = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut said)).await.expect("closed in time");
    assert_eq!((read.unwrap_or_default(), said), (0, Vec::new()));
    list(&service, trusting(&authority)).await.expect("others are served");
}

#[test]
fn files_that_cannot_be_used_are_named_and_their_contents_are_not() {
    let world = World::new();
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost");
    let other = authority.issue("localhost");
    let told = |files: TlsFiles| Tls::load(files).expect_err("refused").to_string();
    for (pair, part) in [
        ((String::new(), key.clone()), "cert.pem: holds no certificate"),
        ((certificate.clone(), String::new()), "key.pem: holds no private key"),
        ((certificate.clone(), other.1), "do not go together: the key is not that of the certificate"),
        ((key.clone(), key.clone()), "cert.pem: holds no certificate"),
    ] {
        let told = told(write(&world, &pair, None));
        assert!(told.contains(part), "{told}");
        assert!(!told.contains("PRIVATE KEY"), "{told}");
    }
    let files = write(&world, &(certificate, key), None);
    let missing = TlsFiles { client_ca: Some(Path::new("none.pem").to_owned()), ..files };
    assert!(told(missing).contains("none.pem"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_fails_is_told_with_its_peer() {
    let world = World::new();
    std::fs::create_dir(world.path("runs")).expect("made");
    write(&world, &Authority::new().issue("localhost"), None);
    let log = std::fs::File::create(world.path("log")).expect("a log");
    let mut command = world.command();
    command.args(["serve", "--listen", "127.0.0.1:0", "--port-file", "port", "--runs-dir", "runs"]);
    command.args(["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--log-format", "json"]).stderr(log);
    let mut server = command.spawn().expect("the binary starts");
    let told = async {
        let port: u16 =
            eventually("the port file", async || std::fs::read_to_string(world.path("port")).ok()?.trim().parse().ok())
                .await;
        let mut plain = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
        let own = plain.local_addr().expect("an address").to_string();
        plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
        let line = eventually("the line", async || {
            let text = std::fs::read_to_string(world.path("log")).expect("the log");
            let mut lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            lines.find(|line| line["message"] == "a handshake failed")
        });
        (line.await, own)
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    server.kill().expect("killed");
    server.wait().expect("waited for");
    let (line, own) = told.expect("told in time");
    assert_eq!((line["level"].as_str(), line["peer"].as_str()), (Some("WARN"), Some(own.as_str())), "{line}");
    assert!(line["error"].as_str().is_some_and(|error| !error.is_empty()) && line["more"] == 0, "{line}");
}
