//! The checks of what goes well on the real vendors, where a key is in the environment.

#![expect(clippy::print_stdout, reason = "a check that was not made is said")]

use provider::{Client, Vendor};

use super::{Place, going_well};

async fn check(place: &Place) {
    going_well::models_are_listed(place).await;
    going_well::text_comes_with_usage_and_an_end(place).await;
    going_well::calls_at_once_get_their_results_and_thoughts_go_back(place).await;
    going_well::a_structured_answer_fits_its_schema(place).await;
}

async fn check_with_key(variable: &str, vendor: Vendor, model: &str) {
    match std::env::var(variable) {
        Ok(key) if !key.trim().is_empty() => {
            check(&Place::real(vendor.with_key(key), model)).await;
        }
        _ => println!("not checked: {variable} is not set"),
    }
}

#[tokio::test]
async fn openai() {
    let vendor = Vendor::openai("https://api.openai.com/v1");
    check_with_key("OPENAI_API_KEY", vendor, "gpt-5-mini").await;
}

#[tokio::test]
async fn anthropic() {
    let vendor = Vendor::anthropic("https://api.anthropic.com");
    check_with_key("ANTHROPIC_API_KEY", vendor, "claude-haiku-5-5").await;
}

#[tokio::test]
async fn gemini() {
    let vendor = Vendor::gemini("https://generativelanguage.googleapis.com");
    check_with_key("GEMINI_API_KEY", vendor, "gemini-3.8-flash").await;
}

#[tokio::test]
async fn openrouter() {
    let vendor = Vendor::openai("https://openrouter.ai/api/v1");
    check_with_key("OPENROUTER_API_KEY", vendor, "openai/gpt-5-mini").await;
}

/// The first model of an Ollama on this machine that can use tools: which that is, is for its owner to say.
#[tokio::test]
async fn ollama() {
    let vendor = Vendor::ollama("http://127.0.0.1:11434");
    let client = Client::new(Client::builder().no_proxy().build().unwrap());
    match (std::env::var("OLLAMA_MODEL"), client.models(&vendor).await) {
        (Ok(model), Ok(_)) => check(&Place::real(vendor, &model)).await,
        (Err(_), Ok(models)) => println!("not checked: OLLAMA_MODEL names none of {models:?}"),
        (_, Err(error)) => println!("not checked: no Ollama on this machine ({error})"),
    }
}
