//! Each check catches what it is there for: histories of a store or a worker that breaks one promise.

use run::event::*;
use run::{
    AgentSpec, AppendNo, By, CallId, DriverKind, Event, Fence, Input, InputId, MessageId, Part,
    Reason, RequestId, Role, RunId, ScriptStep, Seq, Status, ThreadId, Timestamp, Trigger, TurnId,
    Usage, WaitMode, frame,
};
use serde_json::{Map, Value};
use sim::Violation;
use sim::check::{Log, Place, Threads, Writes, text};

pub(crate) fn run_id(n: u8) -> RunId {
    RunId::new(Timestamp::from_ms(1_000), [n; 10])
}

pub(crate) fn created() -> Event {
    RunCreated {
        agent: "a".into(),
        driver: DriverKind::Scripted,
        thread: ThreadId::parse("t").unwrap(),
        trigger: Trigger::Api,
        input: Input::text("go"),
        client: Map::new(),
        supersedes: None,
        refines: None,
        parent: None,
        structured: false,
        retries: None,
    }
    .into()
}

pub(crate) fn begun() -> Event {
    AttemptStarted {
        driver: DriverKind::Scripted,
        resumes: false,
    }
    .into()
}

fn lost() -> Event {
    AttemptEnded {
        end: AttemptEnd::Lost,
        why: "gone".into(),
        due_at: None,
    }
    .into()
}

fn turn() -> Event {
    TurnStarted {
        turn: TurnId::nth(1),
        input: None,
        model: None,
    }
    .into()
}

fn turn_done() -> Event {
    TurnCompleted {
        turn: TurnId::nth(1),
        status: TurnStatus::Completed,
        error: None,
    }
    .into()
}

fn message() -> Event {
    MessageStarted {
        message: MessageId::nth(1),
        role: Role::Assistant,
    }
    .into()
}

fn delta(text: &str) -> Event {
    TextDelta {
        message: MessageId::nth(1),
        part: 0,
        text: text.into(),
    }
    .into()
}

fn message_done() -> Event {
    MessageCompleted {
        message: MessageId::nth(1),
        parts: None,
        interrupted: false,
    }
    .into()
}

fn question() -> Event {
    QuestionAsked {
        request: RequestId::nth(1),
        questions: Vec::new(),
        expires_at: None,
        call: None,
    }
    .into()
}

fn waits() -> Event {
    RunWaiting {
        requests: vec![RequestId::nth(1)],
        mode: WaitMode::Held,
        due_at: None,
        calls: Vec::new(),
    }
    .into()
}

fn answered() -> Event {
    QuestionAnswered {
        request: RequestId::nth(1),
        answers: Value::Null,
        by: By::server(),
    }
    .into()
}

fn expired() -> Event {
    RequestExpired {
        request: RequestId::nth(1),
        why: "late".into(),
    }
    .into()
}

pub(crate) fn received() -> Event {
    InputReceived {
        input: InputId::nth(1),
        mode: InputMode::FollowUp,
        parts: vec![Part::text("more")],
        by: By::server(),
    }
    .into()
}

fn consumed() -> Event {
    InputConsumed {
        input: InputId::nth(1),
        turn: TurnId::nth(2),
    }
    .into()
}

fn returned() -> Event {
    InputReturned {
        input: InputId::nth(1),
        code: ReturnCode::RunEnded,
    }
    .into()
}

fn call() -> Event {
    ToolStarted {
        call: CallId::nth(1),
        name: "look".into(),
        kind: ToolKind::Other,
        title: None,
        message: None,
        idempotent: false,
    }
    .into()
}

fn call_done() -> Event {
    ToolCompleted {
        call: CallId::nth(1),
        status: ToolStatus::Ok,
        result: Value::Null,
        usage: None,
    }
    .into()
}

pub(crate) fn finished() -> Event {
    RunFinished {
        status: Status::Succeeded,
        reason: Reason::Completed,
        finish_reason: None,
        error: None,
        usage: Usage::default(),
        output: None,
    }
    .into()
}

/// Frames as a store prints them: numbered from 1, each with the attempt that is under way.
pub(crate) fn print(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut attempt = 0;
    for (n, event) in events.iter().enumerate() {
        attempt += u32::from(matches!(event, Event::AttemptStarted(_)));
        let seq = Seq(n as u64 + 1);
        frame::print(&mut bytes, seq, "2026-11-20T10:00:00.000Z", attempt, event);
    }
    bytes
}

fn read(frames: &[u8]) -> Result<Log, Violation> {
    let mut log = Log::new(run_id(1));
    log.saw(Seq::ZERO, frames)?;
    Ok(log)
}

