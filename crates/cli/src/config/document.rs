//! The file: text to sections, each problem with its line.

use std::collections::BTreeMap;
use std::path::Path;

use run::AgentSpec;
use serde::Deserialize;
use toml::Spanned;

use super::error::{ConfigError, Origin, Problem};
use super::mcp::McpSection;
use super::price::PriceSection;
use super::repository::RepositorySection;
use super::settings::{Limits, Server, Worker};
use super::suggest::explain;
use super::vendor::VendorSection;

/// What a file says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Document {
    pub(super) server: Server,
    pub(super) worker: Worker,
    pub(super) limits: Limits,
    vendors: BTreeMap<Spanned<String>, VendorSection>,
    prices: BTreeMap<Spanned<String>, PriceSection>,
    mcp: BTreeMap<Spanned<String>, McpSection>,
    repositories: BTreeMap<Spanned<String>, RepositorySection>,
    agents: BTreeMap<Spanned<String>, AgentSpec>,
}

/// A section with a name of its own, and where it begins.
pub(super) struct Named<T> {
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) section: T,
}

/// What a file says, with the places of what other crates judge.
pub(super) struct Parsed {
    pub(super) server: Server,
    pub(super) worker: Worker,
    pub(super) limits: Limits,
    pub(super) vendors: Vec<Named<VendorSection>>,
    pub(super) prices: Vec<Named<PriceSection>>,
    pub(super) mcp: Vec<Named<McpSection>>,
    pub(super) repositories: Vec<Named<RepositorySection>>,
    pub(super) agents: Vec<Named<AgentSpec>>,
}

/// Reads the text of a file. One problem is reported at a time, because what follows the first one is guesswork.
pub(super) fn parse(path: &Path, text: &str) -> Result<Parsed, ConfigError> {
    let at = |offset: usize| Origin::File {
        path: path.to_owned(),
        line: line_of(text, offset),
    };
    let document: Document = toml::from_str(text).map_err(|error| {
        ConfigError(vec![Problem {
            origin: error.span().map_or_else(
                || Origin::File {
                    path: path.to_owned(),
                    line: 0,
                },
                |span| at(span.start),
            ),
            message: explain(error.message()),
        }])
    })?;
    Ok(Parsed {
        server: document.server,
        worker: document.worker,
        limits: document.limits,
        vendors: named(document.vendors, &at),
        prices: named(document.prices, &at),
        mcp: named(document.mcp, &at),
        repositories: named(document.repositories, &at),
        agents: named(document.agents, &at),
    })
}

fn named<T>(
    sections: BTreeMap<Spanned<String>, T>,
    at: &impl Fn(usize) -> Origin,
) -> Vec<Named<T>> {
    let named = sections.into_iter().map(|(name, section)| Named {
        origin: at(name.span().start),
        name: name.into_inner(),
        section,
    });
    named.collect()
}

/// The number of the line that holds a byte, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}
