//! A script is played into a log that ends anywhere, is taken up again, and says the same in all.

mod world;

use proptest::prelude::*;
use run::event::Decision;
use run::{AgentSpec, ScriptStep, Status};

use self::world::{Total, World};

fn script(steps: &str) -> AgentSpec {
    let script: Vec<ScriptStep> = serde_json::from_str(steps).unwrap();
    let spec = AgentSpec::scripted(script);
    assert_eq!(spec.problems(), Vec::<String>::new());
    spec
}

/// Plays a script through, then with an end after every number of events, and compares what was said and done.
#[track_caller]
fn check(steps: &str, prepare: impl Fn(&mut World)) -> Total {
    let spec = script(steps);
    let mut whole = World::new(&spec);
    prepare(&mut whole);
    whole.play(&[]);
    let expected = whole.total();
    for cut in 0..whole.n_events() {
        let mut world = World::new(&spec);
        prepare(&mut world);
        world.play(&[cut]);
        assert_eq!(world.total(), expected, "cut after {cut} events");
    }
    expected
}

#[test]
fn texts_go_on_behind_any_cut() {
    let total = check(
        r#"[{"reason":"Let me think."},{"text":"A"},{"tokens":5},{"text":"bc"},{"text":"d"},{"tokens":3,"per_second":10}]"#,
        |_| {},
    );
    assert_eq!(total.status, Status::Succeeded);
    assert!(total.text[0].starts_with("A "), "{}", total.text[0]);
    assert!(total.text[0].contains(" bcd "), "{}", total.text[0]);
    assert_eq!(total.reasoning, ["Let me think."]);
}

#[test]
fn calls_are_made_once_to_the_end() {
    let total = check(
        r#"[{"text":"a"},{"tool":"look","args":{"x":1},"result":"ok","delay_ms":5},{"tool":"look"},{"text":"b"}]"#,
        |_| {},
    );
    assert_eq!(total.text, ["ab"]);
    assert_eq!(total.n_calls, 2);
}

#[test]
fn stalls_are_passed_once_something_follows() {
    let total = check(
        r#"[{"stall_ms":5},{"text":"a"},{"stall_ms":5},{"stall_ms":6},{"tool":"x"},{"stall_ms":1},{"text":"b"},{"stall_ms":9}]"#,
        |_| {},
    );
    assert_eq!(total.text, ["ab"]);
}

#[test]
fn an_exit_happens_once() {
    let total = check(
        r#"[{"text":"a"},{"stall_ms":5},{"exit":true},{"text":"b"},{"exit":true},{"exit":true},{"text":"c"}]"#,
        |_| {},
    );
    assert_eq!(total.text, ["abc"]);
    assert_eq!(total.n_exits, 3);
}

#[test]
fn a_failure_ends_the_run() {
    let total = check(r#"[{"text":"a"},{"fail":"broken"},{"text":"b"}]"#, |_| {});
    assert_eq!((total.status, &*total.text[0]), (Status::Failed, "a"));
}

#[test]
fn an_answer_is_asked_for_once() {
    for (decision, text) in [
        (Decision::Allow, "ab"),
        (Decision::AllowForThread, "ab"),
        (Decision::Deny, "a(denied: May I?; no way)b"),
        (Decision::Cancel, "a"),
    ] {
        for held in [false, true] {
            let steps =
                format!(r#"[{{"text":"a"}},{{"approval":"May I?","held":{held}}},{{"text":"b"}}]"#);
            let total = check(&steps, |world| world.decision = decision);
            assert_eq!(total.text, [text]);
            assert_eq!(total.n_requests, 1);
            assert_eq!(total.status, Status::Succeeded);
        }
    }
    let total = check(
        r#"[{"question":"Which?"},{"question":"And?"},{"text":"b"}]"#,
        |_| {},
    );
    assert_eq!(total.text, ["(answered: 42)(answered: 42)b"]);
}

#[test]
fn a_steer_is_heard_once_between_two_units() {
    let total = check(
        r#"[{"text":"a"},{"tool":"x"},{"tokens":3},{"text":"b"}]"#,
        |world| {
            world.steer("left");
            world.later_steer("right");
        },
    );
    assert_eq!(total.steered, ["(steered: left)", "(steered: right)"]);
    assert_eq!(total.text.len(), 1);
}

#[test]
fn a_follow_up_is_a_turn_of_its_own() {
    let total = check(
        r#"[{"text":"a"},{"tool":"x"},{"text":"(steered: b)"}]"#,
        |world| {
            world.follow_up("more");
            world.later_steer("left");
            world.follow_up(" ");
        },
    );
    assert_eq!(
        total.text,
        ["a(steered: b)", "You said: more", "You said nothing."]
    );
    assert_eq!(total.steered, ["(steered: left)"]);
}

#[test]
fn a_long_text_becomes_several_messages() {
    let spec = script(r#"[{"tokens":60000},{"text":"end"}]"#);
    let mut world = World::new(&spec);
    world.play(&[40, 200]);
    let mut whole = World::new(&spec);
    whole.play(&[]);
    assert_eq!(world.total(), whole.total());
    assert!(whole.n_messages() > 2);
}

fn step() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[aé(-]{0,5}".prop_map(|text| format!(r#"{{"text":"{text}"}}"#)),
        3 => (0u32..6).prop_map(|n| format!(r#"{{"tokens":{n}}}"#)),
        2 => (0u32..4).prop_map(|n| format!(r#"{{"tokens":{n},"per_second":9.5}}"#)),
        2 => "[aé]{0,5}".prop_map(|text| format!(r#"{{"reason":"{text}"}}"#)),
        2 => Just(r#"{"tool":"x","delay_ms":3}"#.to_owned()),
        1 => Just(r#"{"stall_ms":3}"#.to_owned()),
        1 => any::<bool>().prop_map(|held| format!(r#"{{"approval":"ok?","held":{held}}}"#)),
        1 => Just(r#"{"question":"what?"}"#.to_owned()),
        1 => Just(r#"{"exit":true}"#.to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_script_cut_anywhere_says_the_same_in_all(
        steps in proptest::collection::vec(step(), 1..8),
        cuts in proptest::collection::vec(0usize..25, 1..6),
        decision in 0usize..4,
        steer in any::<bool>(),
        follow_up in any::<bool>(),
    ) {
        let spec = script(&format!("[{}]", steps.join(",")));
        let prepare = |world: &mut World| {
            world.decision = Decision::ALL[decision];
            if steer { world.steer("s") }
            if follow_up { world.follow_up("f") }
        };
        let mut whole = World::new(&spec);
        prepare(&mut whole);
        whole.play(&[]);
        let mut world = World::new(&spec);
        prepare(&mut world);
        world.play(&cuts);
        prop_assert_eq!(world.total(), whole.total());
    }
}
