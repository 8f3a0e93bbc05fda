//! What a coding agent is told first: the card, the contract of its agent, and what the run itself adds. Built once, stored with
//! the run, used by every attempt.

use run::event::PromptRendered;
use run::snapshot::Snapshot;
use run::{ErrorInfo, Event, Input, MAX_PROMPT_BYTES, ThreadId};
use serde_json::{Value, json};
use store::{Scope, ThreadRecord};

use crate::context::{Context, Over};
use crate::limits::PROMPT_EVENT_BYTES;
use crate::template::Templates;

/// The prompt of the run. The inner error is how it ends.
pub(super) async fn prompt(
    context: &Context,
    snapshot: &Snapshot,
) -> Result<Result<String, ErrorInfo>, Over> {
    let stored = snapshot.prompt.as_ref();
    if let Some(prompt) = stored.and_then(|stored| stored.prompt.clone()) {
        return Ok(Ok(prompt));
    }
    let run = context.run();
    // In a session that goes on everything else was said before.
    let built = if run.refines.is_some() {
        Ok(run.input.as_text())
    } else {
        let card = card(context).await?;
        build(
            &run.input,
            run.spec.system.as_deref(),
            run.spec.prompt.as_deref(),
            card.as_ref(),
        )
    };
    let prompt = match built.and_then(fitting) {
        Ok(prompt) => prompt,
        Err(error) => return Ok(Err(error)),
    };
    if context.control().n_turns == 0 {
        let rendered = PromptRendered {
            system: None,
            prompt: Some(prompt.clone()),
        };
        context.emit(vec![Event::from(rendered)]).await?;
    }
    Ok(Ok(prompt))
}

/// The card that the run is about: its thread, or the one above where the run is a try on a thread of its own.
async fn card(context: &Context) -> Result<Option<ThreadRecord>, Over> {
    let run = context.run();
    let scope = Scope::tenant(run.tenant.clone());
    let read = async |thread: &ThreadId| {
        let read = || context.store.thread(&scope, thread);
        Ok::<_, Over>(context.asked("read the card", read).await?.ok())
    };
    let Some(thread) = read(&run.thread).await? else {
        return Ok(None);
    };
    let is_card = |thread: &ThreadRecord| thread.column.is_some();
    match &thread.parent {
        Some(above) if !is_card(&thread) => Ok(read(above).await?.filter(is_card)),
        Some(_) | None => Ok(Some(thread).filter(is_card)),
    }
}

fn fitting(prompt: String) -> Result<String, ErrorInfo> {
    let n_printed = serde_json::to_vec(&prompt).map_or(usize::MAX, |json| json.len());
    if prompt.len() > MAX_PROMPT_BYTES || n_printed > PROMPT_EVENT_BYTES {
        let n_bytes = prompt.len();
        let message = format!(
            "the prompt has {n_bytes} bytes, at most {MAX_PROMPT_BYTES} fit; put long texts into files"
        );
        return Err(ErrorInfo::new("prompt_too_large", message));
    }
    if prompt.trim().is_empty() {
        let message = "there is nothing to tell the agent: the card and the input are empty";
        return Err(ErrorInfo::new("prompt_empty", message));
    }
    Ok(prompt)
}

fn build(
    input: &Input,
    contract: Option<&str>,
    template: Option<&str>,
    card: Option<&ThreadRecord>,
) -> Result<String, ErrorInfo> {
    let mut with_card = input.clone();
    with_card
        .variables
        .insert("card".to_owned(), card_value(card));
    let templates = Templates::with_text(&with_card, input.as_text());
    let render = |what: &str, template: &str| {
        let rendered = templates.render(what, template);
        rendered.map_err(|error| ErrorInfo::new("template", error.to_string()))
    };
    let contract = contract
        .map(|contract| render("system", contract))
        .transpose()?;
    let said = match template {
        Some(template) => vec![render("prompt", template)?],
        None => vec![input.as_text()],
    };
    // A template says itself where the card stands.
    let card = card.filter(|_| template.is_none());
    let title = card.and_then(|card| card.title.clone());
    let body = card.and_then(|card| card.body.clone());
    let parts = [title, body, contract].into_iter().flatten().chain(said);
    let parts: Vec<String> = parts
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect();
    Ok(parts.join("\n\n"))
}

/// What a template may say of the card: `card.title`, `card.body`, `card.labels`, `card.column`.
fn card_value(card: Option<&ThreadRecord>) -> Value {
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    json!({
        "title": text(card.and_then(|card| card.title.as_ref())),
        "body": text(card.and_then(|card| card.body.as_ref())),
        "labels": card.map(|card| card.labels.clone()).unwrap_or_default(),
        "column": text(card.and_then(|card| card.column.as_ref())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        input: &str,
        contract: Option<&str>,
        template: Option<&str>,
        expected: Result<&str, &str>,
    ) {
        let input = Input::text(input);
        let built = build(&input, contract, template, None).and_then(fitting);
        let built = built.as_deref().map_err(|error| error.code.as_str());
        assert_eq!(built, expected);
    }

    #[test]
    fn contract_and_input_stand_behind_each_other() {
        check("Fix it.", None, None, Ok("Fix it."));
        check(
            "Fix it.",
            Some("Run the tests."),
            None,
            Ok("Run the tests.\n\nFix it."),
        );
        check(
            "Fix it.",
            None,
            Some("Do: {{input}}{{card.title}}"),
            Ok("Do: Fix it."),
        );
        check(" ", None, None, Err("prompt_empty"));
        check("x", None, Some("{{nothing}}"), Err("template"));
        check(
            &"x".repeat(MAX_PROMPT_BYTES + 1),
            None,
            None,
            Err("prompt_too_large"),
        );
    }
}