#[track_caller]
pub(crate) fn broken(result: Result<impl Sized, Violation>, promise: &str) {
    match result {
        Ok(_) => panic!("nothing was found, though this was broken: {promise}"),
        Err(violation) => assert_eq!(violation.promise, promise, "{violation}"),
    }
}

/// What comes first is fine, and with what comes then the promise is broken.
#[track_caller]
fn check(first: &[Event], then: &[Event], promise: &str) {
    read(&print(first)).unwrap();
    broken(read(&print(&[first, then].concat())), promise);
}

const GAPLESS: &str = "numbers are gapless from 1";
const FOR_EVER: &str = "what was seen once keeps its number and its bytes";
const ONE_END: &str = "exactly one final event, and nothing after it";
const CLOSURE: &str = "the end closes all that is open";
const ONE_ANSWER: &str = "a request is answered or expires, once";
const ONE_HEARING: &str = "an accepted input is consumed or returned, once";
const ONE_ATTEMPT: &str = "one attempt at a time writes, under its own number";
const LOST: &str = "a write that was acknowledged is in the log, as it was and once";
const STALE: &str = "nothing gets in under an old fence, and nothing that nobody wrote";
const SAID_ONCE: &str = "what a run says is what its script says, once";

#[test]
fn a_missing_a_doubled_and_a_changed_event_are_caught() {
    let frames = print(&[created(), begun(), turn(), message(), delta("a")]);
    let all: Vec<&[u8]> = frame::split(&frames).collect();
    read(&all.concat()).unwrap();
    broken(read(&[all[0], all[1], all[3]].concat()), GAPLESS);
    broken(read(&[all[0], all[1], all[1]].concat()), GAPLESS);
    broken(read(&all[1..].concat()), GAPLESS);

    let mut log = read(&frames).unwrap();
    log.saw(Seq(4), all[4]).unwrap();
    let other = print(&[created(), begun(), turn(), message(), delta("b")]);
    let other: Vec<&[u8]> = frame::split(&other).collect();
    broken(log.saw(Seq(4), other[4]), FOR_EVER);
    broken(log.saw(Seq(3), all[4]), GAPLESS);
}

#[test]
fn a_second_end_and_anything_behind_the_end_are_caught() {
    let ended = [created(), begun(), finished()];
    check(&ended, &[finished()], ONE_END);
    check(&ended, &[received()], ONE_END);
}

#[test]
fn what_is_left_open_at_the_end_is_caught() {
    for open in [turn(), message(), question(), received(), call()] {
        check(&[created(), begun(), open], &[finished()], CLOSURE);
    }
}

#[test]
fn a_second_answer_is_caught() {
    let asked = [created(), begun(), question(), waits(), answered()];
    check(&asked, &[answered()], ONE_ANSWER);
    check(&asked, &[expired()], ONE_ANSWER);
}

#[test]
fn an_input_that_is_heard_twice_or_comes_back_as_well_is_caught() {
    let heard = [created(), begun(), received(), consumed()];
    check(&heard, &[consumed()], ONE_HEARING);
    check(&heard, &[returned()], ONE_HEARING);
    check(&[created(), received()], &[received()], ONE_HEARING);
}

#[test]
fn an_end_that_ignores_an_input_is_caught() {
    check(
        &[created(), begun(), received(), returned()],
        &[finished()],
        "an input that waits refuses the end: it is heard first",
    );
}

#[test]
fn a_second_attempt_beside_the_first_is_caught() {
    check(&[created(), begun()], &[begun()], ONE_ATTEMPT);
    check(&[created()], &[lost()], ONE_ATTEMPT);
    let mut frames = print(&[created(), begun(), lost(), begun()]);
    // The event of an attempt that has ended, under its own number.
    let seq = Seq(5);
    frame::print(&mut frames, seq, "2026-11-20T10:00:00.000Z", 1, &turn());
    broken(read(&frames), ONE_ATTEMPT);
}

#[test]
fn text_for_a_closed_message_is_caught() {
    let said = [created(), begun(), message(), delta("a"), message_done()];
    check(&said, &[delta("b")], "events speak of what is open");
}

#[test]
fn a_result_of_a_tool_that_was_never_announced_is_caught() {
    check(
        &[created(), begun(), call()],
        &[call_done()],
        "a tool is announced before it is touched",
    );
}

#[test]
fn a_granted_fence_that_the_log_does_not_know_is_caught() {
    let log = read(&print(&[created(), begun()])).unwrap();
    log.check_fence(Fence(1)).unwrap();
    broken(log.check_fence(Fence(2)), "fences grow");
}

