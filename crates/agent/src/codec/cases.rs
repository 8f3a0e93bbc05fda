//! What was not recorded: shapes of the protocols that are rare, and frames that nobody should send.

use proptest::prelude::*;
use serde_json::Value;

use super::played::check;
use crate::Exit;
use crate::codec::{Approval, Command, Event, Raw, Said, Settings, Waiting, Wire};
use crate::limits::RAW_BYTES;

/// A conversation up to a turn under way.
fn begun(wire: Wire) -> &'static str {
    match wire {
        Wire::Pi => {
            r#"> "start"
< {"id":"1","type":"response","command":"get_state","success":true,"data":{"sessionId":"s","sessionFile":"/f"}}
> {"prompt":{"input":1,"text":"go"}}
< {"id":"2","type":"response","command":"prompt","success":true}
< {"type":"agent_start"}
"#
        }
        Wire::Codex => {
            r#"> "start"
< {"id":1,"result":{}}
< {"id":2,"result":{"thread":{"id":"T"}}}
> {"prompt":{"input":1,"text":"go"}}
< {"id":3,"result":{"turn":{"id":"t1"}}}
"#
        }
        Wire::Claude => {
            r#"> "start"
< {"type":"control_response","response":{"subtype":"success","request_id":"outlive-1"}}
> {"prompt":{"input":1,"text":"go"}}
< {"type":"system","subtype":"init","session_id":"s"}
"#
        }
        Wire::Acp => {
            r#"> "start"
< {"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}
< {"jsonrpc":"2.0","id":2,"result":{"sessionId":"S"}}
> {"prompt":{"input":1,"text":"go"}}
"#
        }
    }
}

fn settings(approval: Approval) -> Settings {
    Settings {
        approval,
        nonce: 1,
        ..Settings::new("/srv/game")
    }
}

/// What comes of the rest of a conversation, without the end that the test makes of it.
fn rest(wire: Wire, approval: Approval, body: &str) -> Vec<Value> {
    let begun = begun(wire);
    let settings = settings(approval);
    let n = check(wire, &settings, &format!("{begun}= {{\"code\":0}}"));
    let whole = check(wire, &settings, &format!("{begun}{body}\n= {{\"code\":0}}"));
    // What was said until then, without the three or so lines of a cut turn.
    let same = n.lines().zip(whole.lines()).take_while(|(a, b)| a == b);
    whole
        .lines()
        .skip(same.count())
        .map(|line| match line.strip_prefix("> ") {
            Some(frame) => serde_json::from_str(frame).unwrap(),
            None => serde_json::from_str(line).unwrap(),
        })
        .collect()
}

/// The first thing said with this field.
#[track_caller]
fn first<'a>(lines: &'a [Value], field: &str, value: &str) -> &'a Value {
    let found = lines.iter().find(|line| line[field] == value);
    found.unwrap_or_else(|| panic!("no {field} {value}: {lines:#?}"))
}

