//! What an agent has open: its turn, and within it messages, calls, requests, tasks and inputs. The end of a turn closes
//! all of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Exit;
use crate::codec::grown::Grown;
use crate::codec::{
    Event, Failure, FailureCode, InputId, Level, Moves, Part, TaskStatus, ToolKind, ToolStatus,
    TurnStatus, Usage, Waiting,
};
use crate::limits::OPEN_ITEMS;

/// Where an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing was said.
    New,
    /// It has not answered its first questions.
    Setup,
    /// Between turns.
    Rest,
    /// In a turn.
    Turn,
    /// In a turn whose end was said and may not be meant.
    Settling,
    /// Nothing can be done with it any more.
    Broken,
}

/// All that is open. `R` is what a codec has to remember to answer a request.
#[derive(Debug)]
pub(crate) struct Open<R> {
    stage: Stage,
    interrupted: bool,
    n_messages: u64,
    messages: BTreeSet<String>,
    calls: BTreeMap<String, Call>,
    requests: BTreeMap<String, R>,
    tasks: BTreeSet<String>,
    inputs: BTreeSet<InputId>,
    in_step: bool,
    totals: Usage,
}

/// An open call.
#[derive(Debug, Default)]
struct Call {
    output: Grown,
    called: bool,
    running: bool,
}

