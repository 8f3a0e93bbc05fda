//! `pi --mode rpc`: commands and events as JSON lines.
//!
//! What has to be known about it: it runs everything without asking, so it keeps only one policy; a prompt is answered
//! when it is accepted; its session's file has a name at once and is written with the first answer, and a file that is
//! not there is an empty session and no error; up to 0.74 it sends the whole message twice with every token and its
//! `agent_end` may be followed by another try; from 0.87 on `agent_settled` is the end.

mod frame;
mod launch;
mod reading;
mod speaking;

pub(crate) use self::speaking::Pi;
