//! Waits for the client end a segment; the next one goes on behind it.

use serde_json::json;

use super::*;

/// A run that asks for an approval, then for a tool of the client, then says something.
fn asking() -> Vec<u8> {
    log(&[
        created(),
        ("step.started", json!({"step": "s1", "model": "v/m"})),
        (
            "message.started",
            json!({"message": "m1", "role": "assistant"}),
        ),
        (
            "text.delta",
            json!({"message": "m1", "part": 0, "text": "May I?"}),
        ),
        (
            "tool.started",
            json!({"call": "c1", "name": "pay", "kind": "other", "message": "m1"}),
        ),
        (
            "message.completed",
            json!({"message": "m1", "parts": [{"type": "text", "text": "May I?"}]}),
        ),
        ("tool.called", json!({"call": "c1", "args": {"n": 5}})),
        (
            "step.finished",
            json!({"step": "s1", "usage": {"input_tokens": 5, "output_tokens": 2}}),
        ),
        ("state.snapshot", json!({"state": {"paid": 0}})),
        (
            "approval.requested",
            json!({
                "request": "q1", "kind": "tool", "title": "pay 5", "detail": {"tool": "pay"}, "options": ["allow", "deny"],
                "call": "c1", "expires_at": "2026-11-20T11:00:00.000Z",
            }),
        ),
        ("run.waiting", json!({"requests": ["q1"], "mode": "parked"})),
        ("attempt.ended", json!({"end": "parked", "why": "waits"})),
        // 13
        (
            "approval.resolved",
            json!({"request": "q1", "decision": "allow", "by": "x"}),
        ),
        (
            "attempt.started",
            json!({"driver": "loop", "resumes": true}),
        ),
        ("tool.running", json!({"call": "c1", "try": 1})),
        (
            "tool.completed",
            json!({"call": "c1", "status": "ok", "result": "paid"}),
        ),
        (
            "tool.started",
            json!({"call": "c2", "name": "pick", "kind": "other"}),
        ),
        ("tool.called", json!({"call": "c2", "args": {}})),
        ("client_tool.called", json!({"request": "q2", "call": "c2"})),
        ("run.waiting", json!({"requests": ["q2"], "mode": "parked"})),
        ("attempt.ended", json!({"end": "parked", "why": "waits"})),
        // 22
        (
            "client_tool.answered",
            json!({"request": "q2", "result": "red", "by": "x"}),
        ),
        (
            "tool.completed",
            json!({"call": "c2", "status": "ok", "result": "red"}),
        ),
        (
            "message.started",
            json!({"message": "m2", "role": "assistant"}),
        ),
        (
            "text.delta",
            json!({"message": "m2", "part": 0, "text": "Done"}),
        ),
        (
            "message.completed",
            json!({"message": "m2", "parts": [{"type": "text", "text": "Done"}]}),
        ),
        finished(),
    ])
}

#[test]
fn an_approval_is_an_interrupt_and_the_next_segment_goes_on() {
    let mut client = read(&replayed(&asking(), view(1)));
    let end = client.end.take().unwrap();
    assert_eq!(
        end["outcome"],
        json!({"type": "interrupt", "interrupts": [{
            "id": format!("{RUN}:q1"),
            "reason": "tool_call",
            "message": "pay 5",
            "toolCallId": format!("{RUN}:c1"),
            "responseSchema": {
                "type": "object",
                "properties": {
                    "approved": {"type": "boolean"},
                    "decision": {"type": "string", "enum": ["allow", "deny"]},
                    "reason": {"type": "string"},
                },
                "required": ["approved"],
            },
            "expiresAt": "2026-11-20T11:00:00.000Z",
            "metadata": {"outlive": {
                "kind": "approval", "of": "tool", "detail": {"tool": "pay"}, "options": ["allow", "deny"],
            }},
        }]})
    );
    assert_eq!(end["usage"][0]["inputTokens"], 5);
    assert_eq!(
        (&end["usage"][0]["provider"], &end["usage"][0]["model"]),
        (&json!("v"), &json!("m"))
    );

    let mut client = client.reconnects();
    client.state = json!({"paid": "?"});
    client.read(&replayed(&asking(), view(13)), usize::MAX);
    assert_eq!(client.state, json!({"paid": 0}));
    assert_eq!(
        client.seen(),
        [
            "assistant: May I? pay({\"n\":5})",
            "tool: paid",
            "assistant:  pick({})"
        ]
    );
    let end = client.end.take().unwrap();
    assert_eq!(
        end["outcome"],
        json!({"type": "success", "pendingToolCallIds": [format!("{RUN}:c2")]})
    );
    // What an earlier segment consumed is not counted again.
    assert_eq!(end["usage"], Value::Null);

    let mut client = client.reconnects();
    client.messages.push(
        json!({"id": "x", "role": "tool", "toolCallId": format!("{RUN}:c2"), "content": "red"}),
    );
    let mut last = view(22);
    last.answered = BTreeSet::from([format!("{RUN}:c2")]);
    client.read(&replayed(&asking(), last), usize::MAX);
    assert_eq!(
        client.seen()[2..],
        ["assistant:  pick({})", "tool: red", "assistant: Done"]
    );
}

#[test]
fn a_clients_tool_is_an_interrupt_where_that_is_asked_for() {
    let mut view = view(13);
    view.client_tools = ClientTools::Interrupt;
    let end = read(&replayed(&asking(), view)).end.unwrap();
    let interrupt = &end["outcome"]["interrupts"][0];
    assert_eq!(interrupt["reason"], "client_tool");
    assert_eq!(interrupt["toolCallId"], format!("{RUN}:c2"));
}

