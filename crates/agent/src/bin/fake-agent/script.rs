//! Scripts.

/// What a fake agent does, word by word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// `text WORDS`: says them, one by one.
    Text(String),
    /// `think WORDS`: thinks them.
    Think(String),
    /// `tokens N`: says so many words.
    Tokens(usize),
    /// `stamp N RATE`: says so many words, so many in a second, each of which is the time: `@` and the nanoseconds of the
    /// wall clock in 20 digits.
    Stamp { n_words: u32, per_second: u32 },
    /// `tool COMMAND`: runs it in a session of its own and shows its output.
    Tool(String),
    /// `leave COMMAND`: starts it in a session of its own and forgets it.
    Leave(String),
    /// `ask COMMAND`: runs it if that is allowed.
    Ask(String),
    /// `question WORDS`: asks it, where its protocol can, and says the answer.
    Question(String),
    /// `plan A,B`: says a plan.
    Plan(String),
    /// `await`: waits for a steer and says it.
    Await,
    /// `retry WHY`: a call of the model fails in the middle of a message, and is made again.
    Retry(String),
    /// `noise`: says what is no frame, and a frame of a kind that nobody knows.
    Noise,
    /// `stall`: waits until it is interrupted or its input ends.
    Stall,
    /// `deaf`: waits and hears nothing, not even the end of its input.
    Deaf,
    /// `fail WHY`: ends the turn with an error.
    Fail(String),
    /// `die CODE`: exits without a word.
    Die(i32),
    /// `cut`: says the end of the turn without its newline, and exits.
    Cut,
    /// `twice`: says the end of the turn twice.
    Twice,
    /// `mute`: never says the end of the turn, though it is over.
    Mute,
    /// `silent`, in the first turn: never answers the handshake.
    Silent,
    /// `whole`, in the first turn: says the whole message again with every word, twice.
    Whole,
}

/// Words of no script are an exit, so that a mistake in a test is seen.
pub(crate) fn read(script: &str) -> Vec<Vec<Word>> {
    let turns = script.split('|').map(|turn| {
        let words = turn
            .split(';')
            .map(str::trim)
            .filter(|word| !word.is_empty());
        words.map(word).collect()
    });
    turns.collect()
}

fn word(text: &str) -> Word {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest_owned = || rest.to_owned();
    match word {
        "text" => Word::Text(rest_owned()),
        "think" => Word::Think(rest_owned()),
        "tokens" => Word::Tokens(rest.parse().unwrap_or(1)),
        "stamp" => {
            let (n_words, per_second) = rest.split_once(' ').unwrap_or_default();
            Word::Stamp {
                n_words: n_words.parse().unwrap_or(1),
                per_second: per_second.parse().unwrap_or(1).max(1),
            }
        }
        "tool" => Word::Tool(rest_owned()),
        "leave" => Word::Leave(rest_owned()),
        "ask" => Word::Ask(rest_owned()),
        "question" => Word::Question(rest_owned()),
        "plan" => Word::Plan(rest_owned()),
        "await" => Word::Await,
        "retry" => Word::Retry(rest_owned()),
        "noise" => Word::Noise,
        "stall" => Word::Stall,
        "deaf" => Word::Deaf,
        "fail" => Word::Fail(rest_owned()),
        "die" => Word::Die(rest.parse().unwrap_or(0)),
        "cut" => Word::Cut,
        "twice" => Word::Twice,
        "mute" => Word::Mute,
        "silent" => Word::Silent,
        "whole" => Word::Whole,
        _ => std::process::exit(65),
    }
}
