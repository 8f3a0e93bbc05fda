//! What holds for both folds of any log.

use proptest::prelude::*;

use super::soup;
use crate::{Envelope, Run, Snapshot, frame};

fn folded(log: &[Envelope]) -> (Run, Snapshot) {
    let mut folds = (Run::new(), Snapshot::default());
    take_in(&mut folds, log);
    folds
}

fn take_in(folds: &mut (Run, Snapshot), log: &[Envelope]) {
    for envelope in log {
        folds.0.apply(envelope);
        folds.1.apply(envelope);
    }
}

fn stored(folds: &(Run, Snapshot)) -> (Run, Snapshot) {
    let text = serde_json::to_string(folds).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The log as a reader gets it.
fn printed(log: &[Envelope]) -> Vec<Envelope> {
    let mut bytes = Vec::new();
    for envelope in log {
        let at = envelope.at.to_string();
        frame::print(
            &mut bytes,
            envelope.seq,
            &at,
            envelope.attempt,
            &envelope.event,
        );
    }
    let frames = frame::split(&bytes);
    frames.map(|frame| frame::parse(frame).unwrap()).collect()
}

/// The same cases every time.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn a_fold_goes_on_from_what_was_stored_at_any_cut(log in soup::log(120)) {
        let whole = folded(&log);
        prop_assert_eq!(&folded(&printed(&log)), &whole);
        for cut in 0..=log.len() {
            let (before, behind) = log.split_at(cut);
            let folds = folded(before);
            let mut read_back = stored(&folds);
            prop_assert_eq!(&read_back, &folds);
            take_in(&mut read_back, behind);
            prop_assert_eq!(&read_back, &whole);
        }
    }
}
