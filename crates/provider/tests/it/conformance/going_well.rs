//! What goes well. These checks hold for a real vendor too.

use provider::{Content, FinishReason, Message, Role};
use serde_json::{Value, json};

use super::Place;
use super::talk::{ask, look, request};

pub(crate) async fn text_comes_with_usage_and_an_end(place: &Place) {
    let answer = ask(place, &request(place, "Answer with the word: ok")).await;
    assert!(answer.error.is_none(), "{answer:?}");
    assert!(answer.text.to_lowercase().contains("ok"), "{answer:?}");
    assert_eq!(answer.finish, Some(FinishReason::Stop));
    let usage = answer.usage.expect("usage");
    assert!(usage.input > 0 && usage.output > 0, "{usage:?}");
    assert!(usage.cached <= usage.input && usage.reasoning <= usage.output);
}

pub(crate) async fn calls_at_once_get_their_results_and_thoughts_go_back(place: &Place) {
    let prompt = "Call look for Paris and for Rome, both at once, then tell both temperatures.";
    let mut request = request(place, prompt);
    request.tools = vec![look()];
    request.settings.effort = Some("low".into());
    let mut cities = Vec::new();
    // A real model may take its calls one by one.
    for _ in 0..4 {
        let answer = ask(place, &request).await;
        assert!(answer.error.is_none(), "{answer:?}");
        if answer.calls.is_empty() {
            assert_eq!(answer.finish, Some(FinishReason::Stop));
            assert!(answer.text.contains("17") && answer.text.contains("23"));
            cities.sort();
            assert_eq!(cities, ["Paris", "Rome"]);
            return;
        }
        assert_eq!(answer.finish, Some(FinishReason::ToolCalls));
        request.messages.push(Message {
            role: Role::Assistant,
            parts: answer.parts,
        });
        let results = answer.calls.into_iter().map(|(call_id, args)| {
            let city = args["city"].as_str().unwrap().to_owned();
            let output = if city == "Paris" { "17" } else { "23" }.to_owned();
            cities.push(city);
            Content::ToolResult { call_id, output }.into()
        });
        request.messages.push(Message {
            role: Role::Tool,
            parts: results.collect(),
        });
    }
    panic!("no end of calls: {cities:?}");
}

pub(crate) async fn a_structured_answer_fits_its_schema(place: &Place) {
    let mut request = request(place, "Which city is the capital of France?");
    request.output_schema = Some(json!({
        "type": "object", "additionalProperties": false, "required": ["city"],
        "properties": {"city": {"type": "string"}},
    }));
    let answer = ask(place, &request).await;
    assert!(answer.error.is_none(), "{answer:?}");
    let value: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(value, json!({"city": "Paris"}));
}

pub(crate) async fn models_are_listed(place: &Place) {
    let models = place.client().models(&place.vendor).await.unwrap();
    for model in &place.models {
        assert!(models.contains(model), "{model} in {models:?}");
    }
}
