//! What a run asks of a person, with the command that answers it. Nothing that is to be approved is cut.

use run::event::{ApprovalRequested, Decision, Question, QuestionAsked};
use run::{Event, RequestId, Timestamp};

use super::clean::{clean, clean_line};
use super::style::Tone;
use super::words::{brief, duration, whole};

/// The lines about a request; none for other events.
pub(super) fn lines(run: &str, at: Timestamp, event: &Event) -> Vec<(Tone, String)> {
    let closed =
        |sign: &str, text: String| vec![(Tone::Dim, clean_line(&format!("{sign} {text}"), 400))];
    match event {
        Event::ApprovalRequested(asked) => approval(run, at, asked),
        Event::QuestionAsked(asked) => question(run, at, asked),
        Event::ClientToolCalled(called) => vec![
            (
                Tone::Person,
                format!("? {}: a tool of the client is to run", called.request),
            ),
            (
                Tone::Dim,
                format!("  outlive answer {run} {} RESULT", called.request),
            ),
        ],
        Event::ApprovalResolved(resolved) => {
            let (sign, word) = match resolved.decision {
                Decision::Allow => ("✓", "allowed"),
                Decision::AllowForThread => ("✓", "allowed for the thread"),
                Decision::Deny => ("✗", "denied"),
                Decision::Cancel => ("✗", "cancelled"),
            };
            let note = resolved
                .note
                .as_ref()
                .map_or(String::new(), |note| format!(": {note}"));
            closed(
                sign,
                format!("{} {word} by {}{note}", resolved.request, resolved.by.0),
            )
        }
        Event::QuestionAnswered(answered) => closed(
            "✓",
            format!(
                "{} answered by {}: {}",
                answered.request,
                answered.by.0,
                brief(&answered.answers, 200)
            ),
        ),
        Event::ClientToolAnswered(answered) => closed(
            "✓",
            format!("{} answered by {}", answered.request, answered.by.0),
        ),
        Event::RequestExpired(expired) => {
            closed("✗", format!("{} expired: {}", expired.request, expired.why))
        }
        _ => Vec::new(),
    }
}

fn approval(run: &str, at: Timestamp, asked: &ApprovalRequested) -> Vec<(Tone, String)> {
    let mut lines = vec![(
        Tone::Person,
        head(
            &asked.request,
            &format!("approve {}? {}", kind_word(&asked.kind), asked.title),
            at,
            asked.expires_at,
        ),
    )];
    lines.extend(indented(&whole(&asked.detail)));
    let mut command = format!("  outlive approve {run} {}", asked.request);
    let more: Vec<&str> = [
        (Decision::Deny, "--deny"),
        (Decision::AllowForThread, "--for-thread"),
    ]
    .into_iter()
    .filter(|(decision, _)| asked.options.contains(decision))
    .map(|(_, flag)| flag)
    .collect();
    if !more.is_empty() {
        command = format!("{command}   (or {})", more.join(", "));
    }
    lines.push((Tone::Dim, command));
    lines
}

/// A kind of thing as people call it; one that we do not know is named as it is.
fn kind_word(kind: &str) -> &str {
    match kind {
        "mcp" | "tool" => "tool call",
        "web" => "web access",
        "file_change" => "file change",
        "subagent" => "agent",
        other => other,
    }
}

fn question(run: &str, at: Timestamp, asked: &QuestionAsked) -> Vec<(Tone, String)> {
    let mut lines = Vec::new();
    for question in &asked.questions {
        let (first, rest) = laid_out(question);
        lines.push((
            Tone::Person,
            head(&asked.request, &first, at, asked.expires_at),
        ));
        lines.extend(indented(&rest));
    }
    let answer = match &asked.questions[..] {
        [Question { .. }] => "ANSWER".to_owned(),
        several => {
            let keys = several.iter().map(|question| format!("{}=…", question.id));
            clean_line(&keys.collect::<Vec<_>>().join(" "), 400)
        }
    };
    lines.push((
        Tone::Dim,
        format!("  outlive answer {run} {} {answer}", asked.request),
    ));
    lines
}

/// A question's first line, and what stands below it: the rest of its text and the answers to choose from, unless the
/// text names them.
pub(crate) fn laid_out(question: &Question) -> (String, String) {
    let (first, rest) = question
        .text
        .split_once('\n')
        .unwrap_or((&question.text, ""));
    let mut lines: Vec<String> = rest.lines().map(str::to_owned).collect();
    for option in &question.options {
        let line = format!("- {option}");
        let is_there = |told: &String| {
            told.strip_prefix(&line)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        if !lines.iter().any(is_there) {
            lines.push(line);
        }
    }
    (first.to_owned(), lines.join("\n"))
}

fn head(request: &RequestId, text: &str, at: Timestamp, until: Option<Timestamp>) -> String {
    let until = until.map_or(String::new(), |until| {
        format!(" (within {})", duration(until.ms_since(at)))
    });
    format!(
        "? {}: {}{until}",
        clean_line(request.as_str(), 40),
        clean_line(text, usize::MAX)
    )
}

/// All of a text, each line behind a mark so that none can pass for one of ours.
fn indented(text: &str) -> Vec<(Tone, String)> {
    let lines = clean(text);
    lines
        .lines()
        .map(|line| (Tone::Plain, format!("  │ {line}")))
        .collect()
}
