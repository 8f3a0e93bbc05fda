//! What a script does, unit by unit, and its words. Pure: the same script says the same words on every machine and in
//! every attempt.

use run::event::Decision;
use run::snapshot::Resolution;
use run::{AgentSpec, ScriptStep};

use crate::limits::SCRIPT_PIECE_BYTES;
use crate::voice::Voice;

/// One thing that a script does. Steps of the script are named by their index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Unit {
    Say(Say),
    Tool { step: usize },
    Ask { step: usize },
    Stall { ms: u64 },
    Fail { message: String },
    Exit,
}

/// A text, and how fast it is said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Say {
    pub(crate) voice: Voice,
    pub(crate) words: Words,
    pub(crate) per_second: Option<f64>,
}

/// Where a text comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Words {
    /// It is there.
    Given(String),
    /// So many words of this step, made as they are said.
    Made {
        step: usize,
        n: u32,
        /// Whether a space stands before the first one.
        spaced: bool,
    },
}

/// How far a text was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Said {
    /// Whole words, where words are made.
    word: u32,
    /// Bytes behind them.
    byte: usize,
}

impl Say {
    pub(crate) fn given(voice: Voice, text: impl Into<String>) -> Self {
        Self {
            voice,
            words: Words::Given(text.into()),
            per_second: None,
        }
    }
}

impl Words {
    /// The next piece behind `said`, which moves; nothing at the end.
    pub(crate) fn next(&self, said: &mut Said) -> Option<String> {
        match self {
            Self::Given(text) => {
                let rest = text.get(said.byte..).filter(|rest| !rest.is_empty())?;
                let end = if rest.len() <= SCRIPT_PIECE_BYTES {
                    rest.len()
                } else {
                    rest.floor_char_boundary(SCRIPT_PIECE_BYTES)
                };
                said.byte += end;
                Some(rest[..end].to_owned())
            }
            Self::Made { step, n, spaced } => {
                if said.word >= *n {
                    return None;
                }
                let word = spelled(*step, said.word, *spaced);
                let rest = word.get(said.byte..).unwrap_or_default().to_owned();
                *said = Said {
                    word: said.word + 1,
                    byte: 0,
                };
                Some(rest)
            }
        }
    }

    /// Moves `said` over as much of this text as has been written; gives how many bytes that is and whether it is all
    /// of it.
    pub(crate) fn skip(&self, said: &mut Said, written: &str) -> (usize, bool) {
        match self {
            Self::Given(text) => {
                let n = written.len().min(text.len() - said.byte);
                said.byte += n;
                (n, said.byte == text.len())
            }
            Self::Made { step, n, spaced } => {
                let mut rest = written.len();
                while said.word < *n {
                    let left = spelled(*step, said.word, *spaced).len() - said.byte;
                    if left > rest {
                        said.byte += rest;
                        return (written.len(), false);
                    }
                    rest -= left;
                    *said = Said {
                        word: said.word + 1,
                        byte: 0,
                    };
                }
                (written.len() - rest, true)
            }
        }
    }
}

/// The units of an agent's script.
pub(crate) fn units(spec: &AgentSpec) -> Vec<Unit> {
    let mut units = Vec::new();
    for (n, step) in spec.script.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|before| spec.script.get(before));
        units.push(unit(n, step, before));
    }
    units
}

fn unit(n: usize, step: &ScriptStep, before: Option<&ScriptStep>) -> Unit {
    if let Some(count) = step.tokens {
        let spaced = before.is_some_and(|before| before.tokens.is_some() || before.text.is_some());
        return Unit::Say(Say {
            voice: Voice::Text,
            words: Words::Made {
                step: n,
                n: count,
                spaced,
            },
            per_second: step.per_second,
        });
    }
    if let Some(text) = &step.text {
        // Words end without a space; two texts are joined as they are.
        let space = before.is_some_and(|before| before.tokens.is_some());
        let text = if space {
            format!(" {text}")
        } else {
            text.clone()
        };
        return Unit::Say(Say::given(Voice::Text, text));
    }
    if let Some(text) = &step.reason {
        return Unit::Say(Say::given(Voice::Reasoning, text.clone()));
    }
    if step.tool.is_some() {
        return Unit::Tool { step: n };
    }
    if step.approval.is_some() || step.question.is_some() {
        return Unit::Ask { step: n };
    }
    if let Some(message) = &step.fail {
        return Unit::Fail {
            message: message.clone(),
        };
    }
    if step.exit {
        return Unit::Exit;
    }
    Unit::Stall {
        ms: step.stall_ms.unwrap_or(0),
    }
}

