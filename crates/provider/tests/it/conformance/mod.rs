//! What every wire must do, against a server of this machine that speaks it: reads the requests as the vendor would,
//! refuses what the vendor would refuse, and answers in the vendor's form. The same list of checks runs on each flavour
//! of a wire; the checks of what goes well run on the real vendors as well, where a key is in the environment.

mod flavour;
mod talk;
mod vendor;

mod anthropic;
mod gemini;
mod ollama;
mod openai;

mod failing;
mod going_well;
mod odd;
mod real;

use flavour::{Asked, Failure, Flavour, Reason, Said};
use vendor::{KEY, Place};

/// Lists every check for a flavour.
macro_rules! suite {
    ($name:ident, $flavour:expr) => {
        mod $name {
            use super::*;

            suite!(@ going_well, $flavour;
                text_comes_with_usage_and_an_end
                calls_at_once_get_their_results_and_thoughts_go_back
                a_structured_answer_fits_its_schema
                models_are_listed
            );
            suite!(@ odd, $flavour;
                bytes_may_come_one_by_one
                what_is_not_known_is_passed_over
                usage_is_found_in_odd_places
                an_empty_answer_is_complete
                a_finished_answer_stands_without_an_end_of_the_body
            );
            suite!(@ failing, $flavour;
                an_unknown_model_is_told
                a_refused_key_is_told_and_not_repeated
                a_rate_limit_says_how_long
                a_vendor_that_fails_may_be_asked_again
                a_cut_stream_is_no_success
                garbage_is_told_with_its_beginning
                an_error_in_the_stream_is_the_vendors_words
                a_refusal_is_no_answer
                a_stall_is_told
                what_the_vendor_would_refuse_is_refused_here
            );
        }
    };
    (@ $file:ident, $flavour:expr; $($check:ident)*) => {
        $(
            #[tokio::test]
            async fn $check() {
                $file::$check(&Place::start($flavour).await).await;
            }
        )*
    };
}

suite!(chat_completions, openai::ChatCompletions);
suite!(openrouter, openai::OpenRouter);
suite!(anthropic_messages, anthropic::Messages);
suite!(gemini_contents, gemini::Contents);
suite!(ollama_chat, ollama::Chat);
