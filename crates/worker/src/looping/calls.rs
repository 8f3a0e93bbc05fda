//! The open calls of a run: what can be is performed, what needs somebody is asked, and the rest is waited for.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use run::event::{
    ApprovalRequested, ClientToolCalled, Decision, Question, QuestionAsked, ToolCompleted,
    ToolKind, ToolStatus,
};
use run::snapshot::{Activity, Asked, Resolution, Snapshot};
use run::{CallId, Event, MAX_OPEN_REQUESTS, Outcome, Reason, RequestId, WaitMode};
use serde_json::{Value, json};
use store::Scope;
use tool::BadArgs;
use tool::builtin::AskUser;

use super::Attempt;
use super::fitting::fitting;
use super::perform::Performed;
use super::plan::{Ask, Next, next, open_calls};
use super::subagent::{self, Began};
use crate::context::{Context, Over, Waited};
use crate::limits::{ARGUMENT_CHARS, CALLS_AT_ONCE, TITLE_CHARS};

/// How it goes on.
pub(super) enum Flow {
    /// With what is next.
    GoOn,
    /// The run waits without this attempt.
    Parked,
    /// The run's user wants it to end.
    Cancelled(Outcome),
}

impl Attempt<'_> {
    pub(super) async fn calls(&mut self) -> Result<Flow, Over> {
        let open: Vec<(Activity, Next)> = open_calls(&self.log.snapshot)
            .map(|call| {
                let is_granted = self.granted.contains(&call.name);
                let next = next(call, &self.log.snapshot, &self.tools, is_granted);
                (call.clone(), next)
            })
            .collect();
        if open.iter().any(|(_, next)| *next == Next::Cancel) {
            return self.cancel().await;
        }
        let mut room = MAX_OPEN_REQUESTS.saturating_sub(self.context.control().requests.len());
        let mut events = Vec::new();
        let (mut agents, mut ready) = (Vec::new(), Vec::new());
        let mut waits = false;
        for (call, next) in open {
            let event = match next {
                Next::Start { agent } => {
                    agents.push((call, agent));
                    continue;
                }
                Next::Perform => {
                    ready.push(call);
                    continue;
                }
                Next::Wait => {
                    waits = true;
                    continue;
                }
                Next::Cancel => return self.cancel().await,
                // When there is room again.
                Next::Ask(_) if room == 0 => {
                    waits = true;
                    continue;
                }
                Next::End { status, result } => completed(call.call, status, result),
                Next::Ask(ask) => match self.ask(&call, ask) {
                    Ok(request) => {
                        room -= 1;
                        waits = true;
                        request
                    }
                    Err(bad) => completed(call.call, ToolStatus::Failed, bad.to_string().into()),
                },
            };
            events.extend(self.log.take(vec![event]));
        }
        self.context.emit(events).await?;
        waits |= self.start(agents).await?;
        self.perform(ready).await?;
        if waits {
            self.wait().await
        } else {
            Ok(Flow::GoOn)
        }
    }

    /// Waits for answers and for other runs, without this attempt. What came meanwhile is read.
    async fn wait(&mut self) -> Result<Flow, Over> {
        self.hands.servers.end_processes().await;
        match self.context.wait(WaitMode::Parked).await? {
            Waited::Parked => Ok(Flow::Parked),
            Waited::Held | Waited::Answered => {
                self.log.snapshot = self.context.snapshot_again().await?;
                self.granted
                    .extend(granted(self.context, &self.log.snapshot).await?);
                self.read_agents().await?;
                Ok(Flow::GoOn)
            }
        }
    }

    /// Everything ends: no open call is performed any more.
    async fn cancel(&mut self) -> Result<Flow, Over> {
        // The end of the run stops those that other runs perform, which may end by themselves in the same moment.
        let open = open_calls(&self.log.snapshot).filter(|call| call.run.is_none());
        let open: Vec<CallId> = open.map(|call| call.call.clone()).collect();
        let denied = open
            .into_iter()
            .map(|call| completed(call, ToolStatus::Denied, "the user has ended this".into()));
        let denied = denied.collect();
        self.say(denied).await?;
        Ok(Flow::Cancelled(Outcome::aborted(Reason::Stopped)))
    }

    /// Starts the runs of other agents; gives whether any of them is waited for.
    async fn start(&mut self, agents: Vec<(Activity, String)>) -> Result<bool, Over> {
        let n_new = agents.iter().filter(|(call, _)| call.run.is_none()).count();
        let n = subagent::n_agents(&self.context.control(), n_new);
        let budget = self.context.run().spec.budget;
        let share = subagent::share(&budget, &self.log.snapshot.usage, n);
        let mut waits = false;
        for (call, agent) in agents {
            let began =
                subagent::start(self.context, &self.loops.agents, &agent, &call, &share).await?;
            match began {
                Began::Started => waits = true,
                Began::Refused(text) => {
                    let failed = completed(call.call, ToolStatus::Failed, text.into());
                    self.say(vec![failed]).await?;
                }
            }
        }
        Ok(waits)
    }

    /// Performs calls, several at once; each result is written when it is there.
    async fn perform(&mut self, ready: Vec<Activity>) -> Result<(), Over> {
        let Self {
            context,
            hands,
            tools,
            log,
            ..
        } = self;
        let context: &Context = context;
        let performing = ready
            .into_iter()
            .map(|call| hands.perform(context, tools, call));
        let mut performing = stream::iter(performing).buffer_unordered(CALLS_AT_ONCE);
        while let Some(performed) = performing.next().await {
            let Performed {
                call,
                status,
                result,
            } = performed?;
            let done = vec![completed(call, status, result)];
            context.emit(log.take(done)).await?;
        }
        Ok(())
    }

    /// What runs of other agents have said at their end, in full, for the model.
    pub(super) async fn read_agents(&mut self) -> Result<(), Over> {
        for call in &mut self.log.snapshot.activities {
            let (Some(run), Some(status)) = (call.run, call.status) else {
                continue;
            };
            // Closed by other means, or read before.
            if !call.result.is_object() {
                continue;
            }
            let words = subagent::answer(self.context, run).await?;
            call.result = subagent::report(status, &call.result, words);
        }
        Ok(())
    }

    /// A request to the run's user. The error is the model's, whose question cannot be asked.
    fn ask(&self, call: &Activity, ask: Ask) -> Result<Event, BadArgs> {
        let request = RequestId::nth(self.log.counts.requests + 1);
        let expires_ms = self.context.run().spec.tools.expires_ms;
        let expires_at = expires_ms.map(|ms| self.context.now().plus_ms(ms));
        Ok(match ask {
            Ask::Approval => ApprovalRequested {
                request,
                kind: kind(call.kind).to_owned(),
                title: title(call),
                detail: json!({ "tool": call.name, "args": call.args }),
                options: Decision::ALL.to_vec(),
                call: Some(call.call.clone()),
                grants: Some(call.name.clone()),
                expires_at,
            }
            .into(),
            Ask::User => QuestionAsked {
                request,
                questions: questions(AskUser::read(&call.args)?),
                call: Some(call.call.clone()),
                expires_at,
            }
            .into(),
            Ask::Client => ClientToolCalled {
                request,
                call: call.call.clone(),
                expires_at,
            }
            .into(),
        })
    }
}

