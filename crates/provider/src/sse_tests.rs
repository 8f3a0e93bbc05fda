use proptest::prelude::*;

use super::*;

type Outcome = (Vec<Frame>, Result<(), Undecodable>, Option<Frame>);

fn decode(pieces: &[&[u8]]) -> Outcome {
    let mut decoder = Decoder::default();
    let mut frames = Vec::new();
    for piece in pieces {
        if let Err(error) = decoder.push(piece, &mut frames) {
            return (frames, Err(error), None);
        }
    }
    let rest = decoder.finish();
    (frames, Ok(()), rest)
}

/// Decodes the bytes whole, cut in two at every place, and byte by byte: always with the same outcome.
#[track_caller]
fn outcome_at_every_cut(bytes: &[u8]) -> Outcome {
    let whole = decode(&[bytes]);
    for cut in 0..=bytes.len() {
        assert_eq!(
            decode(&[&bytes[..cut], &bytes[cut..]]),
            whole,
            "cut at {cut}"
        );
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(decode(&single), whole, "byte by byte");
    whole
}

/// `expected` is events as (type, data), the last one without its blank line if `rest` is there.
#[track_caller]
fn check(bytes: &[u8], expected: &[(&str, &str)], rest: Option<(&str, &str)>) {
    let frame = |(event, data): (&str, &str)| Frame {
        event: event.into(),
        data: data.into(),
    };
    assert_eq!(
        outcome_at_every_cut(bytes),
        (
            expected.iter().copied().map(frame).collect(),
            Ok(()),
            rest.map(frame)
        )
    );
}

#[test]
fn lines_end_with_cr_lf_or_both() {
    check(b"data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")], None);
    check(
        b"data: a\r\n\r\ndata: b\r\n\r\n",
        &[("", "a"), ("", "b")],
        None,
    );
    check(b"data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")], None);
    check(b"event: x\r\ndata: a\r\n\r\n", &[("x", "a")], None);
    check(b"data: a\n\r\ndata: b\r\r\n", &[("", "a"), ("", "b")], None);
}

#[test]
fn comments_ids_and_unknown_fields_are_passed_over() {
    check(
        b": PROCESSING\n\n:\n\nid: 7\nretry: 10\nweird\ndata: a\n: again\n\n: end\n\n",
        &[("", "a")],
        None,
    );
}

#[test]
fn data_lines_join_and_lose_one_space_at_most() {
    check(b"data:a\ndata:  b\ndata\n\n", &[("", "a\n b\n")], None);
    check(b"data:\n\n", &[("", "")], None);
    check(b"event: ping\n\ndata: a\n\n", &[("", "a")], None);
}

#[test]
fn a_byte_order_mark_is_dropped_and_text_is_kept() {
    check("\u{feff}data: a\n\n".as_bytes(), &[("", "a")], None);
    check(
        "data: Grüße 🦀 日本\n\n".as_bytes(),
        &[("", "Grüße 🦀 日本")],
        None,
    );
}

#[test]
fn an_event_without_its_blank_line_is_given_at_the_end() {
    check(
        b"data: a\n\ndata: [DONE]",
        &[("", "a")],
        Some(("", "[DONE]")),
    );
    check(b"event: x\ndata: [DONE]\n", &[], Some(("x", "[DONE]")));
    check(b"event: x\n", &[], None);
}

#[test]
fn bytes_that_are_not_utf8_are_an_error_after_the_events_before_them() {
    let (frames, result, _) = outcome_at_every_cut(b"data: a\n\ndata: \xff\xfe\n\ndata: b\n\n");
    assert_eq!((frames.len(), result), (1, Err(Undecodable::NotUtf8)));
}

#[test]
fn a_line_and_an_event_have_a_bound() {
    let long = vec![b'x'; LINE_BYTES];
    assert_eq!(decode(&[b"data: ", &long]).1, Err(Undecodable::TooLong));
    assert_eq!(
        decode(&[b"data: ", &long, b"\n\n"]).1,
        Err(Undecodable::TooLong)
    );
    let half = vec![b'x'; LINE_BYTES / 2];
    let lines: Vec<&[u8]> = vec![b"data: ", &half, b"\ndata: ", &half, b"\n\n"];
    assert_eq!(decode(&lines).1, Err(Undecodable::TooLong));
}

proptest! {
    #[test]
    fn where_bytes_are_cut_never_matters(
        pieces in prop::collection::vec(
            prop_oneof![
                Just(b"data:".to_vec()), Just(b"event: e".to_vec()), Just(b"\r".to_vec()), Just(b"\n".to_vec()),
                Just(b"\n\n".to_vec()), Just(b": c".to_vec()), Just("é".as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..4),
            ],
            0..24,
        )
    ) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let _ = outcome_at_every_cut(&pieces.concat());
    }
}
