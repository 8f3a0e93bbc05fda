//! Faces: the protocols that clients speak beside the native one. Each is a translation of the same log, see
//! [`wire::faces`].

pub(crate) mod agui;
pub(crate) mod aisdk;
pub(crate) mod openai;

mod words;

pub(crate) use words::in_own_words;
