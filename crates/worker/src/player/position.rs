//! Where a script goes on: the place behind all that is in the log.

use std::collections::VecDeque;

use run::event::ToolStatus;
use run::snapshot::{InputState, Message, Progress, Snapshot};
use run::{AgentSpec, InputId, MessageId, Part, Role, Run, TurnId};

use super::{Count, EXIT_NOTICE, Player, Turn, text_of};
use crate::script::{Said, Unit, Words, acknowledgement, units};
use crate::voice::Voice;

/// The id of the `n`-th message, which acknowledges a steer.
pub(super) fn acknowledging(n: u32, input: &InputId) -> MessageId {
    let id = format!("{}-{input}", MessageId::nth(n));
    MessageId::parse(id).unwrap_or_else(|_| MessageId::nth(n))
}

/// The steer that a message acknowledges.
fn acknowledged(message: &Message) -> Option<&str> {
    message
        .message
        .as_str()
        .split_once('-')
        .map(|(_, input)| input)
}

impl Player {
    /// A player that goes on where the log ends. Control state and snapshot are of the same log; for a new run they
    /// hold little more than its input, and the script begins.
    pub fn resume(spec: &AgentSpec, run: &Run, snapshot: &Snapshot) -> Self {
        let mut player = Self {
            spec: spec.clone(),
            turn: Turn::Between,
            units: Vec::new(),
            at: 0,
            said: Said::default(),
            n_paced: 0,
            asked: None,
            n_tries: 0,
            acknowledge: VecDeque::new(),
            consuming: None,
            message: None,
            last_message: None,
            step: None,
            count: Count {
                turns: run.n_turns,
                steps: run.n_steps,
                messages: run.n_messages,
                calls: run.n_calls,
                requests: run.n_requests,
            },
            plan: VecDeque::new(),
        };
        match &snapshot.turn {
            Some(turn) => {
                player.turn = Turn::Open(turn.clone());
                let follow_up = consumed(snapshot, turn).next().filter(|_| !is_first(turn));
                match follow_up {
                    Some((input, text)) => {
                        player.open_turn_for(input.clone(), &text);
                        player.turn = Turn::Open(turn.clone());
                    }
                    None => player.units = units(spec),
                }
                player.find_place(snapshot, turn);
                player.find_unacknowledged(snapshot, turn);
            }
            None if run.n_turns == 0 => {
                player.turn = Turn::ToBegin { input: None };
                player.units = units(spec);
            }
            None => {
                // The input may have been consumed and the turn that answers it not have begun.
                let next = TurnId::nth(run.n_turns + 1);
                let opening = consumed(snapshot, &next).next();
                if let Some((input, text)) = opening {
                    player.open_turn_for(input.clone(), &text);
                }
            }
        }
        player
    }

    /// Walks the units along what was written in the turn.
    fn find_place(&mut self, snapshot: &Snapshot, turn: &TurnId) {
        let mut written = Written::of(snapshot, turn);
        let mut requests = snapshot.requests.iter();
        let mut calls = snapshot
            .activities
            .iter()
            .filter(|activity| activity.turn.as_ref() == Some(turn))
            .peekable();
        let mut n_exits = snapshot
            .notices
            .iter()
            .filter(|notice| notice.code == EXIT_NOTICE)
            .count();
        // A stall leaves no trace. It is over if anything behind it was done.
        let mut stall: Option<usize> = None;
        loop {
            match self.units.get(self.at) {
                Some(Unit::Say(say)) => {
                    let mut said = Said::default();
                    let (n_bytes, complete) = written.skip(say.voice, &say.words, &mut said);
                    if n_bytes > 0 {
                        stall = None;
                    }
                    if !complete {
                        self.said = said;
                        break;
                    }
                    self.at += 1;
                }
                Some(Unit::Tool { .. }) => {
                    let mut n_tries = 0;
                    while calls.next_if(|call| is_cut_short(call.status)).is_some() {
                        n_tries += 1;
                    }
                    let done = calls.next().is_some();
                    if done || n_tries > 0 {
                        stall = None;
                    }
                    if !done {
                        self.n_tries = n_tries;
                        break;
                    }
                    self.at += 1;
                }
                Some(Unit::Ask { .. }) => match requests.next() {
                    Some(request) => {
                        stall = None;
                        let Some(resolution) = &request.resolution else {
                            self.asked = Some(request.request.clone());
                            break;
                        };
                        self.take_answer(resolution);
                    }
                    None => break,
                },
                Some(Unit::Exit) if n_exits > 0 => {
                    n_exits -= 1;
                    stall = None;
                    self.at += 1;
                }
                Some(Unit::Stall { .. }) => {
                    stall = stall.or(Some(self.at));
                    self.at += 1;
                }
                Some(Unit::Exit | Unit::Fail { .. }) | None => break,
            }
        }
        if let Some(stall) = stall {
            self.at = stall;
        }
    }

