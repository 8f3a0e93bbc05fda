//! `outlive show`: a run as its log folds now.

use std::fmt::Write as _;

use run::event::NoticeLevel;
use run::snapshot::{Activity, Asked, Progress, Request, Snapshot};
use run::{Part, Role, Timestamp};
use wire::{RunBody, WorktreeBody};

use crate::args::Show;
use crate::client::find;
use crate::clock::now;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{
    CallLine, Printed, Tone, answer_of, clean, clean_line, count, counted, duration, laid_out,
    paint, whole,
};
use crate::session::{Session, print, print_line};

/// Characters of one line about something.
const LINE_CHARS: usize = 400;

pub(super) async fn run(session: &Session, args: Show) -> Result<Exit, Failure> {
    let client = session.client().await?;
    let run = find(&client, &args.run.run).await?;
    let body = client.run(run).await?;
    if args.json {
        print_line(&serde_json::to_string_pretty(&body).unwrap_or_default())?;
    } else {
        print(&page(&body, session.colour(), now()))?;
    }
    Ok(Exit::Succeeded)
}

/// A run for people.
fn page(run: &RunBody, colour: bool, now: Timestamp) -> String {
    let mut out = String::new();
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            let name = paint(colour, Tone::Dim, &format!("{name:<9}"));
            let _ = writeln!(out, "{name} {}", clean_line(value, usize::MAX));
        }
    };
    fact("run", &run.id.to_string());
    fact("status", &status(run));
    if let Some(error) = &run.error {
        fact("error", &format!("{} ({})", error.message, error.code));
    }
    fact(
        "agent",
        &match &run.model {
            Some(model) => format!("{} ({model})", run.agent),
            None => run.agent.clone(),
        },
    );
    fact("thread", run.thread_id.as_str());
    if let Some(parent) = &run.parent {
        fact(
            "below",
            &format!("{} (call {})", parent.run_id, parent.call),
        );
    }
    fact(
        "created",
        &format!(
            "{} ({} ago)",
            run.created_at,
            duration(now.ms_since(run.created_at))
        ),
    );
    let began = run.started_at.unwrap_or(run.created_at);
    fact(
        "took",
        &duration(run.finished_at.unwrap_or(now).ms_since(began)),
    );
    fact(
        "events",
        &format!(
            "{} in {}",
            run.last_seq,
            counted(u64::from(run.attempt), "attempt")
        ),
    );
    if run.usage.total_tokens() > 0 {
        fact(
            "tokens",
            &format!(
                "{} in, {} out",
                count(run.usage.input_tokens),
                count(run.usage.output_tokens)
            ),
        );
    }
    if let Some(worktree) = &run.worktree {
        fact("worktree", &place(worktree));
    }
    let snapshot = run.snapshot.as_deref();
    if let Some(diff) = snapshot.and_then(|snapshot| snapshot.diff.as_ref()) {
        let n_files = diff.n_files.unwrap_or(diff.files.len() as u64);
        fact(
            "changed",
            &format!(
                "{}, +{} -{}",
                counted(n_files, "file"),
                count(diff.additions),
                count(diff.deletions)
            ),
        );
    }
    let checkpoints = snapshot.map(|snapshot| &snapshot.checkpoints[..]);
    if let Some([first, .., last]) = checkpoints {
        fact(
            "kept",
            &format!("{} to {}", first.checkpoint, last.checkpoint),
        );
    } else if let Some([only]) = checkpoints {
        fact("kept", only.checkpoint.as_str());
    }
    if let Some(snapshot) = &run.snapshot {
        body(&mut out, run, snapshot, colour);
    }
    if let Some(output) = &run.output {
        let _ = writeln!(out, "\n{}", clean(&format!("{output:#}")));
    }
    out
}

fn place(worktree: &WorktreeBody) -> String {
    let mut place = worktree.path.clone();
    if let Some(branch) = &worktree.branch {
        let _ = write!(place, " on {branch}");
    }
    if !worktree.present {
        place.push_str(" (removed)");
    } else if worktree.dirty == Some(true) {
        place.push_str(", not all committed");
    }
    place
}

fn status(run: &RunBody) -> String {
    match run.reason {
        Some(reason) if reason != run::Reason::Completed => format!("{} ({reason})", run.status),
        _ if run.stop_requested_at.is_some() && !run.status.is_final() => {
            format!("{}, stop requested", run.status)
        }
        _ => run.status.to_string(),
    }
}

