//! The process of a coding agent and its codec: commands go in, events come out.

use std::collections::VecDeque;
use std::time::Duration;

use agent::codec::{Codec, Command, Event, Moves, Waiting};
use agent::{Ended, Input, Line, Lines, Output, Process, SpawnError, Spec, StopSteps, Stream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use wire::ChildToken;

use crate::limits::{AGENT_FRAMES, LAST_WORDS_BYTES};
use crate::pause::at;

/// A running agent.
pub(super) struct Child {
    process: Process,
    /// To the task that writes; dropping it ends the agent's input.
    frames: Option<mpsc::Sender<Vec<u8>>>,
    lines: Lines,
    codec: Box<dyn Codec>,
    events: VecDeque<Event>,
    /// The end of what it said beside its protocol.
    words: Vec<u8>,
    waiting: Waiting,
    since: Instant,
    is_over: bool,
    /// What it was given and must not repeat.
    token: ChildToken,
}

impl Child {
    /// Starts the process and shakes hands.
    pub(super) async fn start(
        spec: Spec,
        codec: Box<dyn Codec>,
        token: ChildToken,
    ) -> Result<Self, SpawnError> {
        let mut process = Process::spawn(spec).await?;
        let input = process.take_input();
        let mut child = Self {
            frames: input.map(writer),
            process,
            lines: Lines::new(agent::limits::LINE_BYTES),
            waiting: codec.waiting(),
            codec,
            events: VecDeque::new(),
            words: Vec::new(),
            since: Instant::now(),
            is_over: false,
            token,
        };
        child.tell(Command::Start);
        Ok(child)
    }

    /// What it waits for.
    pub(super) fn waiting(&self) -> Waiting {
        self.waiting
    }

    pub(super) fn codec(&self) -> &dyn Codec {
        &*self.codec
    }

    /// Tells the agent something. What follows comes with [`Child::next`].
    pub(super) fn tell(&mut self, command: Command) {
        let moves = self.codec.outgoing(command);
        self.take(moves);
    }

    fn take(&mut self, moves: Moves) {
        self.events.extend(moves.events);
        for frame in moves.frames {
            let Some(frames) = &self.frames else { continue };
            // One that has ended says so itself; one that does not read for so long will never.
            if let Err(mpsc::error::TrySendError::Full(_)) = frames.try_send(frame) {
                self.process.stop(StopSteps::NOW);
            }
        }
        let waiting = self.codec.waiting();
        if waiting != self.waiting {
            self.waiting = waiting;
            self.since = Instant::now();
        }
    }

    /// What happened next; none after the last. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            let overdue = self.waiting.bound().map(|bound| self.since + bound);
            let output = tokio::select! {
                output = self.process.next_output() => output,
                () = at(overdue) => {
                    // Once only for each wait: a codec that has nothing to say to it is not asked again at once.
                    self.since = Instant::now();
                    let moves = self.codec.overdue();
                    self.take(moves);
                    continue;
                }
            };
            if let Some(output) = output {
                self.hear(&output);
                continue;
            }
            let last = self.lines.finish();
            self.read(last);
            let exit = self.process.exited().await;
            let moves = self.codec.end_of_output(exit);
            self.take(moves);
            self.is_over = true;
        }
    }

    fn hear(&mut self, output: &Output) {
        match output.stream {
            Stream::Stdout => {
                let lines = self.lines.push(&output.bytes);
                self.read(lines);
            }
            Stream::Stderr => {
                self.words.extend_from_slice(&output.bytes);
                self.token.hide_in(&mut self.words);
                let too_much = self.words.len().saturating_sub(LAST_WORDS_BYTES);
                self.words.drain(..too_much);
            }
        }
    }

    fn read(&mut self, lines: impl IntoIterator<Item = Line>) {
        for line in lines {
            let moves = match line {
                Line::Whole(mut line) => {
                    self.token.hide_in(&mut line);
                    self.codec.incoming(&line)
                }
                Line::TooLong { mut head } => {
                    self.token.hide_in(&mut head);
                    self.codec.too_long(&head)
                }
            };
            self.take(moves);
        }
    }

    /// The end of what it said on its standard error, for people.
    pub(super) fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.words).trim().to_owned()
    }

    /// Ends its input and begins to stop it, unless it ends by itself in time.
    pub(super) fn leave(&mut self, steps: StopSteps) {
        self.tell(Command::Shutdown);
        self.frames = None;
        self.process.stop(steps);
    }

    /// Ends its input, at which agents end.
    pub(super) fn close(&mut self) {
        self.tell(Command::Shutdown);
        self.frames = None;
    }

    /// Waits for its end and sweeps what it left.
    pub(super) async fn finish(self) -> Ended {
        self.process.finish().await
    }
}

/// Writes frames in order, so that an agent that does not read keeps nobody from reading it.
fn writer(mut input: Input) -> mpsc::Sender<Vec<u8>> {
    let (frames, mut to_write) = mpsc::channel::<Vec<u8>>(AGENT_FRAMES);
    tokio::spawn(async move {
        while let Some(frame) = to_write.recv().await {
            if input.write(&frame).await.is_err() {
                return;
            }
        }
    });
    frames
}

/// The steps of a stop, so that all of them fit into the time that a stop may take.
pub(super) fn steps(stop_timeout_ms: u64) -> StopSteps {
    let timeout = Duration::from_millis(stop_timeout_ms);
    let standard = StopSteps::default();
    StopSteps {
        interrupt: None,
        terminate: standard.terminate.min(timeout / 4),
        kill: standard.kill.min(timeout / 4),
    }
}
