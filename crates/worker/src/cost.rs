//! What a model's answer costs. Pure.

use provider::Prices;
use run::{ModelSpec, Usage};

/// The usage with its cost, if the model's price is known.
pub(crate) fn priced(prices: &Prices, model: Option<&ModelSpec>, usage: Usage) -> Usage {
    let tokens = provider::Usage {
        input: usage.input_tokens,
        output: usage.output_tokens,
        reasoning: usage.reasoning_tokens,
        cached: usage.cached_input_tokens,
    };
    // A call that came to nothing has no price either: what was not told is not known to be free.
    let is_told = tokens.input > 0 || tokens.output > 0;
    Usage {
        cost_usd: model
            .filter(|_| is_told)
            .and_then(|model| prices.cost(&model.vendor, &model.model, &tokens)),
        ..usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(model: Option<(&str, &str)>, input_tokens: u64, expected: Option<f64>) {
        let model = model.map(|(vendor, model)| ModelSpec {
            vendor: vendor.into(),
            model: model.into(),
        });
        let usage = Usage {
            input_tokens,
            ..Usage::default()
        };
        let priced = priced(&Prices::default(), model.as_ref(), usage);
        assert_eq!(priced.cost_usd, expected);
        assert_eq!(priced.input_tokens, input_tokens);
    }

    #[test]
    fn a_cost_is_there_where_a_price_and_tokens_are_known() {
        check(Some(("openai", "gpt-5")), 1_000_000, Some(1.25));
        check(Some(("openai", "gpt-5")), 0, None);
        check(Some(("ollama", "qwen3")), 1_000_000, None);
        check(None, 1_000_000, None);
    }
}
