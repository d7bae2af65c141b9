//! Every call of the descriptor set: without credentials, with wrong ones, with the right ones, and without the scope that it needs.

use std::collections::BTreeSet;

use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::{ALL, READ, RUN, bearing, everybody, guarded};
use crate::hostile::calls::{call_with, methods};
use crate::service::fixtures::{Service, Setup, refused_with};
use crate::support::World;

async fn served(world: &World) -> Service {
    guarded(Setup::new(&world.path("")), &world.path("tokens.toml"), &everybody()).start().await
}

fn unauthenticated(refusal: Option<Status>, reason: &str) -> String {
    let status = refusal.expect("a refusal");
    assert_eq!(status.metadata().get("www-authenticate").map(|value| value.as_bytes()), Some(&b"Bearer"[..]));
    refused_with(status, Code::Unauthenticated, reason).message
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_wants_a_token_that_is_known() {
    let world = World::new();
    let service = served(&world).await;
    let values = |values: &[&str]| {
        let mut metadata = MetadataMap::new();
        for value in values {
            metadata.append("authorization", value.parse().expect("a value"));
        }
        metadata
    };
    let known = format!("Bearer {ALL}");
    let wrong = [
        values(&["Bearer token-that-nobody-has"]),
        values(&[&format!("Bearer {ALL}x")]),
        values(&[&format!("Basic {ALL}")]),
        values(&[ALL]),
        values(&["Bearer"]),
        values(&[&known, &known]),
    ];
    assert!(methods().len() > 15);
    for method in methods() {
        let answer = call_with(&service.channel, &method, Vec::new(), &MetadataMap::new()).await;
        unauthenticated(answer.refusal, "CREDENTIALS_MISSING");
        // What is told is the same whatever is wrong.
        let mut told = BTreeSet::new();
        for metadata in &wrong {
            let answer = call_with(&service.channel, &method, Vec::new(), metadata).await;
            told.insert(unauthenticated(answer.refusal, "CREDENTIALS_INVALID"));
        }
        assert_eq!(told.len(), 1, "{told:?}");
        let answer = call_with(&service.channel, &method, Vec::new(), &bearing(ALL)).await;
        let (code, reason) = answer.outcome();
        let let_through = [Code::Ok, Code::InvalidArgument, Code::NotFound];
        assert!(let_through.contains(&code), "{}: {code:?} {reason}", method.full_name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_goes_as_far_as_its_scopes() {
    let world = World::new();
    let service = served(&world).await;
    let mut needing_run = Vec::new();
    for method in methods() {
        let mut lacks = Vec::new();
        for (token, scope) in [(READ, "read"), (RUN, "run")] {
            let answer = call_with(&service.channel, &method, Vec::new(), &bearing(token)).await;
            if answer.outcome().0 == Code::PermissionDenied {
                let refusal = refused_with(answer.refusal.expect("one"), Code::PermissionDenied, "SCOPE_MISSING");
                lacks.push((scope, refusal.message));
            }
        }
        // Every call needs one of the two.
        let [(lacking, message)] = lacks.as_slice() else { panic!("{}: {lacks:?}", method.full_name()) };
        let needed = if *lacking == "read" { "run" } else { "read" };
        assert!(message.contains(&format!("`{needed}`")), "{message}");
        if needed == "run" {
            needing_run.push(method.name().to_owned());
        }
    }
    needing_run.sort();
    assert_eq!(needing_run, ["CancelRun", "StartRun"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_there_is_not_is_refused_before_any_service_and_told_to_callers_alone() {
    let world = World::new();
    let service = served(&world).await;
    let path = || http::uri::PathAndQuery::from_static("/guideboard.v1.RunService/NoSuchCall");
    let mut client = tonic::client::Grpc::new(service.channel.clone());
    client.ready().await.expect("connected");
    type Nothing = guide_board::wire::pb::GetServerInfoRequest;
    let codec = || tonic_prost::ProstCodec::<Nothing, Nothing>::default();
    let status = client.unary(tonic::Request::new(Nothing {}), path(), codec()).await.expect_err("refused");
    refused_with(status, Code::Unauthenticated, "CREDENTIALS_MISSING");
    client.ready().await.expect("connected");
    let status = client.unary(super::with(ALL, Nothing {}), path(), codec()).await.expect_err("refused");
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_tokens_file_whatever_a_client_bears_is_passed_over() {
    let world = World::new();
    let service = Setup::new(&world.path("")).start().await;
    for method in methods() {
        let answer = call_with(&service.channel, &method, Vec::new(), &bearing("token-that-nobody-has")).await;
        assert!(!matches!(answer.outcome().0, Code::Unauthenticated | Code::PermissionDenied), "{}", method.name());
    }
}