    /// Acknowledgements of consumed steers that are missing, or the rest of one that was cut.
    fn find_unacknowledged(&mut self, snapshot: &Snapshot, turn: &TurnId) {
        let n_openers = usize::from(!is_first(turn));
        for (input, text) in consumed(snapshot, turn).skip(n_openers) {
            let n_written: usize = snapshot
                .messages
                .iter()
                .filter(|message| acknowledged(message) == Some(input.as_str()))
                .flat_map(|message| &message.parts)
                .map(|part| match part {
                    Part::Text { text, .. } => text.len(),
                    Part::Reasoning { .. }
                    | Part::Refusal { .. }
                    | Part::Source { .. }
                    | Part::File { .. } => 0,
                })
                .sum();
            let whole = acknowledgement(&text);
            if let Some(rest) = whole.get(n_written..).filter(|rest| !rest.is_empty()) {
                self.acknowledge.push_back((input.clone(), rest.to_owned()));
            }
        }
    }
}

fn is_first(turn: &TurnId) -> bool {
    *turn == TurnId::nth(1)
}

fn is_cut_short(status: Option<ToolStatus>) -> bool {
    match status {
        None | Some(ToolStatus::Interrupted | ToolStatus::Unknown) => true,
        Some(ToolStatus::Ok | ToolStatus::Failed | ToolStatus::Denied) => false,
    }
}

/// The inputs that a turn has heard, with their texts, in the order in which they came. The first one of a turn behind
/// the first turn is the one that it answers: whatever it heard later came later.
fn consumed<'a>(
    snapshot: &'a Snapshot,
    turn: &'a TurnId,
) -> impl Iterator<Item = (&'a InputId, String)> {
    snapshot.inputs.iter().filter_map(move |given| {
        let heard = matches!(&given.state, InputState::Consumed { turn: by } if by == turn);
        heard.then(|| (&given.input, text_of(&given.parts)))
    })
}

/// The words of the script in a turn.
struct Written(VecDeque<Stretch>);

/// What one voice said without a break.
struct Stretch {
    voice: Voice,
    text: String,
    n_taken: usize,
}

impl Written {
    fn of(snapshot: &Snapshot, turn: &TurnId) -> Self {
        let mut stretches: VecDeque<Stretch> = VecDeque::new();
        let said = snapshot.messages.iter().filter(|message| {
            message.turn.as_ref() == Some(turn)
                && message.role == Role::Assistant
                && message.progress != Progress::Discarded
                && acknowledged(message).is_none()
        });
        for part in said.flat_map(|message| &message.parts) {
            let (voice, text) = match part {
                Part::Text { text, .. } => (Voice::Text, text),
                Part::Reasoning { text, .. } => (Voice::Reasoning, text),
                Part::Refusal { .. } | Part::Source { .. } | Part::File { .. } => continue,
            };
            match stretches.back_mut() {
                Some(last) if last.voice == voice => last.text.push_str(text),
                _ => stretches.push_back(Stretch {
                    voice,
                    text: text.clone(),
                    n_taken: 0,
                }),
            }
        }
        Self(stretches)
    }

    /// Takes away what belongs to a text; gives how many bytes that was and whether it was all of the text.
    fn skip(&mut self, voice: Voice, words: &Words, said: &mut Said) -> (usize, bool) {
        let over = |stretch: &Stretch| stretch.n_taken >= stretch.text.len();
        while self.0.front().is_some_and(over) {
            self.0.pop_front();
        }
        match self.0.front_mut() {
            Some(stretch) if stretch.voice == voice => {
                let rest = stretch.text.get(stretch.n_taken..).unwrap_or_default();
                let (n_bytes, complete) = words.skip(said, rest);
                stretch.n_taken += n_bytes;
                (n_bytes, complete)
            }
            _ => words.skip(said, ""),
        }
    }
}
