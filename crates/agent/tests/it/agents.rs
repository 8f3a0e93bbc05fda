//! Conversations with a fake agent, over real pipes, through each of the codecs.

use std::path::Path;
use std::time::Duration;

use agent::codec::{
    Approval, Can, Command, Decision, Event, FailureCode, FollowUp, Level, Settings, Steer,
    ToolStatus, TurnStatus, Wire,
};
use agent::{Ended, Exit, Spec, Stdin, StopSteps, alive, inherited};
use tempfile::TempDir;

use crate::shell::marker;
use crate::talk::{Talk, name};

const WIRES: [Wire; 4] = [Wire::Pi, Wire::Codex, Wire::Claude, Wire::Acp];

/// The word of the fake agent for a wire.
fn word(wire: Wire) -> &'static str {
    match wire {
        Wire::Pi => "pi",
        Wire::Codex => "codex",
        Wire::Claude => "claude",
        Wire::Acp => "acp",
    }
}

fn settings(wire: Wire, script: &str, home: &Path) -> Settings {
    Settings {
        program: Some(env!("CARGO_BIN_EXE_fake-agent").into()),
        args: vec![word(wire).into(), script.into()],
        ..Settings::new(home.to_str().unwrap())
    }
}

/// What starts it.
fn spec(wire: Wire, settings: &Settings, home: &Path) -> Spec {
    let launch = wire.launch(settings);
    let mut env = inherited();
    env.extend(launch.env);
    env.push(("FAKE_HOME".into(), home.into()));
    Spec {
        program: launch.program,
        args: launch.args,
        cwd: Some(home.into()),
        env,
        marker: marker(),
        stdin: Stdin::Pipe,
    }
}

async fn start(wire: Wire, settings: Settings, home: &Path) -> Talk {
    let spec = spec(wire, &settings, home);
    let bound = Some(Duration::from_millis(100));
    Talk::start(spec, wire.codec(settings), bound).await
}

/// A fake agent that has shaken hands.
async fn ready(wire: Wire, script: &str, home: &TempDir) -> Talk {
    // Its handshake is not bounded by this test.
    let settings = settings(wire, script, home.path());
    let spec = spec(wire, &settings, home.path());
    let mut talk = Talk::start(spec, wire.codec(settings), None).await;
    talk.until("ready").await;
    talk
}

/// Plays one turn to its end.
async fn turn(talk: &mut Talk) -> Vec<Event> {
    talk.prompt("go").await;
    talk.until("turn_ended").await
}

#[track_caller]
fn ends(events: &[Event], expected: TurnStatus, code: Option<FailureCode>) {
    let Some(Event::TurnEnded { status, failure }) = events.last() else {
        panic!("no end: {events:?}");
    };
    let found = (*status, failure.as_ref().map(|failure| failure.code));
    assert_eq!(found, (expected, code), "{events:?}");
}

