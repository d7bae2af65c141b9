//! gRPC-Web, and gRPC beside HTTP on one port.

use guide_board::wire::pb;
use prost::Message as _;

use super::client::ask;
use super::with_a_run;

/// A message in its frame.
fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_calls_by_grpc_web() {
    let (_world, service) = with_a_run().await;
    let request = pb::GetRetainedRunRequest { run_id: "r1".into(), ..Default::default() };
    let headers = [("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1")];
    let path = "/guideboard.v1.RetainedRunService/GetRetainedRun";
    let answer = ask(service.address, "POST", path, &headers, &framed(&request.encode_to_vec())).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/grpc-web+proto"));
    assert_eq!(answer.header("access-control-allow-origin"), None, "no page of another origin is let in");
    let size = u32::from_be_bytes(answer.body[1..5].try_into().expect("a size")) as usize;
    let reply = pb::GetRetainedRunResponse::decode(&answer.body[5..5 + size]).expect("a reply");
    assert_eq!(reply.run.expect("a run").run_id, "r1");
    let trailers = String::from_utf8_lossy(&answer.body[5 + size..]).into_owned();
    assert!(answer.body[5 + size] == 0x80 && trailers.contains("grpc-status:0"), "{trailers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_service_is_unimplemented_to_grpc_and_not_found_to_http() {
    let (_world, service) = with_a_run().await;
    let mut grpc = tonic::client::Grpc::new(service.channel.clone());
    grpc.ready().await.expect("ready");
    let codec = tonic_prost::ProstCodec::<pb::GetRunRequest, pb::GetRunResponse>::default();
    let path = http::uri::PathAndQuery::from_static("/guideboard.v1.NoService/Get");
    let status =
        grpc.unary(tonic::Request::new(pb::GetRunRequest::default()), path, codec).await.expect_err("a refusal");
    assert_eq!(status.code(), tonic::Code::Unimplemented);
    ask(service.address, "GET", "/guideboard.v1.NoService/Get", &[], b"").await.refused(
        404,
        "NOT_FOUND",
        "PATH_NOT_FOUND",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_grpc_is_refused_in_json_to_those_who_speak_none() {
    let (_world, service) = with_a_run().await;
    for (method, kind) in [("GET", "text/html"), ("POST", "application/json"), ("OPTIONS", "text/plain")] {
        let answer =
            ask(service.address, method, "/guideboard.v1.RunService/GetRun", &[("content-type", kind)], b"").await;
        answer.refused(415, "INVALID_ARGUMENT", "CONTENT_TYPE_UNSUPPORTED");
    }
}
