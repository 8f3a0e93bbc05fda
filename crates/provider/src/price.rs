//! What an answer costs. Pure.
//!
//! The built-in prices are the vendors' list prices for text at the standard tier, as they published them in November
//! 2026. Discounts, batches, writes to a cache and tools of the vendor are not in them; prices of one's own may replace
//! any of them. Where a vendor charges long requests otherwise and the price is not known here, there is none.

use std::collections::BTreeMap;

use crate::Usage;

/// Prices in US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Tokens of the request.
    pub input: f64,
    /// Tokens of the request that came from the vendor's cache; as the others if none.
    pub cached_input: Option<f64>,
    /// Tokens of the answer, those of the reasoning among them.
    pub output: f64,
}

/// What `usage` costs in US dollars.
pub fn cost(usage: &Usage, price: &Price) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no answer has 2^52 tokens")]
    let dollars = |tokens: u64, per_million: f64| tokens as f64 * per_million / 1e6;
    let cached = usage.cached.min(usage.input);
    dollars(usage.input - cached, price.input)
        + dollars(cached, price.cached_input.unwrap_or(price.input))
        + dollars(usage.output, price.output)
}

/// The prices that are known: the built-in ones and, over them, those of one's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prices {
    own: BTreeMap<String, Price>,
}

impl Prices {
    /// The built-in prices, and beside them `own` ones by `vendor/` and the beginning of a model's name.
    pub fn new(own: BTreeMap<String, Price>) -> Self {
        Self { own }
    }

    /// What `usage` of a vendor's model costs in US dollars; none if the price is not known, as with local models. The
    /// longest beginning of the model's name wins; of the same, one's own.
    pub fn cost(&self, vendor: &str, model: &str, usage: &Usage) -> Option<f64> {
        let name = format!("{vendor}/{model}");
        let own = self
            .own
            .iter()
            .filter(|(prefix, _)| name.starts_with(prefix.as_str()))
            .map(|(prefix, price)| (prefix.len(), *price))
            .max_by_key(|(length, _)| *length);
        let price = match (own, built_in(&name, usage.input)) {
            (Some((own, price)), Some((known, _))) if own >= known => price,
            (_, Some((_, price))) | (Some((_, price)), None) => price,
            (None, None) => return None,
        };
        Some(cost(usage, &price))
    }
}

