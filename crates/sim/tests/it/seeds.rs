//! Whole simulations.

use sim::simulate;

#[track_caller]
fn check(seeds: std::ops::Range<u64>, steps: u64) {
    for seed in seeds {
        if let Err(failure) = simulate(seed, steps) {
            let lines = failure.history.lines();
            let last = &lines[lines.len().saturating_sub(30)..];
            panic!(
                "{}\n{}\nagain with: cargo xtask sim --seed {seed} --steps {steps}",
                last.join("\n"),
                failure.violation
            );
        }
    }
}

#[test]
fn every_promise_holds_in_many_short_histories() {
    check(1_000..1_040, 120);
}

#[test]
fn every_promise_holds_in_long_histories() {
    check(1..15, 400);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in [7, 8] {
        let first = simulate(seed, 200).unwrap();
        let second = simulate(seed, 200).unwrap();
        assert_eq!(first.lines(), second.lines());
        assert_eq!(first.hash(), second.hash());
        let other = simulate(seed + 10, 200).unwrap();
        assert_ne!(first.hash(), other.hash());
    }
}
