//! One call of the model, and the turns between which it is asked something new.

use provider::Request;
use run::event::{
    InputConsumed, InputMode, InputReceived, Notice, NoticeLevel, StepFinished, StepStarted,
    TurnCompleted, TurnStarted, TurnStatus,
};
use run::snapshot::{InputState, Snapshot};
use run::{BudgetEnd, By, Event, Exhausted, Outcome, Reason, Run, Status, StepId, TurnId};

use super::Attempt;
use super::log::Log;
use crate::asking::Begin;
use crate::context::Over;
use crate::driver::Ending;
use crate::history::{Calls, Past, Told};
use crate::structured::{judged, repair};

/// The code of the notice that stands before a last summary.
const OVER_BUDGET: &str = "budget";

/// What a model is told whose budget is used up.
const SUMMARISE: &str = "Your budget for this task is used up: you can call no more tools. Say in a few sentences what you \
     have done, what you found out and what is left to do.";

/// How a model with these tools is told of calls: a request without tools may hold none.
pub(super) fn calls_of(tools: &[provider::Tool]) -> Calls {
    if tools.is_empty() {
        Calls::AsText
    } else {
        Calls::AsCalls
    }
}

/// The next turn of a run.
pub(super) fn turn_started(log: &Log, model: Option<String>) -> TurnStarted {
    let turn = TurnId::nth(log.counts.turns + 1);
    // An input that was taken for it before a crash.
    let heard = log
        .snapshot
        .inputs
        .iter()
        .rev()
        .find(|input| matches!(&input.state, InputState::Consumed { turn: of } if *of == turn));
    TurnStarted {
        input: heard.map(|input| input.input.clone()),
        turn,
        model,
    }
}

/// Whether the model is only to sum up, because the run's budget is used up.
pub(super) fn sums_up(snapshot: &Snapshot) -> bool {
    let mut notices = snapshot.notices.iter();
    notices.any(|notice| notice.code == OVER_BUDGET)
}

/// The same outcome, or that of a run which ended with a summary because its budget was used up.
pub(super) fn over_budget(snapshot: &Snapshot, outcome: Outcome) -> Outcome {
    if outcome.status == Status::Succeeded && sums_up(snapshot) {
        Outcome {
            reason: Reason::Budget,
            ..outcome
        }
    } else {
        outcome
    }
}

