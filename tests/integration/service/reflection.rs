//! Reflection, in both versions that tools speak: services listed, symbols and files described.

use tokio_stream::iter;
use tonic_reflection::pb::{v1, v1alpha};

use super::fixtures::Setup;
use crate::support::World;

const SERVICES: [&str; 6] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "guideboard.v1.CatalogService",
    "guideboard.v1.RetainedRunService",
    "guideboard.v1.RunService",
];

const SYMBOLS: [&str; 4] = [
    "guideboard.v1.RetainedRunService",
    "guideboard.v1.RetainedRunService.ReadArtifact",
    "guideboard.v1.Artifact",
    "google.protobuf.Timestamp",
];

/// The same conversation in the words of one version.
macro_rules! converse {
    ($version:ident) => {{
        use $version::server_reflection_request::MessageRequest;
        use $version::server_reflection_response::MessageResponse;
        let world = World::new();
        let service = Setup::new(&world.path("")).start().await;
        let mut client = $version::server_reflection_client::ServerReflectionClient::new(service.channel.clone());
        let ask = |message_request| $version::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(message_request),
        };
        let mut questions = vec![ask(MessageRequest::ListServices(String::new()))];
        questions.extend(SYMBOLS.map(|symbol| ask(MessageRequest::FileContainingSymbol(symbol.to_owned()))));
        questions.push(ask(MessageRequest::FileByFilename("guideboard/v1/types.proto".to_owned())));
        let mut answers = client.server_reflection_info(iter(questions)).await.expect("answers").into_inner();
        let mut services = Vec::new();
        let mut files = 0;
        while let Some(answer) = answers.message().await.expect("an answer") {
            match answer.message_response.expect("an answer") {
                MessageResponse::ListServicesResponse(list) => {
                    services = list.service.into_iter().map(|service| service.name).collect();
                }
                MessageResponse::FileDescriptorResponse(found) => files += found.file_descriptor_proto.len().min(1),
                other => panic!("{other:?}"),
            }
        }
        services.sort();
        assert_eq!(files, SYMBOLS.len() + 1);
        services
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn version_one_lists_and_describes() {
    let services: Vec<String> = converse!(v1);
    for name in SERVICES.iter().filter(|name| !name.contains("v1alpha")) {
        assert!(services.contains(&(*name).to_owned()), "{services:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn version_one_alpha_lists_and_describes() {
    let services: Vec<String> = converse!(v1alpha);
    for name in SERVICES.iter().filter(|name| !name.contains("reflection.v1.")) {
        assert!(services.contains(&(*name).to_owned()), "{services:?}");
    }
}
