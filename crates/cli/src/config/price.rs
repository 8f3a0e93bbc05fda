//! `[prices."vendor/model"]`: what models cost, over the prices that are built in.

use std::collections::BTreeMap;

use provider::{Price, Prices};
use serde::{Deserialize, Serialize};

use super::document::Named;
use super::error::Problem;
use super::suggest::hint;
use super::vendor::Vendor;

/// A price as its section says it, in US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceSection {
    /// Tokens of the request.
    pub(crate) input: f64,
    /// Tokens of the answer.
    pub(crate) output: f64,
    /// Tokens of the request that came from the vendor's cache; as the others if it is missing.
    #[serde(default)]
    pub(crate) cached_input: Option<f64>,
}

impl PriceSection {
    fn problem(&self) -> Option<String> {
        let values = [
            ("input", Some(self.input)),
            ("output", Some(self.output)),
            ("cached_input", self.cached_input),
        ];
        let wrong = values
            .into_iter()
            .find(|(_, value)| value.is_some_and(|value| !value.is_finite() || value < 0.0));
        wrong.map(|(name, _)| format!("{name} must be a number of dollars, 0 or more"))
    }
}

/// The prices of the file over the built-in ones, or all that is wrong with them.
pub(super) fn resolve(
    named: Vec<Named<PriceSection>>,
    vendors: &BTreeMap<String, Vendor>,
) -> Result<Prices, Vec<Problem>> {
    let mut own = BTreeMap::new();
    let mut problems = Vec::new();
    for Named {
        name,
        origin,
        section,
    } in named
    {
        let found = [name_problem(&name, vendors), section.problem()];
        problems.extend(found.into_iter().flatten().map(|message| Problem {
            origin: origin.clone(),
            message: format!("price {name}: {message}"),
        }));
        let price = Price {
            input: section.input,
            cached_input: section.cached_input,
            output: section.output,
        };
        own.insert(name, price);
    }
    if problems.is_empty() {
        Ok(Prices::new(own))
    } else {
        Err(problems)
    }
}

fn name_problem(name: &str, vendors: &BTreeMap<String, Vendor>) -> Option<String> {
    let Some((vendor, _)) = name.split_once('/') else {
        return Some("the name is \"vendor/model\", or the beginning of it up to the slash".into());
    };
    if vendors.contains_key(vendor) {
        return None;
    }
    let known: Vec<&str> = vendors.keys().map(String::as_str).collect();
    Some(format!(
        "unknown vendor \"{vendor}\"{}",
        hint(vendor, &known)
    ))
}
