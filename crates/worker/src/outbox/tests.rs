use proptest::prelude::*;
use run::event::{OutputStream, ReasoningDelta, TextDelta, ToolOutput, TurnStarted};
use run::{AppendNo, CallId, Event, MessageId, TurnId};

use super::Outbox;
use crate::limits::{APPEND_BYTES, DELTA_BYTES, JOINED_BYTES, OUTBOX_EVENTS};

fn text(message: u32, part: u32, text: &str) -> Event {
    TextDelta {
        message: MessageId::nth(message),
        part,
        text: text.to_owned(),
    }
    .into()
}

fn reason(message: u32, text: &str) -> Event {
    ReasoningDelta {
        message: MessageId::nth(message),
        part: 0,
        text: text.to_owned(),
    }
    .into()
}

fn output(call: u32, stream: OutputStream, text: &str) -> Event {
    ToolOutput {
        call: CallId::nth(call),
        stream,
        text: text.to_owned(),
    }
    .into()
}

fn turn(n: u32) -> Event {
    TurnStarted {
        turn: TurnId::nth(n),
        input: None,
        model: None,
    }
    .into()
}

#[track_caller]
fn check(pushed: &[Event], expected: &[Event]) {
    let mut outbox = Outbox::new();
    for event in pushed {
        outbox.push(event.clone());
    }
    let batch = outbox.next_append().unwrap();
    assert_eq!(batch.events, expected);
    assert_eq!(batch.append_no, AppendNo(1));
    assert_eq!(outbox.landed(), pushed.len() as u64);
    assert!(outbox.is_empty());
}

#[test]
fn adjacent_deltas_of_one_text_become_one_event() {
    check(
        &[text(1, 0, "a"), text(1, 0, "b"), text(1, 0, "c")],
        &[text(1, 0, "abc")],
    );
    check(
        &[reason(1, "a"), reason(1, "b"), text(1, 0, "c")],
        &[reason(1, "ab"), text(1, 0, "c")],
    );
}

#[test]
fn other_messages_parts_and_streams_are_other_texts() {
    let apart = [text(1, 0, "a"), text(1, 1, "b"), text(2, 1, "c")];
    check(&apart, &apart);
    let streams = [
        output(1, OutputStream::Stdout, "a"),
        output(1, OutputStream::Stderr, "b"),
        output(2, OutputStream::Stderr, "c"),
    ];
    check(&streams, &streams);
}

#[test]
fn nothing_is_joined_over_another_event() {
    let events = [text(1, 0, "a"), turn(2), text(1, 0, "b")];
    check(&events, &events);
}

#[test]
fn joined_text_is_bounded() {
    let half = "x".repeat(JOINED_BYTES / 2 + 1);
    let events = [text(1, 0, &half), text(1, 0, &half)];
    check(&events, &events);
}

#[test]
fn a_huge_text_is_split_between_characters() {
    let huge = "ä".repeat(DELTA_BYTES);
    let mut outbox = Outbox::new();
    outbox.push(text(1, 0, &huge));
    let mut said = String::new();
    while let Some(batch) = outbox.next_append() {
        for event in &batch.events {
            let Event::TextDelta(delta) = event else {
                panic!("{event:?}")
            };
            assert!(delta.text.len() <= DELTA_BYTES);
            said.push_str(&delta.text);
        }
        outbox.landed();
    }
    assert_eq!(said, huge);
}

#[test]
fn one_append_is_in_flight_at_most() {
    let mut outbox = Outbox::new();
    outbox.push(turn(1));
    assert!(outbox.next_append().is_some());
    outbox.push(turn(2));
    assert_eq!(outbox.next_append(), None);
    assert_eq!(outbox.landed(), 1);
    let second = outbox.next_append().unwrap();
    assert_eq!(
        (second.append_no, second.events),
        (AppendNo(2), vec![turn(2)])
    );
}

#[test]
fn an_uncertain_append_goes_again_as_it_was() {
    let mut outbox = Outbox::new();
    outbox.push(text(1, 0, "a"));
    let first = outbox.next_append().unwrap();
    outbox.push(text(1, 0, "b"));
    outbox.failed_keep();
    assert_eq!(outbox.next_append(), Some(first));
    assert_eq!(outbox.landed(), 1);
    assert_eq!(outbox.next_append().unwrap().events, [text(1, 0, "b")]);
}

#[test]
fn a_full_outbox_says_so_until_room_is_made() {
    let mut outbox = Outbox::new();
    for n in 0..OUTBOX_EVENTS {
        assert!(!outbox.is_full());
        outbox.push(turn(u32::try_from(n).unwrap()));
    }
    assert!(outbox.is_full());
    assert!(outbox.next_append().is_some());
    assert!(!outbox.is_full());
}

/// Texts by what they add to, in order of first mention within a stretch: what joining must not change.
fn joined(events: &[Event]) -> Vec<Event> {
    let mut out: Vec<Event> = Vec::new();
    for event in events {
        if let Some(last) = out.last_mut()
            && super::is_same_text(last, event)
        {
            let more = super::delta_text(&mut event.clone()).unwrap().clone();
            super::delta_text(last).unwrap().push_str(&more);
        } else {
            out.push(event.clone());
        }
    }
    out
}

fn event() -> impl Strategy<Value = Event> {
    let short = "[aäß😀]{0,6}";
    prop_oneof![
        4 => (1u32..3, 0u32..2, short).prop_map(|(m, p, t)| text(m, p, &t)),
        2 => (1u32..3, short).prop_map(|(m, t)| reason(m, &t)),
        2 => (1u32..3, any::<bool>(), short).prop_map(|(c, err, t)| {
            let stream = if err { OutputStream::Stderr } else { OutputStream::Stdout };
            output(c, stream, &t)
        }),
        1 => (1u32..9).prop_map(turn),
        1 => (1u32..3, 1usize..3).prop_map(|(m, n)| text(m, 0, &"ü".repeat(n * JOINED_BYTES))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_lands_is_what_was_pushed_in_its_order(
        steps in proptest::collection::vec((event(), 0u8..6), 0..60),
    ) {
        let mut outbox = Outbox::new();
        let mut pushed = Vec::new();
        let mut landed = Vec::new();
        let mut flying: Option<super::Batch> = None;
        for (event, then) in steps {
            pushed.push(event.clone());
            outbox.push(event);
            match then {
                0 | 1 => {
                    let next = outbox.next_append();
                    prop_assert!(next.is_none() || flying.is_none());
                    flying = next.or(flying);
                }
                2 => {
                    if let Some(batch) = flying.take() {
                        outbox.failed_keep();
                        let again = outbox.next_append();
                        prop_assert_eq!(again.as_ref(), Some(&batch));
                        flying = again;
                    }
                }
                3 => {
                    if let Some(batch) = flying.take() {
                        landed.extend(batch.events);
                        outbox.landed();
                    }
                }
                _ => {}
            }
        }
        if let Some(batch) = flying.take() {
            landed.extend(batch.events);
            outbox.landed();
        }
        let mut n_durable = 0;
        while let Some(batch) = outbox.next_append() {
            let bytes: usize = batch.events.iter().map(|event| super::size(&mut event.clone())).sum();
            prop_assert!(batch.events.len() == 1 || bytes <= APPEND_BYTES);
            landed.extend(batch.events);
            n_durable = outbox.landed();
        }
        prop_assert!(outbox.is_empty());
        prop_assert!(n_durable == 0 || n_durable == pushed.len() as u64);
        prop_assert_eq!(joined(&landed), joined(&pushed));
    }
}