fn said(events: &[Event]) -> String {
    let texts = events.iter().filter_map(|event| match event {
        Event::TextDelta { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn has(events: &[Event], kind: &str) -> bool {
    events.iter().any(|event| name(event) == kind)
}

fn completed(events: &[Event]) -> Vec<ToolStatus> {
    let calls = events.iter().filter_map(|event| match event {
        Event::ToolCompleted { status, .. } => Some(*status),
        _ => None,
    });
    calls.collect()
}

/// Waits for the end of one that is being stopped, and proves that nothing is left.
async fn stopped(talk: Talk) -> (Vec<Event>, Ended) {
    let marker = talk.process().marker().clone();
    let (events, ended, _) = talk.finish().await;
    assert_eq!(alive(&marker), []);
    (events, ended)
}

/// Ends it in good order, and proves that nothing is left.
async fn close(talk: Talk) -> (Vec<Event>, Ended) {
    let marker = talk.process().marker().clone();
    let (events, ended, _) = talk.close().await;
    assert_eq!(alive(&marker), []);
    (events, ended)
}

#[tokio::test]
async fn an_agent_thinks_speaks_and_runs_a_tool() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let script = "think well now; text I look; plan One,Two; tool echo out; text at it";
        let mut talk = ready(wire, script, &home).await;
        let events = turn(&mut talk).await;
        ends(&events, TurnStatus::Completed, None);
        assert_eq!(said(&events), "I lookat it", "{wire:?}");
        assert!(has(&events, "reasoning_delta"), "{wire:?}");
        assert!(has(&events, "session_resumable"), "{wire:?}");
        assert!(has(&events, "tool_running"), "{wire:?}");
        assert!(!completed(&events).is_empty(), "{wire:?}");
        let plans = talk.codec().capabilities().plans == Can::Yes;
        assert_eq!(has(&events, "plan_updated"), plans, "{wire:?}");
        let (events, ended) = close(talk).await;
        assert_eq!(events.len(), 1, "{wire:?}: {events:?}");
        assert_eq!(ended.exit, Exit::Code(0));
    }
}

#[tokio::test]
async fn what_is_allowed_runs_and_what_is_denied_does_not() {
    for wire in WIRES {
        for decision in [Decision::Allow, Decision::Deny] {
            let home = tempfile::tempdir().unwrap();
            let mut talk = ready(wire, "ask echo > asked.txt; text so", &home).await;
            talk.prompt("go").await;
            let mut events = talk.until("approval_requested").await;
            let Some(Event::ApprovalRequested {
                request, detail, ..
            }) = events.pop()
            else {
                panic!("{events:?}");
            };
            // All of it is there to be read.
            assert!(detail.to_string().contains("echo > asked.txt"), "{detail}");
            assert!(!home.path().join("asked.txt").exists());
            let answer = |request: &str| Command::Approve {
                request: request.to_owned(),
                decision,
                note: None,
            };
            talk.tell(answer(&request)).await;
            talk.tell(answer(&request)).await;
            let events = talk.until("turn_ended").await;
            ends(&events, TurnStatus::Completed, None);
            assert!(has(&events, "answer_refused"), "the second answer");
            let allowed = decision == Decision::Allow;
            assert_eq!(home.path().join("asked.txt").exists(), allowed, "{wire:?}");
            if !allowed && wire != Wire::Pi {
                assert_eq!(completed(&events), [ToolStatus::Denied], "{wire:?}");
            }
            close(talk).await;
        }
    }
}

#[tokio::test]
async fn a_policy_that_allows_all_asks_nobody() {
    let home = tempfile::tempdir().unwrap();
    let settings = Settings {
        approval: Approval::Full,
        ..settings(Wire::Acp, "ask echo > asked.txt", home.path())
    };
    let mut talk = start(Wire::Acp, settings, home.path()).await;
    talk.until("ready").await;
    let events = turn(&mut talk).await;
    assert!(!has(&events, "approval_requested"), "{events:?}");
    assert!(home.path().join("asked.txt").exists());
    close(talk).await;
}

#[tokio::test]
async fn a_steer_is_heard_within_its_turn() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let mut talk = ready(wire, "text first; await", &home).await;
        assert_eq!(talk.codec().capabilities().steer, Steer::InTurn);
        talk.prompt("go").await;
        talk.until("text_delta").await;
        talk.steer("turn left").await;
        let events = talk.until("turn_ended").await;
        ends(&events, TurnStatus::Completed, None);
        assert!(said(&events).ends_with("turn left"), "{wire:?}: {events:?}");
        assert!(has(&events, "input_taken"), "{wire:?}");
        // Between turns there is nothing to steer.
        talk.steer("too late").await;
        talk.until("input_returned").await;
        close(talk).await;
    }
}

#[tokio::test]
async fn an_agent_without_a_queue_gives_a_follow_up_back() {
    for wire in [Wire::Codex, Wire::Claude, Wire::Acp] {
        let home = tempfile::tempdir().unwrap();
        let mut talk = ready(wire, "text first; await", &home).await;
        assert_eq!(talk.codec().capabilities().follow_up, FollowUp::InCaller);
        talk.prompt("go").await;
        talk.until("text_delta").await;
        talk.follow_up("and then").await;
        talk.until("input_returned").await;
        talk.tell(Command::Interrupt).await;
        talk.until("turn_ended").await;
        close(talk).await;
    }
}

#[tokio::test]
async fn an_interrupt_ends_the_turn_and_the_next_one_is_as_any() {
    for wire in WIRES {
        for script in ["text a; stall", "tool sleep 1000 & sleep 1000"] {
            let home = tempfile::tempdir().unwrap();
            let mut talk = ready(wire, &format!("{script}| text b"), &home).await;
            talk.prompt("go").await;
            let sign = match (script.starts_with("text"), wire) {
                (true, _) => "text_delta",
                // Whether it must be allowed first is not known.
                (false, Wire::Claude | Wire::Acp | Wire::Codex) => "tool_called",
                (false, Wire::Pi) => "tool_running",
            };
            talk.until(sign).await;
            talk.tell(Command::Interrupt).await;
            let events = talk.until("turn_ended").await;
            ends(&events, TurnStatus::Cancelled, None);
            let events = turn(&mut talk).await;
            ends(&events, TurnStatus::Completed, None);
            assert_eq!(said(&events), "b", "{wire:?}");
            close(talk).await;
        }
    }
}