/// A model, from how many tokens of the request on its price holds, and the price: input, cached input, output.
type Row = (&'static str, u64, [f64; 3]);

/// Where a request has more tokens than this, some vendors charge all of it at another price.
const LONG_OPENAI: u64 = 272_001;
const LONG_GEMINI: u64 = 200_001;
const LONG_HAIKU: u64 = 100_001;

const BUILT_IN: [Row; 49] = [
    ("anthropic/claude-fable-5-1", 0, [10.0, 0.25, 50.0]),
    ("anthropic/claude-fable-5", 0, [10.0, 1.0, 50.0]),
    ("anthropic/claude-opus-5-5", 0, [4.0, 0.2, 20.0]),
    ("anthropic/claude-opus-5", 0, [5.0, 0.5, 25.0]),
    ("anthropic/claude-opus-4-8", 0, [5.0, 0.5, 25.0]),
    ("anthropic/claude-opus-4-7", 0, [5.0, 0.5, 25.0]),
    ("anthropic/claude-opus-4-6", 0, [5.0, 0.5, 25.0]),
    ("anthropic/claude-opus-4-5", 0, [5.0, 0.5, 25.0]),
    ("anthropic/claude-sonnet-5-5", 0, [2.0, 0.1, 10.0]),
    ("anthropic/claude-sonnet-5", 0, [2.0, 0.2, 10.0]),
    ("anthropic/claude-sonnet-4-6", 0, [3.0, 0.3, 15.0]),
    ("anthropic/claude-sonnet-4-5", 0, [3.0, 0.3, 15.0]),
    ("anthropic/claude-haiku-5-5", 0, [0.1, 0.01, 0.5]),
    ("anthropic/claude-haiku-5-5", LONG_HAIKU, [0.5, 0.05, 2.5]),
    ("anthropic/claude-haiku-4-5", 0, [1.0, 0.1, 5.0]),
    ("openai/gpt-6.1-sol", 0, [2.0, 0.1, 10.0]),
    ("openai/gpt-6.1-terra", 0, [1.0, 0.05, 5.0]),
    ("openai/gpt-6-astra", 0, [10.0, 1.0, 50.0]),
    ("openai/gpt-6-sol", 0, [2.0, 0.2, 10.0]),
    ("openai/gpt-6-luna", 0, [0.1, 0.01, 0.5]),
    ("openai/gpt-5.6-sol", 0, [5.0, 0.5, 30.0]),
    ("openai/gpt-5.6-sol", LONG_OPENAI, [10.0, 1.0, 45.0]),
    ("openai/gpt-5.6-terra", 0, [2.0, 0.2, 12.0]),
    ("openai/gpt-5.6-terra", LONG_OPENAI, [4.0, 0.4, 18.0]),
    ("openai/gpt-5.6-luna", 0, [0.2, 0.02, 1.2]),
    ("openai/gpt-5.6-luna", LONG_OPENAI, [0.4, 0.04, 1.8]),
    ("openai/gpt-5.5", 0, [5.0, 0.5, 30.0]),
    ("openai/gpt-5.5", LONG_OPENAI, [10.0, 1.0, 45.0]),
    ("openai/gpt-5.4", 0, [2.5, 0.25, 15.0]),
    ("openai/gpt-5.4", LONG_OPENAI, [5.0, 0.5, 22.5]),
    ("openai/gpt-5.4-mini", 0, [0.75, 0.075, 4.5]),
    ("openai/gpt-5.4-nano", 0, [0.2, 0.02, 1.25]),
    ("openai/gpt-5.2", 0, [1.75, 0.175, 14.0]),
    ("openai/gpt-5.1", 0, [1.25, 0.125, 10.0]),
    ("openai/gpt-5", 0, [1.25, 0.125, 10.0]),
    ("openai/gpt-5-mini", 0, [0.25, 0.025, 2.0]),
    ("openai/gpt-5-nano", 0, [0.05, 0.005, 0.4]),
    ("openai/gpt-4.1", 0, [2.0, 0.5, 8.0]),
    ("openai/gpt-4.1-mini", 0, [0.4, 0.1, 1.6]),
    ("gemini/gemini-3.8-flash", 0, [0.75, 0.075, 3.75]),
    ("gemini/gemini-3.7-flash", 0, [0.75, 0.075, 3.75]),
    ("gemini/gemini-3.5-flash", 0, [1.5, 0.15, 9.0]),
    ("gemini/gemini-3.1-pro", 0, [2.0, 0.2, 12.0]),
    ("gemini/gemini-3.1-pro", LONG_GEMINI, [4.0, 0.4, 18.0]),
    ("gemini/gemini-3-flash", 0, [0.5, 0.05, 3.0]),
    ("gemini/gemini-2.5-pro", 0, [1.25, 0.125, 10.0]),
    ("gemini/gemini-2.5-pro", LONG_GEMINI, [2.5, 0.25, 15.0]),
    ("gemini/gemini-2.5-flash", 0, [0.3, 0.03, 2.5]),
    ("gemini/gemini-2.5-flash-lite", 0, [0.1, 0.01, 0.4]),
];

/// The price and how much of the name it is for.
fn built_in(name: &str, input: u64) -> Option<(usize, Price)> {
    if name.starts_with("openai/gpt-6") && input >= LONG_OPENAI {
        return None;
    }
    BUILT_IN
        .iter()
        .filter(|(model, from, _)| {
            *from <= input && name.strip_prefix(model).is_some_and(is_the_same)
        })
        .max_by_key(|(model, from, _)| (model.len(), *from))
        .map(|(model, _, [input, cached, output])| {
            let price = Price {
                input: *input,
                cached_input: Some(*cached),
                output: *output,
            };
            (model.len(), price)
        })
}

/// Whether what is behind a model's name only says which version of it: a date, or a word for the newest. Another
/// version number or variant is another model, and a wrong price is worse than none.
fn is_the_same(rest: &str) -> bool {
    let Some(version) = rest.strip_prefix('-') else {
        return rest.is_empty();
    };
    let is_date = version.len() >= 4
        && version.chars().all(|c| c.is_ascii_digit() || c == '-')
        && version[..4].chars().all(|c| c.is_ascii_digit());
    is_date || matches!(version, "latest" | "preview") || version.starts_with("preview-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, cached: u64, output: u64) -> Usage {
        Usage {
            input,
            cached,
            output,
            reasoning: output / 2,
        }
    }

    #[track_caller]
    fn check(own: &[(&str, Price)], name: &str, usage: &Usage, expected: Option<f64>) {
        let own = own.iter().map(|(name, price)| ((*name).to_owned(), *price));
        let (vendor, model) = name.split_once('/').unwrap();
        let got = Prices::new(own.collect()).cost(vendor, model, usage);
        let is_near = match (got, expected) {
            (Some(got), Some(expected)) => (got - expected).abs() < 1e-9,
            (got, expected) => got == expected,
        };
        assert!(is_near, "{name}: {got:?}, expected {expected:?}");
    }

    #[test]
    fn cached_tokens_have_their_own_price_and_reasoning_is_output() {
        let million = usage(1_000_000, 400_000, 100_000);
        let expected = 0.6 * 2.0 + 0.4 * 0.1 + 0.1 * 10.0;
        check(&[], "anthropic/claude-sonnet-5-5", &million, Some(expected));
        // A vendor that counts more cached than sent is not paid for it.
        check(
            &[],
            "openai/gpt-5",
            &usage(10, 20, 0),
            Some(10.0 * 0.125 / 1e6),
        );
    }

    #[test]
    fn a_version_of_a_model_is_the_model_and_a_variant_is_not() {
        let one = usage(1_000_000, 0, 0);
        for (name, expected) in [
            ("openai/gpt-5", Some(1.25)),
            ("openai/gpt-5-2025-08-07", Some(1.25)),
            ("openai/gpt-5-mini", Some(0.25)),
            ("openai/gpt-5-mini-2025-08-07", Some(0.25)),
            ("openai/gpt-5-pro", None),
            ("openai/gpt-5.9", None),
            ("anthropic/claude-haiku-4-5-20251001", Some(1.0)),
            ("anthropic/claude-opus-5-6", None),
            ("gemini/gemini-3.1-pro-preview", Some(4.0)),
            ("gemini/gemini-2.5-flash-lite", Some(0.1)),
            ("ollama/qwen3:8b", None),
            ("elsewhere/gpt-5", None),
        ] {
            check(&[], name, &one, expected);
        }
    }

    #[test]
    fn a_long_request_is_charged_as_such() {
        let model = "gemini/gemini-2.5-pro";
        check(&[], model, &usage(200_000, 0, 0), Some(0.25));
        check(&[], model, &usage(200_001, 0, 0), Some(0.500_002_5));
        check(&[], "openai/gpt-6-sol", &usage(272_000, 0, 0), Some(0.544));
        check(&[], "openai/gpt-6-sol", &usage(272_001, 0, 0), None);
    }

    #[test]
    fn the_longest_name_wins_and_of_the_same_ones_own() {
        let price = |input| Price {
            input,
            cached_input: None,
            output: 2.0,
        };
        let own = [
            ("openai/", price(7.0)),
            ("openai/gpt-5", price(8.0)),
            ("local/big", price(9.0)),
        ];
        let one = usage(1_000_000, 500_000, 1_000_000);
        check(&own, "openai/gpt-5-2025-08-07", &one, Some(10.0));
        check(&own, "openai/gpt-5-mini", &one, Some(0.125 + 0.0125 + 2.0));
        check(&own, "openai/new", &one, Some(9.0));
        check(&own, "local/bigger", &one, Some(11.0));
        check(&own, "local/small", &one, None);
    }
}
