//! Runs of other agents: a call of one starts a run on a thread of its own below this run's thread. The run above waits
//! without a worker; the end of the run below ends the call, in the transaction of that end.

use std::collections::BTreeMap;
use std::sync::Arc;

use run::event::{Parent, ToolRunning, ToolStatus};
use run::snapshot::Activity;
use run::{AgentSpec, Budget, CallId, Input, Run, RunId, ThreadId, Trigger, Usage};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::{Scope, Start};
use tool::builtin::SubAgentArgs;

use crate::context::{Context, Over};

/// The agents of the server, by name.
pub type Agents = Arc<BTreeMap<String, AgentSpec>>;

/// How a call of an agent began.
pub(crate) enum Began {
    /// The run is there, or was there before.
    Started,
    /// It is not; the text is for the model.
    Refused(String),
}

/// What is left of a budget, shared among so many.
pub(crate) fn share(budget: &Budget, usage: &Usage, n: usize) -> Budget {
    let n = u64::try_from(n.max(1)).unwrap_or(u64::MAX);
    let tokens = budget
        .tokens
        .map(|tokens| tokens.saturating_sub(usage.total_tokens()) / n);
    #[expect(clippy::cast_precision_loss, reason = "a few calls")]
    let cost_usd = budget
        .cost_usd
        .map(|cost| (cost - usage.cost_usd.unwrap_or(0.0)).max(0.0) / n as f64);
    Budget {
        tokens,
        cost_usd,
        ..Budget::default()
    }
}

/// Starts the run that performs a call, or finds it.
pub(crate) async fn start(
    context: &Context,
    agents: &Agents,
    agent: &str,
    call: &Activity,
    budget: &Budget,
) -> Result<Began, Over> {
    let above = context.run();
    // Whatever was configured since: a run that was started performs its call.
    if let Some(run) = call.run
        && is_there(context, run).await?
    {
        return Ok(Began::Started);
    }
    let args = match SubAgentArgs::read(&call.args) {
        Ok(args) => args,
        Err(bad) => return Ok(Began::Refused(bad.to_string())),
    };
    let Some(spec) = agents.get(agent) else {
        return Ok(Began::Refused(format!("there is no agent {agent:?} now")));
    };
    let depth = above.parent.as_ref().map_or(0, |parent| parent.depth) + 1;
    let max = above.spec.tools.max_depth;
    if depth > max {
        let text = format!("agents may call agents {max} levels deep, this would be level {depth}");
        return Ok(Began::Refused(text));
    }
    // Announced before: after a crash in between the same run is started again, by the same id.
    let run = if let Some(announced) = call.run {
        announced
    } else {
        let run = child_id(above.id, &call.call);
        let running = ToolRunning {
            call: call.call.clone(),
            n_try: 1,
            run: Some(run),
        };
        context.emit_durable(vec![running.into()]).await?;
        run
    };
    // Who is below may not reach deeper than who is above.
    let mut spec = AgentSpec {
        budget: spec.budget.within(budget),
        ..spec.clone()
    };
    spec.tools.max_depth = spec.tools.max_depth.min(max);
    let start = Start {
        trigger: Trigger::Continue,
        parent: Some(Parent {
            run: above.id,
            call: call.call.clone(),
            depth,
        }),
        ..Start::new(
            run,
            Scope {
                tenant: above.tenant.clone(),
                user: above.created_by.clone(),
            },
            thread_of(above.id, &call.call),
            agent.to_owned(),
            spec,
            Input::text(args.input),
        )
    };
    let asked = || context.store.start(start.clone());
    Ok(match context.asked("start an agent", asked).await? {
        Ok(_) => Began::Started,
        Err(error) => Began::Refused(error.to_string()),
    })
}

async fn is_there(context: &Context, run: RunId) -> Result<bool, Over> {
    let scope = Scope::tenant(context.run().tenant.clone());
    let asked = || context.store.run(&scope, run);
    Ok(context
        .asked("look for an agent's run", asked)
        .await?
        .is_ok())
}

/// The whole answer of a run that has ended, where its end told only the beginning.
pub(crate) async fn answer(context: &Context, run: RunId) -> Result<Option<String>, Over> {
    let scope = Scope::tenant(context.run().tenant.clone());
    let asked = || context.store.snapshot(&scope, run);
    let snapshot = context.asked("read an agent's answer", asked).await?;
    // It may have been deleted.
    Ok(snapshot.ok().as_ref().and_then(last_words))
}

