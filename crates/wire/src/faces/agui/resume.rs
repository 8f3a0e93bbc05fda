//! From the answer to an interrupt to the answer of a request.

use run::event::Decision;
use run::{Answer, RequestKind};
use serde_json::{Map, Value};

use super::input::{ResumeEntry, ResumeStatus};

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Resumed {
    /// It is answered.
    Answer(Answer),
    /// Nobody will answer it.
    GivenUp,
}

/// What an answer says to a request that wants this; an error says what it would have to be.
pub fn answer_of(entry: &ResumeEntry, wants: &RequestKind) -> Result<Resumed, String> {
    let payload = match entry.status {
        ResumeStatus::Resolved => &entry.payload,
        ResumeStatus::Cancelled => return Ok(cancelled(wants)),
    };
    let answer = match wants {
        RequestKind::Approval { .. } => decision(payload)?,
        RequestKind::Question { ids } => Answer::Answers(answers(payload, ids)?),
        RequestKind::ClientTool { .. } => Answer::Result(payload.clone()),
    };
    Ok(Resumed::Answer(answer))
}

fn cancelled(wants: &RequestKind) -> Resumed {
    let RequestKind::Approval { options, .. } = wants else {
        return Resumed::GivenUp;
    };
    let no = [Decision::Cancel, Decision::Deny];
    let decision = no.into_iter().find(|no| options.contains(no));
    decision.map_or(Resumed::GivenUp, |decision| {
        let note = None;
        Resumed::Answer(Answer::Decision { decision, note })
    })
}

/// Our own word wins over yes or no, which every client of the protocol knows.
fn decision(payload: &Value) -> Result<Answer, String> {
    let word = payload
        .get("decision")
        .or(payload.as_str().map(|_| payload));
    let approved = payload.get("approved").unwrap_or(payload).as_bool();
    let decision = match (word.filter(|word| !word.is_null()), approved) {
        (Some(word), _) => serde_json::from_value(word.clone())
            .map_err(|_| format!("there is no decision {word}"))?,
        (None, Some(true)) => Decision::Allow,
        (None, Some(false)) => Decision::Deny,
        (None, None) => {
            return Err(
                "the payload of an approval is {\"approved\": true | false, \"reason\"?, \"decision\"?}"
                    .to_owned(),
            );
        }
    };
    let note = ["reason", "note"].into_iter().find_map(|name| {
        let note = payload.get(name)?.as_str()?;
        (!note.is_empty()).then(|| note.to_owned())
    });
    Ok(Answer::Decision { decision, note })
}

/// The answers by the ids of the questions; for a single question also the answer itself.
fn answers(payload: &Value, ids: &[String]) -> Result<Value, String> {
    match (payload, ids) {
        (Value::Object(members), _) if ids.iter().all(|id| members.contains_key(id)) => {
            Ok(payload.clone())
        }
        (Value::Object(members), _) if members.get("answers").is_some_and(Value::is_object) => {
            Ok(members["answers"].clone())
        }
        (answer, [id]) if !answer.is_null() && !answer.is_object() => Ok(Value::Object(
            Map::from_iter([(id.clone(), answer.clone())]),
        )),
        _ => Err(format!(
            "the payload of an answer is an object with the keys {}",
            ids.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use run::CallId;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(wants: &RequestKind, payload: Value, expected: Result<Resumed, &str>) {
        let entry = ResumeEntry {
            interrupt_id: String::new(),
            status: ResumeStatus::Resolved,
            payload,
        };
        match (answer_of(&entry, wants), expected) {
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
            (found, expected) => assert_eq!(found, expected.map_err(str::to_owned)),
        }
    }

    fn approval() -> RequestKind {
        RequestKind::Approval {
            options: Decision::ALL.to_vec(),
            grants: None,
        }
    }

    fn question(ids: &[&str]) -> RequestKind {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        RequestKind::Question { ids }
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "it stands where an error may stand"
    )]
    fn decided<'e>(decision: Decision, note: Option<&str>) -> Result<Resumed, &'e str> {
        let note = note.map(str::to_owned);
        Ok(Resumed::Answer(Answer::Decision { decision, note }))
    }

    #[test]
    fn an_approval_is_yes_or_no_or_our_word() {
        let wants = approval();
        check(
            &wants,
            json!({"approved": true}),
            decided(Decision::Allow, None),
        );
        check(
            &wants,
            json!({"approved": false, "reason": "too dear"}),
            decided(Decision::Deny, Some("too dear")),
        );
        check(
            &wants,
            json!({"approved": true, "decision": "allow_for_thread"}),
            decided(Decision::AllowForThread, None),
        );
        check(&wants, json!(true), decided(Decision::Allow, None));
        check(&wants, json!("cancel"), decided(Decision::Cancel, None));
        check(
            &wants,
            json!({"decision": "maybe"}),
            Err("no decision \"maybe\""),
        );
        // What might be a yes is none.
        for odd in [
            json!({}),
            json!(null),
            json!({"approved": "true"}),
            json!(1),
        ] {
            check(&wants, odd, Err("approved"));
        }
    }

    #[test]
    fn a_question_is_answered_by_its_id() {
        let answered = |answers| Ok(Resumed::Answer(Answer::Answers(answers)));
        let one = question(&["colour"]);
        check(
            &one,
            json!({"colour": "red"}),
            answered(json!({"colour": "red"})),
        );
        check(&one, json!("red"), answered(json!({"colour": "red"})));
        check(
            &one,
            json!({"answers": {"colour": "red"}}),
            answered(json!({"colour": "red"})),
        );
        check(&one, json!({}), Err("colour"));
        check(&question(&["a", "b"]), json!("x"), Err("a, b"));
    }

    #[test]
    fn a_result_is_what_it_is() {
        let wants = RequestKind::ClientTool {
            call: CallId::nth(1),
        };
        let result = Answer::Result(json!({"result": 1}));
        check(&wants, json!({"result": 1}), Ok(Resumed::Answer(result)));
    }

    #[track_caller]
    fn check_cancelled(wants: &RequestKind, expected: &Resumed) {
        let entry = ResumeEntry {
            interrupt_id: String::new(),
            status: ResumeStatus::Cancelled,
            payload: json!({"approved": true}),
        };
        assert_eq!(answer_of(&entry, wants).as_ref(), Ok(expected));
    }

    #[test]
    fn what_is_cancelled_is_a_no() {
        let no = |decision| {
            let note = None;
            Resumed::Answer(Answer::Decision { decision, note })
        };
        check_cancelled(&approval(), &no(Decision::Cancel));
        let options = vec![Decision::Allow, Decision::Deny];
        let grants = None;
        check_cancelled(
            &RequestKind::Approval { options, grants },
            &no(Decision::Deny),
        );
        check_cancelled(&question(&["a"]), &Resumed::GivenUp);
    }
}
