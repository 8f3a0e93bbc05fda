use std::time::Duration;

use reqwest::StatusCode;

use super::*;

#[track_caller]
fn check(status: u16, body: &str, expected: &str) {
    let redactor = Redactor::new(["sk-0123456789".into()].iter());
    let status = StatusCode::from_u16(status).unwrap();
    let error =
        Fault::of_answer(status, body, &redactor).into_error("m-1", Some(Duration::from_secs(3)));
    let wait = error.retry_after().map_or("", |_| " wait");
    let again = if error.is_retryable() { " again" } else { "" };
    assert_eq!(format!("{error}{wait}{again}"), expected);
}

#[test]
fn a_key_that_is_refused_is_told_and_not_repeated() {
    check(
        401,
        r#"{"error":{"message":"Incorrect API key provided: sk-0123456789. See sk-0123456789","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        "the vendor did not accept the key: Incorrect API key provided: ***. See ***",
    );
    check(
        401,
        "sk-0123456789 is wrong",
        "the vendor did not accept the key: *** is wrong",
    );
    check(
        401,
        "",
        "the vendor did not accept the key: HTTP 401 Unauthorized",
    );
    check(
        400,
        r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]"#,
        "the vendor did not accept the key: API key not valid. Please pass a valid API key.",
    );
    check(
        403,
        r#"{"error":{"message":"Your input was flagged","code":403}}"#,
        "the vendor rejected the request (403): Your input was flagged",
    );
}

#[test]
fn a_model_that_is_not_there_is_told_in_every_vendors_words() {
    for (status, body) in [
        (
            404,
            r#"{"error":{"message":"says: no","type":"invalid_request_error","code":"model_not_found"}}"#,
        ),
        (
            404,
            r#"{"error":{"message":"says: model \"m-1\" not found, try pulling it first","type":"api_error"}}"#,
        ),
        (
            404,
            r#"{"object":"error","message":"says: The model `m-1` does not exist.","type":"NotFoundError","code":404}"#,
        ),
        (
            400,
            r#"{"error":{"message":"says: m-1 is not a valid model ID","code":400}}"#,
        ),
        (
            404,
            r#"{"error":{"message":"says: No endpoints found for m-1.","code":404}}"#,
        ),
        (
            400,
            r#"{"object":"error","message":"says: no","type":"invalid_model","code":"1500"}"#,
        ),
        (
            400,
            r#"{"error":{"message":"says: Model Not Exist","type":"invalid_request_error","code":"invalid_request_error"}}"#,
        ),
    ] {
        let error = Fault::of_answer(
            StatusCode::from_u16(status).unwrap(),
            body,
            &Redactor::default(),
        )
        .into_error("m-1", None);
        assert!(
            matches!(&error, Error::UnknownModel { model, message } if model == "m-1" && message.starts_with("says: ")),
            "{body}: {error}"
        );
    }
    check(
        404,
        "404 page not found",
        "the vendor rejected the request: 404 page not found",
    );
    check(
        404,
        r#"{"error":{"message":"No endpoints found that support tool use.","code":404}}"#,
        "the vendor rejected the request (404): No endpoints found that support tool use.",
    );
}

#[test]
fn what_may_be_tried_again_is_told_apart_from_what_may_not() {
    check(
        429,
        r#"{"error":{"message":"Slow down","code":"rate_limit_exceeded"}}"#,
        "the vendor limits the rate: Slow down wait again",
    );
    check(
        429,
        r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
        "the vendor rejected the request (insufficient_quota): You exceeded your current quota",
    );
    check(
        503,
        "<html>busy</html>",
        "the vendor failed (503): <html>busy</html> wait again",
    );
    check(
        529,
        r#"{"detail":"Overloaded"}"#,
        "the vendor failed (529): Overloaded wait again",
    );
    check(
        500,
        "",
        "the vendor failed (500): HTTP 500 Internal Server Error wait again",
    );
    check(
        408,
        r#"{"error":"timeout"}"#,
        "the vendor failed (408): timeout wait again",
    );
    check(
        402,
        r#"{"error":{"message":"Insufficient credits","code":402}}"#,
        "the vendor rejected the request (402): Insufficient credits",
    );
    check(
        400,
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
        "the vendor rejected the request (context_length_exceeded): This model's maximum context length is 8192 tokens.",
    );
    check(
        422,
        r#"{"detail":[{"msg":"bad"}]}"#,
        r#"the vendor rejected the request: [{"msg":"bad"}]"#,
    );
    check(
        301,
        "",
        "the vendor rejected the request: HTTP 301 Moved Permanently",
    );
}

