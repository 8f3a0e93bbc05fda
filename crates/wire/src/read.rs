//! Reading a JSON body, with an error that says where and what.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    self, Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};

use run::MAX_VALUE_DEPTH;

use crate::closest;

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON.
    #[error("{0}")]
    NotJson(String),
    /// It is JSON of another form.
    #[error("{message}")]
    Unfit {
        /// Where, for example `settings.model`; empty for the whole body.
        path: String,
        /// What is wrong.
        message: String,
        /// The name that was probably meant.
        suggestion: Option<String>,
    },
}

/// Reads a body. One that nests too deep is refused here, because what comes from it is nested deeper still in events
/// and answers, and whoever reads those has a bound as well.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    if depth(body) > MAX_VALUE_DEPTH {
        return Err(Unreadable::Unfit {
            path: String::new(),
            message: format!("the body nests more than {MAX_VALUE_DEPTH} levels deep"),
            suggestion: None,
        });
    }
    if body.trim_ascii().is_empty() {
        return Err(Unreadable::NotJson("the body is empty".to_owned()));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    let value = object(tracked);
    let value = value.map_err(|error| {
        let path = track.path().to_string();
        unreadable(if path == "." { String::new() } else { path }, &error)
    })?;
    deserializer
        .end()
        .map_err(|error| Unreadable::NotJson(error.to_string()))?;
    Ok(value)
}

/// Reads an object. What serde derives for a struct would also take an array of its members in order, so that `[]` would
/// be a body of which nothing is said.
pub(crate) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Object(PhantomData))
}

/// The same where `null` stands for nothing.
pub(crate) fn optional_object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let read: Option<Inner<T>> = Option::deserialize(deserializer)?;
    Ok(read.map(|Inner(value)| value))
}