fn last_words(snapshot: &run::Snapshot) -> Option<String> {
    let mut messages = snapshot.messages.iter().rev();
    let said = messages.find(|message| {
        message.role == run::Role::Assistant
            && message.progress != run::snapshot::Progress::Discarded
    })?;
    let text = run::text_of(&said.parts);
    (!text.trim().is_empty()).then_some(text)
}

/// What a model reads of an agent's run: its output or all that it said last, and how it ended if that was not well.
pub(crate) fn report(status: ToolStatus, result: &Value, words: Option<String>) -> Value {
    let output = result.get("output").filter(|output| !output.is_null());
    let said = match (output, words) {
        (Some(output), _) => output.to_string(),
        (None, Some(words)) => words,
        (None, None) => result["summary"].as_str().unwrap_or_default().to_owned(),
    };
    if status == ToolStatus::Ok {
        return said.into();
    }
    let why = result["error"]["message"]
        .as_str()
        .or(result["reason"].as_str())
        .unwrap_or("it ended");
    format!("the agent did not succeed: {why}\n{said}")
        .trim_end()
        .into()
}

/// The id of the run that performs a call: always the same, so that it is never started twice.
pub(crate) fn child_id(above: RunId, call: &CallId) -> RunId {
    let mut hash = Sha256::new();
    hash.update(above.as_bytes());
    hash.update(call.as_str());
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // A UUID of version 8 (RFC 9562, 5.8): made by a rule of our own.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    RunId::from_bytes(bytes)
}

fn thread_of(above: RunId, call: &CallId) -> ThreadId {
    // A call's id may be long where an agent brought it; ours are not.
    let name = format!("{above}.{call}");
    ThreadId::parse(name).unwrap_or_else(|_| {
        ThreadId::parse(child_id(above, call).to_string()).expect("an id of a run is short")
    })
}

/// How many of the run's calls other runs perform or will.
pub(crate) fn n_agents(run: &Run, n_new: usize) -> usize {
    run.performed_elsewhere().count() + n_new
}

#[cfg(test)]
mod tests {
    use run::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_has_one_run_and_every_call_its_own() {
        let above = RunId::new(Timestamp::from_ms(1), [7; 10]);
        let first = child_id(above, &CallId::nth(1));
        assert_eq!(first, child_id(above, &CallId::nth(1)));
        assert_ne!(first, child_id(above, &CallId::nth(2)));
        assert_eq!(
            thread_of(above, &CallId::nth(1)).as_str(),
            format!("{above}.c1")
        );
    }

    #[test]
    fn what_is_left_of_a_budget_is_shared() {
        let budget = Budget {
            tokens: Some(1_000),
            cost_usd: Some(1.0),
            steps: Some(9),
            ..Budget::default()
        };
        let usage = Usage {
            input_tokens: 100,
            output_tokens: 300,
            cost_usd: Some(0.5),
            ..Usage::default()
        };
        let share_of = |n| share(&budget, &usage, n);
        assert_eq!(
            (share_of(1).tokens, share_of(1).cost_usd),
            (Some(600), Some(0.5))
        );
        assert_eq!(
            (share_of(3).tokens, share_of(2).cost_usd),
            (Some(200), Some(0.25))
        );
        assert_eq!(share_of(1).steps, None);
    }

    #[test]
    fn a_model_reads_what_the_agent_said_and_why_it_failed() {
        let ok = json!({"status": "succeeded", "reason": "completed", "summary": "A po…"});
        let words = || Some("A poem.".to_owned());
        assert_eq!(report(ToolStatus::Ok, &ok, words()), json!("A poem."));
        assert_eq!(report(ToolStatus::Ok, &ok, None), json!("A po…"));
        let output = json!({"output": {"a": 1}});
        assert_eq!(report(ToolStatus::Ok, &output, words()), json!("{\"a\":1}"));
        let failed = json!({"reason": "error", "error": {"code": "x", "message": "no key"}});
        assert_eq!(
            report(ToolStatus::Failed, &failed, None),
            json!("the agent did not succeed: no key")
        );
        let stopped = json!({"reason": "stopped"});
        assert_eq!(
            report(ToolStatus::Failed, &stopped, words()),
            json!("the agent did not succeed: stopped\nA poem.")
        );
    }
}
