//! A process of a run: what it prints goes into the log as it comes.

use std::time::Duration;

use agent::{Exit, Process, StopSteps, Stream, Utf8Decoder};
use run::event::{Notice, NoticeLevel, OutputStream, ToolOutput};
use run::{CallId, Event, RunId};
use tokio::time::Instant;
use tool::Gather;

use crate::context::{Context, Over};
use crate::output::{Output, Piece};
use crate::pause::at;

/// What became of a process.
pub(crate) struct Heard {
    /// How it ended.
    pub(crate) exit: Exit,
    /// What it printed, for a model: the beginning and the end of it.
    pub(crate) text: String,
    /// It was ended because the attempt is.
    pub(crate) is_cancelled: bool,
    /// It was ended because its time was over.
    pub(crate) is_timed_out: bool,
}

/// Passes on what the process says as output of the call, until it has ended or has to.
pub(crate) async fn listen(
    context: &Context,
    mut process: Process,
    call: &CallId,
    limit: Option<Duration>,
) -> Result<Heard, Over> {
    let mut output = Output::default();
    let mut decoders = Decoders::default();
    let mut gather = Gather::new(tool::limits::MODEL_BYTES);
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let (mut is_cancelled, mut is_timed_out) = (false, false);
    loop {
        let said = tokio::select! {
            biased;
            () = context.cancelled(), if !is_cancelled => {
                is_cancelled = true;
                process.stop(steps(context.run().spec.stop_timeout_ms));
                continue;
            }
            () = at(deadline), if !is_timed_out && !is_cancelled => {
                is_timed_out = true;
                process.stop(steps(context.run().spec.stop_timeout_ms));
                continue;
            }
            said = process.next_output() => said,
        };
        let Some(said) = said else { break };
        let (stream, text) = decoders.take(said.stream, &said.bytes);
        gather.push(&text);
        context
            .emit(pass_on(&mut output, call, stream, text))
            .await?;
    }
    let mut events = Vec::new();
    for (stream, text) in decoders.finish() {
        gather.push(&text);
        events.extend(pass_on(&mut output, call, stream, text));
    }
    if let Some(end) = output.end() {
        let text = format!(
            "the output is longer than the log takes; {} bytes are left out here, its end follows",
            end.n_left_out
        );
        events.push(Notice::new(NoticeLevel::Warning, "output_left_out", text).into());
        events.extend(
            end.pieces
                .into_iter()
                .map(|(stream, text)| said(call, stream, text)),
        );
    }
    let ended = process.finish().await;
    if !ended.swept.survivors.is_empty() {
        let run: RunId = context.run().id;
        let n = ended.swept.survivors.len();
        tracing::error!(run.id = %run, "{n} processes of run {run} could not be killed");
        let text = format!("{n} processes that the command started could not be killed");
        events.push(Notice::new(NoticeLevel::Error, "survivors", text).into());
    }
    context.emit(events).await?;
    Ok(Heard {
        exit: ended.exit,
        text: gather.finish().text.into_owned(),
        is_cancelled,
        is_timed_out,
    })
}

/// The steps of a stop, so that all of them fit into the time that a stop may take.
fn steps(stop_timeout_ms: u64) -> StopSteps {
    let timeout = Duration::from_millis(stop_timeout_ms);
    let standard = StopSteps::default();
    StopSteps {
        interrupt: None,
        terminate: standard.terminate.min(timeout / 2),
        kill: standard.kill.min(timeout / 4),
    }
}

fn pass_on(output: &mut Output, call: &CallId, stream: OutputStream, text: String) -> Vec<Event> {
    if text.is_empty() {
        return Vec::new();
    }
    match output.take(stream, text) {
        Piece::Say(text) => vec![said(call, stream, text)],
        Piece::Kept => Vec::new(),
        Piece::SayAndCut(text) => {
            let notice = "the output is longer than the log takes; its end follows when the command has ended";
            let notice = Notice::new(NoticeLevel::Warning, "output_cut", notice);
            vec![said(call, stream, text), notice.into()]
        }
    }
}

fn said(call: &CallId, stream: OutputStream, text: String) -> Event {
    ToolOutput {
        call: call.clone(),
        stream,
        text,
    }
    .into()
}

/// A character may be cut between two pieces of one stream.
#[derive(Default)]
struct Decoders {
    stdout: Utf8Decoder,
    stderr: Utf8Decoder,
}

impl Decoders {
    fn take(&mut self, stream: Stream, bytes: &[u8]) -> (OutputStream, String) {
        match stream {
            Stream::Stdout => (OutputStream::Stdout, self.stdout.push(bytes)),
            Stream::Stderr => (OutputStream::Stderr, self.stderr.push(bytes)),
        }
    }

    fn finish(&mut self) -> [(OutputStream, String); 2] {
        [
            (OutputStream::Stdout, self.stdout.finish().to_owned()),
            (OutputStream::Stderr, self.stderr.finish().to_owned()),
        ]
    }
}