/// What follows the answer to a request.
pub(crate) enum Reply {
    /// Something is said, and the script goes on.
    Say(String),
    /// The script goes on.
    Nothing,
    /// The turn is over.
    EndTurn,
}

/// What a script makes of an answer.
pub(crate) fn reply(step: &ScriptStep, resolution: &Resolution) -> Reply {
    let title = step.approval.as_ref().or(step.question.as_ref());
    let title = title.map_or("", String::as_str);
    match resolution {
        Resolution::Decided { decision, note, .. } => match decision {
            Decision::Allow | Decision::AllowForThread => Reply::Nothing,
            Decision::Deny => Reply::Say(match note {
                Some(note) => format!("(denied: {title}; {note})"),
                None => format!("(denied: {title})"),
            }),
            Decision::Cancel => Reply::EndTurn,
        },
        Resolution::Answered { value, .. } => Reply::Say(match value.get(QUESTION) {
            Some(serde_json::Value::String(text)) => format!("(answered: {text})"),
            Some(value) => format!("(answered: {value})"),
            None => format!("(answered: {value})"),
        }),
        Resolution::Expired { .. } => Reply::Say(format!("(no answer: {title})")),
    }
}

/// The id of a script's one question.
pub(crate) const QUESTION: &str = "answer";

/// What acknowledges a steer.
pub(crate) fn acknowledgement(steer: &str) -> String {
    format!("(steered: {steer})")
}

/// What answers a follow-up.
pub(crate) fn echo(follow_up: &str) -> String {
    if follow_up.trim().is_empty() {
        "You said nothing.".to_owned()
    } else {
        format!("You said: {follow_up}")
    }
}

const VOCABULARY: [&str; 64] = [
    "amber", "anchor", "apple", "arrow", "autumn", "basket", "beacon", "birch", "bridge", "candle",
    "canyon", "cedar", "circle", "cloud", "copper", "coral", "cricket", "dawn", "delta", "ember",
    "falcon", "feather", "fern", "field", "flint", "garden", "glacier", "harbor", "hazel",
    "hollow", "island", "ivory", "jasper", "kettle", "lantern", "laurel", "linen", "marble",
    "meadow", "mirror", "morning", "nectar", "oak", "orchid", "paper", "pebble", "pine", "quarry",
    "rain", "raven", "reed", "river", "saddle", "shadow", "silver", "spruce", "stone", "summer",
    "thistle", "timber", "valley", "velvet", "willow", "winter",
];

/// The `k`-th word of a step: a function of its arguments alone. A sentence has eleven words.
fn spelled(step: usize, k: u32, spaced: bool) -> String {
    let word = VOCABULARY[usize::try_from(mixed(step as u64, u64::from(k)) % 64).unwrap_or(0)];
    let space = if k > 0 || spaced { " " } else { "" };
    let end = if k % 11 == 10 { "." } else { "" };
    if k.is_multiple_of(11) {
        let (first, rest) = word.split_at(1);
        return format!("{space}{}{rest}{end}", first.to_ascii_uppercase());
    }
    format!("{space}{word}{end}")
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, 2014): every input bit moves every output bit.
fn mixed(step: u64, k: u64) -> u64 {
    let mut z = (step << 32 | k).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(words: &Words) -> String {
        let mut said = Said::default();
        std::iter::from_fn(|| words.next(&mut said)).collect()
    }

    #[test]
    fn words_are_the_same_every_time() {
        let words = Words::Made {
            step: 0,
            n: 13,
            spaced: false,
        };
        let text = all(&words);
        assert_eq!(text, all(&words));
        assert_eq!(text.split(' ').count(), 13);
        assert!(text.chars().next().unwrap().is_uppercase());
    }

    #[track_caller]
    fn check(words: &Words) {
        let whole = all(words);
        for cut in 0..=whole.len() {
            if !whole.is_char_boundary(cut) {
                continue;
            }
            let mut said = Said::default();
            let (n, done) = words.skip(&mut said, &whole[..cut]);
            assert_eq!((n, done), (cut, cut == whole.len()), "cut at {cut}");
            let rest: String = std::iter::from_fn(|| words.next(&mut said)).collect();
            assert_eq!(rest, whole[cut..], "cut at {cut}");
        }
    }

    #[test]
    fn a_text_goes_on_behind_any_cut() {
        check(&Words::Given("grüße 😀 and so on".into()));
        check(&Words::Made {
            step: 3,
            n: 25,
            spaced: true,
        });
        check(&Words::Given(String::new()));
    }

    #[test]
    fn more_than_the_text_was_written_is_left_for_the_next() {
        let mut said = Said::default();
        let words = Words::Given("abc".into());
        assert_eq!(words.skip(&mut said, "abcdef"), (3, true));
    }
}