#[tokio::test]
async fn an_agent_that_hears_nothing_is_killed_with_all_it_started() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let script = "leave sleep 1000; leave sleep 1001; text up; deaf";
        let settings = settings(wire, script, home.path());
        let mut spec = spec(wire, &settings, home.path());
        let args = std::mem::take(&mut spec.args);
        let program = std::mem::replace(&mut spec.program, "sh".into());
        spec.args = ["-c", "trap '' TERM; exec \"$0\" \"$@\""]
            .map(Into::into)
            .into();
        spec.args.push(program);
        spec.args.extend(args);
        let mut talk = Talk::start(spec, wire.codec(settings), None).await;
        talk.until("ready").await;
        talk.prompt("go").await;
        talk.until("text_delta").await;
        talk.process().stop(StopSteps {
            terminate: Duration::from_millis(100),
            ..StopSteps::default()
        });
        let (events, ended) = stopped(talk).await;
        assert_eq!(ended.exit, Exit::Signal(9), "{wire:?}");
        assert!(ended.swept.killed >= 2, "{ended:?}");
        let (exit, before) = events.split_last().unwrap();
        ends(
            before,
            TurnStatus::Interrupted,
            Some(FailureCode::AgentEnded),
        );
        assert_eq!(
            exit,
            &Event::SessionExited {
                exit: Exit::Signal(9),
                recoverable: true
            }
        );
    }
}

#[tokio::test]
async fn a_session_is_reopened_and_goes_on() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let script = "text one | text two; stall";
        let mut talk = ready(wire, script, &home).await;
        let events = turn(&mut talk).await;
        assert_eq!(said(&events), "one");
        let resumable = events.iter().find_map(|event| match event {
            Event::SessionResumable { reference } => Some(reference.clone()),
            _ => None,
        });
        // Killed in the middle of the second turn.
        talk.prompt("go").await;
        talk.until("text_delta").await;
        talk.process().stop(StopSteps::NOW);
        stopped(talk).await;
        let settings = Settings {
            resume: resumable,
            ..settings(wire, script, home.path())
        };
        let mut talk = start(wire, settings, home.path()).await;
        let events = talk.until("ready").await;
        assert!(!has(&events, "text_delta"), "the past is not said again");
        talk.prompt("go on").await;
        let Event::TextDelta { text, .. } = talk.last("text_delta").await else {
            panic!("no text");
        };
        assert_eq!(text, "two", "{wire:?}");
        close(talk).await;
    }
}

#[tokio::test]
async fn a_session_that_is_gone_is_said_to_be() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let settings = Settings {
            resume: Some("gone".to_owned()),
            ..settings(wire, "text one", home.path())
        };
        let mut talk = start(wire, settings, home.path()).await;
        talk.until("session_gone").await;
        talk.prompt("go").await;
        talk.until("input_returned").await;
        let (events, _) = close(talk).await;
        let last = events.last();
        assert!(
            matches!(
                last,
                Some(Event::SessionExited {
                    recoverable: false,
                    ..
                })
            ),
            "{wire:?}: {last:?}"
        );
    }
}

#[tokio::test]
async fn a_second_end_of_a_turn_is_none_of_the_next() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let mut talk = ready(
            wire,
            "text a; twice | text b; tool sleep 0.1; text c",
            &home,
        )
        .await;
        turn(&mut talk).await;
        let events = turn(&mut talk).await;
        ends(&events, TurnStatus::Completed, None);
        assert_eq!(said(&events), "bc", "{wire:?}");
        close(talk).await;
    }
}

#[tokio::test]
async fn a_last_line_needs_no_newline() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let mut talk = ready(wire, "text a; cut", &home).await;
        let events = turn(&mut talk).await;
        // What may have gone on did not: the process has ended.
        let expected = match wire {
            Wire::Pi => (TurnStatus::Interrupted, Some(FailureCode::AgentEnded)),
            Wire::Codex | Wire::Claude | Wire::Acp => (TurnStatus::Completed, None),
        };
        ends(&events, expected.0, expected.1);
        close(talk).await;
    }
}

