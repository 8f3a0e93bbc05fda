//! Every failure.

use std::time::Duration;

use provider::{Content, Error, FinishReason, Message, Role, Wire};
use serde_json::json;

use super::talk::{ask, look, request};
use super::{KEY, Place};

/// The text before the failure, and the failure; the key is nowhere in it.
async fn fails(place: &Place, model: &str) -> (String, Error) {
    let place = place.with(model);
    let mut request = request(&place, "Hello");
    if model == "stalled" {
        request.settings.stall_timeout = Duration::from_millis(50);
    }
    let answer = ask(&place, &request).await;
    let error = answer.error.expect("an error");
    let whole = format!("{error} {error:?}");
    assert!(!whole.contains(KEY), "{whole}");
    (answer.text, error)
}

pub(crate) async fn an_unknown_model_is_told(place: &Place) {
    let (_, error) = fails(place, "unknown").await;
    assert!(
        matches!(&error, Error::UnknownModel { model, .. } if model == "unknown"),
        "{error:?}"
    );
    assert!(!error.is_retryable());
}

pub(crate) async fn a_refused_key_is_told_and_not_repeated(place: &Place) {
    let (_, error) = fails(place, "keyless").await;
    assert_eq!(
        error.to_string(),
        "the vendor did not accept the key: wrong key ***"
    );
    assert!(matches!(error, Error::Unauthorized { .. }));
}

pub(crate) async fn a_rate_limit_says_how_long(place: &Place) {
    let (_, error) = fails(place, "limited").await;
    assert_eq!(error.to_string(), "the vendor limits the rate: slow down");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(error.is_retryable());
}

pub(crate) async fn a_vendor_that_fails_may_be_asked_again(place: &Place) {
    let (_, error) = fails(place, "broken").await;
    assert_eq!(error.to_string(), "the vendor failed (503): on fire");
    assert!(error.is_retryable());
}

pub(crate) async fn a_cut_stream_is_no_success(place: &Place) {
    // Inside the body, and in order but too early.
    for model in ["cut", "ended"] {
        let (text, error) = fails(place, model).await;
        assert_eq!(text, "o");
        assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
        assert!(error.is_retryable());
    }
}

pub(crate) async fn garbage_is_told_with_its_beginning(place: &Place) {
    let (text, error) = fails(place, "garbage").await;
    assert_eq!(text, "o");
    assert_eq!(
        error.to_string(),
        "the vendor sent what cannot be read: expected value at line 1 column 1 in <***>"
    );
    assert!(error.is_retryable());
}

pub(crate) async fn an_error_in_the_stream_is_the_vendors_words(place: &Place) {
    let (text, error) = fails(place, "error").await;
    assert_eq!(text, "o");
    assert_eq!(error.vendor_message(), Some("on fire"));
    assert!(matches!(error, Error::Overloaded { .. }) && error.is_retryable());
}

pub(crate) async fn a_refusal_is_no_answer(place: &Place) {
    let place = place.with("refusing");
    let answer = ask(&place, &request(&place, "Hello")).await;
    assert!(answer.error.is_none(), "{answer:?}");
    // Ollama has no word for it: what the model says is text.
    if place.vendor.wire == Wire::Ollama {
        return assert_eq!(answer.text, "I will not.");
    }
    assert_eq!((&*answer.refusal, &*answer.text), ("I will not.", ""));
    let is_openai = place.vendor.wire == Wire::OpenAi;
    let expected = if is_openai {
        FinishReason::Stop
    } else {
        FinishReason::ContentFilter
    };
    assert_eq!(answer.finish, Some(expected));
}

pub(crate) async fn a_stall_is_told(place: &Place) {
    let (text, error) = fails(place, "stalled").await;
    assert_eq!(text, "o");
    assert_eq!(error.to_string(), "the vendor sent nothing for 50 ms");
    assert!(error.is_retryable());
}

/// That the server is one that judges: a call without its result is refused, as every vendor does.
pub(crate) async fn what_the_vendor_would_refuse_is_refused_here(place: &Place) {
    let mut request = request(place, "Hello");
    request.tools = vec![look()];
    let call = Content::ToolCall {
        id: "c1".into(),
        name: "look".into(),
        args: json!({"city": "Paris"}),
    };
    request.messages.push(Message {
        role: Role::Assistant,
        parts: vec![call.into()],
    });
    request.messages.push(Message::text(Role::User, "And now?"));
    let error = ask(place, &request).await.error.expect("an error");
    assert!(
        matches!(
            error,
            Error::Rejected {
                status: Some(400),
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.vendor_message(), Some("a call has no result"));
}