impl Attempt<'_> {
    /// One call of the model, and what becomes of the run if that is its end.
    pub(super) async fn step(&mut self) -> Result<Option<Ending>, Over> {
        let exhausted = self.exhausted();
        if let Some(exhausted) = exhausted
            && !sums_up(&self.log.snapshot)
        {
            let notice = Notice::new(NoticeLevel::Warning, OVER_BUDGET, exhausted.to_string());
            self.say(vec![notice.into()]).await?;
        }
        let request = self.request(exhausted.is_some());
        let step = StepId::nth(self.log.counts.steps + 1);
        let started = StepStarted {
            step: step.clone(),
            model: self.context.run().spec.model.clone(),
        };
        self.say(vec![started.into()]).await?;
        let begin = Begin::new(self.log.counts.messages, self.log.counts.calls);
        let begin = if request.tools.is_empty() {
            begin
        } else {
            begin.with_tools(&self.tools)
        };
        let models = &self.loops.models;
        let answered = models
            .answer(self.context, &self.vendor, &request, begin)
            .await?;
        let mut ended = answered.ended;
        let fault = match ended.n_calls {
            // A summary is for people and has no form.
            0 if exhausted.is_none() => judged(self.judge.as_mut(), &mut ended),
            _ => None,
        };
        if let Some(fault) = &fault {
            ended.discard(&fault.why);
        } else {
            self.log.take(ended.whole);
        }
        // Withdrawn ones count too: their ids are taken.
        self.log.counts.messages = answered.n_messages;
        self.log.counts.calls = answered.n_calls;
        let finished = StepFinished {
            step,
            usage: answered.usage,
            finish_reason: Some(ended.finish_reason).filter(|word| !word.is_empty()),
        };
        let mut events = ended.events;
        events.push(self.log.take(vec![finished.into()]).remove(0));
        self.context.emit(events).await?;
        if let Some(fault) = fault {
            self.repair.extend(repair(&ended.text, &fault));
            return Ok(None);
        }
        self.repair.clear();
        if ended.n_calls > 0 {
            return Ok(None);
        }
        let outcome = over_budget(&self.log.snapshot, ended.outcome);
        if outcome.status != Status::Succeeded {
            return Ok(Some(Ending::Finished(outcome)));
        }
        self.outcome = Some(outcome);
        Ok(None)
    }

    fn request(&self, is_last: bool) -> Request {
        let mut request = self.base.clone();
        if is_last {
            // It sums up this run alone, so the thread's history, which may hold calls, stays out.
            request.tools.clear();
            request.output_schema = None;
        } else {
            request.messages.extend(self.history.iter().cloned());
        }
        let run = self.context.run();
        let model = run.spec.model.as_deref();
        let told = Told {
            prefix: "c",
            input: &run.input,
            by: model,
            to: model.unwrap_or_default(),
            result_bytes: tool::limits::MODEL_BYTES,
            calls: calls_of(&request.tools),
        };
        let said = Past::of(told, &self.log.snapshot);
        request.messages.extend(said.into_messages());
        request.messages.extend(self.repair.iter().cloned());
        if is_last {
            let last = provider::Message::text(provider::Role::User, SUMMARISE);
            request.messages.push(last);
        }
        request
    }

    /// The budget that is used up, for an agent that ends with a summary. For the others the worker ends the run.
    fn exhausted(&self) -> Option<Exhausted> {
        let spec = &self.context.run().spec;
        if spec.over_budget == BudgetEnd::Fail {
            return None;
        }
        // The known control state may be behind what this driver has said.
        let run = Run {
            usage: self.log.snapshot.usage,
            n_steps: self.log.counts.steps,
            step: None,
            ..Run::clone(&self.context.control())
        };
        spec.budget.exhausted(&run)
    }

    /// Takes what people have said meanwhile; gives whether there was anything. A steer belongs to the turn under way, a
    /// follow-up opens the next one.
    pub(super) async fn hear(&mut self, mode: InputMode) -> Result<bool, Over> {
        let mut has_heard = false;
        while let Some(pending) = self.context.next_input(mode) {
            // One follow-up is one turn, and a steer before it is answered in its own.
            if has_heard && pending.mode == InputMode::FollowUp {
                break;
            }
            let next = TurnId::nth(self.log.counts.turns + 1);
            let turn = match (&self.turn, pending.mode) {
                (Some(turn), InputMode::Steer) => turn.clone(),
                (Some(turn), InputMode::FollowUp) => {
                    let completed = TurnCompleted {
                        turn: turn.clone(),
                        status: TurnStatus::Completed,
                        error: None,
                    };
                    self.turn = None;
                    self.say(vec![completed.into()]).await?;
                    next
                }
                (None, _) => next,
            };
            let heard = self.context.consume(&pending.input, turn.clone()).await?;
            if let Some(parts) = heard {
                has_heard = true;
                self.outcome = None;
                let mut events = Vec::new();
                if !self
                    .log
                    .snapshot
                    .inputs
                    .iter()
                    .any(|given| given.input == pending.input)
                {
                    events.push(Event::from(InputReceived {
                        input: pending.input.clone(),
                        mode: pending.mode,
                        parts,
                        by: By::server(),
                    }));
                }
                let input = pending.input.clone();
                events.push(InputConsumed { input, turn }.into());
                // The store has written both.
                self.log.take(events);
            }
            if self.turn.is_none() {
                let started = turn_started(&self.log, self.context.run().spec.model.clone());
                self.turn = Some(started.turn.clone());
                self.say(vec![started.into()]).await?;
            }
        }
        Ok(has_heard)
    }

    /// Says something, and takes it in.
    pub(super) async fn say(&mut self, events: Vec<Event>) -> Result<(), Over> {
        let events = self.log.take(events);
        self.context.emit(events).await
    }
}