/// What was asked, said and done, in the order in which it happened.
fn body(out: &mut String, run: &RunBody, snapshot: &Snapshot, colour: bool) {
    out.push('\n');
    let input = snapshot.input.as_text();
    if !input.is_empty() {
        let input = format!("› {}", clean(&input));
        let _ = writeln!(out, "{}", paint_lines(colour, Tone::Person, &input));
    }
    for notice in &snapshot.notices {
        let tone = match notice.level {
            NoticeLevel::Info => continue,
            NoticeLevel::Warning => Tone::Warn,
            NoticeLevel::Error => Tone::Bad,
        };
        let text = format!("! {}", clean_line(&notice.text, LINE_CHARS * 2));
        let _ = writeln!(out, "{}", paint(colour, tone, &text));
    }
    let mut blocks: Vec<(run::Seq, String)> = Vec::new();
    for message in &snapshot.messages {
        if message.role != Role::Assistant || message.progress == Progress::Discarded {
            continue;
        }
        let mut text = String::new();
        for part in &message.parts {
            match part {
                Part::Text { text: said, .. } | Part::Refusal { text: said } => {
                    text.push_str(&clean(said));
                }
                Part::Reasoning { text: said, .. } => {
                    text.push_str(&paint_lines(colour, Tone::Dim, &clean(said)));
                    text.push('\n');
                }
                Part::Source { url, .. } | Part::File { url, .. } => {
                    let _ = writeln!(text, "⌁ {}", clean_line(url, 120));
                }
            }
        }
        if message.progress == Progress::Open {
            text.push_str(" …");
        }
        blocks.push((message.first_seq, text));
    }
    let activities = snapshot.activities.iter();
    blocks.extend(activities.map(|activity| (activity.first_seq, tool(activity, colour))));
    blocks.sort_by_key(|(seq, _)| *seq);
    // A message that only calls tools has no text of its own.
    blocks.retain(|(_, text)| !text.trim().is_empty());
    for (_, text) in &blocks {
        let _ = writeln!(out, "{}", text.trim_end());
    }
    for request in snapshot
        .requests
        .iter()
        .filter(|it| it.resolution.is_none())
    {
        let _ = writeln!(out, "{}", asks(run, request, colour));
    }
}

fn tool(activity: &Activity, colour: bool) -> String {
    let printed = if activity.output.is_empty() {
        Printed::No
    } else {
        Printed::Yes
    };
    let (tone, line) = CallLine::of(activity, printed).text(activity.status);
    let mut text = paint(colour, tone, &clean_line(&line, LINE_CHARS));
    let mut more = |line: &str| {
        let _ = write!(text, "\n{}", paint(colour, Tone::Dim, line));
    };
    if activity.output_cut {
        more("│ … (earlier output is in the log)");
    }
    let output: String = activity
        .output
        .iter()
        .map(|piece| piece.text.as_str())
        .collect();
    for line in clean(&output).lines() {
        more(&format!("│ {line}"));
    }
    if let Some(answer) = answer_of(activity.kind, &activity.result) {
        more(&answer);
    }
    if let Some(run) = activity.run {
        more(&format!("↳ outlive show {run}"));
    }
    text
}

fn asks(run: &RunBody, request: &Request, colour: bool) -> String {
    let (what, command) = match &request.asks {
        Asked::Approval { title, detail, .. } => {
            let detail = whole(detail);
            let lines = clean(&detail);
            let lines = lines.lines().map(|line| format!("\n  │ {line}"));
            (
                format!("{}{}", clean(title), lines.collect::<String>()),
                "approve",
            )
        }
        Asked::Question { questions } => {
            let texts = questions.iter().map(|question| {
                let (first, rest) = laid_out(question);
                let rest = clean(&rest);
                let rest = rest.lines().map(|line| format!("\n  │ {line}"));
                format!("{}{}", clean(&first), rest.collect::<String>())
            });
            (texts.collect::<Vec<_>>().join("\n  "), "answer")
        }
        Asked::ClientTool => ("a tool of the client is to run".to_owned(), "answer"),
    };
    let head = paint_lines(
        colour,
        Tone::Person,
        &format!("? {}: {what}", request.request),
    );
    format!("{head}\n  outlive {command} {} {}", run.id, request.request)
}

/// A tone on each line by itself, as a tone over a line break fills the terminal's line.
fn paint_lines(colour: bool, tone: Tone, text: &str) -> String {
    let lines = text.lines().map(|line| paint(colour, tone, line));
    lines.collect::<Vec<_>>().join("\n")
}
