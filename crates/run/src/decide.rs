//! Accepting or refusing a command. Pure: the result is the events to write, in order.

use serde_json::json;

use crate::admit::shallow;
use crate::event::{
    ApprovalResolved, AttemptEnd, AttemptEnded, AttemptStarted, ClientToolAnswered, Decision,
    InputConsumed, InputMode, InputReceived, InputReturned, Notice, QuestionAnswered,
    RequestExpired, ReturnCode, RunFinished, RunWaiting, StopRequested, ToolCompleted,
};
use crate::{
    Answer, By, CallId, Command, ErrorInfo, Event, Fence, InputId, MAX_PENDING_INPUTS, MAX_TOLD,
    OnLost, Outcome, Part, Policy, Reason, Refused, RequestId, RequestKind, Run, State, Status,
    Timestamp, WaitMode, Work,
};

/// The code of notices from outside.
pub(crate) const TOLD: &str = "told";

impl Run {
    /// The events that a command causes, or why it is refused. No events and no refusal means that what was asked for
    /// already holds.
    pub fn decide(
        &self,
        command: Command,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refused> {
        match command {
            Command::Work(fence, work) => self.work(fence, work, policy, now),
            Command::Stop {
                by,
                why,
                superseded_by,
            } => self.stop(by, why, superseded_by),
            Command::Input { mode, parts, by } => self.input(mode, parts, by, policy),
            Command::TakeBack { input } => self.take_back(input),
            Command::Answer {
                request,
                answer,
                by,
            } => self.answer(request, answer, by),
            Command::Claim { driver } => match self.due_at() {
                Some(due) if due <= now => Ok(vec![
                    AttemptStarted {
                        driver,
                        resumes: self.attempt > 0,
                    }
                    .into(),
                ]),
                _ => Err(self.final_status().map_or(Refused::NotDue, Refused::Final)),
            },
            Command::Lose { why } => match &self.state {
                State::Final(outcome) => Err(Refused::Final(outcome.status)),
                _ if self.is_held() => {
                    Ok(self.end_attempt_events(AttemptEnd::Lost, why, policy, now))
                }
                _ => Ok(vec![]),
            },
            Command::ChildEnded {
                call,
                run,
                status,
                result,
                usage,
            } => match (&self.state, self.calls.get(&call)) {
                (State::Final(outcome), _) => Err(Refused::Final(outcome.status)),
                (_, Some(open)) if open.run == Some(run) => Ok(vec![
                    ToolCompleted {
                        call,
                        status,
                        result,
                        usage: Some(usage),
                    }
                    .into(),
                ]),
                // Closed by other means: it was stopped, or its attempt gave it up.
                _ => Ok(vec![]),
            },
            Command::Notify { level, text, by } => match &self.state {
                State::Final(outcome) => Err(Refused::Final(outcome.status)),
                State::Queued { .. } | State::Running | State::Waiting { .. }
                    if self.n_told >= MAX_TOLD =>
                {
                    Err(Refused::TooManyNotices { max: MAX_TOLD })
                }
                State::Queued { .. } | State::Running | State::Waiting { .. } => Ok(vec![
                    Notice {
                        level,
                        code: TOLD.to_owned(),
                        text,
                        detail: Some(json!({ "by": by })),
                    }
                    .into(),
                ]),
            },
            Command::Expire { request, why } if self.requests.contains_key(&request) => {
                Ok(vec![RequestExpired { request, why }.into()])
            }
            Command::Expire { .. } => Ok(vec![]),
            Command::Conclude(outcome) => match &self.state {
                State::Final(outcome) => Err(Refused::Final(outcome.status)),
                State::Queued { .. } | State::Running | State::Waiting { .. } => {
                    final_only(&outcome)?;
                    Ok(self.finish(outcome))
                }
            },
        }
    }

    fn stop(
        &self,
        by: By,
        why: Option<String>,
        superseded_by: Option<crate::RunId>,
    ) -> Result<Vec<Event>, Refused> {
        let requested = StopRequested {
            by,
            why,
            superseded_by,
        }
        .into();
        match &self.state {
            State::Final(outcome) => Err(Refused::Final(outcome.status)),
            // Asking twice is not an error: the second caller wants what is already under way.
            _ if self.stop.is_some() => Ok(vec![]),
            _ if self.is_held() => Ok(vec![requested]),
            State::Queued { .. } | State::Running | State::Waiting { .. } => {
                let mut after = self.clone();
                let at = self.updated_at;
                after.advance(&requested, at);
                let mut events = vec![requested];
                events.extend(after.finish(after.stopped()));
                Ok(events)
            }
        }
    }

    /// The outcome of a run whose stop was heard.
    pub fn stopped(&self) -> Outcome {
        let superseded = self
            .stop
            .as_ref()
            .is_some_and(|stop| stop.superseded_by.is_some());
        Outcome::aborted(if superseded {
            Reason::Superseded
        } else {
            Reason::Stopped
        })
    }

    fn input(
        &self,
        mode: InputMode,
        parts: Vec<Part>,
        by: By,
        policy: &Policy,
    ) -> Result<Vec<Event>, Refused> {
        if let State::Final(outcome) = &self.state {
            return Err(Refused::Final(outcome.status));
        }
        if !policy.takes_inputs {
            let mode = match mode {
                InputMode::Steer => "steer",
                InputMode::FollowUp => "follow_up",
            };
            return Err(Refused::InputNotAccepted {
                driver: self.driver,
                mode,
            });
        }
        if self.inputs.len() >= MAX_PENDING_INPUTS {
            return Err(Refused::TooManyInputs {
                max: MAX_PENDING_INPUTS,
            });
        }
        Ok(vec![
            InputReceived {
                input: InputId::nth(self.n_inputs + 1),
                mode,
                parts,
                by,
            }
            .into(),
        ])
    }

    fn take_back(&self, input: InputId) -> Result<Vec<Event>, Refused> {
        if self.inputs.iter().any(|pending| pending.input == input) {
            Ok(vec![
                InputReturned {
                    input,
                    code: ReturnCode::TakenBack,
                }
                .into(),
            ])
        } else {
            Err(Refused::InputNotPending(input))
        }
    }

    fn answer(&self, request: RequestId, answer: Answer, by: By) -> Result<Vec<Event>, Refused> {
        let Some(open) = self.requests.get(&request) else {
            return Err(
                match self
                    .closed_requests
                    .iter()
                    .find(|closed| closed.request == request)
                {
                    Some(closed) if closed.answered => Refused::RequestAnswered(request),
                    Some(_) => Refused::RequestExpired(request),
                    None => Refused::RequestUnknown(request),
                },
            );
        };
        let event = match (&open.wants, answer) {
            (RequestKind::Approval { options, grants }, Answer::Decision { decision, note }) => {
                if !options.contains(&decision) {
                    let options = serde_json::to_string(options).unwrap_or_default();
                    return Err(Refused::AnswerUnfit(format!(
                        "the decision must be one of {options}"
                    )));
                }
                ApprovalResolved {
                    request,
                    decision,
                    note,
                    grants: grants
                        .clone()
                        .filter(|_| decision == Decision::AllowForThread),
                    by,
                }
                .into()
            }
            (RequestKind::Question { ids }, Answer::Answers(answers)) => {
                let given = answers.as_object().ok_or_else(|| {
                    Refused::AnswerUnfit(format!(
                        "answers must be an object with the keys {}",
                        ids.join(", ")
                    ))
                })?;
                if let Some(missing) = ids.iter().find(|id| !given.contains_key(*id)) {
                    return Err(Refused::AnswerUnfit(format!(
                        "the answer to question {missing} is missing"
                    )));
                }
                if let Some(odd) = given.keys().find(|key| !ids.contains(key)) {
                    return Err(Refused::AnswerUnfit(format!(
                        "there is no question {odd}; the questions are {}",
                        ids.join(", ")
                    )));
                }
                QuestionAnswered {
                    request,
                    answers,
                    by,
                }
                .into()
            }
            (RequestKind::ClientTool { .. }, Answer::Result(result)) => ClientToolAnswered {
                request,
                result,
                by,
            }
            .into(),
            (RequestKind::Approval { .. }, _) => {
                return Err(Refused::AnswerUnfit(
                    "an approval is answered with {\"decision\": …}".to_owned(),
                ));
            }
            (RequestKind::Question { .. }, _) => {
                return Err(Refused::AnswerUnfit(
                    "a question is answered with {\"answers\": {…}}".to_owned(),
                ));
            }
            (RequestKind::ClientTool { .. }, _) => {
                return Err(Refused::AnswerUnfit(
                    "a client-side tool is answered with {\"result\": …}".to_owned(),
                ));
            }
        };
        Ok(vec![event])
    }

    fn work(
        &self,
        fence: Fence,
        work: Work,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Event>, Refused> {
        // The status first: a writer that was replaced by the run's end wants to know the end.
        if let State::Final(outcome) = &self.state {
            return Err(Refused::Final(outcome.status));
        }
        if fence != self.fence || !self.is_held() {
            return Err(Refused::Fenced {
                given: fence,
                current: self.fence,
            });
        }
        match work {
            Work::Append(events) => {
                self.admit_all(&events, now)?;
                Ok(events)
            }
            Work::Consume { input, turn } => {
                if !self.inputs.iter().any(|pending| pending.input == input) {
                    return Err(Refused::InputNotPending(input));
                }
                Ok(vec![InputConsumed { input, turn }.into()])
            }
            Work::Wait { mode, due_at } => self.wait(mode, due_at, policy),
            Work::Finish(outcome) => {
                final_only(&outcome)?;
                let pending: Vec<InputId> = self
                    .inputs
                    .iter()
                    .map(|pending| pending.input.clone())
                    .collect();
                if outcome.reason == Reason::Completed && !pending.is_empty() && self.stop.is_none()
                {
                    return Err(Refused::InputsPending(pending));
                }
                Ok(self.finish(outcome))
            }
            Work::Close(outcome) => {
                final_only(&outcome)?;
                Ok(self.finish(outcome))
            }
            Work::End {
                end: AttemptEnd::Parked,
                ..
            } => Err(Refused::Unfit(
                "an attempt parks by waiting, not by its end".to_owned(),
            )),
            Work::End { end, why } => Ok(self.end_attempt_events(end, why, policy, now)),
        }
    }

    fn wait(
        &self,
        mode: WaitMode,
        due_at: Option<Timestamp>,
        policy: &Policy,
    ) -> Result<Vec<Event>, Refused> {
        if mode == WaitMode::Held && due_at.is_some() {
            // Nothing would end such a wait: times are watched for runs without a worker.
            return Err(Refused::Unfit(
                "a worker that keeps the run watches the time itself".to_owned(),
            ));
        }
        // A stop must find a worker that hears it, or a state in which it ends the run at once; a run that is told to
        // stop never begins to wait.
        let calls: Vec<CallId> = self.performed_elsewhere().cloned().collect();
        let nothing = self.requests.is_empty() && calls.is_empty() && due_at.is_none();
        if nothing || self.cancelled || self.stop.is_some() {
            return Ok(vec![]);
        }
        let requests = self.requests.keys().cloned().collect();
        let waiting = RunWaiting {
            requests,
            calls,
            mode,
            due_at,
        };
        Ok(match mode {
            WaitMode::Held => vec![waiting.into()],
            WaitMode::Parked => {
                let why = "waits without a worker";
                let mut events = self.close_parked(policy.survives, why);
                events.push(waiting.into());
                events.push(
                    AttemptEnded {
                        end: AttemptEnd::Parked,
                        why: why.to_owned(),
                        due_at: None,
                    }
                    .into(),
                );
                events
            }
        })
    }

    /// The end of the run: closure, then the final event.
    fn finish(&self, outcome: Outcome) -> Vec<Event> {
        let mut events = self.close_run(&outcome);
        events.push(
            RunFinished {
                status: outcome.status,
                reason: outcome.reason,
                finish_reason: outcome.finish_reason,
                error: outcome.error,
                usage: self.usage,
                output: outcome.output,
            }
            .into(),
        );
        events
    }

    /// The end of an attempt, and what the agent's policy makes of it.
    fn end_attempt_events(
        &self,
        end: AttemptEnd,
        why: String,
        policy: &Policy,
        now: Timestamp,
    ) -> Vec<Event> {
        let mut events = self.close_attempt(policy.survives, &why);
        // The first loss is usually the server's own restart: then the run goes on at once, as after a hand-over.
        let due_at = (end == AttemptEnd::Lost && self.n_lost > 0)
            .then(|| now.plus_ms(policy.backoff.delay_ms(self.n_lost, None)));
        events.push(
            AttemptEnded {
                end,
                why: why.clone(),
                due_at,
            }
            .into(),
        );

        let mut after = self.clone();
        for event in &events {
            after.advance(event, now);
        }
        let outcome = if self.stop.is_some() {
            after.stopped()
        } else if policy.on_lost == OnLost::Abort {
            Outcome {
                error: Some(ErrorInfo::new("interrupted", why)),
                ..Outcome::aborted(Reason::Interrupted)
            }
        } else if after.n_lost >= policy.max_lost_attempts {
            let message = format!(
                "{} attempts in a row were lost without progress; the last: {why}",
                after.n_lost
            );
            Outcome::failed(Reason::Lost, ErrorInfo::new("lost", message))
        } else {
            return events;
        };
        events.extend(after.finish(outcome));
        events
    }

    fn admit_all(&self, events: &[Event], now: Timestamp) -> Result<(), Refused> {
        // Most appends are one kind of delta; only openings and closings need a state that moves along.
        let mut moving: Option<Self> = None;
        for event in events {
            let run = moving.as_ref().unwrap_or(self);
            run.admit(event)?;
            if event.changes_control() {
                moving
                    .get_or_insert_with(|| self.clone())
                    .advance(event, now);
            }
        }
        Ok(())
    }

    /// The status of a final run, for those who were refused.
    pub fn final_status(&self) -> Option<Status> {
        match &self.state {
            State::Final(outcome) => Some(outcome.status),
            State::Queued { .. } | State::Running | State::Waiting { .. } => None,
        }
    }

    /// The earliest expiry among the open requests.
    pub(crate) fn next_expiry(&self) -> Option<(Timestamp, &RequestId)> {
        self.requests
            .iter()
            .filter_map(|(id, open)| Some((open.expires_at?, id)))
            .min()
    }
}

/// Refuses an outcome that is none, or that no reader could read.
fn final_only(outcome: &Outcome) -> Result<(), Refused> {
    if !outcome.status.is_final() {
        let status = outcome.status;
        return Err(Refused::Unfit(format!("a run cannot end as {status}")));
    }
    shallow(&outcome.output)
}
