//! A finished run as messages of a later call. Pure.

use std::collections::BTreeSet;

use provider::{Content, Message};
use run::event::{PromptRendered, ToolStatus};
use run::snapshot::{Activity, GivenInput, Progress, Snapshot};
use run::{Input, MessageId, Part, Role, Seq, StepId};
use serde_json::{Value, json};

use crate::looping::report;
use crate::prompt;
use crate::tokens;

/// Bytes of a tool's name that vendors take.
const NAME_BYTES: usize = 64;

/// What was said in a finished run.
#[derive(Debug)]
pub(crate) struct Past {
    /// What was asked, each with what came of it.
    pub(crate) exchanges: Vec<Exchange>,
    /// Whether the run brought its own conversation: then nothing before it counts.
    pub(crate) begins: bool,
}

/// What was asked and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// The user's messages.
    pub(crate) asked: Vec<Message>,
    /// The model's, each with the results of its calls behind it. A step is never cut: a call without its result, or the
    /// other way round, is refused by vendors.
    pub(crate) steps: Vec<Vec<Message>>,
}

/// How a model is told of calls of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// As calls with their results.
    AsCalls,
    /// In words: vendors refuse calls in a request that has no tools.
    AsText,
}

/// Which run a past is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    /// A prefix of its calls' ids that is its own: ids of calls are unique in a run only, and vendors want them unique in
    /// the conversation.
    pub(crate) prefix: &'a str,
    /// What it was asked.
    pub(crate) input: &'a Input,
    /// Its model, as `vendor/model`.
    pub(crate) by: Option<&'a str>,
    /// The model that is told, as `vendor/model`. What a vendor wants back goes back only to the model that gave it:
    /// signatures and encrypted reasoning of one model are refused by another.
    pub(crate) to: &'a str,
    /// Bytes of one result that the model is told.
    pub(crate) result_bytes: usize,
    /// How it is told of calls.
    pub(crate) calls: Calls,
}

impl Past {
    /// The fold of a run's snapshot. Discarded messages are left out, interrupted ones stay as far as they came.
    pub(crate) fn of(told: Told<'_>, snapshot: &Snapshot) -> Self {
        let mut fold = Fold {
            told,
            exchanges: vec![Exchange::default()],
            step: None,
        };
        fold.ask(snapshot.prompt.as_ref());
        let mut items = items(snapshot);
        items.sort_by_key(|(seq, _)| *seq);
        for (_, item) in items {
            match item {
                Item::Said(message) => fold.say(message),
                Item::Done(activity) => fold.call(activity),
                Item::Heard(input) => fold.hear(input),
            }
        }
        fold.end_step();
        let mut exchanges = fold.exchanges;
        exchanges.retain(|exchange| !exchange.asked.is_empty() || !exchange.steps.is_empty());
        Self {
            exchanges,
            begins: told.input.messages.is_some(),
        }
    }

    /// Tokens, as estimated.
    pub(crate) fn tokens(&self) -> u64 {
        self.exchanges.iter().map(Exchange::tokens).sum()
    }

    /// Its messages in order.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.exchanges.iter().flat_map(|exchange| {
            let steps = exchange.steps.iter().flatten();
            exchange.asked.iter().chain(steps)
        })
    }

    /// The same, taken out.
    pub(crate) fn into_messages(self) -> impl Iterator<Item = Message> {
        self.exchanges.into_iter().flat_map(|exchange| {
            let steps = exchange.steps.into_iter().flatten();
            exchange.asked.into_iter().chain(steps)
        })
    }

    /// Leaves out the oldest until it fits: whole exchanges, then the oldest steps of the last one, then that too.
    pub(crate) fn cut(&mut self, max_tokens: u64) {
        while self.tokens() > max_tokens {
            if self.exchanges.len() > 1 {
                self.exchanges.remove(0);
                continue;
            }
            match self.exchanges.first_mut() {
                Some(last) if !last.steps.is_empty() => drop(last.steps.remove(0)),
                Some(_) | None => self.exchanges.clear(),
            }
        }
    }
}

