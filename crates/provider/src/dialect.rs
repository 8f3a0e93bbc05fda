//! What is different about the replies of each wire.

use serde_json::Value;

use crate::lines::Lines;
use crate::reply::Framing;
use crate::sse::Decoder;
use crate::told::Told;
use crate::{anthropic, gemini, ollama, openai};

/// The state that a wire keeps while its reply is read.
#[derive(Debug)]
pub(crate) enum Dialect {
    OpenAi(Box<openai::Reading>),
    Anthropic(anthropic::Reading),
    Gemini(gemini::Reading),
    Ollama(ollama::Reading),
}

/// Whether more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    More,
    /// The wire's own mark of the end.
    End,
}

/// Why a document ends the reply.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It is not of the wire's form; the document is shown with the reason.
    Unread(serde_json::Error),
    /// It says what cannot be.
    Garbage(String),
    /// The vendor tells of an error.
    Fault(Value),
    /// The vendor gave the answer up, and these words say so.
    GaveUp(String),
}

impl From<String> for Broken {
    fn from(detail: String) -> Self {
        Self::Garbage(detail)
    }
}

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Self {
        Self::Unread(error)
    }
}

impl Dialect {
    /// How the wire's stream is cut into documents.
    pub(crate) fn framing(&self) -> Framing {
        match self {
            Self::OpenAi(_) | Self::Anthropic(_) | Self::Gemini(_) => {
                Framing::Sse(Decoder::default())
            }
            Self::Ollama(_) => Framing::Lines(Lines::default()),
        }
    }

    /// Takes one document.
    pub(crate) fn take(&mut self, data: &str, told: &mut Told) -> Result<Next, Broken> {
        match self {
            Self::OpenAi(reading) => reading.take(data, told),
            Self::Anthropic(reading) => reading.take(data, told),
            Self::Gemini(reading) => reading.take(data, told),
            Self::Ollama(reading) => reading.take(data, told),
        }
    }

    /// Tells what only the end of a complete answer shows. An error says what is wrong with the vendor.
    pub(crate) fn finish(&mut self, told: &mut Told) -> Result<(), String> {
        match self {
            Self::OpenAi(reading) => reading.finish(told),
            Self::Anthropic(_) | Self::Gemini(_) => Ok(()),
            Self::Ollama(reading) => reading.finish(told),
        }
    }
}