#[test]
fn a_change_of_files_is_shown_whole_to_be_approved() {
    let diff = "+line\\n".repeat(20_000);
    let body = format!(
        r#"< {{"method":"item/started","params":{{"threadId":"T","turnId":"t1","item":{{"type":"fileChange","id":"f","changes":[{{"path":"a.txt","kind":{{"type":"add"}},"diff":"{diff}"}}],"status":"inProgress"}}}}}}
< {{"method":"item/fileChange/requestApproval","id":"r","params":{{"threadId":"T","turnId":"t1","itemId":"f","reason":null}}}}
> {{"approve":{{"request":"\"r\"","decision":"allow_for_thread"}}}}"#
    );
    let lines = rest(Wire::Codex, Approval::Ask, &body);
    let asked = first(&lines, "event", "approval_requested");
    assert_eq!(asked["kind"], "file_change");
    assert_eq!(asked["title"], "a.txt");
    let shown = asked["detail"]["changes"][0]["diff"].as_str().unwrap();
    assert_eq!(shown.len(), 6 * 20_000);
    let answer = first(&lines, "id", "r");
    assert_eq!(answer["result"]["decision"], "acceptForSession");

    let body = r#"< {"method":"session/update","params":{"sessionId":"S","update":{"sessionUpdate":"tool_call","toolCallId":"c","title":"Write","kind":"edit","rawInput":{"path":"a"},"content":[{"type":"diff","path":"a","newText":"new"}]}}}
< {"id":7,"method":"session/request_permission","params":{"sessionId":"S","toolCall":{"toolCallId":"c"},"options":[{"optionId":"a","kind":"allow_always"},{"optionId":"b","kind":"allow_once"}]}}
> {"approve":{"request":"7","decision":"allow"}}"#;
    let lines = rest(Wire::Acp, Approval::Ask, body);
    let asked = first(&lines, "event", "approval_requested");
    assert_eq!(asked["detail"]["toolCall"]["content"][0]["newText"], "new");
    assert_eq!(asked["detail"]["toolCall"]["rawInput"]["path"], "a");
    let options = ["allow", "allow_for_thread", "cancel"];
    assert_eq!(asked["options"], serde_json::json!(options));
    let answer = lines.iter().find(|line| line["id"] == 7).unwrap();
    assert_eq!(answer["result"]["outcome"]["optionId"], "b");
}

#[test]
fn edits_that_need_nobody_are_allowed_and_commands_are_not() {
    for (kind, asks) in [
        ("edit", false),
        ("delete", false),
        ("execute", true),
        ("fetch", true),
    ] {
        let body = format!(
            r#"< {{"id":7,"method":"session/request_permission","params":{{"sessionId":"S","toolCall":{{"toolCallId":"c","title":"x","kind":"{kind}"}},"options":[{{"optionId":"b","kind":"allow_once"}}]}}}}"#
        );
        let lines = rest(Wire::Acp, Approval::AutoEdits, &body);
        let asked = lines
            .iter()
            .any(|line| line["event"] == "approval_requested");
        assert_eq!(asked, asks, "{kind}");
        let answered = lines.iter().any(|line| line["id"] == 7);
        assert_eq!(answered, !asks, "{kind}");
    }
}

#[test]
fn rights_for_the_session_stay_within_it() {
    let body = r#"< {"type":"control_request","request_id":"r","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"ls"},"permission_suggestions":[{"type":"addRules","destination":"localSettings"},{"type":"setMode","mode":"acceptEdits","destination":"session"}]}}
> {"approve":{"request":"r","decision":"allow_for_thread"}}"#;
    let lines = rest(Wire::Claude, Approval::Ask, body);
    let answer = &first(&lines, "type", "control_response")["response"]["response"];
    let rules = serde_json::json!([{"type": "addRules", "destination": "session"}]);
    assert_eq!(answer["updatedPermissions"], rules);
    assert_eq!(answer["updatedInput"]["command"], "ls");

    let body = r#"< {"method":"item/permissions/requestApproval","id":0,"params":{"threadId":"T","turnId":"t1","itemId":"i","cwd":"/","permissions":{"network":{"enabled":true}}}}
> {"approve":{"request":"0","decision":"deny"}}"#;
    let lines = rest(Wire::Codex, Approval::Ask, body);
    let answer = lines.iter().find(|line| line["id"] == 0).unwrap();
    assert_eq!(answer["result"], serde_json::json!({"permissions": {}}));
}

#[test]
fn a_question_is_answered_by_its_id() {
    let body = r#"< {"method":"item/tool/requestUserInput","id":4,"params":{"threadId":"T","turnId":"t1","itemId":"i","questions":[{"id":"q","header":"h","question":"Which?","options":[{"label":"A","description":"a"}]}]}}
> {"answer":{"request":"4","answers":{"q":["A"]}}}"#;
    let lines = rest(Wire::Codex, Approval::Ask, body);
    let question = &first(&lines, "event", "question_asked")["questions"][0];
    assert_eq!(question["text"], "Which?");
    let answer = lines.iter().find(|line| line["id"] == 4).unwrap();
    let expected = serde_json::json!({"answers": {"q": {"answers": ["A"]}}});
    assert_eq!(answer["result"], expected);

    let body = r#"< {"type":"extension_ui_request","id":"d","method":"select","title":"Which?","options":["A","B"]}
> {"answer":{"request":"d","answers":{"value":["B"]}}}"#;
    let lines = rest(Wire::Pi, Approval::Full, body);
    let question = &first(&lines, "event", "question_asked")["questions"][0];
    assert_eq!(question["options"], serde_json::json!(["A", "B"]));
    assert_eq!(first(&lines, "type", "extension_ui_response")["value"], "B");
}

