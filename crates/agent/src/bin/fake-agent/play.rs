//! Plays a script.

use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::ears::{Ears, Sound};
use crate::script::Word;
use crate::session;
use crate::voice::{End, Heard, ToolEnd, Voice, print, say};

/// A fake agent at work.
pub(crate) struct Stage {
    voice: Box<dyn Voice>,
    ears: Ears,
    turns: Vec<Vec<Word>>,
    n_turns: usize,
    n_messages: usize,
    n_calls: usize,
    steers: Vec<String>,
    answer: Option<bool>,
    word: Option<String>,
    is_interrupted: bool,
    is_over: bool,
}

/// How a turn comes to its end.
enum Finish {
    Said,
    Cut,
    Twice,
    Unsaid,
}

/// Long enough for nothing to be missed, short enough for nobody to wait.
const TICK: Duration = Duration::from_millis(5);

/// A line that is no frame, and a frame of no kind.
const NOISE: &[u8] = b"npm warn something\n{\"type\":\"x/noise\",\"method\":\"x/noise\"}\n";

/// For ever, to a test.
const LONG: Duration = Duration::from_hours(1);

impl Stage {
    pub(crate) fn new(voice: Box<dyn Voice>, turns: Vec<Vec<Word>>) -> Self {
        Self {
            voice,
            ears: Ears::new(),
            turns,
            n_turns: 0,
            n_messages: 0,
            n_calls: 0,
            steers: Vec::new(),
            answer: None,
            word: None,
            is_interrupted: false,
            is_over: false,
        }
    }

    /// Until its input ends; gives the exit code.
    pub(crate) fn play(mut self) -> i32 {
        if self.has(&Word::Silent) {
            deaf();
        }
        loop {
            match self.ears.listen(LONG) {
                Sound::End => return 0,
                Sound::Nothing => {}
                Sound::Frame(frame) => {
                    if let Heard::Prompt = self.voice.hear(&frame)
                        && let Some(code) = self.turn()
                    {
                        return code;
                    }
                }
            }
            if self.is_over {
                return 0;
            }
        }
    }

    fn has(&self, word: &Word) -> bool {
        self.turns.first().is_some_and(|turn| turn.contains(word))
    }

    /// Plays a turn; gives an exit code if that is its end.
    fn turn(&mut self) -> Option<i32> {
        let file = self.voice.session();
        if let Some(n) = file.as_deref().and_then(session::n_turns) {
            self.n_turns = n;
        }
        let at = self.n_turns.min(self.turns.len() - 1);
        let words = self.turns[at].clone();
        self.is_interrupted = false;
        self.voice.begin();
        let mut end = End::Well;
        let mut finish = Finish::Said;
        for word in &words {
            if self.is_interrupted {
                break;
            }
            match word {
                Word::Text(text) => self.message(&text.split_inclusive(' ').collect::<Vec<_>>()),
                Word::Tokens(n) => self.message(&vec!["token "; *n]),
                Word::Stamp {
                    n_words,
                    per_second,
                } => self.stamp(*n_words, Duration::from_secs(1) / *per_second),
                Word::Think(text) => self.think(text),
                Word::Tool(command) => self.tool(command),
                Word::Leave(command) => drop(start(command)),
                Word::Ask(command) => self.ask(command),
                Word::Question(text) => self.question(text),
                Word::Plan(steps) => self.voice.plan(&steps.split(',').collect::<Vec<_>>()),
                Word::Await => self.wait_for_steer(),
                Word::Retry(why) => self.retry(why),
                Word::Noise => print(NOISE),
                Word::Stall => self.listen_until(|_| false),
                Word::Deaf => deaf(),
                Word::Die(code) => return Some(*code),
                Word::Fail(why) => end = End::Failed(why),
                Word::Cut => finish = Finish::Cut,
                Word::Twice => finish = Finish::Twice,
                Word::Mute => finish = Finish::Unsaid,
                Word::Silent | Word::Whole => {}
            }
            if let Some(file) = &file {
                session::store(file, self.n_turns);
            }
            if self.is_over {
                return Some(0);
            }
        }
        if self.is_interrupted {
            end = End::Interrupted;
        }
        self.n_turns += 1;
        if let Some(file) = &file {
            session::store(file, self.n_turns);
        }
        let frames = match finish {
            Finish::Unsaid => Vec::new(),
            Finish::Said | Finish::Cut | Finish::Twice => self.voice.end(&end),
        };
        let last = frames.len().saturating_sub(1);
        for (n, frame) in frames.iter().enumerate() {
            match finish {
                Finish::Cut if n == last => {
                    print(frame.to_string().as_bytes());
                    return Some(0);
                }
                Finish::Twice if n == last => {
                    say(frame);
                    say(frame);
                }
                Finish::Said | Finish::Cut | Finish::Twice | Finish::Unsaid => say(frame),
            }
        }
        None
    }