struct Inner<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Inner<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// Serde's own words would repeat the text, which may be a secret that was sent in the wrong place.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<T, E> {
        Err(E::invalid_type(Unexpected::Other("string"), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<T, A::Error> {
        Err(de::Error::invalid_type(Unexpected::Other("array"), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// How deep JSON text nests; of text that is no JSON, something.
fn depth(text: &[u8]) -> usize {
    let (mut now, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now += 1;
                deepest = deepest.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn unreadable(path: String, error: &serde_json::Error) -> Unreadable {
    if !error.is_data() {
        return Unreadable::NotJson(error.to_string());
    }
    // A body is written by a program, where a path helps and a line and column do not.
    let text = error.to_string();
    let what = match text.rsplit_once(" at line ") {
        Some((what, _)) => what,
        None => &text,
    };
    let suggestion = suggestion(what);
    let hint = suggestion
        .as_ref()
        .map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    let message = if path.is_empty() {
        format!("{what}{hint}")
    } else {
        format!("{path}: {what}{hint}")
    };
    Unreadable::Unfit {
        path,
        message,
        suggestion,
    }
}

/// What was probably meant, from serde's own words for an unknown name.
///
/// serde says "unknown field `agnet`, expected one of `agent`, `input`", and the same of variants.
pub fn suggestion(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("unknown field `")
        .or_else(|| message.strip_prefix("unknown variant `"))?;
    let (written, rest) = rest.split_once('`')?;
    let names = rest.split('`').skip(1).step_by(2);
    closest(written, names).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CreateToken, RequestAnswer, SendInput, StartRun, StopRun};

    #[track_caller]
    fn check<T: DeserializeOwned + fmt::Debug>(body: &str, path: &str, message: &str) {
        match read::<T>(body.as_bytes()).unwrap_err() {
            Unreadable::NotJson(found) => assert_eq!((path, message), ("not json", found.as_str())),
            Unreadable::Unfit {
                path: at,
                message: found,
                ..
            } => assert_eq!((path, message), (at.as_str(), found.as_str())),
        }
    }

    #[test]
    fn a_body_that_does_not_fit_says_where_and_what() {
        check::<StartRun>(
            "{",
            "not json",
            "EOF while parsing an object at line 1 column 1",
        );
        check::<StartRun>(
            r#"{"agent":"a","input":"x"} 1"#,
            "not json",
            "trailing characters at line 1 column 27",
        );
        check::<StartRun>(" ", "not json", "the body is empty");
        check::<StartRun>(r#"{"agent":"a"}"#, "", "missing field `input`");
        check::<StartRun>(
            r#"["a",null,"x"]"#,
            "",
            "invalid type: array, expected an object",
        );
        check::<StopRun>("[]", "", "invalid type: array, expected an object");
        check::<StopRun>(r#""x""#, "", "invalid type: string, expected an object");
        check::<StartRun>(
            r#"{"agent":"a","input":"x","budget":[1]}"#,
            "budget",
            "budget: invalid type: array, expected an object",
        );
        check::<StartRun>(
            r#"{"agent":"a","input":"x","settings":["x/y"]}"#,
            "settings",
            "settings: invalid type: array, expected an object",
        );
        check::<StartRun>(
            r#"{"agent":7,"input":"x"}"#,
            "agent",
            "agent: invalid type: integer `7`, expected a string",
        );
        check::<StartRun>(
            r#"{"agent":"a","input":7}"#,
            "input",
            "input: expected a string or an object with parts, variables, messages or tools",
        );
        check::<StartRun>(
            r#"{"agent":"a","input":"x","thread_id":""}"#,
            "thread_id",
            "thread_id: thread id must not be empty",
        );
        check::<StartRun>(
            r#"{"agent":"a","input":"x","settings":{"modell":"x"}}"#,
            "settings.modell",
            "settings.modell: unknown field `modell`, expected one of `model`, `temperature`, `max_output_tokens`, `approval`, `effort`, `mode`, `worktree`, `cleanup`; did you mean `model`?",
        );
        check::<StartRun>(
            r#"{"agent":"a","input":"x","on_conflict":"supercede"}"#,
            "on_conflict",
            "on_conflict: unknown variant `supercede`, expected one of `reject`, `enqueue`, `supersede`, `steer`; did you mean `supersede`?",
        );
        check::<StartRun>(
            r#"{"agent":"a","input":"x","supersedes":"x"}"#,
            "supersedes",
            "supersedes: run id must be a UUID in lower case with hyphens",
        );
        check::<SendInput>(
            r#"{"mode":"steer","parts":[]}"#,
            "parts",
            "parts: must not be empty",
        );
        check::<RequestAnswer>(
            "{}",
            "",
            "an answer is {decision, note?}, {answers} or {result}",
        );
        check::<RequestAnswer>(
            r#"{"decision":"allow","answers":{}}"#,
            "",
            "an answer is one of decision, answers and result, not several",
        );
        check::<RequestAnswer>(r#"{"result":1,"note":"x"}"#, "", "note goes with decision");
        check::<CreateToken>(
            r#"{"run_id":"x","rights":[]}"#,
            "run_id",
            "run_id: run id must be a UUID in lower case with hyphens",
        );
    }

    #[test]
    fn brackets_in_strings_are_no_depth() {
        let n = MAX_VALUE_DEPTH;
        let nested = |n: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(n - 1), "]".repeat(n - 1));
        assert!(read::<serde_json::Value>(nested(n).as_bytes()).is_ok());
        check::<serde_json::Value>(
            &nested(n + 1),
            "",
            "the body nests more than 100 levels deep",
        );
        let text = format!(
            r#"{{"a": ["\"{0}", "\\", {{"{0}": "{0}"}}]}}"#,
            "[".repeat(n)
        );
        assert!(read::<serde_json::Value>(text.as_bytes()).is_ok());
    }

    #[test]
    fn each_answer_reads_back() {
        for body in [
            r#"{"decision":"allow","note":"go"}"#,
            r#"{"decision":"deny"}"#,
            r#"{"answers":{"a":"b"}}"#,
            r#"{"result":null}"#,
        ] {
            let answer: RequestAnswer = read(body.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&answer).unwrap(), body);
        }
    }
}