#[test]
fn what_this_client_does_not_do_is_refused() {
    for (wire, frame) in [
        (
            Wire::Acp,
            r#"{"id":9,"method":"fs/read_text_file","params":{}}"#,
        ),
        (
            Wire::Acp,
            r#"{"id":9,"method":"terminal/create","params":{}}"#,
        ),
        (
            Wire::Codex,
            r#"{"id":9,"method":"attestation/generate","params":{}}"#,
        ),
    ] {
        let lines = rest(wire, Approval::Full, &format!("< {frame}"));
        let answer = lines.iter().find(|line| line["id"] == 9).unwrap();
        assert_eq!(answer["error"]["code"], -32601, "{frame}");
    }
    let body =
        r#"< {"type":"control_request","request_id":"h","request":{"subtype":"hook_callback"}}"#;
    let lines = rest(Wire::Claude, Approval::Full, body);
    let answer = &first(&lines, "type", "control_response")["response"];
    assert_eq!(answer["subtype"], "error");
}

#[test]
fn a_shorter_context_is_told() {
    for (wire, frame) in [
        (
            Wire::Pi,
            r#"{"type":"compaction_end","result":{"summary":"so","tokensBefore":9,"estimatedTokensAfter":3}}"#,
        ),
        (
            Wire::Codex,
            r#"{"method":"item/completed","params":{"threadId":"T","item":{"type":"contextCompaction","id":"c"}}}"#,
        ),
        (
            Wire::Claude,
            r#"{"type":"system","subtype":"compact_boundary","compact_metadata":{"pre_tokens":9}}"#,
        ),
        (
            Wire::Acp,
            r#"{"method":"session/update","params":{"sessionId":"S","update":{"sessionUpdate":"compaction_update","status":"completed"}}}"#,
        ),
    ] {
        let lines = rest(wire, Approval::Full, &format!("< {frame}"));
        first(&lines, "event", "compacted");
    }
}

#[test]
fn an_agent_of_the_agent_is_a_task() {
    let body = r#"< {"method":"thread/started","params":{"thread":{"id":"U","parentThreadId":"T","agentNickname":"Bo"}}}
< {"method":"item/agentMessage/delta","params":{"threadId":"U","itemId":"x","delta":"not ours"}}
< {"method":"turn/completed","params":{"threadId":"U","turn":{"id":"u1","status":"completed"}}}"#;
    let lines = rest(Wire::Codex, Approval::Full, body);
    assert_eq!(first(&lines, "event", "task_started")["title"], "Bo");
    assert_eq!(
        first(&lines, "event", "task_completed")["status"],
        "completed"
    );
    assert!(!lines.iter().any(|line| line["event"] == "text_delta"));
}

