//! Names that requests of the AI SDK give to stretches of a run.

use std::fmt;

use run::{RunId, Seq, ThreadId};
use sha2::{Digest, Sha256};
use store::SegmentName;
use wire::faces::aisdk::Begin;

/// Our word for the protocol in names of segments.
const FACE: &str = "aisdk";

/// A stretch of a run, as the workflow transport names it: the run's id, and where the stretch begins if not with the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) run: RunId,
    pub(super) begin: Begin,
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.begin {
            Begin::Run => write!(f, "{}", self.run),
            Begin::Answer(first) => write!(f, "{}.a{first}", self.run),
            Begin::Input(first) => write!(f, "{}.i{first}", self.run),
        }
    }
}

impl Stretch {
    /// Reads a stretch as it was printed; anything else is the id of a chat.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (run, begin) = match text.split_once('.') {
            None => (text, Begin::Run),
            Some((run, from)) => {
                let (kind, first) = from.split_at_checked(1)?;
                let first = Seq(first.parse().ok().filter(|first| *first > 0)?);
                let begin = match kind {
                    "a" => Begin::Answer(first),
                    "i" => Begin::Input(first),
                    _ => return None,
                };
                (run, begin)
            }
        };
        let run = RunId::parse(run).ok()?;
        Some(Self { run, begin })
    }
}

/// A new message of a chat: the same message again is the same request.
pub(super) fn of_message(thread: &ThreadId, message: &str, parts: &[u8]) -> SegmentName {
    name(
        "message",
        &hash([thread.as_str().as_bytes(), message.as_bytes(), parts]),
    )
}

/// A message that was edited or is to be answered anew, whose earlier answer stays what it is: by what `asked` for it and
/// the run that was the chat's last then.
pub(super) fn of_another(again: &str, latest: Option<RunId>) -> SegmentName {
    let latest = latest.map_or(String::new(), |latest| latest.to_string());
    name("again", &format!("{again}:{latest}"))
}

/// Whether a name is one that [`of_another`] gave.
pub(super) fn is_another((face, name): (&str, &str), again: &str) -> bool {
    let rest = name.strip_prefix("again:");
    face == FACE && rest.is_some_and(|rest| rest.starts_with(again))
}

/// A name that the store has given.
pub(super) fn known(id: String) -> SegmentName {
    SegmentName { face: FACE, id }
}

/// What is asked for by an edit or a regeneration.
pub(super) fn again(thread: &ThreadId, kind: &str, ids: &str, parts: &[u8]) -> String {
    hash([
        thread.as_str().as_bytes(),
        kind.as_bytes(),
        ids.as_bytes(),
        parts,
    ])
}

/// Answers to requests of a run, each as a line.
pub(super) fn of_answers(run: RunId, answers: &[String]) -> SegmentName {
    let run = run.to_string();
    let pieces = answers.iter().map(String::as_bytes);
    name("answer", &hash([run.as_bytes()].into_iter().chain(pieces)))
}

fn name(kind: &str, id: &str) -> SegmentName {
    SegmentName {
        face: FACE,
        id: format!("{kind}:{id}"),
    }
}

fn hash<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    use fmt::Write as _;

    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update((piece.len() as u64).to_be_bytes());
        hash.update(piece);
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").expect("a String takes all text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_reads_back_and_anything_else_is_a_chat() {
        let run = RunId::from_bytes([7; 16]);
        for begin in [Begin::Run, Begin::Answer(Seq(7)), Begin::Input(Seq(12))] {
            let stretch = Stretch { run, begin };
            assert_eq!(Stretch::parse(&stretch.to_string()), Some(stretch));
        }
        for chat in [
            "chat-1",
            "",
            ".",
            &format!("{run}.x1"),
            &format!("{run}.a0"),
        ] {
            assert_eq!(Stretch::parse(chat), None, "{chat}");
        }
    }
}