#[test]
fn a_long_message_is_cut_and_marked_and_keeps_no_half_of_a_secret() {
    let body = format!(
        "{}sk-0123456789",
        "x".repeat(limits::VENDOR_MESSAGE_BYTES - 5)
    );
    let redactor = Redactor::new(["sk-0123456789".into()].iter());
    let fault = Fault::of_answer(StatusCode::BAD_REQUEST, &body, &redactor);
    assert!(!fault.message.contains("sk"), "{}", fault.message);
    let body = "y".repeat(limits::VENDOR_MESSAGE_BYTES + 1);
    let fault = Fault::of_answer(StatusCode::BAD_REQUEST, &body, &redactor);
    assert!(fault.message.ends_with("y … (cut)"), "{}", fault.message);
}

#[test]
fn the_other_wires_are_understood() {
    for (status, body, expected) in [
        // Anthropic.
        (
            404,
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-nope"},"request_id":"r"}"#,
            "the vendor does not know the model m-1: model: claude-nope",
        ),
        (
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
            "the vendor did not accept the key: invalid x-api-key",
        ),
        (
            403,
            r#"{"type":"error","error":{"type":"permission_error","message":"Not for this key."}}"#,
            "the vendor did not accept the key: Not for this key.",
        ),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            "the vendor failed (529): Overloaded wait again",
        ),
        (
            413,
            r#"{"type":"error","error":{"type":"request_too_large","message":"Too large"}}"#,
            "the vendor rejected the request (request_too_large): Too large",
        ),
        // Gemini.
        (
            404,
            r#"{"error":{"code":404,"message":"models/nope is not found for API version v1beta, or is not supported for generateContent.","status":"NOT_FOUND"}}"#,
            "the vendor does not know the model m-1: models/nope is not found for API version v1beta, or is not supported for generateContent.",
        ),
        (
            403,
            r#"{"error":{"code":403,"message":"Method doesn't allow unregistered callers.","status":"PERMISSION_DENIED"}}"#,
            "the vendor did not accept the key: Method doesn't allow unregistered callers.",
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"Unknown name \"x\".","status":"INVALID_ARGUMENT"}}"#,
            "the vendor rejected the request (INVALID_ARGUMENT): Unknown name \"x\".",
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT"}}"#,
            "the vendor did not accept the key: API key expired. Please renew the API key.",
        ),
        // Ollama.
        (
            404,
            r#"{"error":"model 'nope' not found"}"#,
            "the vendor does not know the model m-1: model 'nope' not found",
        ),
        (
            400,
            r#"{"error":"\"gemma\" does not support tools"}"#,
            "the vendor rejected the request: \"gemma\" does not support tools",
        ),
    ] {
        check(status, body, expected);
    }
}

#[test]
fn a_wait_in_the_body_counts_where_no_header_says_one() {
    let body = r#"{"error":{"code":429,"message":"Quota.","status":"RESOURCE_EXHAUSTED","details":[
        {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[]},
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}"#;
    let wait = |body: &str, header| {
        let fault = Fault::of_answer(StatusCode::TOO_MANY_REQUESTS, body, &Redactor::default());
        fault.into_error("m", header).retry_after()
    };
    assert_eq!(wait(body, None), Some(Duration::from_millis(34_500)));
    let header = Some(Duration::from_secs(2));
    assert_eq!(wait(body, header), header);
    for nonsense in ["soon", "-1s", "1e99s", "99999999s", "NaNs"] {
        assert_eq!(wait(&body.replace("34.5s", nonsense), None), None);
    }
}
