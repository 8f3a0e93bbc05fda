//! What is unusual and right.

use provider::{FinishReason, Usage, Wire};

use super::Place;
use super::talk::{Answer, ask, request};

async fn answer(place: &Place, model: &str) -> Answer {
    let place = place.with(model);
    let answer = ask(&place, &request(&place, "Hello")).await;
    assert!(answer.error.is_none(), "{answer:?}");
    assert_eq!(answer.finish, Some(FinishReason::Stop));
    answer
}

/// What the vendor counts.
fn spent(place: &Place) -> Usage {
    Usage {
        input: 11,
        output: 5,
        // Ollama counts thoughts as part of the answer only.
        reasoning: if place.vendor.wire == Wire::Ollama {
            0
        } else {
            2
        },
        cached: 3,
    }
}

pub(crate) async fn bytes_may_come_one_by_one(place: &Place) {
    let answer = answer(place, "bytes").await;
    assert_eq!(answer.text, "ok");
    assert_eq!(answer.usage, Some(spent(place)));
}

pub(crate) async fn what_is_not_known_is_passed_over(place: &Place) {
    assert_eq!(answer(place, "noisy").await.text, "ok");
}

pub(crate) async fn usage_is_found_in_odd_places(place: &Place) {
    let answer = answer(place, "odd").await;
    assert_eq!(answer.text, "ok");
    assert_eq!(answer.usage, Some(spent(place)));
}

pub(crate) async fn an_empty_answer_is_complete(place: &Place) {
    let answer = answer(place, "empty").await;
    assert!(answer.parts.is_empty() && answer.text.is_empty());
}

pub(crate) async fn a_finished_answer_stands_without_an_end_of_the_body(place: &Place) {
    assert_eq!(answer(place, "unended").await.text, "ok");
}
