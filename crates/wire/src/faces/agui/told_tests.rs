use serde_json::json;

use super::*;

const RUN: &str = "01960000-0000-7000-8000-000000000001";

fn user(id: &str, text: &str) -> Value {
    json!({ "id": id, "role": "user", "content": text })
}

fn ours(id: &str, text: &str) -> Value {
    json!({ "id": format!("{RUN}:{id}"), "role": "assistant", "content": text })
}

/// A thread on which `u1` and then `u2` were asked.
fn past() -> Vec<PastRun> {
    let message = |id: &str, text: &str| PastMessage {
        id: id.to_owned(),
        text: text.to_owned(),
    };
    vec![
        PastRun {
            asked: vec![message("u1", "Hi")],
            said: vec![message(&format!("{RUN}:m1"), "Hello")],
        },
        PastRun {
            asked: vec![message("u2", "And?")],
            said: vec![message(&format!("{RUN}:m2"), "So")],
        },
    ]
}

/// What is told, as `new: text` or as the lines of a conversation.
#[track_caller]
fn check(messages: &[Value], past: &[PastRun], expected: &[&str]) {
    let said = read_messages(messages).unwrap();
    let told = match tell(&said, past) {
        Told::New { parts, message_ids } => {
            vec![format!(
                "new {}: {}",
                message_ids.join(","),
                text_of(&parts)
            )]
        }
        Told::Conversation(messages) => messages
            .iter()
            .map(|message| format!("{:?}: {}", message.role, text_of(&message.parts)))
            .collect(),
    };
    assert_eq!(told, expected);
}

#[test]
fn the_first_message_of_a_thread_is_new() {
    check(&[user("u1", "Hi")], &[], &["new u1: Hi"]);
    check(&[], &[], &["new : "]);
    check(
        &[
            json!({"id": "s", "role": "system", "content": "Be brief"}),
            user("u1", "Hi"),
        ],
        &[],
        &["System: Be brief", "User: Hi"],
    );
}

#[test]
fn what_a_client_adds_to_the_threads_conversation_is_new() {
    let told = [
        user("u1", "Hi"),
        ours("m1", "Hello"),
        user("u2", "And?"),
        json!({"id": format!("{RUN}:m2:r0"), "role": "reasoning", "content": "hm"}),
        json!({"id": format!("{RUN}:c1"), "role": "assistant", "toolCalls": [
            {"id": format!("{RUN}:c1"), "type": "function", "function": {"name": "look", "arguments": "{}"}},
        ]}),
        json!({"id": "x", "role": "tool", "toolCallId": format!("{RUN}:c1"), "content": "1"}),
        ours("m2", "So"),
        json!({"id": "a", "role": "activity", "activityType": "plan", "content": {}}),
        user("u3", "More"),
    ];
    check(&told, &past(), &["new u3: More"]);
    // The middle is missing, and nothing is different.
    check(
        &[ours("m2", "So"), user("u3", "More")],
        &past(),
        &["new u3: More"],
    );
    check(&[user("u3", "More")], &past(), &["new u3: More"]);
}

#[test]
fn a_conversation_that_is_another_one_takes_the_threads_place() {
    // The last answer is to be given again.
    check(
        &[user("u1", "Hi"), ours("m1", "Hello"), user("u2", "And?")],
        &past(),
        &["User: Hi", "Assistant: Hello", "User: And?"],
    );
    // The first message is asked again.
    check(&[user("u1", "Hi")], &past(), &["User: Hi"]);
    // A message was edited.
    check(
        &[
            user("u1", "Hey"),
            ours("m1", "Hello"),
            user("u2", "And?"),
            ours("m2", "So"),
            user("u3", "x"),
        ],
        &past(),
        &[
            "User: Hey",
            "Assistant: Hello",
            "User: And?",
            "Assistant: So",
            "User: x",
        ],
    );
    // It goes on behind an earlier answer.
    check(
        &[user("u1", "Hi"), ours("m1", "Hello"), user("u9", "Else")],
        &past(),
        &["User: Hi", "Assistant: Hello", "User: Else"],
    );
    // It was begun elsewhere.
    check(
        &[
            user("a", "Weather?"),
            json!({"id": "b", "role": "assistant", "content": "Let me see.", "toolCalls": [
                {"id": "t1", "type": "function", "function": {"name": "sky", "arguments": "{\"at\":1}"}},
                {"id": "t2", "type": "function", "function": {"name": "sea", "arguments": "{}"}},
            ]}),
            json!({"id": "c", "role": "tool", "toolCallId": "t1", "content": "blue"}),
            user("d", "And?"),
        ],
        &[],
        &[
            "User: Weather?",
            "Assistant: Let me see.[called the tool sky with {\"at\":1}; it gave: blue][called the tool sea with {}]",
            "User: And?",
        ],
    );
}

