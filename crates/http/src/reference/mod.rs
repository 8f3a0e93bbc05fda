//! The reference of the API: what each address does, said once, beside its handler, and printed as an OpenAPI document
//! and as docs/API.md.

mod doc;
mod document;
mod markdown;

pub(crate) use doc::{Doc, Group};
pub(crate) use document::openapi;
pub use markdown::api_markdown;
