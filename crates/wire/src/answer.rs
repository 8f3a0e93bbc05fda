//! Answering what a run waits for.

use run::Answer;
use run::event::Decision;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The body of `POST /v1/runs/{id}/requests/{request}`: `{decision, note?}` to an approval, `{answers}` to questions
/// (by their ids), `{result}` to a client-side tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct RequestAnswer(pub Answer);

// An untagged enum would answer "did not match any variant".
/// One of: `{decision, note?}` to an approval, `{answers}` to questions, `{result}` to a client-side tool.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RequestAnswer)]
pub(crate) struct Fields {
    /// The decision on an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = crate::schema::decision)]
    decision: Option<Decision>,
    /// With `decision`: a word to the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// The answers to questions, by their ids.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schema(value_type = Option<Object>)]
    answers: Option<Value>,
    /// The result of a client-side tool; `null` is one too.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schema(value_type = Option<Value>)]
    result: Option<Value>,
}

/// A member that is there, be it `null`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl TryFrom<Fields> for RequestAnswer {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        let Fields {
            decision,
            note,
            answers,
            result,
        } = fields;
        match (decision, answers, result) {
            (Some(decision), None, None) => Ok(Self(Answer::Decision { decision, note })),
            (None, None, None) => Err("an answer is {decision, note?}, {answers} or {result}"),
            (None, _, _) if note.is_some() => Err("note goes with decision"),
            (None, Some(answers), None) => Ok(Self(Answer::Answers(answers))),
            (None, None, Some(result)) => Ok(Self(Answer::Result(result))),
            _ => Err("an answer is one of decision, answers and result, not several"),
        }
    }
}

impl From<RequestAnswer> for Fields {
    fn from(answer: RequestAnswer) -> Self {
        match answer.0 {
            Answer::Decision { decision, note } => Self {
                decision: Some(decision),
                note,
                ..Self::default()
            },
            Answer::Answers(answers) => Self {
                answers: Some(answers),
                ..Self::default()
            },
            Answer::Result(result) => Self {
                result: Some(result),
                ..Self::default()
            },
        }
    }
}

impl utoipa::PartialSchema for RequestAnswer {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        Fields::schema()
    }
}

impl ToSchema for RequestAnswer {}