impl<R> Open<R> {
    pub(crate) fn new() -> Self {
        Self {
            stage: Stage::New,
            interrupted: false,
            n_messages: 0,
            messages: BTreeSet::new(),
            calls: BTreeMap::new(),
            requests: BTreeMap::new(),
            tasks: BTreeSet::new(),
            inputs: BTreeSet::new(),
            in_step: false,
            totals: Usage::default(),
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    pub(crate) fn waiting(&self) -> Waiting {
        match self.stage {
            Stage::New | Stage::Rest | Stage::Broken => Waiting::Idle,
            Stage::Setup => Waiting::Handshake,
            Stage::Settling => Waiting::Settled,
            Stage::Turn if self.requests.is_empty() => Waiting::Turn,
            Stage::Turn => Waiting::Answer,
        }
    }

    pub(crate) fn in_turn(&self) -> bool {
        matches!(self.stage, Stage::Turn | Stage::Settling)
    }

    /// Whether an interrupt of this turn was asked for.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    pub(crate) fn set_up(&mut self) {
        self.stage = Stage::Setup;
    }

    pub(crate) fn ready(&mut self, moves: &mut Moves) {
        if self.stage == Stage::Setup {
            self.stage = Stage::Rest;
            moves.say(Event::Ready);
        }
    }

    /// The setup came to nothing.
    pub(crate) fn broken(&mut self, event: Event, moves: &mut Moves) {
        if self.stage == Stage::Setup {
            self.stage = Stage::Broken;
            moves.say(event);
        }
    }

    /// Begins a turn for an input, unless one is open.
    pub(crate) fn prompt(&mut self, input: InputId, moves: &mut Moves) -> bool {
        if self.stage != Stage::Rest {
            moves.returned(input, "the agent takes no prompt now");
            return false;
        }
        self.begin(moves);
        self.inputs.insert(input);
        true
    }

    /// A turn begins, or goes on after what seemed to be its end.
    pub(crate) fn begin(&mut self, moves: &mut Moves) {
        match self.stage {
            Stage::Rest => {
                self.stage = Stage::Turn;
                self.interrupted = false;
                moves.say(Event::TurnStarted);
            }
            Stage::Settling => self.stage = Stage::Turn,
            Stage::New | Stage::Setup | Stage::Turn | Stage::Broken => {}
        }
    }

    /// The end of the turn was said, and may not be meant.
    pub(crate) fn settle(&mut self) {
        if self.stage == Stage::Turn {
            self.stage = Stage::Settling;
        }
    }

    /// An interrupt is asked for; whether there is anything to interrupt.
    pub(crate) fn interrupt(&mut self) -> bool {
        self.interrupted = self.in_turn();
        self.interrupted
    }

    /// An input that is on its way to the agent, if there is a turn for it.
    pub(crate) fn offer(&mut self, input: InputId, moves: &mut Moves) -> bool {
        if !self.in_turn() || self.inputs.len() >= OPEN_ITEMS {
            moves.returned(input, "no turn of the agent is under way");
            return false;
        }
        self.inputs.insert(input);
        true
    }

    pub(crate) fn taken(&mut self, input: InputId, moves: &mut Moves) {
        if self.inputs.remove(&input) {
            moves.say(Event::InputTaken { input });
        }
    }

    pub(crate) fn returned(&mut self, input: InputId, why: &str, moves: &mut Moves) {
        if self.inputs.remove(&input) {
            moves.returned(input, why);
        }
    }

    pub(crate) fn step(&mut self, model: Option<String>, moves: &mut Moves) {
        if !self.in_step && self.in_turn() {
            self.in_step = true;
            moves.say(Event::StepStarted { model });
        }
    }

    pub(crate) fn step_ended(
        &mut self,
        usage: Option<Usage>,
        finish_reason: Option<String>,
        moves: &mut Moves,
    ) {
        if let Some(usage) = &usage {
            self.totals = self.totals.plus(usage);
        }
        if std::mem::take(&mut self.in_step) {
            moves.say(Event::StepEnded {
                usage,
                finish_reason,
            });
        }
    }

    pub(crate) fn totals(&self) -> Usage {
        self.totals
    }

    /// Begins a message under an id of ours.
    pub(crate) fn message(&mut self, moves: &mut Moves) -> String {
        self.n_messages += 1;
        let message = format!("m{}", self.n_messages);
        self.messages.insert(message.clone());
        moves.say(Event::MessageStarted {
            message: message.clone(),
        });
        message
    }

    pub(crate) fn message_completed(
        &mut self,
        message: String,
        parts: Option<Vec<Part>>,
        moves: &mut Moves,
    ) {
        if self.messages.remove(&message) {
            moves.say(Event::MessageCompleted { message, parts });
        }
    }

    pub(crate) fn message_discarded(&mut self, message: String, why: &str, moves: &mut Moves) {
        if self.messages.remove(&message) {
            let why = why.to_owned();
            moves.say(Event::MessageDiscarded { message, why });
        }
    }

    /// A call appears; again and again is the same. Whether it is open.
    pub(crate) fn call(
        &mut self,
        call: &str,
        name: &str,
        kind: ToolKind,
        title: Option<String>,
        moves: &mut Moves,
    ) -> bool {
        if self.calls.contains_key(call) {
            return true;
        }
        if !self.in_turn() || self.calls.len() >= OPEN_ITEMS {
            let text = format!("a call of {name} came out of turn or is one too many");
            moves.notice(Level::Warning, "call_ignored", text);
            return false;
        }
        self.calls.insert(call.to_owned(), Call::default());
        moves.say(Event::ToolStarted {
            call: call.to_owned(),
            name: name.to_owned(),
            kind,
            title,
        });
        true
    }

    pub(crate) fn has_call(&self, call: &str) -> bool {
        self.calls.contains_key(call)
    }

    /// The arguments of a call are complete, for the first time.
    pub(crate) fn called(&mut self, call: &str, args: &Value, moves: &mut Moves) {
        if let Some(open) = self.calls.get_mut(call)
            && !std::mem::replace(&mut open.called, true)
        {
            moves.say(Event::ToolCalled {
                call: call.to_owned(),
                args: args.clone(),
            });
        }
    }

    pub(crate) fn running(&mut self, call: &str, moves: &mut Moves) {
        if let Some(open) = self.calls.get_mut(call)
            && !std::mem::replace(&mut open.running, true)
        {
            let call = call.to_owned();
            moves.say(Event::ToolRunning { call });
        }
    }

    /// More output of a call.
    pub(crate) fn output(&mut self, call: &str, text: &str, moves: &mut Moves) {
        if self.calls.contains_key(call) && !text.is_empty() {
            let (call, text) = (call.to_owned(), text.to_owned());
            moves.say(Event::ToolOutput { call, text });
        }
    }

    /// All the output of a call so far, of which only the new end is said.
    pub(crate) fn whole_output(&mut self, call: &str, whole: &str, moves: &mut Moves) {
        if let Some(open) = self.calls.get_mut(call) {
            let text = open.output.next(whole).to_owned();
            self.output(call, &text, moves);
        }
    }

    pub(crate) fn completed(
        &mut self,
        call: &str,
        status: ToolStatus,
        result: Value,
        moves: &mut Moves,
    ) {
        if self.calls.remove(call).is_some() {
            let call = call.to_owned();
            moves.say(Event::ToolCompleted {
                call,
                status,
                result,
            });
        }
    }

    /// A request is open until it is answered, and the same one again is nothing new; false if there are too many, and
    /// it has to be refused.
    pub(crate) fn request(
        &mut self,
        request: &str,
        about: R,
        event: Event,
        moves: &mut Moves,
    ) -> bool {
        if self.requests.contains_key(request) {
            return true;
        }
        if self.requests.len() >= OPEN_ITEMS {
            let text = "the agent asks too much at once; a request was refused";
            moves.notice(Level::Error, "request_refused", text);
            return false;
        }
        self.requests.insert(request.to_owned(), about);
        moves.say(event);
        true
    }

    pub(crate) fn about(&self, request: &str) -> Option<&R> {
        self.requests.get(request)
    }

    /// Takes what an answer needs; the request is closed with it.
    pub(crate) fn answered(&mut self, request: &str) -> Option<R> {
        self.requests.remove(request)
    }

    pub(crate) fn request_closed(&mut self, request: &str, why: &str, moves: &mut Moves) {
        if self.requests.remove(request).is_some() {
            moves.say(Event::RequestClosed {
                request: request.to_owned(),
                why: why.to_owned(),
            });
        }
    }

    /// Ids of open requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.keys().cloned().collect()
    }

