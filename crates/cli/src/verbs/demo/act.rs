//! What happens: watch, cut, come back, kill, start again, come back, compare.

use std::time::{Duration, Instant};

use run::event::ToolStatus;
use run::snapshot::Progress;
use run::{Event, Input, Part, Role, RunId, Seq, Snapshot, Status, Trigger};
use wire::StartRun;

use super::checks::Checks;
use super::seen::{Seen, Stopped};
use super::stage::Stage;
use crate::client::Client;
use crate::config::DEMO;
use crate::failure::Failure;
use crate::render::{Format, Output, counted, duration};
use crate::session::Session;

/// Pieces of text behind which the connection is cut.
const CUT_AT: usize = 5;
/// Pieces of text behind which the server is killed.
const KILL_AT: usize = 16;
/// How long nobody watches.
const AWAY: Duration = Duration::from_millis(700);

pub(super) async fn play(session: &Session) -> Result<Checks, Failure> {
    let stage = Stage::build()?;
    let mut checks = Checks::default();
    let mut server = stage.serve().await?;
    let run = start(&server.client).await?;
    let mut output = Output::new(Format::ForPeople(session.global.color), &run.to_string());
    let mut seen = Seen::default();

    let mut events = seen.connect(&server.client, run).await?;
    let stopped = seen
        .read(&mut events, Some(&mut output), |seen| {
            seen.n_texts() >= CUT_AT
        })
        .await?;
    checks.add(
        stopped == Stopped::Enough,
        "a run streams while it is made",
        counted(seen.cursor().0, "event"),
    );
    drop(events);
    let cut_at = seen.cursor();
    tell(
        &mut output,
        &format!("── cut our connection behind event {cut_at}; nobody watches now"),
    )?;
    tokio::time::sleep(AWAY).await;
    let went_on = server.client.run(run).await?.last_seq;
    checks.add(
        went_on > cut_at,
        "it goes on while nobody watches",
        counted(went_on.0.saturating_sub(cut_at.0), "event"),
    );

    tell(&mut output, &format!("── back behind event {cut_at}"))?;
    let mut events = seen.connect(&server.client, run).await?;
    let stopped = seen
        .read(&mut events, Some(&mut output), |seen| {
            seen.n_texts() >= KILL_AT
        })
        .await?;
    let pid = server.pid();
    server.kill()?;
    let killed_at = Instant::now();
    // What was on its way when the server died was durable before it left, so it counts as seen.
    let stopped_then = seen.read(&mut events, Some(&mut output), |_| false).await?;
    checks.add(
        (stopped, stopped_then) == (Stopped::Enough, Stopped::Cut),
        "the server is killed in the middle",
        format!("SIGKILL behind event {}", seen.cursor()),
    );
    tell(
        &mut output,
        &format!(
            "── killed the server (process {pid}) behind event {}",
            seen.cursor()
        ),
    )?;

    let server = stage.serve().await?;
    let back = u64::try_from(killed_at.elapsed().as_millis()).unwrap_or(u64::MAX);
    tell(
        &mut output,
        &format!("── a new server on the same data after {}", duration(back)),
    )?;
    let mut events = seen.connect(&server.client, run).await?;
    let stopped = seen.read(&mut events, Some(&mut output), |_| false).await?;
    output.rest().map_err(Failure::io("failed to write"))?;
    checks.add(
        stopped == Stopped::Final,
        "the next server takes the run up where it was",
        counted(n_attempts(&seen), "attempt"),
    );
    judge(&mut checks, &seen, &replay(&server.client, run).await?);
    let ended = server.end().await;
    checks.add(
        ended.is_ok(),
        "the server ends when it is told to",
        String::new(),
    );
    Ok(checks)
}

async fn start(client: &Client) -> Result<RunId, Failure> {
    let mut body = StartRun::new(DEMO, Input::text("Will you survive this?"));
    body.trigger = Some(Trigger::User);
    Ok(client.start(&body, "demo").await?.run.id)
}

/// The whole log as somebody sees it who was never there.
async fn replay(client: &Client, run: RunId) -> Result<Seen, Failure> {
    let mut replay = Seen::default();
    let mut events = replay.connect(client, run).await?;
    replay.read(&mut events, None, |_| false).await?;
    Ok(replay)
}

fn tell(output: &mut Output, text: &str) -> Result<(), Failure> {
    output.notice(text).map_err(Failure::io("failed to write"))
}

fn n_attempts(seen: &Seen) -> u64 {
    let started = seen
        .envelopes
        .iter()
        .filter(|envelope| matches!(envelope.event, Event::AttemptStarted(_)));
    started.count() as u64
}

impl Seen {
    fn n_texts(&self) -> usize {
        let texts = self
            .envelopes
            .iter()
            .filter(|envelope| matches!(envelope.event, Event::TextDelta(_)));
        texts.count()
    }
}

/// What was seen piece by piece against what the log holds.
fn judge(checks: &mut Checks, seen: &Seen, replay: &Seen) {
    let gapless = seen
        .envelopes
        .iter()
        .zip(1..)
        .all(|(envelope, n)| envelope.seq == Seq(n));
    checks.add(
        gapless && seen.frames.len() == replay.frames.len(),
        "no event is lost and none comes twice",
        format!(
            "{} seen, {} in the log",
            seen.frames.len(),
            replay.frames.len()
        ),
    );
    let bytes: usize = seen.frames.iter().map(String::len).sum();
    checks.add(
        seen.frames == replay.frames,
        "every byte is as it was first seen",
        counted(bytes as u64, "byte"),
    );
    let ends = replay
        .envelopes
        .iter()
        .filter(|it| it.event.is_final())
        .count();
    let succeeded = match replay.envelopes.last().map(|last| &last.event) {
        Some(Event::RunFinished(end)) => end.status == Status::Succeeded,
        _ => false,
    };
    checks.add(
        ends == 1 && succeeded,
        "one end, and it is the last event",
        if succeeded {
            "succeeded".to_owned()
        } else {
            String::new()
        },
    );
    let snapshot = seen.snapshot();
    checks.add(
        said(&snapshot) == script(),
        "the answer is whole and says nothing twice",
        counted(said(&snapshot).split_whitespace().count() as u64, "word"),
    );
    let well = snapshot
        .activities
        .iter()
        .filter(|activity| activity.status == Some(ToolStatus::Ok));
    checks.add(well.count() == 1, "its tool has acted once", String::new());
}

/// The answer as a reader has it at the end.
fn said(snapshot: &Snapshot) -> String {
    let answers = snapshot.messages.iter().filter(|message| {
        message.role == Role::Assistant && message.progress != Progress::Discarded
    });
    let texts = answers
        .flat_map(|message| &message.parts)
        .map(|part| match part {
            Part::Text { text, .. } => text.as_str(),
            _ => "",
        });
    texts.collect()
}

/// The answer as the script has it.
fn script() -> String {
    let steps = worker::demo_agent().script;
    steps.into_iter().filter_map(|step| step.text).collect()
}