    fn message(&mut self, words: &[&str]) {
        let whole = self.has(&Word::Whole);
        self.n_messages += 1;
        let n = self.n_messages;
        self.voice.message(n);
        let mut text = String::new();
        for word in words {
            text.push_str(word);
            self.voice.word(n, word, &text, whole);
        }
        self.voice.message_end(n, &text, "");
        self.hear(Duration::ZERO);
    }

    /// Says the time again and again.
    fn stamp(&mut self, n_words: u32, every: Duration) {
        self.n_messages += 1;
        let n = self.n_messages;
        self.voice.message(n);
        let (begin, mut text) = (Instant::now(), String::new());
        for at in 0..n_words {
            let due = begin + every * at;
            while !self.is_interrupted && !self.is_over && Instant::now() < due {
                self.hear(due.saturating_duration_since(Instant::now()));
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let word = format!("@{:020} ", now.unwrap_or_default().as_nanos());
            text.push_str(&word);
            self.voice.word(n, &word, &text, false);
        }
        self.voice.message_end(n, &text, "");
    }

    fn think(&mut self, thought: &str) {
        self.n_messages += 1;
        let n = self.n_messages;
        self.voice.message(n);
        for word in thought.split_inclusive(' ') {
            self.voice.thought(n, word);
        }
        self.voice.message_end(n, "", thought);
    }

    /// A message that breaks off; what follows says it again.
    fn retry(&mut self, why: &str) {
        self.n_messages += 1;
        let n = self.n_messages;
        self.voice.message(n);
        self.voice.word(n, "half", "half", false);
        self.voice.retry(n, why);
    }

    fn call(&mut self) -> String {
        self.n_calls += 1;
        format!("call-{}-{}", std::process::id(), self.n_calls)
    }

    fn tool(&mut self, command: &str) {
        let call = self.call();
        self.voice.tool(&call, command);
        self.run(&call, command);
    }

    fn ask(&mut self, command: &str) {
        let call = self.call();
        self.voice.tool(&call, command);
        self.answer = None;
        self.voice.ask(&call, command);
        self.listen_until(|stage| stage.answer.is_some());
        match self.answer {
            Some(true) => self.run(&call, command),
            Some(false) => self.voice.tool_end(&call, "denied", &ToolEnd::Denied),
            None => {}
        }
    }

    fn question(&mut self, text: &str) {
        let call = self.call();
        self.word = None;
        self.voice.question(&call, text);
        self.listen_until(|stage| stage.word.is_some());
        if let Some(word) = self.word.take() {
            self.voice.question_end(&call, &word);
            self.message(&[&word]);
        }
    }

    /// Runs a command in a session of its own, as real agents do.
    fn run(&mut self, call: &str, command: &str) {
        let Some(mut child) = start(command) else {
            return;
        };
        self.voice.running(call);
        let (said, lines) = channel();
        let stdout = child.stdout.take();
        std::thread::spawn(move || {
            let stdout = stdout.map(std::io::BufReader::new);
            for line in stdout
                .into_iter()
                .flat_map(|out| out.lines().map_while(Result::ok))
            {
                if said.send(line).is_err() {
                    return;
                }
            }
        });
        let mut output = String::new();
        loop {
            match lines.recv_timeout(TICK) {
                Ok(mut line) => {
                    line.push('\n');
                    output.push_str(&line);
                    self.voice.output(call, &line, &output);
                }
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            }
            self.hear(Duration::ZERO);
            if self.is_interrupted || self.is_over {
                // Its own children it does not reach, like real agents.
                let _ = child.kill();
                break;
            }
        }
        let _ = child.wait();
        let how = if self.is_interrupted {
            ToolEnd::Interrupted
        } else {
            ToolEnd::Well
        };
        self.voice.tool_end(call, &output, &how);
    }

    fn wait_for_steer(&mut self) {
        self.listen_until(|stage| !stage.steers.is_empty());
        let steers = std::mem::take(&mut self.steers);
        if !steers.is_empty() {
            let text = steers.join(" ");
            self.message(&[&text]);
        }
    }

    fn listen_until(&mut self, done: fn(&Self) -> bool) {
        while !done(self) && !self.is_interrupted && !self.is_over {
            self.hear(LONG);
        }
    }

    fn hear(&mut self, patience: Duration) {
        match self.ears.listen(patience) {
            Sound::End => self.is_over = true,
            Sound::Nothing => {}
            Sound::Frame(frame) => match self.voice.hear(&frame) {
                Heard::Steer(text) => self.steers.push(text),
                Heard::Interrupt => self.is_interrupted = true,
                Heard::Answer(answer) => self.answer = Some(answer),
                Heard::Word(word) => self.word = Some(word),
                Heard::Nothing | Heard::Prompt => {}
            },
        }
    }
}

fn start(command: &str) -> Option<Child> {
    Command::new("setsid")
        .args(["sh", "-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

fn deaf() -> ! {
    loop {
        std::thread::park();
    }
}
