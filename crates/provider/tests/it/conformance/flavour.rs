//! What a wire is, seen from the vendor's side.

use provider::Vendor;
use serde_json::Value;

/// A wire, or a dialect of one.
pub(crate) trait Flavour: Send + Sync + 'static {
    /// The vendor at this root of a server, without its key.
    fn vendor(&self, root: &str) -> Vendor;

    /// Path and query of a call of this model.
    fn path(&self, model: &str) -> String;

    /// The header that the key comes in, and what stands before the key.
    fn key_header(&self) -> (&'static str, &'static str);

    /// Path and query of the list of models, and a list of `good` and `other`.
    fn models(&self) -> (&'static str, &'static str);

    /// The media type of a stream.
    fn media_type(&self) -> &'static str {
        "text/event-stream"
    }

    /// Reads a request; an error is what the vendor would refuse it with.
    fn read(&self, body: &Value) -> Result<Asked, String>;

    /// An answer, frame by frame.
    fn write(&self, script: &[Said]) -> Vec<String>;

    /// The body of an answer with an error status.
    fn failure(&self, failure: Failure, words: &str) -> String;
}

/// What a request comes to in any wire.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Asked {
    pub(crate) has_schema: bool,
    pub(crate) has_tools: bool,
    /// What the tools gave, in the order of the calls.
    pub(crate) results: Vec<String>,
}

/// A piece of an answer.
pub(crate) enum Said {
    /// Thoughts; what the wire wants back with them belongs to it.
    Thought(&'static str),
    Text(&'static str),
    /// A call of `look` with a city.
    Call(&'static str),
    /// The model declines.
    Refusal(&'static str),
    /// Fields, events and values that nobody has heard of.
    Noise,
    /// An error in the middle of the stream.
    Error(&'static str),
    /// Usage of 11 + 5 tokens, 2 of them thoughts and 3 from a cache, where the wire says it normally, and the end.
    End(Reason),
    /// The same end with the usage where only some vendors have it.
    OddEnd,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Reason {
    Stop,
    Tools,
}

/// Why a request is refused with a status.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    UnknownModel,
    Key,
    RateLimit,
    Broken,
    Invalid,
}

/// `Ok` if the vendor would take it.
pub(crate) fn wanted(is_right: bool, words: impl Into<String>) -> Result<(), String> {
    if is_right { Ok(()) } else { Err(words.into()) }
}
