//! The one layer in front of every call of every face: who calls, and whether they may. It wraps the gRPC routes, which HTTP/JSON calls in
//! process, so that no face has a way around it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{Request, Response};
use tonic::Status;
use tonic::codegen::Service;
use tower_layer::Layer;

use super::Access;
use super::methods::{Rule, rule_of};
use crate::services::{self, AccessError, CallNotes};

/// Puts the guard in front of gRPC routes.
#[derive(Debug, Clone)]
pub struct GuardLayer(pub(super) Arc<Access>);

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner, access: Arc::clone(&self.0) }
    }
}

/// Routes behind the guard.
#[derive(Debug, Clone)]
pub struct Guard<S> {
    inner: S,
    access: Arc<Access>,
}

impl<S, B, R> Service<Request<B>> for Guard<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: Default + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.access.let_through(&mut request) {
            Ok(()) => Box::pin(self.inner.call(request)),
            Err(status) => Box::pin(std::future::ready(Ok(status.into_http()))),
        }
    }
}

impl Access {
    /// Puts the caller into the request, if there is one and they may make this call. What showed who they are goes no further.
    fn let_through<B>(&self, request: &mut Request<B>) -> Result<(), Status> {
        let rule = rule_of(request.uri().path(), self.reflection);
        let caller = self.caller_of(request);
        if let (Ok(caller), Some(notes)) = (&caller, request.extensions().get::<Arc<CallNotes>>()) {
            notes.set_caller(caller.name());
        }
        let refused = match (rule, &caller) {
            (Some(Rule::Exempt), _) => None,
            (_, Err(error)) => Some(*error),
            (Some(Rule::Needs(scope)), Ok(caller)) if !caller.may(scope) => Some(AccessError::ScopeMissing(scope)),
            (Some(Rule::Needs(_)), Ok(_)) => None,
            (None, Ok(_)) => {
                return Err(services::no_such_call());
            }
        };
        if let Some(error) = refused {
            self.tell_refused(request, error);
            return Err(error.into());
        }
        request.headers_mut().remove(AUTHORIZATION);
        if let Ok(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        Ok(())
    }
}
