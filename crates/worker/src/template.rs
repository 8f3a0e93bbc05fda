//! Templates of prompts and command lines.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use run::Input;

/// A template could not be rendered; the text is for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template of {what} cannot be rendered: {problem}")]
pub(crate) struct TemplateError {
    what: String,
    problem: String,
}

/// Renders templates over `input` (the input's text) and the input's variables.
pub(crate) struct Templates {
    environment: Environment<'static>,
    context: Value,
}

impl Templates {
    pub(crate) fn new(input: &Input) -> Self {
        Self::with_text(input, input.as_text())
    }

    /// The same where another text is `input`.
    pub(crate) fn with_text(input: &Input, text: String) -> Self {
        let mut environment = Environment::new();
        // A word that nobody gave is a mistake, not an empty text.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut values = input.variables.clone();
        values.insert("input".to_owned(), text.into());
        Self {
            environment,
            context: Value::from(Serde(values)),
        }
    }

    /// Renders one template. `what` names it in an error.
    pub(crate) fn render(&self, what: &str, template: &str) -> Result<String, TemplateError> {
        let rendered = self.environment.render_str(template, self.context.clone());
        rendered.map_err(|error| TemplateError {
            what: what.to_owned(),
            problem: problem(&error, template),
        })
    }
}

/// What is wrong, with the place and the names where they are known.
fn problem(error: &minijinja::Error, template: &str) -> String {
    let place = error.range().and_then(|range| template.get(range));
    match (error.kind(), place) {
        (minijinja::ErrorKind::UndefinedError, Some(place)) => {
            format!("{place} is not defined; the input gives input and its variables")
        }
        (_, Some(place)) => format!("{error} at {place:?}"),
        (_, None) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, expected: Result<&str, &str>) {
        let input: Input = serde_json::from_value(serde_json::json!({
            "parts": "hello <b>", "variables": {"name": "Ada", "n": 3, "list": ["a", "b"]}
        }))
        .unwrap();
        let rendered = Templates::new(&input).render("prompt", template);
        match (rendered, expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected),
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{error}");
            }
            (rendered, _) => panic!("{rendered:?}"),
        }
    }

    #[test]
    fn input_and_variables_are_at_hand_and_nothing_is_escaped() {
        check("{{input}}", Ok("hello <b>"));
        check("Dear {{ name }}: {{ n + 1 }}", Ok("Dear Ada: 4"));
        check("{% for x in list %}{{ x }};{% endfor %}", Ok("a;b;"));
        check("plain", Ok("plain"));
        check("{{ 'x' if nam is defined else 'y' }}", Ok("y"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        check("Dear {{ nam }}", Err("nam is not defined"));
        check("{{ name ", Err("the template of prompt cannot be rendered"));
        check("{{ name | frobnicate }}", Err("frobnicate"));
    }
}
