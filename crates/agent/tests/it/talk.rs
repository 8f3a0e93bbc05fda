//! A conversation with an agent process, through its codec: what the driver of a run does, without the run.

use std::time::Duration;

use agent::codec::{Codec, Command, Event, Moves, Said};
use agent::{Ended, Input, Line, Lines, Process, Spec, Stdin, Stream, limits};
use tokio::time::{Instant, timeout_at};

/// How long anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Talk {
    process: Process,
    input: Option<Input>,
    lines: Lines,
    codec: Box<dyn Codec>,
    /// Events that nobody has looked at.
    events: std::collections::VecDeque<Event>,
    /// Commands (`> `) and frames (`< `) as they went, the latter as they came.
    pub(crate) transcript: Vec<Vec<u8>>,
    /// What it said beside its protocol.
    pub(crate) stderr: Vec<u8>,
    /// How long a bound of the codec is here.
    bound: Option<Duration>,
    is_over: bool,
    n_inputs: u64,
}

impl Talk {
    /// Starts the process and shakes hands; `bound` replaces the codec's own bounds.
    pub(crate) async fn start(spec: Spec, codec: Box<dyn Codec>, bound: Option<Duration>) -> Self {
        let spec = Spec {
            stdin: Stdin::Pipe,
            ..spec
        };
        let mut process = Process::spawn(spec).await.unwrap();
        let mut talk = Self {
            input: process.take_input(),
            process,
            lines: Lines::new(limits::LINE_BYTES),
            codec,
            events: std::collections::VecDeque::new(),
            transcript: Vec::new(),
            stderr: Vec::new(),
            bound,
            is_over: false,
            n_inputs: 0,
        };
        talk.tell(Command::Start).await;
        talk
    }

    pub(crate) fn codec(&self) -> &dyn Codec {
        &*self.codec
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) async fn tell(&mut self, command: Command) {
        let line = serde_json::to_string(&command).unwrap();
        self.transcript.push(format!("> {line}").into_bytes());
        let moves = self.codec.outgoing(command);
        self.moves(moves).await;
    }

    fn said(&mut self, text: &str) -> Said {
        self.n_inputs += 1;
        Said::text(self.n_inputs, text)
    }

    pub(crate) async fn prompt(&mut self, text: &str) {
        let said = self.said(text);
        self.tell(Command::Prompt(said)).await;
    }

    pub(crate) async fn steer(&mut self, text: &str) {
        let said = self.said(text);
        self.tell(Command::Steer(said)).await;
    }

    pub(crate) async fn follow_up(&mut self, text: &str) {
        let said = self.said(text);
        self.tell(Command::FollowUp(said)).await;
    }

    async fn moves(&mut self, moves: Moves) {
        self.events.extend(moves.events);
        for frame in moves.frames {
            if let Some(input) = &mut self.input {
                // One that has closed its input ends, and says so itself.
                let _ = input.write(&frame).await;
            }
        }
    }

    /// The next event; none after the last.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            let bound = self.codec.waiting().bound();
            let bound = bound.map(|bound| self.bound.unwrap_or(bound));
            let overdue = bound.map(|bound| Instant::now() + bound);
            let output = timeout_at(overdue.unwrap_or(end), self.process.next_output()).await;
            let Ok(output) = output else {
                assert!(overdue.is_some(), "the agent is silent: {}", self.words());
                self.transcript.push(b"! overdue".to_vec());
                let moves = self.codec.overdue();
                self.moves(moves).await;
                continue;
            };
            match output {
                Some(output) if output.stream == Stream::Stdout => {
                    let lines = self.lines.push(&output.bytes);
                    self.lines(lines).await;
                }
                Some(output) => self.stderr.extend(output.bytes),
                None => {
                    let last = self.lines.finish();
                    self.lines(last.into_iter().collect()).await;
                    let exit = self.process.exited().await;
                    let line = serde_json::to_string(&exit).unwrap();
                    self.transcript.push(format!("= {line}").into_bytes());
                    let moves = self.codec.end_of_output(exit);
                    self.moves(moves).await;
                    self.is_over = true;
                }
            }
        }
    }

    async fn lines(&mut self, lines: Vec<Line>) {
        for line in lines {
            let moves = match line {
                Line::Whole(line) => {
                    self.transcript.push([b"< ", &line[..]].concat());
                    self.codec.incoming(&line)
                }
                Line::TooLong { head } => self.codec.too_long(&head),
            };
            self.moves(moves).await;
        }
    }

    fn words(&self) -> String {
        let lines = self.transcript.iter().rev().take(8).rev();
        let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned());
        let stderr = String::from_utf8_lossy(&self.stderr);
        format!("{}\n{stderr}", lines.collect::<Vec<_>>().join("\n"))
    }

    /// All events until one of this kind, itself included.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            let found = name(&event) == kind;
            events.push(event);
            if found {
                return events;
            }
        }
        panic!("never {kind}: {}", self.words());
    }

    /// The last of them.
    pub(crate) async fn last(&mut self, kind: &str) -> Event {
        self.until(kind).await.pop().unwrap()
    }

    /// Ends its input and waits for its end.
    pub(crate) async fn close(mut self) -> (Vec<Event>, Ended, Vec<Vec<u8>>) {
        self.input = None;
        self.finish().await
    }

    /// Waits for its end.
    pub(crate) async fn finish(mut self) -> (Vec<Event>, Ended, Vec<Vec<u8>>) {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        (events, self.process.finish().await, self.transcript)
    }
}

/// The kind of an event, as it is written.
pub(crate) fn name(event: &Event) -> String {
    serde_json::to_value(event).unwrap()["event"]
        .as_str()
        .unwrap()
        .to_owned()
}
