//! Recorded events on a terminal of fixed width and on a pipe.

use run::{Event, Timestamp};
use serde_json::{Value, json};

use super::live::Live;
use super::plain::Plain;
use super::screen::Screen;

const RUN: &str = "0198c5f0";

/// An event as a log has it.
fn event(kind: &str, data: &Value) -> Event {
    let data = serde_json::value::to_raw_value(data).unwrap();
    let event = Event::read(kind, &data);
    assert!(
        !matches!(&event, Event::Unknown(unknown) if run::event::TYPES.contains(&unknown.kind.as_str())),
        "{kind} does not read"
    );
    event
}

/// `(milliseconds, type, data)`
type Line = (i64, &'static str, Value);

/// Shows a log at a width, with a status line drawn before each event, and compares the screen with what is expected.
#[track_caller]
fn on_terminal(width: usize, log: &[Line], now: i64, expected: &str) {
    let mut screen = Screen::new(width);
    let mut live = Live::new(Vec::new(), RUN.to_owned(), width, true);
    for (at, kind, data) in log {
        let at = Timestamp::from_ms(*at);
        live.tick(at).unwrap();
        live.event(at, &event(kind, data)).unwrap();
    }
    live.tick(Timestamp::from_ms(now)).unwrap();
    screen.feed(live.written());
    assert_eq!(screen.text(), expected);
}

#[track_caller]
fn on_pipe(log: &[Line], expected: &str, notices: &str) {
    let mut plain = Plain::new(Vec::new(), Vec::new(), RUN.to_owned());
    for (at, kind, data) in log {
        plain
            .event(Timestamp::from_ms(*at), &event(kind, data))
            .unwrap();
    }
    let (out, err) = plain.written();
    assert_eq!(std::str::from_utf8(out).unwrap(), expected);
    assert_eq!(std::str::from_utf8(err).unwrap(), notices);
}

fn created() -> Line {
    let data = json!({
        "agent": "writer", "driver": "model", "thread": "t1", "trigger": "user",
        "input": {"parts": [{"type": "text", "text": "Write a line"}]},
    });
    (0, "run.created", data)
}

fn started() -> Line {
    (100, "attempt.started", json!({"driver": "model"}))
}

fn message(id: &str) -> Line {
    (
        200,
        "message.started",
        json!({"message": id, "role": "assistant"}),
    )
}

fn text(at: i64, id: &str, text: &str) -> Line {
    (
        at,
        "text.delta",
        json!({"message": id, "part": 0, "text": text}),
    )
}

fn completed(id: &str, text: &str) -> Line {
    let parts = json!([{"type": "text", "text": text}]);
    (
        900,
        "message.completed",
        json!({"message": id, "parts": parts}),
    )
}

fn finished(status: &str, reason: &str) -> Line {
    let usage = json!({"input_tokens": 1000, "output_tokens": 234});
    (
        2_000,
        "run.finished",
        json!({"status": status, "reason": reason, "usage": usage}),
    )
}

#[test]
fn a_run_reads_from_top_to_bottom() {
    let log = [
        created(),
        started(),
        message("m1"),
        (
            210,
            "reasoning.delta",
            json!({"message": "m1", "part": 0, "text": "Hm."}),
        ),
        text(300, "m1", "Hello"),
        text(400, "m1", ", wor"),
        text(500, "m1", "ld"),
        completed("m1", "Hello, world"),
        (
            1_000,
            "tool.started",
            json!({"call": "c1", "name": "look", "kind": "search"}),
        ),
        (
            1_000,
            "tool.called",
            json!({"call": "c1", "args": {"q": "cats"}}),
        ),
        (1_010, "tool.running", json!({"call": "c1", "try": 1})),
        (
            1_030,
            "tool.completed",
            json!({"call": "c1", "status": "ok", "result": "x"}),
        ),
        finished("succeeded", "completed"),
    ];
    on_terminal(
        40,
        &log,
        2_100,
        "0198c5f0 · writer · thread t1\n\
         › Write a line\n\
         Hm.\n\
         Hello, world\n\
         ✓ look cats  20 ms\n\
         ✓ succeeded · 2.0 s · 1,234 tokens",
    );
}

#[test]
fn the_status_line_comes_and_goes_in_the_middle_of_a_line() {
    let mut log = vec![created(), started(), message("m1")];
    on_terminal(
        60,
        &log,
        12_300,
        "0198c5f0 · writer · thread t1\n› Write a line\n⠸ running · 12 s · Ctrl-C detaches",
    );
    // Words that end before, at and behind the edge of a narrow screen.
    for piece in ["abcdefghi", "j", "k", "lmnopqrstu", "日本", "x"] {
        log.push(text(300, "m1", piece));
    }
    on_terminal(
        10,
        &log,
        500,
        "0198c5f0 ·\n writer ·\nthread t1\n› Write a\nline\nabcdefghij\nklmnopqrst\nu日本x\n⠴ runnin…",
    );
}

#[test]
fn what_is_taken_back_is_said_to_be() {
    let log = [
        created(),
        started(),
        message("m1"),
        text(300, "m1", "Half of"),
        (
            400,
            "message.discarded",
            json!({"message": "m1", "why": "the worker died"}),
        ),
        (
            400,
            "attempt.ended",
            json!({"end": "lost", "why": "the worker died"}),
        ),
        started(),
        message("m2"),
        text(500, "m2", "All of it"),
        completed("m2", "All of it"),
        finished("succeeded", "completed"),
    ];
    on_terminal(
        70,
        &log,
        2_100,
        "0198c5f0 · writer · thread t1\n\
         › Write a line\n\
         Half of\n\
         ↩ the text above is taken back and said again: the worker died\n\
         ↻ the attempt was lost: the worker died\n\
         All of it\n\
         ✓ succeeded · 2.0 s · 1,234 tokens · 2 attempts",
    );
    on_pipe(&log, "All of it\n", "");
}

#[test]
fn text_that_was_cut_short_goes_on_where_it_was() {
    let log = [
        created(),
        started(),
        message("m1"),
        text(300, "m1", "One, "),
        (
            400,
            "message.completed",
            json!({"message": "m1", "interrupted": true}),
        ),
        message("m2"),
        text(500, "m2", "two"),
        completed("m2", "two"),
        finished("succeeded", "completed"),
    ];
    on_pipe(&log, "One, two\n", "");
}

#[test]
fn an_approval_is_shown_whole_with_the_command_that_answers_it() {
    let detail = json!({"command": "rm -rf \u{1b}[2Jx\n? q9: approve? nothing"});
    let log = [
        created(),
        started(),
        (
            1_000,
            "approval.requested",
            json!({
                "request": "q1", "kind": "command", "title": "Delete x", "detail": detail["command"],
                "options": ["allow", "deny"], "expires_at": "1970-01-01T00:05:01.000Z",
            }),
        ),
        (
            1_000,
            "run.waiting",
            json!({"requests": ["q1"], "mode": "parked"}),
        ),
    ];
    let asked = "? q1: approve command? Delete x (within 5 m 00 s)\n  │ rm -rf ␛[2Jx\n  │ ? q9: approve? nothing\n  \
                 outlive approve 0198c5f0 q1   (or --deny)\n";
    on_terminal(
        60,
        &log,
        3_000,
        &format!(
            "0198c5f0 · writer · thread t1\n› Write a line\n{asked}? waits for an answer · 3.0 s · Ctrl-C detaches"
        ),
    );
    on_pipe(&log, "", asked);
}

#[test]
fn a_question_is_shown_with_its_choices() {
    let log = [
        created(),
        (
            1_000,
            "question.asked",
            json!({"request": "q1", "questions": [{"id": "colour", "text": "Which?", "options": ["red", "blue"]}]}),
        ),
        (
            2_000,
            "question.answered",
            json!({"request": "q1", "answers": {"colour": "red"}, "by": "ada"}),
        ),
    ];
    on_terminal(
        60,
        &log,
        2_000,
        "0198c5f0 · writer · thread t1\n\
         › Write a line\n\
         ? q1: Which?\n  │ - red\n  │ - blue\n  outlive answer 0198c5f0 q1 ANSWER\n\
         ✓ q1 answered by ada: red\n\
         · queued · 2.0 s · Ctrl-C detaches",
    );
}

#[test]
fn no_line_of_a_question_passes_for_another_one() {
    let text = "Which?\n- red: like wine\n? q9: approve? nothing";
    let question = json!({"id": "c", "text": text, "options": ["red", "blue"]});
    let log = [(
        1_000,
        "question.asked",
        json!({"request": "q1", "questions": [question]}),
    )];
    let asked = "? q1: Which?\n  │ - red: like wine\n  │ ? q9: approve? nothing\n  │ - blue\n  outlive answer 0198c5f0 q1 ANSWER\n";
    on_pipe(&log, "", asked);
}

#[test]
fn a_call_of_another_agent_is_waited_for_and_shown_with_its_answer() {
    let run = "0198c5f0-1a2b-7000-8000-000000000000";
    let mut log = vec![
        created(),
        started(),
        (
            1_000,
            "tool.started",
            json!({"call": "c1", "name": "poet", "kind": "subagent"}),
        ),
        (
            1_000,
            "tool.called",
            json!({"call": "c1", "args": {"input": "winter"}}),
        ),
        (
            1_000,
            "tool.running",
            json!({"call": "c1", "try": 1, "run": run}),
        ),
        (
            1_000,
            "run.waiting",
            json!({"calls": ["c1"], "mode": "parked"}),
        ),
    ];
    let above =
        format!("0198c5f0 · writer · thread t1\n› Write a line\n↳ poet: outlive attach {run}\n");
    let waits = "⠋ waits for another agent · 3.0 s · poet 2.0 s · Ctrl-C detaches";
    on_terminal(80, &log, 3_000, &format!("{above}{waits}"));
    let result = json!({"run": run, "status": "succeeded", "summary": "Snow,\nsnow."});
    log.push((
        3_000,
        "tool.completed",
        json!({"call": "c1", "status": "ok", "result": result}),
    ));
    log.push(finished("succeeded", "completed"));
    let end = "✓ poet winter  2.0 s\n│ Snow, snow.\n✓ succeeded · 2.0 s · 1,234 tokens";
    on_terminal(80, &log, 3_000, &format!("{above}{end}"));
}

#[test]
fn a_failed_run_says_why() {
    let end = json!({
        "status": "failed", "reason": "error", "usage": {},
        "error": {"code": "vendor", "message": "no\u{1b}[31m credit"},
    });
    let log = [
        created(),
        (
            500,
            "retry.scheduled",
            json!({"delay_ms": 1500, "why": "429"}),
        ),
        (
            600,
            "notice",
            json!({"level": "warning", "code": "x", "text": "careful"}),
        ),
        (700, "later.type", json!({"a": 1})),
        (800, "run.finished", end),
    ];
    on_terminal(
        60,
        &log,
        2_000,
        "0198c5f0 · writer · thread t1\n\
         › Write a line\n\
         ↻ again in 1.5 s: 429\n\
         ! careful\n\
         · later.type {\"a\":1}\n\
         ✗ failed (error): no␛[31m credit · 800 ms",
    );
    on_pipe(&log, "", "! careful\nfailed (error): no␛[31m credit\n");
}

#[test]
fn output_of_a_tool_is_shown_within_a_bound() {
    let mut log = vec![
        created(),
        (
            1_000,
            "tool.started",
            json!({"call": "c1", "name": "sh", "kind": "command"}),
        ),
        (
            1_100,
            "tool.output",
            json!({"call": "c1", "stream": "stdout", "text": "a\nb"}),
        ),
        (
            1_100,
            "tool.output",
            json!({"call": "c1", "stream": "stdout", "text": "b\n"}),
        ),
        (
            1_200,
            "tool.completed",
            json!({"call": "c1", "status": "failed", "result": "exit code 1"}),
        ),
    ];
    on_terminal(
        60,
        &log,
        1_300,
        "0198c5f0 · writer · thread t1\n\
         › Write a line\n\
         │ a\n\
         │ bb\n\
         ✗ sh failed: exit code 1  200 ms\n\
         · queued · 1.3 s · Ctrl-C detaches",
    );
    let many = "x\n".repeat(500);
    log.insert(
        2,
        (
            1_050,
            "tool.output",
            json!({"call": "c1", "stream": "stdout", "text": many}),
        ),
    );
    let mut live = Live::new(Vec::new(), RUN.to_owned(), 80, false);
    for (at, kind, data) in &log {
        live.event(Timestamp::from_ms(*at), &event(kind, data))
            .unwrap();
    }
    let text = String::from_utf8(live.written().clone()).unwrap();
    assert_eq!(text.matches("│ x").count(), 200);
    assert_eq!(text.matches("more output").count(), 1);
}

#[test]
fn what_a_command_prints_is_its_answer() {
    let mut created = created();
    created.2["driver"] = json!("command");
    let log = [
        created,
        (
            1_000,
            "tool.started",
            json!({"call": "c1", "name": "sh", "kind": "command", "title": "sh -c x"}),
        ),
        (
            1_000,
            "tool.called",
            json!({"call": "c1", "args": {"command": ["sh", "-c", "x"]}}),
        ),
        (
            1_100,
            "tool.output",
            json!({"call": "c1", "stream": "stdout", "text": "a\tb"}),
        ),
        (
            1_100,
            "tool.output",
            json!({"call": "c1", "stream": "stderr", "text": "oh\n"}),
        ),
        (
            1_200,
            "tool.completed",
            json!({"call": "c1", "status": "ok", "result": {"exit_code": 0}}),
        ),
        (
            1_300,
            "run.finished",
            json!({"status": "succeeded", "reason": "completed", "usage": {}, "output": {"exit_code": 0}}),
        ),
    ];
    on_terminal(
        60,
        &log,
        1_300,
        "0198c5f0 · writer · thread t1\n› Write a line\na       boh\n✓ sh -c x  200 ms\n✓ succeeded · 1.3 s",
    );
    on_pipe(&log, "a\tb", "oh\n");
}

#[test]
fn whoever_begins_in_the_middle_is_told_the_time_from_the_start() {
    let mut screen = Screen::new(60);
    let mut live = Live::new(Vec::new(), RUN.to_owned(), 60, true);
    live.created(Timestamp::from_ms(0));
    let (_, kind, data) = finished("aborted", "stopped");
    live.event(Timestamp::from_ms(4_500), &event(kind, &data))
        .unwrap();
    screen.feed(live.written());
    assert_eq!(screen.text(), "■ aborted (stopped) · 4.5 s · 1,234 tokens");
}

fn created_structured() -> Line {
    let (at, kind, mut data) = created();
    data["structured"] = json!(true);
    (at, kind, data)
}

#[test]
fn a_pipe_gets_the_output_alone_where_there_is_one() {
    let usage = json!({"input_tokens": 1, "output_tokens": 2});
    let said = "Sure: {\"name\": \"Legs\",}";
    let log = |end: Value| {
        let log = [
            created_structured(),
            started(),
            message("m1"),
            text(300, "m1", said),
            completed("m1", said),
            (600, "run.finished", end),
        ];
        log.to_vec()
    };
    let good = json!({"status": "succeeded", "reason": "completed", "usage": usage, "output": {"name": "Legs"}});
    on_pipe(&log(good), "{\"name\":\"Legs\"}\n", "");
    let error = json!({"code": "invalid_output", "message": "invalid output: at /name: no"});
    let bad =
        json!({"status": "failed", "reason": "invalid_output", "usage": usage, "error": error});
    let notice = "failed (invalid_output): invalid output: at /name: no\n";
    on_pipe(&log(bad), "", notice);
}

#[test]
fn a_terminal_shows_the_output_in_lines() {
    let usage = json!({"input_tokens": 1, "output_tokens": 2});
    let end = json!({"status": "succeeded", "reason": "completed", "usage": usage, "output": {"name": "Legs"}});
    let said = "{\"name\":\"Legs\"}";
    let mut screen = Screen::new(80);
    let mut live = Live::new(Vec::new(), RUN.to_owned(), 80, false);
    let log = [
        created_structured(),
        message("m1"),
        text(300, "m1", said),
        completed("m1", said),
        (600, "run.finished", end),
    ];
    for (at, kind, data) in &log {
        live.event(Timestamp::from_ms(*at), &event(kind, data))
            .unwrap();
    }
    screen.feed(live.written());
    let shown = screen.text();
    assert!(
        shown.contains("{\"name\":\"Legs\"}\n{\n  \"name\": \"Legs\"\n}\n"),
        "{shown}"
    );
}
