//! The four protocols behind one door.

use std::fmt::Debug;
use std::time::Duration;

use serde_json::Value;

use crate::Exit;
use crate::codec::acp::Acp;
use crate::codec::claude::Claude;
use crate::codec::codex::Codex;
use crate::codec::pi::Pi;
use crate::codec::{Capabilities, Command, Launch, Moves, Settings};
use crate::limits::{HANDSHAKE, SETTLE};

/// A protocol that agents speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// `pi --mode rpc`.
    Pi,
    /// `codex app-server`.
    Codex,
    /// `claude` with stream-json in and out.
    Claude,
    /// The Agent Client Protocol, version 1.
    Acp,
}

/// One agent process, as a state machine without a clock, IO or threads.
///
/// Write what [`Moves::frames`] holds to the process, in order, and act on [`Moves::events`], after every call. Give
/// every line of its standard output to [`Codec::incoming`]; the last one may lack its newline.
pub trait Codec: Debug + Send {
    /// What the agent can do. It may turn out to be more once the agent is ready.
    fn capabilities(&self) -> Capabilities;

    /// Tells the agent something.
    fn outgoing(&mut self, command: Command) -> Moves;

    /// Takes a line of its output, without its newline. Nothing that it may hold is an error: what makes no sense is a
    /// notice.
    fn incoming(&mut self, frame: &[u8]) -> Moves;

    /// A line was too long to be read; this is how it began.
    fn too_long(&mut self, head: &[u8]) -> Moves;

    /// The process has ended and all its output was given. Whatever its exit says, a turn that is open has not
    /// succeeded.
    fn end_of_output(&mut self, exit: Exit) -> Moves;

    /// What it waits for now. The caller keeps the time since this last changed; see [`Waiting::bound`].
    fn waiting(&self) -> Waiting;

    /// The bound of [`Codec::waiting`] has passed. A turn whose end was only waited out ends with this; a setup that
    /// hangs is a failure, and the process is of no use then.
    fn overdue(&mut self) -> Moves;
}

/// What a codec waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A command.
    Idle,
    /// The answer to the handshake.
    Handshake,
    /// The agent's next word in a turn: whoever watches over silence does it here.
    Turn,
    /// An answer of a person: silence is in order.
    Answer,
    /// Whether the end of the turn was its end, which some agents do not say.
    Settled,
}

impl Waiting {
    /// How long it may last, where the protocol gives a reason for a bound.
    pub fn bound(self) -> Option<Duration> {
        match self {
            Self::Handshake => Some(HANDSHAKE),
            Self::Settled => Some(SETTLE),
            Self::Idle | Self::Turn | Self::Answer => None,
        }
    }
}

impl Wire {
    /// A codec for one process.
    pub fn codec(self, settings: Settings) -> Box<dyn Codec> {
        match self {
            Self::Pi => Box::new(Pi::new(settings)),
            Self::Codex => Box::new(Codex::new(settings)),
            Self::Claude => Box::new(Claude::new(settings)),
            Self::Acp => Box::new(Acp::new(settings)),
        }
    }

    /// What to start.
    pub fn launch(self, settings: &Settings) -> Launch {
        match self {
            Self::Pi => Pi::launch(settings),
            Self::Codex => Codex::launch(settings),
            Self::Claude => Claude::launch(settings),
            Self::Acp => Acp::launch(settings),
        }
    }

    /// What stays the same of an approval's detail when a reopened session asks it again: all but the names and times of
    /// this one asking. None where the detail does not say what would be done: two such may be about different things.
    pub fn asked_again(self, mut detail: Value) -> Option<Value> {
        let is_said = match self {
            Self::Pi | Self::Claude => true,
            // Changes of files are those of an item, which may be unknown.
            Self::Codex => detail.get("changes") != Some(&Value::Null),
            Self::Acp => {
                let call = &detail["toolCall"];
                !call["rawInput"].is_null() || !call["content"].is_null()
            }
        };
        if !is_said {
            return None;
        }
        let (own, of_call): (&[&str], &[&str]) = match self {
            Self::Pi => (&[], &[]),
            Self::Codex => (Codex::OF_ONE_ASKING, &[]),
            Self::Claude => (Claude::OF_ONE_ASKING, &[]),
            Self::Acp => (Acp::OF_ONE_ASKING, Acp::OF_ONE_CALL),
        };
        for name in own {
            drop_field(&mut detail, name);
        }
        if let Some(call) = detail.get_mut("toolCall") {
            for name in of_call {
                drop_field(call, name);
            }
        }
        Some(detail)
    }

    /// What its agents can do as far as it is known before one runs.
    pub fn capabilities(self) -> Capabilities {
        match self {
            Self::Pi => Pi::CAPABILITIES,
            Self::Codex => Codex::CAPABILITIES,
            Self::Claude => Claude::CAPABILITIES,
            Self::Acp => Acp::CAPABILITIES,
        }
    }
}

fn drop_field(value: &mut Value, name: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Two askings, as the agents word them.
    #[track_caller]
    fn check(wire: Wire, first: Value, second: Value, is_same: bool) {
        let first = wire.asked_again(first).unwrap();
        let second = wire.asked_again(second).unwrap();
        assert_eq!(first == second, is_same, "{wire:?}");
    }

    #[test]
    fn what_does_not_say_what_would_be_done_is_like_nothing() {
        let patch = |changes: Value| json!({"itemId": "i1", "reason": null, "changes": changes});
        assert_eq!(Wire::Codex.asked_again(patch(Value::Null)), None);
        let known = Wire::Codex.asked_again(patch(json!([{"path": "a", "diff": "+b"}])));
        assert!(known.is_some());
        let untold = json!({"toolCall": {"toolCallId": "c1", "title": "Edit"}});
        assert_eq!(Wire::Acp.asked_again(untold), None);
    }

    #[test]
    fn the_same_asked_again_is_the_same_under_other_names() {
        let codex = |n: u32, command: &str| {
            json!({"threadId": "T", "turnId": format!("t{n}"), "itemId": format!("i{n}"), "startedAtMs": n,
                "command": command, "cwd": "/srv", "availableDecisions": ["accept", "cancel"]})
        };
        check(Wire::Codex, codex(1, "ls"), codex(2, "ls"), true);
        check(Wire::Codex, codex(1, "ls"), codex(1, "rm"), false);
        let claude = |n: u32, command: &str| {
            json!({"subtype": "can_use_tool", "tool_name": "Bash", "tool_use_id": format!("toolu_{n}"),
                "input": {"command": command, "tool_use_id": n / 10}})
        };
        check(Wire::Claude, claude(1, "ls"), claude(2, "ls"), true);
        check(Wire::Claude, claude(1, "ls"), claude(1, "rm"), false);
        // What belongs to the tool's own arguments is no name of the asking.
        check(Wire::Claude, claude(1, "ls"), claude(11, "ls"), false);
        let acp = |n: u32, command: &str| {
            json!({"sessionId": format!("S{n}"), "options": [{"optionId": "yes", "kind": "allow_once"}],
                "toolCall": {"toolCallId": format!("c{n}"), "title": "run", "rawInput": {"command": command}}})
        };
        check(Wire::Acp, acp(1, "ls"), acp(2, "ls"), true);
        check(Wire::Acp, acp(1, "ls"), acp(1, "rm"), false);
        let pi = |message: &str| json!({"message": message});
        check(Wire::Pi, pi("Sure?"), pi("Sure?"), true);
        check(Wire::Pi, pi("Sure?"), pi("Really?"), false);
    }
}