    pub(crate) fn task(&mut self, task: &str, kind: &str, title: &str, moves: &mut Moves) {
        if self.tasks.len() < OPEN_ITEMS && self.tasks.insert(task.to_owned()) {
            moves.say(Event::TaskStarted {
                task: task.to_owned(),
                kind: kind.to_owned(),
                title: title.to_owned(),
            });
        }
    }

    pub(crate) fn task_progress(&mut self, task: &str, summary: Option<String>, moves: &mut Moves) {
        if self.tasks.contains(task) {
            let task = task.to_owned();
            moves.say(Event::TaskProgress { task, summary });
        }
    }

    pub(crate) fn task_completed(
        &mut self,
        task: &str,
        status: TaskStatus,
        summary: Option<String>,
        moves: &mut Moves,
    ) {
        if self.tasks.remove(task) {
            let task = task.to_owned();
            moves.say(Event::TaskCompleted {
                task,
                status,
                summary,
            });
        }
    }

    /// The agent goes on with another input in a turn of its own. Inputs that still wait do so beyond the end of this one.
    pub(crate) fn next_turn(&mut self, input: InputId, moves: &mut Moves) {
        if !self.in_turn() {
            return;
        }
        let waiting = std::mem::take(&mut self.inputs);
        self.end(TurnStatus::Completed, None, moves);
        self.inputs = waiting;
        self.begin(moves);
        self.taken(input, moves);
    }

    /// Ends the turn and closes all that is open in it. A second end of the same turn is nothing.
    pub(crate) fn end(&mut self, status: TurnStatus, failure: Option<Failure>, moves: &mut Moves) {
        if !self.in_turn() {
            return;
        }
        for message in std::mem::take(&mut self.messages) {
            let parts = None;
            moves.say(Event::MessageCompleted { message, parts });
        }
        for call in std::mem::take(&mut self.calls).into_keys() {
            moves.say(Event::ToolCompleted {
                call,
                status: ToolStatus::Interrupted,
                result: Value::Null,
            });
        }
        for request in std::mem::take(&mut self.requests).into_keys() {
            let why = "the turn is over".to_owned();
            moves.say(Event::RequestClosed { request, why });
        }
        for task in std::mem::take(&mut self.tasks) {
            moves.say(Event::TaskCompleted {
                task,
                status: TaskStatus::Interrupted,
                summary: None,
            });
        }
        self.step_ended(None, None, moves);
        for input in std::mem::take(&mut self.inputs) {
            moves.returned(input, "the turn ended before the agent took it");
        }
        self.stage = Stage::Rest;
        moves.say(Event::TurnEnded { status, failure });
    }

    /// The agent took the bound of its setup.
    pub(crate) fn setup_overdue(&mut self, moves: &mut Moves) {
        let failure = Failure::new(
            FailureCode::SetupFailed,
            "the agent does not answer its first questions",
        );
        self.broken(Event::SetupFailed { failure }, moves);
    }

    /// The process is gone.
    pub(crate) fn gone(&mut self, exit: Exit, recoverable: bool, moves: &mut Moves) {
        let ended =
            |when: &str| Failure::new(FailureCode::AgentEnded, format!("the agent {exit} {when}"));
        let setup = matches!(self.stage, Stage::New | Stage::Setup);
        if setup {
            let failure = Failure {
                code: FailureCode::SetupFailed,
                ..ended("before it was ready")
            };
            self.set_up();
            self.broken(Event::SetupFailed { failure }, moves);
        }
        if self.interrupted {
            self.end(TurnStatus::Cancelled, None, moves);
        } else {
            let failure = Some(ended("in the middle of the turn"));
            self.end(TurnStatus::Interrupted, failure, moves);
        }
        self.stage = Stage::Broken;
        moves.say(Event::SessionExited { exit, recoverable });
    }
}
