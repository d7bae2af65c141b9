//! The whole list of runs in one answer, as scripts expect it that know no pages: page after page is fetched and written.

use axum::body::Body;
use http::Response;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use tonic::Status;

use super::document::Document;
use super::in_process::{Caller, InProcess};
use super::pipe::pipe;
use super::refusal::Refusal;
use super::streams::{Style, broke_off, line, streamed};
use crate::services::MAX_PAGE_SIZE;

const PAGE_SIZE: &str = "page_size";
const PAGE_TOKEN: &str = "page_token";
const NEXT_PAGE_TOKEN: &str = "next_page_token";

/// Lists everything that the request asks for. A refusal of the first page is a refusal like any other; of a later one, it cuts the
/// connection. Counts and `scanned_at` are those of the last page. Memory is that of one page.
pub(super) async fn answer(
    grpc: &InProcess,
    caller: &Caller,
    call: &MethodDescriptor,
    mut message: DynamicMessage,
    style: Style,
) -> Result<Response<Body>, Refusal> {
    set(&mut message, PAGE_SIZE, Value::I32(i32::try_from(MAX_PAGE_SIZE).unwrap_or(i32::MAX)));
    let mut pages = Pages { grpc: grpc.clone(), caller: caller.clone(), call: call.clone(), request: Some(message) };
    let mut next = pages.next().await.map_err(|status| Refusal::of(&status))?;
    let (sink, body) = pipe();
    let mut document = Document::new(call.output());
    tokio::spawn(async move {
        while let Some(page) = next {
            let text = match style {
                Style::Lines => line(&page),
                Style::Document | Style::Events => {
                    document.forget_rest();
                    document.add(page)
                }
            };
            if sink.send(text).await.is_err() {
                return;
            }
            next = match pages.next().await {
                Ok(page) => page,
                Err(status) => return broke_off(&sink, style, &status).await,
            };
        }
        if style != Style::Lines && sink.send(document.end()).await.is_err() {
            return;
        }
        sink.finish().await;
    });
    Ok(streamed(style, body))
}

struct Pages {
    grpc: InProcess,
    caller: Caller,
    call: MethodDescriptor,
    /// The request of the next page; `None` behind the last.
    request: Option<DynamicMessage>,
}

impl Pages {
    /// The next page, without its token, which leads nowhere that the list does not go.
    async fn next(&mut self) -> Result<Option<DynamicMessage>, Status> {
        let Some(request) = self.request.take() else { return Ok(None) };
        let mut page = self.grpc.unary(&self.caller, &self.call, request.clone()).await?.into_inner();
        let token = page.take_field_by_name(NEXT_PAGE_TOKEN);
        if let Some(token @ Value::String(_)) =
            token.filter(|token| token.as_str().is_some_and(|text| !text.is_empty()))
        {
            let mut request = request;
            set(&mut request, PAGE_TOKEN, token);
            self.request = Some(request);
        }
        Ok(Some(page))
    }
}

fn set(message: &mut DynamicMessage, name: &str, value: Value) {
    // An error means that the call has no such field.
    let _ = message.try_set_field_by_name(name, value);
}
