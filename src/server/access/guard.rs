//! The one layer in front of every call of every face: who calls, and whether they may. It wraps the gRPC routes, which HTTP/JSON calls in
//! process, so that no face has a way around it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use tonic::Status;

use super::Access;
use super::methods::{Rule, rule_of};
use crate::services::{self, AccessError, CallNotes};

/// Lets a call through to the gRPC routes, or refuses it.
pub(in crate::server) async fn guard(
    State(access): State<Arc<Access>>,
    mut request: Request<Body>,
    next: Next,
) -> Response<Body> {
    match access.let_through(&mut request) {
        Ok(()) => next.run(request).await,
        Err(status) => status.into_http(),
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
