//! `ask_user`: structured questions to a person. The caller asks them.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::definition::{check_text, read};
use crate::{BadArgs, Definition, limits};

/// What a model wants to know from a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskUser {
    /// The questions, in their order.
    pub questions: Vec<AskedQuestion>,
}

/// One question, with the fields of the run's `question.asked`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedQuestion {
    /// The key of its answer: the model's own, or `q1`, `q2`, …
    pub id: String,
    /// The question, with its header before it and what the options mean behind it.
    pub text: String,
    /// Answers to choose from; none for a free answer.
    pub options: Vec<String>,
    /// Whether several may be chosen.
    pub multiple: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    questions: Vec<Question>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    header: Option<String>,
    #[serde(rename = "question")]
    text: String,
    #[serde(default)]
    options: Vec<Choice>,
    #[serde(default)]
    multi_select: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    label: String,
    #[serde(default)]
    description: Option<String>,
}

impl AskUser {
    /// The name of the tool.
    pub const NAME: &'static str = "ask_user";

    /// What a model is told.
    pub fn definition() -> Definition {
        let text = |description: &str| json!({"type": "string", "description": description});
        let choice = json!({
            "type": "object",
            "properties": {
                "label": text("The answer itself, in a few words."),
                "description": text("What choosing it means."),
            },
            "required": ["label"],
            "additionalProperties": false,
        });
        let question = json!({
            "type": "object",
            "properties": {
                "id": text("The key of the answer; q1, q2, … if it is left out."),
                "header": text("One or two words above the question."),
                "question": text("The question, as a whole sentence."),
                "options": {
                    "type": "array",
                    "items": choice,
                    "maxItems": limits::OPTIONS,
                    "description": "Answers to choose from. Without any, the answer is free text.",
                },
                "multi_select": {"type": "boolean", "description": "Whether several may be chosen."},
            },
            "required": ["question"],
            "additionalProperties": false,
        });
        Definition {
            name: Self::NAME.to_owned(),
            description: "Asks the person who started this run and waits for the answer, which may take hours. Use \
                          it only when you cannot go on without a decision or a fact that no other tool can give. Ask \
                          all that you need at once."
                .to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": {
                    "questions": {
                        "type": "array",
                        "items": question,
                        "minItems": 1,
                        "maxItems": limits::QUESTIONS,
                    },
                },
                "required": ["questions"],
                "additionalProperties": false,
            }),
        }
    }

    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// What is wrong with them, for the model.
    pub fn read(args: &Value) -> Result<Self, BadArgs> {
        let args: Args = read(Self::NAME, args)?;
        if args.questions.is_empty() {
            return Err(bad("questions is empty".into()));
        }
        if args.questions.len() > limits::QUESTIONS {
            return Err(bad(format!(
                "{} questions, at most {} can be asked at once",
                args.questions.len(),
                limits::QUESTIONS
            )));
        }
        let mut ids = BTreeSet::new();
        let mut questions = Vec::new();
        for (n, question) in args.questions.into_iter().enumerate() {
            let question = question.checked(n)?;
            if !ids.insert(question.id.clone()) {
                return Err(bad(format!("two questions have the id {:?}", question.id)));
            }
            questions.push(question);
        }
        Ok(Self { questions })
    }
}

impl Question {
    fn checked(self, n: usize) -> Result<AskedQuestion, BadArgs> {
        let check = |place: &str, text: &str| {
            let place = format!("questions[{n}].{place}");
            check_text(AskUser::NAME, &place, text, limits::QUESTION_BYTES)
        };
        check("question", &self.text)?;
        if self.options.len() > limits::OPTIONS {
            return Err(bad(format!(
                "questions[{n}] has {} options, at most {} can be shown",
                self.options.len(),
                limits::OPTIONS
            )));
        }
        let mut text = match self.header.as_deref().map(str::trim) {
            Some("") | None => self.text,
            Some(header) => {
                check("header", header)?;
                format!("{header}: {}", self.text)
            }
        };
        let mut options: Vec<String> = Vec::new();
        for (k, choice) in self.options.into_iter().enumerate() {
            check(&format!("options[{k}].label"), &choice.label)?;
            if options.contains(&choice.label) {
                return Err(bad(format!(
                    "questions[{n}] has the option {:?} twice",
                    choice.label
                )));
            }
            if let Some(meaning) = choice.description.as_deref().map(str::trim)
                && !meaning.is_empty()
            {
                check(&format!("options[{k}].description"), meaning)?;
                text.extend(["\n- ", &choice.label, ": ", meaning]);
            }
            options.push(choice.label);
        }
        let id = match self.id {
            Some(id) => {
                check("id", &id)?;
                id
            }
            None => format!("q{}", n + 1),
        };
        Ok(AskedQuestion {
            id,
            text,
            options,
            multiple: self.multi_select,
        })
    }
}

fn bad(detail: String) -> BadArgs {
    BadArgs {
        tool: AskUser::NAME,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{AskUser, AskedQuestion};

    #[track_caller]
    fn check(questions: impl Into<Value>, expected: Result<Vec<AskedQuestion>, &str>) {
        let read = AskUser::read(&json!({"questions": questions.into()}));
        let read = read
            .map(|args| args.questions)
            .map_err(|error| error.detail);
        assert_eq!(read, expected.map_err(str::to_owned));
    }

    fn free(id: &str, text: &str) -> AskedQuestion {
        AskedQuestion {
            id: id.into(),
            text: text.into(),
            options: vec![],
            multiple: false,
        }
    }

    #[test]
    fn questions_are_read_with_all_that_a_person_needs_in_their_text() {
        check(
            json!([{"question": "Why?"}, {"id": "when", "question": "When?"}]),
            Ok(vec![free("q1", "Why?"), free("when", "When?")]),
        );
        let chosen = AskedQuestion {
            id: "q1".into(),
            text: "Store: Which one?\n- SQLite: one file".into(),
            options: vec!["SQLite".into(), "Other".into()],
            multiple: true,
        };
        check(
            json!([{
                "header": "Store",
                "question": "Which one?",
                "options": [{"label": "SQLite", "description": "one file"}, {"label": "Other"}],
                "multi_select": true,
            }]),
            Ok(vec![chosen]),
        );
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_its_place() {
        check(json!([]), Err("questions is empty"));
        check(json!([{}]), Err("questions[0]: missing field `question`"));
        check(
            json!([{"question": "A?"}, {"question": ""}]),
            Err("questions[1].question is empty"),
        );
        check(
            json!([{"question": "A?", "id": "q2"}, {"question": "B?"}]),
            Err("two questions have the id \"q2\""),
        );
        check(
            json!([{"question": "A?", "options": [{"label": "x"}, {"label": "x"}]}]),
            Err("questions[0] has the option \"x\" twice"),
        );
        check(
            json!([{"question": "A?", "options": ["x"]}]),
            Err("questions[0].options[0]: invalid type: string \"x\", expected struct Choice"),
        );
        let many = vec![json!({"question": "A?"}); 11];
        check(many, Err("11 questions, at most 10 can be asked at once"));
        let options: Vec<_> = (0..21).map(|n| json!({"label": n.to_string()})).collect();
        check(
            json!([{"question": "A?", "options": options}]),
            Err("questions[0] has 21 options, at most 20 can be shown"),
        );
    }
}