/// Tools that are allowed for the thread: by an earlier run of the agent, or in this one.
pub(super) async fn granted(
    context: &Context,
    snapshot: &Snapshot,
) -> Result<BTreeSet<String>, Over> {
    let run = context.run();
    let scope = Scope::tenant(run.tenant.clone());
    let asked = || context.store.grants(&scope, &run.thread, &run.agent);
    let stored = context.asked("read what is allowed", asked).await?;
    let mut granted: BTreeSet<String> = stored.map_err(|_| Over)?.into_iter().collect();
    let here = snapshot.requests.iter().filter(|request| {
        matches!(
            &request.resolution,
            Some(Resolution::Decided {
                decision: Decision::AllowForThread,
                ..
            })
        )
    });
    granted.extend(here.filter_map(|request| match &request.asks {
        Asked::Approval { detail, .. } => detail["tool"].as_str().map(str::to_owned),
        Asked::Question { .. } | Asked::ClientTool => None,
    }));
    Ok(granted)
}

fn completed(call: CallId, status: ToolStatus, result: Value) -> Event {
    ToolCompleted {
        call,
        status,
        result: fitting(result),
        usage: None,
    }
    .into()
}

fn questions(asked: AskUser) -> Vec<Question> {
    let questions = asked.questions.into_iter();
    questions
        .map(|question| Question {
            id: question.id,
            text: question.text,
            options: question.options,
            multiple: question.multiple,
        })
        .collect()
}

fn kind(kind: ToolKind) -> &'static str {
    match kind {
        ToolKind::Command => "command",
        ToolKind::Web => "web",
        ToolKind::Mcp => "mcp",
        ToolKind::Subagent => "subagent",
        ToolKind::FileChange => "file_change",
        ToolKind::FileRead => "file_read",
        ToolKind::Search => "search",
        ToolKind::Image => "image",
        ToolKind::Other => "tool",
    }
}

/// A line for people; all of the arguments stand in the detail.
fn title(call: &Activity) -> String {
    let name = call.title.as_deref().unwrap_or(&call.name);
    let line = match (&call.args, call.args["command"].as_str()) {
        (_, Some(command)) if call.kind == ToolKind::Command => command.to_owned(),
        (Value::Object(args), _) => {
            let mut args: Vec<String> = args.iter().map(argument).collect();
            // The short ones say most.
            args.sort_by_key(String::len);
            args.insert(0, name.to_owned());
            args.join(" ")
        }
        (args, _) => format!("{name} {args}"),
    };
    shortened(&line, TITLE_CHARS)
}

fn argument((name, value): (&String, &Value)) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    format!("{name}={}", shortened(&text, ARGUMENT_CHARS))
}

/// The beginning of a text on one line, cut visibly.
fn shortened(text: &str, max: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use run::event::ToolStarted;
    use run::{Envelope, Seq, Timestamp};

    use super::*;

    #[track_caller]
    fn check(kind: ToolKind, args: Value, expected: &str) {
        let started = ToolStarted {
            call: CallId::nth(1),
            name: "files__write_file".into(),
            kind,
            title: None,
            message: None,
            idempotent: false,
        };
        let mut snapshot = Snapshot::default();
        snapshot.apply(&Envelope {
            seq: Seq(1),
            at: Timestamp::default(),
            attempt: 1,
            event: started.into(),
        });
        let mut call = snapshot.activities.remove(0);
        call.args = args;
        assert_eq!(title(&call), expected);
    }

    #[test]
    fn an_approval_says_in_a_line_what_it_is_about() {
        let args = json!({"content": "# Notes\n".repeat(9), "path": "a.md", "n": 2});
        let line =
            "files__write_file n=2 path=a.md content=# Notes # Notes # Notes # Notes # Notes …";
        check(ToolKind::Mcp, args, line);
        check(ToolKind::Command, json!({"command": "ls\n-l"}), "ls -l");
        check(ToolKind::Mcp, json!({}), "files__write_file");
        check(ToolKind::Mcp, Value::Null, "files__write_file null");
        let long = format!("{}…", "x".repeat(TITLE_CHARS));
        let command = json!({"command": "x".repeat(300)});
        check(ToolKind::Command, command, &long);
    }
}
