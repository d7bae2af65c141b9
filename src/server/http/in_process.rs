//! A call of the gRPC routes in this process, as the caller of an HTTP request.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderName, Uri};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::{Code, Response, Status, Streaming};

use super::refusal::Refusal;
use crate::services;

/// What says how an HTTP request is sent, and nothing about the call.
const OF_THE_TRANSPORT: [HeaderName; 11] = [
    ACCEPT,
    ACCEPT_ENCODING,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    EXPECT,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What begins like this is between a client and a server of gRPC, and an HTTP request speaks no gRPC.
const OF_GRPC: &str = "grpc-";
/// But for how long the client waits, which is about the call.
const DEADLINE: &str = "grpc-timeout";

/// Who asks: what a guard in front of the routes looks at.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    headers: HeaderMap,
    extensions: Extensions,
}

impl Caller {
    /// Whoever made this request. Credentials, trace, deadline, host and origin come along, and what the connection knows of its peer.
    pub(super) fn of(parts: &http::request::Parts) -> Self {
        let mut headers = parts.headers.clone();
        for name in parts.headers.keys().filter(|name| name.as_str().starts_with(OF_GRPC) && *name != DEADLINE) {
            headers.remove(name);
        }
        for name in &OF_THE_TRANSPORT {
            headers.remove(name);
        }
        // HTTP/2 has the host in the URI.
        if let (false, Some(authority)) = (headers.contains_key(http::header::HOST), parts.uri.authority())
            && let Ok(host) = authority.as_str().try_into()
        {
            headers.insert(http::header::HOST, host);
        }
        Self { headers, extensions: parts.extensions.clone() }
    }

    /// Their request with this message.
    pub(super) fn request<M>(&self, message: M) -> tonic::Request<M> {
        let metadata = MetadataMap::from_headers(self.headers.clone());
        tonic::Request::from_parts(metadata, self.extensions.clone(), message)
    }
}

/// The gRPC routes.
#[derive(Debug, Clone)]
pub(super) struct InProcess {
    routes: axum::Router,
}

impl InProcess {
    pub(super) const fn new(routes: axum::Router) -> Self {
        Self { routes }
    }

    /// The routes, for a generated client.
    pub(super) fn routes(&self) -> axum::Router {
        self.routes.clone()
    }

    /// Makes a call that answers once.
    pub(super) async fn unary(
        &self,
        caller: &Caller,
        call: &MethodDescriptor,
        message: DynamicMessage,
    ) -> Result<Response<DynamicMessage>, Status> {
        let mut grpc = self.client();
        let Ok(()) = grpc.ready().await;
        grpc.unary(caller.request(message), path(call), Dynamic(call.output())).await
    }

    /// The same with a message that is made only once the call is let through: whoever may not make it has nothing read of them, and the time
    /// of the call bounds the reading.
    pub(super) async fn unary_with(
        &self,
        caller: &Caller,
        call: &MethodDescriptor,
        message: impl Future<Output = Result<DynamicMessage, Refusal>> + Send + 'static,
    ) -> Result<Response<DynamicMessage>, Refusal> {
        let refused: Arc<Mutex<Option<Refusal>>> = Arc::default();
        let message = Late { message: Some(Box::pin(message)), refused: Arc::clone(&refused) };
        let mut grpc = self.client();
        let Ok(()) = grpc.ready().await;
        let answer = grpc.client_streaming(caller.request(message), path(call), Fallible(call.output())).await;
        // What the call makes of a message that does not come says less.
        let refused = refused.lock().unwrap_or_else(PoisonError::into_inner).take();
        refused.map_or_else(|| answer.map_err(|status| Refusal::of(&status)), Err)
    }

    /// Refuses a call whose message cannot be made. Whoever may not make the call is told that instead, and it counts as a call.
    pub(super) async fn refuse(&self, caller: &Caller, call: &MethodDescriptor, refusal: Refusal) -> Refusal {
        match self.unary_with(caller, call, std::future::ready(Err(refusal))).await {
            Err(refusal) => refusal,
            // A message that was not sent is not answered.
            Ok(_) => Refusal::of(&services::failed()),
        }
    }

    /// Makes a call that answers with a stream.
    pub(super) async fn stream(
        &self,
        caller: &Caller,
        call: &MethodDescriptor,
        message: DynamicMessage,
    ) -> Result<Streaming<DynamicMessage>, Status> {
        let mut grpc = self.client();
        let Ok(()) = grpc.ready().await;
        let answer = grpc.server_streaming(caller.request(message), path(call), Dynamic(call.output())).await;
        answer.map(Response::into_inner)
    }

    fn client(&self) -> Grpc<axum::Router> {
        Grpc::with_origin(self.routes(), Uri::default())
            .max_decoding_message_size(services::MAX_MESSAGE_BYTES + (64 << 10))
    }
}

type Making = Pin<Box<dyn Future<Output = Result<DynamicMessage, Refusal>> + Send>>;

/// A stream of one message, or of the code by which there is none.
struct Late {
    message: Option<Making>,
    refused: Arc<Mutex<Option<Refusal>>>,
}

impl Stream for Late {
    type Item = Result<DynamicMessage, Code>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(message) = &mut self.message else { return Poll::Ready(None) };
        let made = ready!(message.as_mut().poll(context));
        self.message = None;
        Poll::Ready(match made {
            Ok(message) => Some(Ok(message)),
            Err(refusal) => {
                let code = refusal.code();
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                Some(Err(code))
            }
        })
    }
}

fn path(call: &MethodDescriptor) -> PathAndQuery {
    let path = format!("/{}/{}", call.parent_service().full_name(), call.name());
    // Names of the protos are paths; one that is not would be answered as an unknown call.
    PathAndQuery::try_from(path).unwrap_or_else(|_| PathAndQuery::from_static("/"))
}

/// Messages by their descriptor, which is that of the reply.
#[derive(Debug, Clone)]
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

/// The same for messages that may not come about: the call then ends with their code.
#[derive(Debug, Clone)]
struct Fallible(MessageDescriptor);

impl Codec for Fallible {
    type Encode = Result<DynamicMessage, Code>;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Dynamic;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Dynamic {
        Dynamic(self.0.clone())
    }
}

impl Encoder for Fallible {
    type Item = Result<DynamicMessage, Code>;
    type Error = Status;

    fn encode(&mut self, message: Self::Item, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let message = message.map_err(|code| Status::new(code, "the request has no message"))?;
        Dynamic(self.0.clone()).encode(message, into)
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message.encode_to_vec().as_slice());
        Ok(())
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        DynamicMessage::decode(self.0.clone(), bytes).map(Some).map_err(|error| {
            tracing::error!(%error, "a reply does not decode");
            services::failed()
        })
    }
}