#[test]
fn a_question_asks_for_its_answers_by_their_ids() {
    let log = log(&[
        created(),
        (
            "question.asked",
            json!({"request": "q1", "questions": [
                {"id": "size", "text": "Which size?", "options": ["S", "L"]},
                {"id": "tags", "text": "Tags?", "multiple": true},
            ]}),
        ),
        ("client_tool.called", json!({"request": "q2", "call": "c1"})),
        (
            "run.waiting",
            json!({"requests": ["q1", "q2"], "mode": "held"}),
        ),
    ]);
    let end = read(&replayed(&log, view(1))).end.unwrap();
    let interrupts = end["outcome"]["interrupts"].as_array().unwrap();
    assert_eq!(interrupts.len(), 2);
    assert_eq!(interrupts[0]["message"], "Which size?\nTags?");
    assert_eq!(
        interrupts[0]["responseSchema"],
        json!({
            "type": "object",
            "properties": {
                "size": {"type": "string", "enum": ["S", "L"], "title": "Which size?"},
                "tags": {"type": "array", "items": {"type": "string"}, "title": "Tags?"},
            },
            "required": ["size", "tags"],
        })
    );
}

#[test]
fn a_wait_for_a_time_or_a_child_is_no_end() {
    let log = log(&[
        created(),
        ("run.waiting", json!({"calls": ["c1"], "mode": "parked"})),
        (
            "run.waiting",
            json!({"mode": "parked", "due_at": "2026-11-20T11:00:00.000Z"}),
        ),
        finished(),
    ]);
    let client = read(&replayed(&log, view(1)));
    assert_eq!(client.end.unwrap()["outcome"]["type"], "success");
}

#[test]
fn a_run_whose_attempt_broke_off_behind_its_question_waits_all_the_same() {
    let log = log(&[
        created(),
        (
            "question.asked",
            json!({"request": "q1", "questions": [{"id": "a", "text": "?"}]}),
        ),
        (
            "attempt.ended",
            json!({"end": "lost", "why": "the server died"}),
        ),
        // 4
        ("attempt.ended", json!({"end": "lost", "why": "again"})),
        (
            "question.answered",
            json!({"request": "q1", "answers": {"a": "!"}, "by": "x"}),
        ),
        finished(),
    ]);
    let end = read(&replayed(&log, view(1))).end.unwrap();
    assert_eq!(end["outcome"]["type"], "interrupt");
    let end = read(&replayed(&log, view(4))).end.unwrap();
    assert_eq!(end["outcome"]["type"], "success");
}

#[test]
fn what_is_open_when_a_held_run_waits_is_ended_and_goes_on_as_something_new() {
    let log = log(&[
        created(),
        ("step.started", json!({"step": "s1"})),
        (
            "message.started",
            json!({"message": "m1", "role": "assistant"}),
        ),
        (
            "text.delta",
            json!({"message": "m1", "part": 0, "text": "Be"}),
        ),
        (
            "tool.started",
            json!({"call": "c1", "name": "look", "kind": "other", "message": "m1"}),
        ),
        ("tool.args.delta", json!({"call": "c1", "text": "{\"a\""})),
        (
            "question.asked",
            json!({"request": "q1", "questions": [{"id": "a", "text": "?"}]}),
        ),
        ("run.waiting", json!({"requests": ["q1"], "mode": "held"})),
        // 9
        (
            "question.answered",
            json!({"request": "q1", "answers": {"a": "!"}, "by": "x"}),
        ),
        ("tool.args.delta", json!({"call": "c1", "text": ":1}"})),
        ("tool.called", json!({"call": "c1", "args": {"a": 1}})),
        (
            "text.delta",
            json!({"message": "m1", "part": 0, "text": "hind"}),
        ),
        (
            "tool.completed",
            json!({"call": "c1", "status": "failed", "result": "no"}),
        ),
        (
            "message.completed",
            json!({"message": "m1", "parts": [{"type": "text", "text": "Behind"}]}),
        ),
        ("step.finished", json!({"step": "s1", "usage": {}})),
        finished(),
    ]);
    let first = read(&replayed(&log, view(1)));
    let mut client = first.reconnects();
    let second = replayed(&log, view(9));
    client.read(&second, usize::MAX);
    assert_eq!(
        client.seen(),
        [
            "assistant: Be look({\"a\")",
            "assistant:  look({\"a\":1})",
            "assistant: hind",
            "tool: no"
        ]
    );
    // Whoever reads the second segment again, having the first, gets the same.
    let mut again = view(9);
    again.messages = client.sends();
    let mut client = client.reconnects();
    client.read(&replayed(&log, again), usize::MAX);
    assert_eq!(client.seen().len(), 4);
    assert_eq!(client.seen()[0], "assistant: Be look({\"a\")");
}

#[test]
fn a_run_of_another_face_is_told_whole() {
    let log = asking();
    let told = |open: &[u32], as_of: u64| {
        let mut view = view(1);
        view.extent = Extent::Run {
            open: open.iter().map(|n| run::RequestId::nth(*n)).collect(),
            as_of: Seq(as_of),
        };
        read(&replayed(&log, view))
    };
    // It waits for the second request.
    let client = told(&[2], 21);
    assert_eq!(client.end.unwrap()["outcome"]["type"], "success");
    assert_eq!(client.messages.len(), 3);
    // It has ended.
    let client = told(&[], 27);
    assert_eq!(client.seen().last().unwrap(), "assistant: Done");
    // It was looked at before it waited.
    let client = told(&[], 9);
    assert_eq!(client.end.unwrap()["outcome"]["type"], "interrupt");
}