impl Exchange {
    fn tokens(&self) -> u64 {
        let steps = self.steps.iter().flatten();
        self.asked.iter().chain(steps).map(tokens::of_message).sum()
    }
}

enum Item<'s> {
    Said(&'s run::snapshot::Message),
    Done(&'s Activity),
    Heard(&'s GivenInput),
}

fn items(snapshot: &Snapshot) -> Vec<(Seq, Item<'_>)> {
    let said = snapshot.messages.iter().filter(|message| {
        message.role == Role::Assistant && message.progress != Progress::Discarded
    });
    let said = said.map(|message| (message.first_seq, Item::Said(message)));
    // Calls of a message that was said again were made again too.
    let discarded: BTreeSet<&MessageId> = snapshot
        .messages
        .iter()
        .filter(|message| message.progress == Progress::Discarded)
        .map(|message| &message.message)
        .collect();
    let is_discarded = |activity: &&Activity| {
        let message = activity.message.as_ref();
        message.is_some_and(|message| discarded.contains(message))
    };
    let done = snapshot
        .activities
        .iter()
        .filter(|activity| !is_discarded(activity));
    let done = done.map(|activity| (activity.first_seq, Item::Done(activity)));
    let heard = snapshot.inputs.iter();
    let heard = heard.filter_map(|input| Some((input.heard_seq?, Item::Heard(input))));
    said.chain(done).chain(heard).collect()
}

/// A step under way.
#[derive(Default)]
struct Open {
    step: Option<StepId>,
    messages: Vec<MessageId>,
    parts: Vec<provider::Part>,
    results: Vec<provider::Part>,
}

struct Fold<'a> {
    told: Told<'a>,
    exchanges: Vec<Exchange>,
    step: Option<Open>,
}

impl Fold<'_> {
    /// What the run was asked, and the conversation that it brought along.
    fn ask(&mut self, rendered: Option<&PromptRendered>) {
        let prompt = rendered.and_then(|rendered| rendered.prompt.as_deref());
        for (role, parts) in prompt::conversation(self.told.input, prompt) {
            let parts = self.parts(&parts);
            match role {
                Role::User => self.asked(provider::Role::User, parts),
                Role::System => self.asked(provider::Role::System, parts),
                Role::Assistant => {
                    self.open(None).parts = parts;
                    self.end_step();
                }
                // Such a run was refused, so there was nothing that a model was told.
                Role::Tool => {}
            }
        }
    }

    fn hear(&mut self, input: &GivenInput) {
        let parts = self.parts(&input.parts);
        self.asked(provider::Role::User, parts);
    }

    fn asked(&mut self, role: provider::Role, parts: Vec<provider::Part>) {
        if parts.is_empty() {
            return;
        }
        self.end_step();
        if !self.exchange().steps.is_empty() {
            self.exchanges.push(Exchange::default());
        }
        self.exchange().asked.push(Message { role, parts });
    }

    fn say(&mut self, message: &run::snapshot::Message) {
        let parts = self.parts(&message.parts);
        let step = self.step_of(message.step.as_ref(), false);
        step.messages.push(message.message.clone());
        step.parts.extend(parts);
    }

    fn call(&mut self, activity: &Activity) {
        let id = format!("{}_{}", self.told.prefix, activity.first_seq.0);
        let belongs = match (&self.step, &activity.message) {
            (Some(open), Some(message)) => open.messages.contains(message),
            (Some(_), None) => activity.step.is_none(),
            (None, _) => false,
        };
        let is_same = self.told.by == Some(self.told.to);
        let vendor = activity.vendor.clone().filter(|_| is_same);
        let calls = self.told.calls;
        let result_bytes = self.told.result_bytes;
        let step = self.step_of(activity.step.as_ref(), belongs);
        let args = match &activity.args {
            args @ Value::Object(_) => args.clone(),
            Value::Null => json!({}),
            other => json!({ "value": other }),
        };
        let name = name(&activity.name);
        let output = result(activity, result_bytes);
        if calls == Calls::AsText {
            let text = format!("[called the tool {name} with {args}; it gave: {output}]");
            step.parts.push(Content::Text(text).into());
            return;
        }
        let call_id = id.clone();
        step.parts.push(provider::Part {
            content: Content::ToolCall { id, name, args },
            vendor,
        });
        step.results
            .push(Content::ToolResult { call_id, output }.into());
    }

    /// The step that something belongs to: the one under way if it is the same.
    fn step_of(&mut self, step: Option<&StepId>, belongs: bool) -> &mut Open {
        let is_same = self
            .step
            .as_ref()
            .is_some_and(|open| belongs || (step.is_some() && open.step.as_ref() == step));
        if !is_same {
            self.end_step();
        }
        self.open(step)
    }

    fn open(&mut self, step: Option<&StepId>) -> &mut Open {
        self.step.get_or_insert_with(|| Open {
            step: step.cloned(),
            ..Open::default()
        })
    }

    fn end_step(&mut self) {
        let Some(open) = self.step.take() else {
            return;
        };
        let mut messages = Vec::new();
        for (role, parts) in [
            (provider::Role::Assistant, open.parts),
            (provider::Role::Tool, open.results),
        ] {
            if !parts.is_empty() {
                messages.push(Message { role, parts });
            }
        }
        if !messages.is_empty() {
            self.exchange().steps.push(messages);
        }
    }

    fn exchange(&mut self) -> &mut Exchange {
        self.exchanges.last_mut().expect("one is made at the start")
    }

    /// Parts as this model may be told them. What no vendor takes was refused when it was asked, so it is left out.
    fn parts(&self, parts: &[Part]) -> Vec<provider::Part> {
        let is_same = self.told.by == Some(self.told.to);
        let parts = parts.iter().filter_map(|part| prompt::content(part).ok()?);
        let parts = parts.map(|mut part| {
            part.vendor = part.vendor.filter(|_| is_same);
            part
        });
        parts
            .filter(|part| match &part.content {
                Content::Text(text) => !text.is_empty(),
                // Nobody takes thoughts back but the one who gave data with them.
                Content::Reasoning(_) => part.vendor.is_some(),
                Content::Image(_)
                | Content::File { .. }
                | Content::ToolCall { .. }
                | Content::ToolResult { .. } => true,
            })
            .collect()
    }
}

