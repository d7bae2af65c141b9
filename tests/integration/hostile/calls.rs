//! Any call of the descriptor set, made with any bytes, and everything that came back.

use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use guide_board::services::reason_of;
use guide_board::wire::{DESCRIPTOR_SET, pb};
use http::uri::PathAndQuery;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, Value};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// How long a call may take before it counts as hanging.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Every method of the package, by full name.
pub(crate) fn methods() -> Vec<MethodDescriptor> {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(DESCRIPTOR_SET).expect("a descriptor set"));
    let services: Vec<_> = POOL.services().filter(|service| service.package_name() == "guideboard.v1").collect();
    services.iter().flat_map(|service| service.methods()).collect()
}

/// The fields of a request that hold text: what could be taken for a name.
pub(crate) fn texts(method: &MethodDescriptor) -> Vec<FieldDescriptor> {
    let holds_text = |kind: &Kind| match kind {
        Kind::String | Kind::Bytes => true,
        Kind::Message(message) => {
            // A message that is not known to hold none may hold some.
            message.full_name() != "google.protobuf.Timestamp" && message.full_name() != "google.protobuf.Duration"
        }
        _ => false,
    };
    method.input().fields().filter(|field| holds_text(&field.kind())).collect()
}

/// A request as its JSON.
pub(crate) fn request(method: &MethodDescriptor, json: &serde_json::Value) -> DynamicMessage {
    DynamicMessage::deserialize(method.input(), json).unwrap_or_else(|error| panic!("{}: {error}", method.full_name()))
}

/// Puts a text into a field of a request.
pub(crate) fn put_text(request: &mut DynamicMessage, field: &FieldDescriptor, text: &str) {
    let value = Value::String(text.to_owned());
    let value = if field.is_map() {
        // As the key, and as the value.
        let entries = [
            (prost_reflect::MapKey::String(text.to_owned()), value.clone()),
            (prost_reflect::MapKey::String("k".to_owned()), value),
        ];
        Value::Map(entries.into())
    } else if field.is_list() {
        Value::List(vec![value])
    } else {
        value
    };
    request.set_field(field, value);
}

/// What a call answered: every byte that came, and how it ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) messages: Vec<Bytes>,
    /// `None`: a clean end.
    pub(crate) refusal: Option<Status>,
    metadata: String,
}

impl Answer {
    /// Its code and reason.
    pub(crate) fn outcome(&self) -> (Code, String) {
        match &self.refusal {
            None => (Code::Ok, String::new()),
            Some(status) => (status.code(), reason_of(status).unwrap_or_default()),
        }
    }

    /// All of it, to be searched.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut all = self.metadata.clone().into_bytes();
        for message in &self.messages {
            all.extend_from_slice(message);
            all.push(b'\n');
        }
        if let Some(status) = &self.refusal {
            all.extend_from_slice(status.message().as_bytes());
            all.extend_from_slice(status.details());
            all.extend_from_slice(format!("{:?}", status.metadata()).as_bytes());
        }
        all
    }

    /// The bytes of an output.
    pub(crate) fn data(&self) -> Vec<u8> {
        assert!(self.refusal.is_none(), "{:?}", self.refusal);
        let pieces = self.messages.iter().map(|piece| pb::ReadArtifactResponse::decode(piece.clone()));
        pieces.map(|piece| piece.expect("a message").data).collect::<Vec<_>>().concat()
    }

    /// The protobuf merge of its messages.
    pub(crate) fn merged<M: prost::Message + Default>(&self) -> M {
        M::decode(self.messages.concat().as_slice()).expect("a message")
    }
}

/// Makes a call with these bytes as its request. One that does not end in time is an error of the test.
pub(crate) async fn call(channel: &Channel, method: &MethodDescriptor, request: Vec<u8>) -> Answer {
    call_with(channel, method, request, &MetadataMap::new()).await
}

/// The same with metadata.
pub(crate) async fn call_with(
    channel: &Channel,
    method: &MethodDescriptor,
    request: Vec<u8>,
    metadata: &MetadataMap,
) -> Answer {
    let what = method.full_name().to_owned();
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let path = PathAndQuery::try_from(path).expect("a path");
    let made = tokio::time::timeout(DEADLINE, collect(channel.clone(), path, request, metadata)).await;
    made.unwrap_or_else(|_| panic!("{what} hangs"))
}

async fn collect(channel: Channel, path: PathAndQuery, request: Vec<u8>, metadata: &MetadataMap) -> Answer {
    let mut grpc = Grpc::new(channel).max_decoding_message_size(guide_board::services::MAX_MESSAGE_BYTES);
    let mut answer = Answer { messages: Vec::new(), refusal: None, metadata: String::new() };
    grpc.ready().await.expect("a connection");
    // One reply is a stream of one message.
    let mut request = Request::new(Bytes::from(request));
    request.metadata_mut().clone_from(metadata);
    match grpc.server_streaming(request, path, Raw).await {
        Err(status) => answer.refusal = Some(status),
        Ok(response) => {
            answer.metadata = format!("{:?}", response.metadata());
            let mut stream = response.into_inner();
            loop {
                match stream.message().await {
                    Ok(Some(message)) => answer.messages.push(message),
                    Ok(None) => break,
                    Err(status) => {
                        answer.refusal = Some(status);
                        break;
                    }
                }
            }
            if let Ok(Some(trailers)) = stream.trailers().await {
                answer.metadata.push_str(&format!("{trailers:?}"));
            }
        }
    }
    answer
}

/// A call with a request as its message.
pub(crate) async fn ask(channel: &Channel, method: &MethodDescriptor, request: &DynamicMessage) -> Answer {
    call(channel, method, request.encode_to_vec()).await
}

/// Waits for several answers at once; they come in no order.
pub(crate) async fn all<T>(questions: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = questions.map(Box::pin).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|question| match question.as_mut().poll(context) {
            Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            Poll::Pending => true,
        });
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers
}

/// Messages as bytes, whatever they are.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