/// Writes of two attempts: the first was lost behind its first append, the second goes on.
fn writes() -> Writes {
    let run = run_id(1);
    let mut writes = Writes::default();
    writes.granted(run, Fence(1), 1);
    writes.asked(run, Fence(1), AppendNo(1), &[message(), delta("a")]);
    writes
        .written(run, Fence(1), AppendNo(1), (Seq(3), Seq(4)))
        .unwrap();
    writes.granted(run, Fence(3), 2);
    writes
}

#[track_caller]
fn check_writes(writes: &Writes, log: &[Event], promise: Option<&str>) {
    let log = read(&print(log)).unwrap();
    let found = writes.check(run_id(1), &log);
    match promise {
        None => found.unwrap(),
        Some(promise) => broken(found, promise),
    }
}

#[test]
fn a_write_that_is_lost_or_doubled_is_caught() {
    let fine = [created(), begun(), message(), delta("a"), lost(), begun()];
    check_writes(&writes(), &fine, None);
    check_writes(&writes(), &fine[..3], Some(LOST));
    let doubled = [created(), begun(), message(), delta("a"), delta("a")];
    check_writes(&writes(), &doubled, Some(STALE));

    let mut twice = writes();
    let again = (Seq(5), Seq(6));
    broken(twice.written(run_id(1), Fence(1), AppendNo(1), again), LOST);
}

#[test]
fn a_write_under_an_old_fence_is_caught() {
    let mut writes = writes();
    // Asked for by the first attempt, when the second was under way.
    writes.asked(run_id(1), Fence(1), AppendNo(2), &[delta("b")]);
    let log = [
        created(),
        begun(),
        message(),
        delta("a"),
        lost(),
        begun(),
        delta("b"),
    ];
    check_writes(&writes, &log, Some(STALE));
    // Refused, and in the log all the same.
    writes.refused(run_id(1), Fence(1), AppendNo(2), true);
    let log = [created(), begun(), message(), delta("a"), delta("b")];
    check_writes(&writes, &log, Some(STALE));
}

#[test]
fn half_of_an_append_is_caught() {
    let mut writes = writes();
    let both = [delta("b"), delta("c")];
    writes.asked(run_id(1), Fence(1), AppendNo(2), &both);
    let begun = [created(), begun(), message(), delta("a")];
    let [b, c] = both;
    let whole = [&begun[..], &[b.clone(), c]].concat();
    check_writes(&writes, &begun, None);
    check_writes(&writes, &whole, None);
    check_writes(&writes, &[&begun[..], &[b]].concat(), Some(STALE));
}

#[track_caller]
fn check_text(said: &[&str], promise: Option<&str>) {
    let spec = AgentSpec::scripted(vec![ScriptStep {
        text: Some("one two".into()),
        ..ScriptStep::default()
    }]);
    let mut events = vec![created(), begun(), turn(), message()];
    events.extend(said.iter().map(|piece| delta(piece)));
    events.extend([message_done(), turn_done(), finished()]);
    let log = read(&print(&events)).unwrap();
    match promise {
        None => text(&spec, &log).unwrap(),
        Some(promise) => broken(text(&spec, &log), promise),
    }
}

#[test]
fn words_that_are_missing_or_doubled_are_caught() {
    check_text(&["one", " two"], None);
    check_text(&["one"], Some(SAID_ONCE));
    check_text(&["one", "one", " two"], Some(SAID_ONCE));
    check_text(&[], Some(SAID_ONCE));
}

fn place(n: u8, is_current: bool, is_final: bool) -> Place {
    Place {
        run: run_id(n),
        thread: ThreadId::parse("t").unwrap(),
        is_current,
        is_final,
        supersedes: false,
    }
}

#[test]
fn a_line_that_is_forgotten_or_jumped_and_two_current_runs_are_caught() {
    let first = [place(1, true, false), place(2, false, false)];
    Threads::default().check(&first).unwrap();
    let cases = [
        (
            vec![place(1, true, false), place(2, true, false)],
            "a thread has at most one current run, and it is open",
        ),
        (
            vec![place(1, true, true)],
            "a thread has at most one current run, and it is open",
        ),
        (
            vec![place(1, false, true), place(2, false, false)],
            "a thread with open runs has a current one",
        ),
        (
            vec![
                place(1, false, true),
                place(2, false, false),
                place(3, true, false),
            ],
            "runs in line get their turn in the order in which they came",
        ),
    ];
    for (places, promise) in cases {
        broken(Threads::default().check(&places), promise);
    }
}