/// A tool's name as vendors take it.
fn name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name = name.chars().map(|c| if fits(c) { c } else { '_' });
    let name: String = name.take(NAME_BYTES).collect();
    if name.is_empty() {
        "tool".to_owned()
    } else {
        name
    }
}

/// What a model is told of a call. There always is something: a call without a result is refused by every vendor.
pub(crate) fn result(activity: &Activity, max_bytes: usize) -> String {
    let of_agent = match (activity.run, activity.status) {
        (Some(_), Some(status)) if activity.result.is_object() => {
            Some(report(status, &activity.result, None))
        }
        (Some(_) | None, _) => None,
    };
    let said = match of_agent.as_ref().unwrap_or(&activity.result) {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        // What a tool says for a model, beside what it says for programs.
        Value::Object(members) if members.contains_key("text") => {
            members["text"].as_str().map(str::to_owned)
        }
        other => Some(other.to_string()),
    };
    let text = match (activity.status, activity.running) {
        (Some(ToolStatus::Ok), _) => said.unwrap_or_else(|| "(no output)".to_owned()),
        (Some(ToolStatus::Failed), _) => said.unwrap_or_else(|| "(it failed)".to_owned()),
        (Some(ToolStatus::Denied), _) => said.unwrap_or_else(|| "(it was not allowed)".to_owned()),
        (Some(ToolStatus::Interrupted), false) => {
            "interrupted before it began: it did nothing".to_owned()
        }
        (Some(ToolStatus::Interrupted | ToolStatus::Unknown) | None, _) => {
            let text = "interrupted before it finished; whether it acted is unknown";
            said.map_or(text.to_owned(), |said| format!("{text}. So far: {said}"))
        }
    };
    // Its beginning and its end, with a note between them.
    tool::cut(&text, max_bytes).text.into_owned()
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
