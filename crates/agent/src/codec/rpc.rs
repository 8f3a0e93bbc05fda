//! JSON-RPC 2.0 in lines, as two of the wires speak it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::codec::Moves;
use crate::limits::OPEN_ITEMS;

/// Whether frames carry the `jsonrpc` field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Version {
    /// As the standard asks.
    Said,
    /// Left out.
    Unsaid,
}

/// Our side of a connection: the numbers of our calls and what each was about.
#[derive(Debug)]
pub(crate) struct Rpc<A> {
    version: Version,
    last: u64,
    asked: BTreeMap<u64, A>,
}

/// A frame of the other side.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// It wants an answer under this id.
    Request(Value, Cow<'a, str>, Option<&'a RawValue>),
    /// It tells something.
    Notification(Cow<'a, str>, Option<&'a RawValue>),
    /// It answers a call of ours, if the id is one.
    Response(Option<u64>, Result<Option<&'a RawValue>, Fault>),
}

/// Why a call failed.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Fault {
    #[serde(default)]
    pub(crate) message: String,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(default)]
    id: Option<Value>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    /// None if it is no frame.
    pub(crate) fn read(frame: &'a [u8]) -> Option<Self> {
        let fields: Fields<'_> = serde_json::from_slice(frame).ok()?;
        Some(match (fields.id, fields.method) {
            (Some(id), Some(method)) => Self::Request(id, method, fields.params),
            (None, Some(method)) => Self::Notification(method, fields.params),
            (Some(id), None) => Self::Response(id.as_u64(), outcome(fields.result, fields.error)),
            (None, None) => return None,
        })
    }
}

fn outcome<'a>(
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
) -> Result<Option<&'a RawValue>, Fault> {
    match error {
        None => Ok(result),
        Some(error) => Err(serde_json::from_str(error.get()).unwrap_or_default()),
    }
}

impl<A> Rpc<A> {
    pub(crate) fn new(version: Version) -> Self {
        Self {
            version,
            last: 0,
            asked: BTreeMap::new(),
        }
    }

    /// Calls a method and remembers what it was about. What is left unanswered too often is forgotten, the oldest first.
    pub(crate) fn call(&mut self, method: &str, params: &Value, about: A, moves: &mut Moves) {
        self.last += 1;
        if self.asked.len() >= OPEN_ITEMS {
            self.asked.pop_first();
        }
        self.asked.insert(self.last, about);
        self.send(
            json!({"id": self.last, "method": method, "params": params}),
            moves,
        );
    }

    /// What a response is about; none if it answers nothing, or for the second time.
    pub(crate) fn about(&mut self, id: Option<u64>) -> Option<A> {
        self.asked.remove(&id?)
    }

    pub(crate) fn notify(&self, method: &str, params: Option<Value>, moves: &mut Moves) {
        let mut frame = json!({"method": method});
        if let Some(params) = params {
            frame["params"] = params;
        }
        self.send(frame, moves);
    }

    pub(crate) fn respond(&self, id: &Value, result: &Value, moves: &mut Moves) {
        self.send(json!({"id": id, "result": result}), moves);
    }

    /// Refuses what this client does not do.
    pub(crate) fn refuse(&self, id: &Value, method: &str, moves: &mut Moves) {
        let message = format!("this client has no {method}");
        self.send(
            json!({"id": id, "error": {"code": -32601, "message": message}}),
            moves,
        );
    }

    fn send(&self, mut frame: Value, moves: &mut Moves) {
        if matches!(self.version, Version::Said) {
            frame["jsonrpc"] = "2.0".into();
        }
        moves.send(&frame);
    }
}
