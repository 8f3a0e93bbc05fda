//! `[mcp.NAME]`: servers of tools for agents with driver `loop`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use worker::McpServer;

use super::document::Named;
use super::error::{Origin, Problem};
use super::place::Surroundings;

/// A server as its section says it: a `command`, or a `url`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct McpSection {
    /// A program and its arguments; it speaks over its pipes.
    pub(crate) command: Vec<String>,
    /// With `command`: where it runs; beside the configuration's file if missing.
    pub(crate) directory: Option<PathBuf>,
    /// With `command`: names of variables of the server's environment that it is given, beside the harmless ones.
    pub(crate) env: Vec<String>,
    /// A service that speaks streamable HTTP.
    pub(crate) url: Option<String>,
    /// With `url`: headers by name, each with the variable of the server's environment that holds its value.
    pub(crate) headers_env: BTreeMap<String, String>,
}

impl McpSection {
    /// What is wrong with it.
    fn problem(&self) -> Option<&'static str> {
        let is_http = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        match (&self.command[..], &self.url) {
            ([], None) => Some(
                "command or url is missing, for example command = [\"npx\", \"-y\", \"some-server\"]",
            ),
            ([_, ..], Some(_)) => Some("command and url exclude each other"),
            ([], Some(url)) if !is_http(url) => Some("url must begin with http:// or https://"),
            ([], Some(_)) if !self.env.is_empty() || self.directory.is_some() => {
                Some("env and directory go with command")
            }
            ([_, ..], None) if !self.headers_env.is_empty() => Some("headers_env goes with url"),
            ([], Some(_)) | ([_, ..], None) => None,
        }
    }

    /// The server with what the environment has for it.
    pub(crate) fn resolve(&self, surroundings: &Surroundings) -> Option<McpServer> {
        if let Some(url) = &self.url {
            let headers = self.headers_env.iter();
            let headers = headers.filter_map(|(name, variable)| {
                Some((name.clone(), surroundings.var(variable)?.into()))
            });
            return Some(McpServer::Http {
                url: url.clone(),
                headers: headers.collect(),
            });
        }
        let (program, args) = self.command.split_first()?;
        let env = self.env.iter();
        let env = env.filter_map(|name| Some((name.into(), surroundings.var(name)?.into())));
        Some(McpServer::Command {
            program: program.clone(),
            args: args.to_vec(),
            directory: self.directory.clone(),
            env: env.collect(),
        })
    }

    /// Names of variables that are not there.
    pub(crate) fn missing<'s>(
        &'s self,
        surroundings: &'s Surroundings,
    ) -> impl Iterator<Item = &'s str> {
        let names = self.env.iter().chain(self.headers_env.values());
        names
            .map(String::as_str)
            .filter(|name| surroundings.var(name).is_none())
    }
}

/// The servers of the file, or all that is wrong with them.
pub(super) fn resolve(
    named: Vec<Named<McpSection>>,
) -> Result<BTreeMap<String, McpSection>, Vec<Problem>> {
    let mut servers = BTreeMap::new();
    let mut problems = Vec::new();
    for Named {
        name,
        origin,
        mut section,
    } in named
    {
        let found = section.problem().or(name_problem(&name));
        problems.extend(found.map(|message| Problem {
            origin: origin.clone(),
            message: format!("mcp {name}: {message}"),
        }));
        if !section.command.is_empty() {
            section.directory = beside(&origin, section.directory.as_deref());
        }
        servers.insert(name, section);
    }
    if problems.is_empty() {
        Ok(servers)
    } else {
        Err(problems)
    }
}

/// The name begins the names of the server's tools, which vendors bound.
fn name_problem(name: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let good = (1..=32).contains(&name.len()) && name.chars().all(fits);
    (!good).then_some("a name has 1 to 32 letters, digits, hyphens and underscores")
}

/// A directory that begins at the file.
fn beside(origin: &Origin, directory: Option<&Path>) -> Option<PathBuf> {
    match origin {
        Origin::File { path, .. } => {
            let folder = path.parent()?;
            Some(directory.map_or_else(|| folder.to_owned(), |directory| folder.join(directory)))
        }
        Origin::Variable(_) | Origin::Flag(_) => directory.map(Path::to_owned),
    }
}