#[tokio::test]
async fn an_exit_is_no_success_whatever_it_says() {
    for wire in WIRES {
        for code in [0, 3] {
            let home = tempfile::tempdir().unwrap();
            let mut talk = ready(wire, &format!("text a; die {code}"), &home).await;
            let events = turn(&mut talk).await;
            let ended = Some(FailureCode::AgentEnded);
            ends(&events, TurnStatus::Interrupted, ended);
            close(talk).await;
        }
    }
}

#[tokio::test]
async fn an_end_with_an_error_is_a_failure() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let mut talk = ready(wire, "text a; fail no such model", &home).await;
        let events = turn(&mut talk).await;
        ends(&events, TurnStatus::Failed, Some(FailureCode::AgentFailed));
        let Some(Event::TurnEnded { failure, .. }) = events.last() else {
            panic!("{events:?}");
        };
        assert_eq!(failure.as_ref().unwrap().message, "no such model");
        close(talk).await;
    }
}

#[tokio::test]
async fn what_is_said_again_is_forgotten_first() {
    for wire in [Wire::Pi, Wire::Codex, Wire::Claude] {
        let home = tempfile::tempdir().unwrap();
        let mut talk = ready(wire, "retry the line broke; text whole", &home).await;
        let events = turn(&mut talk).await;
        ends(&events, TurnStatus::Completed, None);
        let kinds: Vec<_> = events.iter().map(name).collect();
        let at = |kind: &str| kinds.iter().position(|known| known == kind);
        assert!(at("message_discarded") < at("retry"), "{wire:?}: {kinds:?}");
        assert!(at("retry") < at("message_completed"), "{wire:?}: {kinds:?}");
        close(talk).await;
    }
}

#[tokio::test]
async fn what_is_no_frame_is_a_notice() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let mut talk = ready(wire, "noise; noise; text a", &home).await;
        let events = turn(&mut talk).await;
        ends(&events, TurnStatus::Completed, None);
        let notices = events.iter().filter_map(|event| match event {
            Event::Notice { level, code, .. } => Some((*level, *code)),
            _ => None,
        });
        let noise = (Level::Warning, "not_a_frame");
        let unknown = (Level::Info, "unknown_frame");
        // An unknown kind is named once.
        let expected = [noise, unknown, noise];
        assert_eq!(notices.collect::<Vec<_>>(), expected, "{wire:?}");
        close(talk).await;
    }
}

#[tokio::test]
async fn an_end_that_was_never_said_is_found_by_asking() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let mut talk = ready(wire, "text a; mute", &home).await;
        talk.prompt("go").await;
        talk.until("text_delta").await;
        if wire == Wire::Pi {
            // What this version says of itself: it streams until it says the end.
            close(talk).await;
            continue;
        }
        talk.tell(Command::Ask).await;
        match (talk.codec().capabilities().ask, wire) {
            (Can::Yes, Wire::Codex) => {
                let events = talk.until("turn_ended").await;
                ends(&events, TurnStatus::Failed, Some(FailureCode::EndMissed));
            }
            (Can::Yes, _) => {
                talk.until("alive").await;
            }
            (Can::No, _) => {}
        }
        close(talk).await;
    }
}

#[tokio::test]
async fn a_handshake_that_hangs_is_given_up() {
    for wire in WIRES {
        let home = tempfile::tempdir().unwrap();
        let settings = settings(wire, "silent", home.path());
        let mut talk = start(wire, settings, home.path()).await;
        let Event::SetupFailed { failure } = talk.last("setup_failed").await else {
            panic!("no failure");
        };
        assert_eq!(failure.code, FailureCode::SetupFailed);
        talk.process().stop(StopSteps::NOW);
        stopped(talk).await;
    }
}

#[tokio::test]
async fn an_agent_that_repeats_the_whole_message_says_only_what_is_new() {
    let home = tempfile::tempdir().unwrap();
    let mut talk = ready(Wire::Pi, "whole; tokens 1000", &home).await;
    let events = turn(&mut talk).await;
    ends(&events, TurnStatus::Completed, None);
    let said = said(&events);
    assert_eq!(said, "token ".repeat(1000));
    let sent: usize = talk.transcript.iter().map(Vec::len).sum();
    assert!(sent > 900 * said.len(), "{sent}");
    close(talk).await;
}