#[test]
fn a_success_that_carries_an_error_is_a_failure() {
    for (wire, frame) in [
        (
            Wire::Codex,
            r#"{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"t1","status":"completed","error":{"message":"no"}}}}"#,
        ),
        (
            Wire::Claude,
            r#"{"type":"result","subtype":"success","is_error":true,"result":"no"}"#,
        ),
        (Wire::Acp, r#"{"id":3,"error":{"code":1,"message":"no"}}"#),
    ] {
        let lines = rest(wire, Approval::Full, &format!("< {frame}"));
        let end = first(&lines, "event", "turn_ended");
        assert_eq!(end["failure"]["message"], "no", "{frame}");
    }
}

#[test]
fn a_connection_of_pi_that_broke_is_told_in_words_for_people() {
    let error =
        r#"{"role":"assistant","content":[],"stopReason":"error","errorMessage":"terminated"}"#;
    let body = format!(
        r#"< {{"type":"message_start","message":{error}}}
< {{"type":"message_end","message":{error}}}
< {{"type":"agent_end","willRetry":true}}
< {{"type":"auto_retry_start","delayMs":1,"errorMessage":"terminated"}}
< {{"type":"agent_start"}}
< {{"type":"message_end","message":{error}}}
< {{"type":"agent_end","willRetry":false}}
< {{"type":"agent_settled"}}"#
    );
    let lines = rest(Wire::Pi, Approval::Full, &body);
    let broke_off = "the connection to its model broke off";
    assert_eq!(first(&lines, "event", "retry")["why"], broke_off);
    let end = first(&lines, "event", "turn_ended");
    assert_eq!(end["failure"]["message"], broke_off);
}

#[test]
fn arguments_of_a_call_of_pi_that_is_over_are_none() {
    let body = r#"< {"type":"message_start","message":{"role":"assistant","content":[]}}
< {"type":"message_update","assistantMessageEvent":{"type":"toolcall_start","contentIndex":0,"id":"c","toolName":"bash"}}
< {"type":"message_update","assistantMessageEvent":{"type":"toolcall_delta","contentIndex":0,"delta":"{}"}}
< {"type":"tool_execution_start","toolCallId":"c","toolName":"bash","args":{}}
< {"type":"tool_execution_end","toolCallId":"c","toolName":"bash","result":{}}
< {"type":"message_update","assistantMessageEvent":{"type":"toolcall_delta","contentIndex":0,"delta":"late"}}"#;
    let lines = rest(Wire::Pi, Approval::Full, body);
    let deltas = lines
        .iter()
        .filter(|line| line["event"] == "tool_args_delta");
    let texts: Vec<&Value> = deltas.map(|line| &line["text"]).collect();
    assert_eq!(texts, ["{}"]);
}

#[test]
fn a_late_second_end_of_pi_is_none_of_the_next_turn() {
    let body = r#"< {"type":"agent_end","willRetry":false}
< {"type":"agent_settled"}
> {"prompt":{"input":2,"text":"again"}}
< {"type":"agent_end","willRetry":false}
< {"type":"agent_settled"}
< {"id":"3","type":"response","command":"prompt","success":true}
< {"type":"agent_start"}
< {"type":"agent_end","willRetry":false}
< {"type":"agent_settled"}"#;
    let lines = rest(Wire::Pi, Approval::Full, body);
    let kinds = lines.iter().filter_map(|line| line["event"].as_str());
    let expected = [
        "turn_ended",
        "turn_started",
        "input_taken",
        "turn_ended",
        "session_exited",
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}

#[test]
fn an_end_of_another_turn_of_codex_is_no_end() {
    let end = |turn: &str| {
        format!(
            r#"< {{"method":"turn/completed","params":{{"threadId":"T","turn":{{"id":"{turn}","status":"completed"}}}}}}"#
        )
    };
    assert_eq!(
        rest(Wire::Codex, Approval::Full, &end("t0")),
        [] as [Value; 0]
    );
    let own = rest(Wire::Codex, Approval::Full, &end("t1"));
    assert_eq!(first(&own, "event", "turn_ended")["status"], "completed");
}

#[test]
fn a_refusal_is_not_a_failure_of_the_agent() {
    for reason in ["refusal", "max_tokens", "max_turn_requests"] {
        let frame = format!(r#"< {{"id":3,"result":{{"stopReason":"{reason}"}}}}"#);
        let lines = rest(Wire::Acp, Approval::Full, &frame);
        let end = first(&lines, "event", "turn_ended");
        assert_eq!(end["failure"]["code"], "agent_refused", "{reason}");
    }
}

#[test]
fn a_steer_waits_until_its_turn_has_a_name() {
    let mut codec = Wire::Codex.codec(settings(Approval::Full));
    codec.outgoing(Command::Start);
    codec.incoming(br#"{"id":1,"result":{}}"#);
    codec.incoming(br#"{"id":2,"result":{"thread":{"id":"T"}}}"#);
    codec.outgoing(Command::Prompt(Said::text(1, "go")));
    assert_eq!(
        codec
            .outgoing(Command::Steer(Said::text(2, "left")))
            .frames
            .len(),
        0
    );
    assert_eq!(codec.outgoing(Command::Interrupt).frames.len(), 0);
    let moves = codec.incoming(br#"{"id":3,"result":{"turn":{"id":"t1"}}}"#);
    let methods = moves.frames.iter().map(|frame| {
        let frame: Value = serde_json::from_slice(frame).unwrap();
        assert!(frame["params"].to_string().contains("t1"));
        frame["method"].as_str().unwrap().to_owned()
    });
    assert_eq!(
        methods.collect::<Vec<_>>(),
        ["turn/steer", "turn/interrupt"]
    );
}

#[test]
fn nothing_is_said_to_an_agent_that_is_not_ready() {
    for wire in [Wire::Pi, Wire::Codex, Wire::Claude, Wire::Acp] {
        let mut codec = wire.codec(settings(Approval::Full));
        assert_eq!(codec.waiting(), Waiting::Idle);
        for command in [
            Command::Prompt(Said::text(1, "go")),
            Command::Steer(Said::text(2, "left")),
            Command::FollowUp(Said::text(3, "then")),
        ] {
            let moves = codec.outgoing(command);
            assert_eq!(moves.frames, [] as [Vec<u8>; 0]);
            assert!(matches!(moves.events[..], [Event::InputReturned { .. }]));
        }
        codec.outgoing(Command::Start);
        assert_eq!(codec.waiting(), Waiting::Handshake);
        assert!(codec.waiting().bound().is_some());
    }
}

#[test]
fn frames_without_a_place_are_kept_whole_if_asked_for() {
    let frame = r#"{"method":"x/new","params":{"a":1}}"#;
    let huge = format!(
        r#"{{"method":"x/new","params":"{}"}}"#,
        "a".repeat(RAW_BYTES)
    );
    for (raw, frame, expected) in [
        (Raw::Drop, frame, "unknown_frame"),
        (Raw::Keep, frame, frame),
        (Raw::Keep, &huge, "raw_too_long"),
    ] {
        for wire in [Wire::Codex, Wire::Acp] {
            let mut codec = wire.codec(Settings {
                raw,
                ..settings(Approval::Full)
            });
            let events = codec.incoming(frame.as_bytes()).events;
            let found = match &events[..] {
                [Event::Raw { frame }] => frame,
                [Event::Notice { code, .. }] => *code,
                _ => panic!("{events:?}"),
            };
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_a_notice() {
    for wire in [Wire::Pi, Wire::Codex, Wire::Claude, Wire::Acp] {
        let mut codec = wire.codec(settings(Approval::Full));
        let events = codec.too_long(b"{\"type\"").events;
        let [Event::Notice { code, text, .. }] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(*code, "frame_too_long");
        assert!(text.ends_with("{\"type\""));
    }
}

#[test]
fn a_policy_is_on_the_command_line_or_in_the_handshake() {
    let line = |wire: Wire, approval| {
        let settings = Settings {
            model: Some("stub/big".to_owned()),
            resume: Some("ref".to_owned()),
            ..settings(approval)
        };
        let launch = wire.launch(&settings);
        let args = launch.args.iter().map(|arg| arg.to_string_lossy());
        let mut line = vec![launch.program.to_string_lossy().into_owned()];
        line.extend(args.map(std::borrow::Cow::into_owned));
        line.join(" ")
    };
    let pi = "pi --mode rpc --provider stub --model big --session ref";
    assert_eq!(line(Wire::Pi, Approval::Full), pi);
    assert_eq!(line(Wire::Codex, Approval::Ask), "codex app-server");
    for (approval, mode) in [
        (Approval::Ask, "default"),
        (Approval::AutoEdits, "acceptEdits"),
        (Approval::Full, "bypassPermissions"),
    ] {
        let claude = line(Wire::Claude, approval);
        assert!(
            claude.contains(&format!(
                "--permission-mode {mode} --model stub/big --resume ref"
            )),
            "{claude}"
        );
    }
    for (approval, policy, sandbox) in [
        (Approval::Ask, "untrusted", "workspace-write"),
        (Approval::AutoEdits, "on-request", "workspace-write"),
        (Approval::Full, "never", "danger-full-access"),
    ] {
        let mut codec = Wire::Codex.codec(settings(approval));
        codec.outgoing(Command::Start);
        let moves = codec.incoming(br#"{"id":1,"result":{}}"#);
        let start: Value = serde_json::from_slice(&moves.frames[1]).unwrap();
        assert_eq!(start["params"]["approvalPolicy"], policy);
        assert_eq!(start["params"]["sandbox"], sandbox);
    }
    assert!(!Wire::Pi.capabilities().keeps(Approval::Ask));
}

/// Frames of all recordings of a wire.
fn frames(wire: Wire) -> Vec<&'static str> {
    let recordings: &[&str] = match wire {
        Wire::Pi => &[
            include_str!("fixtures/pi_is_steered_and_interrupted.txt"),
            include_str!("fixtures/an_older_pi_fails_and_tries_again.txt"),
        ],
        Wire::Codex => &[
            include_str!("fixtures/codex_asks_and_hears_a_yes_and_a_no.txt"),
            include_str!("fixtures/codex_fails_and_tries_again.txt"),
        ],
        Wire::Claude => &[
            include_str!("fixtures/claude_starts_a_task_and_proposes_a_plan.txt"),
            include_str!("fixtures/claude_fails_and_tries_again.txt"),
        ],
        Wire::Acp => &[include_str!(
            "fixtures/an_acp_agent_is_steered_and_interrupted.txt"
        )],
    };
    let lines = recordings.iter().flat_map(|recording| recording.lines());
    lines.filter_map(|line| line.strip_prefix("< ")).collect()
}

/// Replaces the `n`th value within a value.
fn replace(value: &mut Value, n: &mut usize, with: &Value) {
    if *n == 0 {
        *value = with.clone();
    }
    *n = n.wrapping_sub(1);
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, n, with)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|value| replace(value, n, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Frames in any order, with anything in the place of anything.
    #[test]
    fn no_frame_breaks_a_codec(
        wire in prop::sample::select(vec![Wire::Pi, Wire::Codex, Wire::Claude, Wire::Acp]),
        picks in prop::collection::vec((0usize..10_000, 0usize..60, 0usize..8), 1..60),
    ) {
        let odd = [
            Value::Null,
            Value::Bool(true),
            (-1).into(),
            u64::MAX.into(),
            1.5e300.into(),
            "x".into(),
            Value::Array(vec!["x".into()]),
            serde_json::json!({"x": 1}),
        ];
        let frames = frames(wire);
        let mut body = begun(wire).to_owned();
        for (frame, place, what) in picks {
            let mut frame: Value = serde_json::from_str(frames[frame % frames.len()]).unwrap();
            let mut place = place;
            replace(&mut frame, &mut place, &odd[what]);
            body.extend(["< ", &frame.to_string(), "\n"]);
        }
        body.push_str("= {\"code\":0}");
        check(wire, &settings(Approval::Ask), &body);
    }
}

#[test]
fn an_array_is_no_frame() {
    for wire in [Wire::Pi, Wire::Codex, Wire::Claude, Wire::Acp] {
        for kind in ["control_request", "stream_event", "message_update", "x"] {
            let mut codec = wire.codec(settings(Approval::Full));
            codec.outgoing(Command::Start);
            codec.incoming(format!("[\"{kind}\"]").as_bytes());
            codec.end_of_output(Exit::Code(0));
        }
    }
}
