use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Applies a patch; the size is always that of the state.
#[track_caller]
fn check(state: Value, patch: &Value, expected: Result<Value, Unfit>) {
    let mut patched = state.clone();
    let result = apply(&mut patched, size(&state), patch.as_array().unwrap());
    match expected {
        Ok(expected) => assert_eq!((result, &patched), (Ok(size(&expected)), &expected)),
        Err(unfit) => assert_eq!((result, patched), (Err(unfit), state)),
    }
}

fn add(path: &str, value: impl Into<Value>) -> Value {
    json!({"op": "add", "path": path, "value": value.into()})
}

// The examples of RFC 6902, appendix A, by their numbers.
#[test]
fn the_examples_of_the_rfc_hold() {
    // A.1 to A.4
    check(
        json!({"foo": "bar"}),
        &json!([add("/baz", json!("qux"))]),
        Ok(json!({"baz": "qux", "foo": "bar"})),
    );
    check(
        json!({"foo": ["bar", "baz"]}),
        &json!([add("/foo/1", json!("qux"))]),
        Ok(json!({"foo": ["bar", "qux", "baz"]})),
    );
    check(
        json!({"baz": "qux", "foo": "bar"}),
        &json!([{"op": "remove", "path": "/baz"}]),
        Ok(json!({"foo": "bar"})),
    );
    check(
        json!({"foo": ["bar", "qux", "baz"]}),
        &json!([{"op": "remove", "path": "/foo/1"}]),
        Ok(json!({"foo": ["bar", "baz"]})),
    );
    // A.5 to A.7
    check(
        json!({"baz": "qux"}),
        &json!([{"op": "replace", "path": "/baz", "value": "boo"}]),
        Ok(json!({"baz": "boo"})),
    );
    check(
        json!({"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}}),
        &json!([{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}]),
        Ok(json!({"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}})),
    );
    check(
        json!({"foo": ["all", "grass", "cows", "eat"]}),
        &json!([{"op": "move", "from": "/foo/1", "path": "/foo/3"}]),
        Ok(json!({"foo": ["all", "cows", "eat", "grass"]})),
    );
    // A.8 and A.9
    let state = json!({"baz": "qux", "foo": ["a", 2, "c"]});
    check(
        state.clone(),
        &json!([{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}]),
        Ok(state),
    );
    check(
        json!({"baz": "qux"}),
        &json!([{"op": "test", "path": "/baz", "value": "bar"}]),
        Err(Unfit::Test),
    );
    // A.10 to A.12
    check(
        json!({"foo": "bar"}),
        &json!([add("/child", json!({"grandchild": {}}))]),
        Ok(json!({"foo": "bar", "child": {"grandchild": {}}})),
    );
    check(
        json!({"foo": "bar"}),
        &json!([{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}]),
        Ok(json!({"foo": "bar", "baz": "qux"})),
    );
    check(
        json!({"foo": "bar"}),
        &json!([add("/baz/bat", json!("qux"))]),
        Err(Unfit::Nowhere),
    );
    // A.14 to A.16
    check(
        json!({"/": 9, "~1": 10}),
        &json!([{"op": "test", "path": "/~01", "value": 10}]),
        Ok(json!({"/": 9, "~1": 10})),
    );
    check(
        json!({"/": 9, "~1": 10}),
        &json!([{"op": "test", "path": "/~01", "value": "10"}]),
        Err(Unfit::Test),
    );
    check(
        json!({"foo": ["bar"]}),
        &json!([add("/foo/-", json!(["abc", "def"]))]),
        Ok(json!({"foo": ["bar", ["abc", "def"]]})),
    );
}

#[test]
fn what_the_examples_leave_out_holds_as_well() {
    // The whole state.
    check(
        json!([1]),
        &json!([add("", json!({"a": 1}))]),
        Ok(json!({"a": 1})),
    );
    check(
        json!([1]),
        &json!([{"op": "remove", "path": ""}]),
        Ok(Value::Null),
    );
    check(
        json!({"a": {"b": 1}}),
        &json!([{"op": "move", "from": "/a", "path": ""}]),
        Ok(json!({"b": 1})),
    );
    check(
        json!({"a": 1}),
        &json!([{"op": "copy", "from": "", "path": "/b"}]),
        Ok(json!({"a": 1, "b": {"a": 1}})),
    );
    // A member that is there is replaced, and `copy` copies.
    check(
        json!({"a": [1]}),
        &json!([add("/a", json!(2))]),
        Ok(json!({"a": 2})),
    );
    check(
        json!({"a": [1]}),
        &json!([{"op": "copy", "from": "/a", "path": "/a/0"}]),
        Ok(json!({"a": [[1], 1]})),
    );
    // Moving to the same place needs something there.
    check(
        json!({"a": 1}),
        &json!([{"op": "move", "from": "/a", "path": "/a"}]),
        Ok(json!({"a": 1})),
    );
    check(
        json!({"a": 1}),
        &json!([{"op": "move", "from": "/b", "path": "/b"}]),
        Err(Unfit::Nowhere),
    );
    check(
        json!({"a": {"b": 1}}),
        &json!([{"op": "move", "from": "/a", "path": "/a/b"}]),
        Err(Unfit::IntoItself),
    );
    check(
        json!({"a": 1, "ab": 2}),
        &json!([{"op": "move", "from": "/a", "path": "/ab"}]),
        Ok(json!({"ab": 1})),
    );
    // Numbers are compared by value.
    check(
        json!({"a": 1, "b": [2.0]}),
        &json!([{"op": "test", "path": "", "value": {"b": [2], "a": 1.0}}]),
        Ok(json!({"a": 1, "b": [2.0]})),
    );
    let large = json!(u64::MAX);
    check(
        large.clone(),
        &json!([{"op": "test", "path": "", "value": u64::MAX - 1}]),
        Err(Unfit::Test),
    );
    check(
        large,
        &json!([{"op": "test", "path": "", "value": -1}]),
        Err(Unfit::Test),
    );
    // Empty keys.
    check(
        json!({"": {"": 1}}),
        &json!([{"op": "remove", "path": "//"}]),
        Ok(json!({"": {}})),
    );
}

#[test]
fn what_is_no_patch_changes_nothing() {
    let state = || json!({"a": [1, 2], "b": {"c": 3}});
    let bad = |operation: Value, unfit| {
        let before = [
            add("/a/0", json!(0)),
            json!({"op": "remove", "path": "/a/1"}),
            json!({"op": "move", "from": "/b/c", "path": "/d"}),
            json!({"op": "replace", "path": "/b", "value": []}),
            add("/b/-", json!(1)),
            add("/d", json!({"x": 1})),
            json!({"op": "remove", "path": ""}),
            add("", json!({"a": []})),
            operation,
        ];
        check(state(), &json!(before), Err(unfit));
    };
    bad(json!({"op": "turn", "path": "/a"}), Unfit::Operation);
    bad(json!({"path": "/a"}), Unfit::Operation);
    bad(json!(7), Unfit::Operation);
    bad(json!({"op": "add", "path": "/x"}), Unfit::Operation);
    bad(json!({"op": "move", "path": "/x"}), Unfit::Operation);
    bad(add("x", json!(1)), Unfit::Pointer);
    bad(add("/~2", json!(1)), Unfit::Pointer);
    bad(add("/~", json!(1)), Unfit::Pointer);
    bad(add("/a/1", json!(1)), Unfit::Nowhere);
    bad(add("/a/00", json!(1)), Unfit::Nowhere);
    bad(add("/a/+0", json!(1)), Unfit::Nowhere);
    bad(add("/a/x/y", json!(1)), Unfit::Nowhere);
    bad(json!({"op": "remove", "path": "/a/-"}), Unfit::Nowhere);
    bad(
        json!({"op": "replace", "path": "/x", "value": 1}),
        Unfit::Nowhere,
    );
    bad(
        json!({"op": "test", "path": "/x", "value": null}),
        Unfit::Nowhere,
    );
}

#[test]
fn a_short_patch_makes_no_huge_state() {
    let wrap = json!({"op": "copy", "from": "", "path": "/x"});
    let state = json!({"text": "a".repeat(1_000)});
    check(state, &json!(vec![wrap; 200]), Err(Unfit::Bound));
    let widen = json!({"op": "copy", "from": "/a", "path": "/a/-"});
    check(
        json!({"a": ["b"]}),
        &json!(vec![widen; 40]),
        Err(Unfit::Bound),
    );
    let deeper = json!({"op": "move", "from": "/x", "path": "/y/-"});
    let again = json!({"op": "move", "from": "/y", "path": "/x"});
    let new = add("/y", json!([]));
    let deep: Vec<_> = (0..200)
        .flat_map(|_| [new.clone(), deeper.clone(), again.clone()])
        .collect();
    check(json!({"x": 1}), &json!(deep), Err(Unfit::Bound));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(1)), Just(json!("a")), Just(Value::Null)];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[abc]", inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

fn operation() -> impl Strategy<Value = Value> {
    let path = || "(/[abc01-]){0,3}";
    let op = prop::sample::select(vec!["add", "remove", "replace", "move", "copy"]);
    (op, path(), path(), value()).prop_map(
        |(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}),
    )
}

proptest! {
    #![proptest_config(crate::tests::log::config(256))]

    #[test]
    fn a_patch_is_all_or_nothing_and_its_size_is_known(state in value(), patch in prop::collection::vec(operation(), 1..6)) {
        let mut patched = state.clone();
        if let Ok(n_bytes) = apply(&mut patched, size(&state), &patch) {
            prop_assert_eq!(n_bytes, size(&patched));
        } else {
            prop_assert_eq!(patched, state);
        }
    }
}