#[test]
fn a_past_run_is_known_by_what_it_was_asked_and_what_it_said() {
    let created = |value: Value| serde_json::from_value::<RunCreated>(value).unwrap();
    let run = RunId::parse(RUN).unwrap();
    let mut snapshot = Snapshot::default();
    for (seq, kind, data) in [
        (
            2,
            "input.received",
            json!({"input": "i1", "mode": "steer", "parts": [{"type": "text", "text": "shorter"}], "by": "x"}),
        ),
        (
            3,
            "message.started",
            json!({"message": "m1", "role": "assistant"}),
        ),
        (
            4,
            "message.discarded",
            json!({"message": "m1", "why": "cut"}),
        ),
        (
            5,
            "message.started",
            json!({"message": "m2", "role": "assistant"}),
        ),
        (
            6,
            "message.completed",
            json!({"message": "m2", "parts": [{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "Hello"}]}),
        ),
    ] {
        let envelope = json!({"seq": seq, "at": "2026-11-20T10:00:00.000Z", "attempt": 1, "type": kind, "data": data});
        snapshot.apply(&serde_json::from_value(envelope).unwrap());
    }
    let message = |id: &str, text: &str| PastMessage {
        id: id.to_owned(),
        text: text.to_owned(),
    };
    let asked = created(json!({
        "agent": "a", "driver": "model", "thread": "t", "trigger": "api", "input": "Hi",
        "client": {"agui": "r1", "agui_messages": ["u1"]},
    }));
    assert_eq!(
        PastRun::of(run, &asked, &snapshot),
        PastRun {
            asked: vec![
                message("u1", "Hi"),
                message(&format!("{RUN}:i1"), "shorter")
            ],
            said: vec![message(&format!("{RUN}:m2"), "Hello")],
        }
    );
    let brought = created(json!({
        "agent": "a", "driver": "model", "thread": "t", "trigger": "api",
        "input": {"messages": [{"id": "u1", "role": "user", "parts": "Hi"}, {"id": "b", "role": "assistant", "parts": [
            {"type": "text", "text": "x"}, {"type": "text", "text": "[called …]"},
        ]}]},
    }));
    assert_eq!(
        PastRun::of(run, &brought, &Snapshot::default()).asked,
        [message("u1", "Hi"), message("b", "x")]
    );
}

#[track_caller]
fn check_part(part: &Value, expected: Result<(&str, &str), &str>) {
    let message = json!({ "id": "u", "role": "user", "content": [part] });
    let read = read_messages(&[message]);
    let found = read.as_ref().map(|said| match &said[0].parts[..] {
        [
            Part::File {
                media_type, url, ..
            },
        ] => (&**media_type, &**url),
        other => panic!("{other:?}"),
    });
    match (found, expected) {
        (Err((path, text)), Err(expected)) => {
            assert_eq!(path, "messages[0].content");
            assert!(text.contains(expected), "{text}");
        }
        (found, expected) => assert_eq!(found.ok(), expected.ok()),
    }
}

#[test]
fn files_come_by_address_or_with_their_bytes() {
    check_part(
        &json!({"type": "image", "source": {"type": "url", "value": "https://x/a.png", "mimeType": "image/png"}}),
        Ok(("image/png", "https://x/a.png")),
    );
    check_part(
        &json!({"type": "document", "source": {"type": "data", "value": "AAAA", "mimeType": "application/pdf"}}),
        Ok(("application/pdf", "data:application/pdf;base64,AAAA")),
    );
    check_part(
        &json!({"type": "binary", "mimeType": "image/png", "data": "AAAA"}),
        Ok(("image/png", "data:image/png;base64,AAAA")),
    );
    check_part(
        &json!({"type": "image", "source": {"type": "file", "value": "file-1"}}),
        Err("a vendor keeps"),
    );
    check_part(&json!({"type": "hologram"}), Err("hologram"));
    check_part(&json!({"type": "image"}), Err("needs a source"));
}

#[test]
fn a_message_without_role_or_id_says_where() {
    for (message, at) in [
        (json!({"id": "u", "content": "x"}), "messages[0].role"),
        (json!({"role": "user", "content": "x"}), "messages[0].id"),
        (
            json!({"id": "u", "role": "user", "content": 1}),
            "messages[0].content",
        ),
    ] {
        assert_eq!(read_messages(&[message]).unwrap_err().0, at);
    }
}
