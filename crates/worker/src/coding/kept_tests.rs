use agent::codec::{self, ToolKind};
use run::By;

use super::*;

fn asks(command: &str, n: u32) -> Heard {
    Heard::ApprovalRequested {
        request: n.to_string(),
        kind: ToolKind::Command,
        title: "Run".to_owned(),
        detail: json!({ "command": command, "itemId": n }),
        options: vec![codec::Decision::Allow, codec::Decision::Deny],
        call: None,
    }
}

fn wonders(text: &str) -> Heard {
    let question = codec::Question {
        id: "q".to_owned(),
        text: text.to_owned(),
        options: vec!["A".to_owned()],
        multiple: false,
    };
    Heard::QuestionAsked {
        request: "9".to_owned(),
        questions: vec![question],
        call: None,
    }
}

fn decided(decision: Decision) -> Resolution {
    Resolution::Decided {
        decision,
        note: None,
        by: By("ada".to_owned()),
    }
}

fn noted(event: Event) -> Notice {
    match event {
        Event::Notice(notice) => notice,
        other => panic!("no notice: {other:?}"),
    }
}

/// Requests q1, q2, … of which those in `missed` were open when a process was ended in turn u1.
fn kept(requests: &[(Heard, Resolution)], missed: &[u32], used: &[u32]) -> Kept {
    let mut snapshot = Snapshot::default();
    let turn = TurnId::nth(1);
    let missed: Vec<RequestId> = missed.iter().copied().map(RequestId::nth).collect();
    snapshot.notices = vec![noted(parked(Some(&turn), &missed))];
    let used = used.iter().copied().map(RequestId::nth);
    snapshot
        .notices
        .extend(used.map(|request| noted(given(&request))));
    for (n, (heard, resolution)) in (1..).zip(requests) {
        snapshot.requests.push(Request {
            request: RequestId::nth(n),
            asks: asked_of(heard).unwrap(),
            call: None,
            expires_at: None,
            resolution: Some(resolution.clone()),
            first_seq: run::Seq(u64::from(n)),
        });
    }
    let other = Kept::of(Wire::Codex, &snapshot, Some(&TurnId::nth(2)));
    assert!(other.answers.is_empty(), "another turn has its answers");
    Kept::of(Wire::Codex, &snapshot, Some(&turn))
}

/// What the requests are given that are asked in this order; `-` asks a person.
#[track_caller]
fn check(mut kept: Kept, asked: &[Heard], expected: &[&str]) {
    let given = asked.iter().map(|heard| {
        let taken = kept.take(heard);
        taken.map_or("-".to_owned(), |(request, _)| request.to_string())
    });
    assert_eq!(given.collect::<Vec<_>>(), expected);
}

#[test]
fn an_answer_is_given_once_to_the_same_asked_again() {
    let allowed = || decided(Decision::Allow);
    let requests = [
        (asks("ls", 1), allowed()),
        (asks("rm", 2), decided(Decision::Deny)),
        (asks("ls", 3), allowed()),
    ];
    let again = [
        asks("mv", 4),
        asks("ls", 5),
        asks("rm", 6),
        asks("ls", 7),
        asks("ls", 8),
    ];
    check(
        kept(&requests, &[1, 2, 3], &[]),
        &again,
        &["-", "q1", "q2", "q3", "-"],
    );
    check(
        kept(&requests, &[1, 2, 3], &[1]),
        &again,
        &["-", "q3", "q2", "-", "-"],
    );
    // The first one was heard by the process that asked it.
    check(
        kept(&requests, &[2], &[]),
        &again,
        &["-", "-", "q2", "-", "-"],
    );
}

#[test]
fn what_nobody_answered_or_what_is_not_offered_is_asked_again() {
    let expired = Resolution::Expired { why: "x".into() };
    let requests = [
        (asks("ls", 1), expired),
        (asks("rm", 2), decided(Decision::AllowForThread)),
        (
            wonders("Which?"),
            Resolution::Answered {
                value: json!({"q": ["A", "B"]}),
                by: By("ada".to_owned()),
            },
        ),
    ];
    let kept = kept(&requests, &[1, 2, 3], &[]);
    let words = "- Run: allowed, and its like\n- Which?: A, B";
    assert_eq!(kept.words().as_deref(), Some(words));
    let again = [
        asks("ls", 4),
        asks("rm", 5),
        wonders("What?"),
        wonders("Which?"),
    ];
    check(kept, &again, &["-", "-", "-", "q3"]);
}
