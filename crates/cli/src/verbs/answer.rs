//! `outlive answer`: answers what a run asks.

use run::snapshot::{Asked, Request};
use run::{Answer, RunId};
use serde_json::{Map, Value};
use wire::RequestAnswer;

use crate::args::Answer as Arguments;
use crate::client::{Client, find};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: Arguments) -> Result<Exit, Failure> {
    let client = session.client().await?;
    let run = find(&client, &args.run.run).await?;
    let open = open_requests(&client, run).await?;
    let (request, words) = meant(&open, &args.words)?;
    let answer = answer(request, words)?;
    client
        .answer(run, request.request.as_str(), &RequestAnswer(answer))
        .await?;
    session.tell(&format!("{} answered", request.request));
    Ok(Exit::Succeeded)
}

/// What a run waits for.
pub(super) async fn open_requests(client: &Client, run: RunId) -> Result<Vec<Request>, Failure> {
    let body = client.run(run).await?;
    let requests = body
        .snapshot
        .map_or(Vec::new(), |snapshot| snapshot.requests);
    let open = requests.into_iter().filter(|it| it.resolution.is_none());
    Ok(open.collect())
}

/// The request that is meant and the words of its answer. The first word is a request if one has that id.
fn meant<'a>(
    open: &'a [Request],
    words: &'a [String],
) -> Result<(&'a Request, &'a [String]), Failure> {
    if let Some((first, rest)) = words.split_first()
        && let Some(request) = open.iter().find(|it| it.request.as_str() == first)
    {
        return Ok((request, rest));
    }
    let mut questions = open
        .iter()
        .filter(|request| !matches!(request.asks, Asked::Approval { .. }));
    match (questions.next(), questions.next()) {
        (Some(request), None) => Ok((request, words)),
        (None, _) if open.is_empty() => Err(Failure::NotFound("the run asks nothing".to_owned())),
        (None, _) => Err(Failure::Usage(
            "the run asks for an approval; answer that with `outlive approve`".to_owned(),
        )),
        (Some(_), Some(_)) => {
            let ids: Vec<&str> = open
                .iter()
                .map(|request| request.request.as_str())
                .collect();
            Err(Failure::Usage(format!(
                "the run asks several things; say which before the answer: {}",
                ids.join(", ")
            )))
        }
    }
}

fn answer(request: &Request, words: &[String]) -> Result<Answer, Failure> {
    if words.is_empty() {
        return Err(Failure::Usage("there is no answer".to_owned()));
    }
    match &request.asks {
        Asked::Approval { .. } => Err(Failure::Usage(format!(
            "{} is an approval; answer it with `outlive approve`",
            request.request
        ))),
        Asked::ClientTool => {
            let text = words.join(" ");
            let result = serde_json::from_str(&text).unwrap_or(Value::String(text));
            Ok(Answer::Result(result))
        }
        Asked::Question { questions } => {
            let ids: Vec<&str> = questions
                .iter()
                .map(|question| question.id.as_str())
                .collect();
            let pairs: Option<Vec<(&str, &str)>> = words
                .iter()
                .map(|word| word.split_once('=').filter(|(key, _)| ids.contains(key)))
                .collect();
            let answers: Map<String, Value> = match (pairs, &ids[..]) {
                (Some(pairs), _) => pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), Value::from(value)))
                    .collect(),
                (None, [only]) => {
                    Map::from_iter([((*only).to_owned(), Value::from(words.join(" ")))])
                }
                (None, several) => {
                    let form: Vec<String> = several.iter().map(|id| format!("{id}=…")).collect();
                    return Err(Failure::Usage(format!(
                        "several questions are answered as {}",
                        form.join(" ")
                    )));
                }
            };
            Ok(Answer::Answers(Value::Object(answers)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn open() -> Vec<Request> {
        serde_json::from_value(json!([
            {"request": "q1", "asks": {"kind": "approval", "of": "command", "title": "x", "options": ["allow"]}},
            {"request": "q2", "asks": {"kind": "question", "questions": [{"id": "a", "text": "A?"}, {"id": "b", "text": "B?"}]}},
        ]))
        .unwrap()
    }

    #[track_caller]
    fn check(words: &[&str], expected: Result<(&str, Value), &str>) {
        let open = open();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let found = meant(&open, &words).and_then(|(request, words)| {
            let Answer::Answers(value) = answer(request, words)? else {
                panic!("a question has answers");
            };
            Ok((request.request.to_string(), value))
        });
        let found = found.map_err(|failure| failure.to_string());
        let expected = expected
            .map(|(request, value)| (request.to_owned(), value))
            .map_err(str::to_owned);
        assert_eq!(found, expected);
    }

    #[test]
    fn answers_are_given_by_key_or_as_a_text() {
        check(&["a=1", "b=x=y"], Ok(("q2", json!({"a": "1", "b": "x=y"}))));
        check(&["q2", "a=1"], Ok(("q2", json!({"a": "1"}))));
        check(&["blue"], Err("several questions are answered as a=… b=…"));
        check(
            &["q1", "yes"],
            Err("q1 is an approval; answer it with `outlive approve`"),
        );
        check(&["q2"], Err("there is no answer"));
    }
}
