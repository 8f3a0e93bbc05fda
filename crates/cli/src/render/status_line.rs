//! The line at the bottom: what the run does, for how long, and what it has used.

use run::event::{AttemptEnd, RunFinished};
use run::{Event, Timestamp, Usage, WaitMode};

use super::tools::Tools;
use super::words::{counted, duration};

/// What turns while something happens.
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// How long one picture of it stays, milliseconds.
const SPIN_MS: i64 = 100;

/// Where the run is, as far as events told.
#[derive(Debug, Default)]
pub(super) struct StatusLine {
    state: State,
    created_at: Option<Timestamp>,
    n_attempts: u32,
    n_requests: usize,
    usage: Usage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Queued,
    Running,
    Waiting,
    /// For runs of other agents.
    Elsewhere,
    Stopping,
    Ended,
}

impl StatusLine {
    /// When the run was created, for whoever begins behind the event that says so.
    pub(super) fn created(&mut self, at: Timestamp) {
        self.created_at = Some(at);
        self.to(State::Running);
    }

    pub(super) fn take(&mut self, at: Timestamp, event: &Event) {
        if self.created_at.is_none() {
            // Whoever begins in the middle of a log sees something happen.
            self.created_at = Some(at);
            self.to(State::Running);
        }
        match event {
            Event::RunCreated(_) => self.to(State::Queued),
            Event::AttemptStarted(_) => {
                self.n_attempts += 1;
                self.to(State::Running);
            }
            Event::AttemptEnded(end) if end.end != AttemptEnd::Parked => self.to(State::Queued),
            Event::RunWaiting(waiting) => {
                if waiting.mode == WaitMode::Held || !waiting.requests.is_empty() {
                    self.to(State::Waiting);
                } else if !waiting.calls.is_empty() {
                    self.to(State::Elsewhere);
                } else {
                    self.to(State::Queued);
                }
            }
            Event::ApprovalRequested(_) | Event::QuestionAsked(_) | Event::ClientToolCalled(_) => {
                self.n_requests += 1;
            }
            Event::ApprovalResolved(_)
            | Event::QuestionAnswered(_)
            | Event::ClientToolAnswered(_)
            | Event::RequestExpired(_) => {
                self.n_requests = self.n_requests.saturating_sub(1);
                if self.n_requests == 0 && self.state == State::Waiting {
                    self.to(State::Running);
                }
            }
            Event::StopRequested(_) => self.state = State::Stopping,
            Event::StepFinished(step) => self.usage = self.usage.plus(&step.usage),
            Event::UsageUpdated(usage) => self.usage = self.usage.replaced_by(&usage.totals),
            Event::RunFinished(_) => self.state = State::Ended,
            _ => {}
        }
    }

    /// A stop that was asked for stays what is going on.
    fn to(&mut self, state: State) {
        if !matches!(self.state, State::Stopping | State::Ended) {
            self.state = state;
        }
    }

    /// The line now; none before the first event and behind the last.
    pub(super) fn line(&self, tools: &Tools, now: Timestamp) -> Option<String> {
        let created_at = self.created_at?;
        let at_work = tools.at_work(now);
        let turning = usize::try_from(now.as_ms() / SPIN_MS).unwrap_or(0) % SPINNER.len();
        let (sign, word) = match self.state {
            State::Ended => return None,
            State::Queued => ('·', "queued"),
            State::Waiting => ('?', "waits for an answer"),
            State::Elsewhere => (SPINNER[turning], "waits for another agent"),
            State::Stopping => (SPINNER[turning], "stopping"),
            State::Running => (SPINNER[turning], "running"),
        };
        let mut line = format!("{sign} {word} · {}", duration(now.ms_since(created_at)));
        if let Some((name, ms, others)) = at_work {
            line = format!("{line} · {name} {}", duration(ms));
            if others > 0 {
                line = format!("{line} and {others} more");
            }
        }
        if self.usage.total_tokens() > 0 {
            line = format!("{line} · {}", counted(self.usage.total_tokens(), "token"));
        }
        if self.n_attempts > 1 {
            line = format!("{line} · attempt {}", self.n_attempts);
        }
        Some(format!("{line} · Ctrl-C detaches"))
    }

    /// The last line of a run.
    pub(super) fn end(&self, at: Timestamp, end: &RunFinished) -> String {
        use run::Status;
        let sign = match end.status {
            Status::Succeeded => '✓',
            Status::Failed => '✗',
            _ => '■',
        };
        let mut line = format!("{sign} {}", end.status);
        if end.reason != run::Reason::Completed {
            line = format!("{line} ({})", end.reason);
        }
        if let Some(error) = &end.error {
            line = format!("{line}: {}", error.message);
        }
        let took = at.ms_since(self.created_at.unwrap_or(at));
        line = format!("{line} · {}", duration(took));
        if end.usage.total_tokens() > 0 {
            line = format!("{line} · {}", counted(end.usage.total_tokens(), "token"));
        }
        if let Some(cost) = end.usage.cost_usd {
            line = format!("{line} · ${cost:.4}");
        }
        if self.n_attempts > 1 {
            line = format!("{line} · {} attempts", self.n_attempts);
        }
        line
    }
}
