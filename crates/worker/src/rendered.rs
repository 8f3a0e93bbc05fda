//! The prompt of a run: rendered once, stored with the run, used by every attempt.

use run::event::PromptRendered;
use run::snapshot::Snapshot;
use run::{AgentSpec, ErrorInfo, Event, Input, MAX_PROMPT_BYTES, text_of};

use crate::context::{Context, Over};
use crate::limits::PROMPT_EVENT_BYTES;
use crate::prompt;
use crate::template::Templates;

/// What the agent's templates make of the run's input: as it was stored, else rendered now and stored. Call it before the
/// first turn, with the snapshot as it was before the first word of this attempt. An error is the run's.
pub(crate) async fn prompt(
    context: &Context,
    snapshot: &Snapshot,
) -> Result<Result<PromptRendered, ErrorInfo>, Over> {
    if let Some(stored) = &snapshot.prompt {
        return Ok(Ok(stored.clone()));
    }
    let run = context.run();
    let rendered = match render(&run.spec, &run.input) {
        Ok(rendered) => rendered,
        Err(error) => return Ok(Err(error)),
    };
    let is_empty = rendered == PromptRendered::default();
    if !is_empty && context.control().n_turns == 0 {
        context.emit(vec![Event::from(rendered.clone())]).await?;
    }
    Ok(Ok(rendered))
}

fn render(spec: &AgentSpec, input: &Input) -> Result<PromptRendered, ErrorInfo> {
    // In a conversation that is brought whole, a template stands for its first message.
    let opening = prompt::opening(input);
    let text = opening.map_or_else(|| input.as_text(), |(_, message)| text_of(&message.parts));
    let templates = Templates::with_text(input, text);
    let render = |what: &str, template: Option<&String>| {
        let rendered = template.map(|template| templates.render(what, template));
        rendered
            .transpose()
            .map_err(|error| ErrorInfo::new("template", error.to_string()))
    };
    let rendered = PromptRendered {
        system: render("system", spec.system.as_ref())?,
        prompt: render("prompt", spec.prompt.as_ref())?,
    };
    let texts = [&rendered.system, &rendered.prompt];
    let n_bytes: usize = texts.into_iter().flatten().map(String::len).sum();
    // Escapes can make six bytes of one, and the event has a bound of its own.
    let n_printed = serde_json::to_vec(&texts).map_or(usize::MAX, |json| json.len());
    if n_bytes > MAX_PROMPT_BYTES || n_printed > PROMPT_EVENT_BYTES {
        return Err(ErrorInfo::new(
            "prompt_too_large",
            format!(
                "the rendered system prompt and prompt have {n_bytes} bytes, at most {MAX_PROMPT_BYTES} fit; \
                 give long texts as parts of the input"
            ),
        ));
    }
    Ok(rendered)
}

#[cfg(test)]
mod tests {
    use run::DriverKind;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(
        system: Option<&str>,
        prompt: Option<&str>,
        expected: Result<[Option<&str>; 2], &str>,
    ) {
        let spec = AgentSpec {
            system: system.map(str::to_owned),
            prompt: prompt.map(str::to_owned),
            ..AgentSpec::new(DriverKind::Model)
        };
        let input = json!({"parts": "rain", "variables": {"kind": "poems", "nul": "\u{1}"}});
        let input: Input = serde_json::from_value(input).unwrap();
        let rendered = render(&spec, &input).map_err(|error| error.code);
        let expected = expected.map(|[system, prompt]| PromptRendered {
            system: system.map(str::to_owned),
            prompt: prompt.map(str::to_owned),
        });
        assert_eq!(rendered, expected.map_err(str::to_owned));
    }

    #[test]
    fn system_and_prompt_are_rendered() {
        check(
            Some("You write {{kind}}."),
            Some("Write about {{input}}!"),
            Ok([Some("You write poems."), Some("Write about rain!")]),
        );
        check(None, None, Ok([None, None]));
        check(None, Some("{{x}}"), Err("template"));
    }

    #[test]
    fn what_is_too_large_to_be_stored_is_an_error() {
        let n = MAX_PROMPT_BYTES / 2;
        let fits = format!("{{{{ 'ab' * {} }}}}", n / 2);
        let text = "ab".repeat(n / 2);
        check(Some(&fits), Some(&fits), Ok([Some(&text), Some(&text)]));
        let more = format!("{fits}x");
        check(Some(&more), Some(&fits), Err("prompt_too_large"));
        // Short as it is, each of its bytes is six in the event.
        let escaped = format!("{{{{ nul * {n} }}}}");
        check(Some(&escaped), None, Err("prompt_too_large"));
    }
}
