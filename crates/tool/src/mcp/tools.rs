//! The tools that a server offers, within bounds.

use std::collections::BTreeSet;

use rmcp::model::Tool;
use serde_json::Value;

use crate::secret::Redactor;
use crate::{Definition, Hints, cut, limits};

/// A tool of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolInfo {
    /// Its name at its server.
    pub name: String,
    /// A line for people.
    pub title: Option<String>,
    /// What it does; for the model. Empty if the server says nothing.
    pub description: String,
    /// The JSON Schema of its arguments, an object.
    pub input_schema: Value,
    /// What its server says of it.
    pub hints: Hints,
}

impl ToolInfo {
    /// What a model is told, under the name that it has for the tool.
    pub fn definition(&self, name: impl Into<String>) -> Definition {
        let description = match &self.title {
            Some(title) if self.description.is_empty() => title,
            Some(_) | None => &self.description,
        };
        Definition {
            name: name.into(),
            description: description.clone(),
            input_schema: self.input_schema.clone(),
        }
    }
}

/// What a server offers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tools {
    /// Its tools, in its order.
    pub tools: Vec<ToolInfo>,
    /// What was left out and why, a sentence each; for people.
    pub left_out: Vec<String>,
}

/// Gathers the pages of a list.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    list: Tools,
    names: BTreeSet<String>,
    beyond: usize,
}

impl Gathered {
    pub(super) fn add(&mut self, page: Vec<Tool>, redactor: &Redactor) {
        for tool in page {
            if self.list.tools.len() >= limits::TOOLS {
                self.beyond += 1;
                continue;
            }
            match self.read(tool, redactor) {
                Ok(tool) => self.list.tools.push(tool),
                // A list of what was left out has the bound of the list itself.
                Err(why) if self.list.left_out.len() < limits::TOOLS => {
                    self.list.left_out.push(why);
                }
                Err(_) => self.beyond += 1,
            }
        }
    }

    fn read(&mut self, tool: Tool, redactor: &Redactor) -> Result<ToolInfo, String> {
        let name = tool.name.into_owned();
        if name.is_empty() || name.len() > limits::TOOL_NAME_BYTES {
            let shown = cut(&name, 60).text.into_owned();
            return Err(format!(
                "the tool {shown:?} has a name of {} bytes; 1 to {} are accepted",
                name.len(),
                limits::TOOL_NAME_BYTES
            ));
        }
        let schema_bytes = serde_json::to_string(&*tool.input_schema).map_or(0, |text| text.len());
        if schema_bytes > limits::SCHEMA_BYTES {
            return Err(format!(
                "the tool {name} has a schema of {schema_bytes} bytes; at most {} are accepted",
                limits::SCHEMA_BYTES
            ));
        }
        if !self.names.insert(name.clone()) {
            return Err(format!("the server has the tool {name} twice"));
        }
        let text = |text: String| {
            let text = redactor.clean(text);
            cut(&text, limits::DESCRIPTION_BYTES).text.into_owned()
        };
        let said = tool.annotations.unwrap_or_default();
        let schema = Value::Object(std::sync::Arc::unwrap_or_clone(tool.input_schema));
        Ok(ToolInfo {
            name,
            title: tool.title.or(said.title).map(text),
            description: text(tool.description.unwrap_or_default().into_owned()),
            input_schema: redactor.clean_value(schema),
            hints: Hints {
                read_only: said.read_only_hint,
                destructive: said.destructive_hint,
                idempotent: said.idempotent_hint,
            },
        })
    }

    pub(super) fn finish(mut self, has_more: HasMore) -> Tools {
        if self.beyond > 0 {
            let beyond = self.beyond;
            let most = limits::TOOLS;
            self.list
                .left_out
                .push(format!("{beyond} tools beyond the first {most}"));
        }
        if has_more == HasMore::Yes {
            self.list.left_out.push(format!(
                "all tools behind page {} of the list",
                limits::TOOL_PAGES
            ));
        }
        self.list
    }
}

/// Whether the list goes on behind the last page that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HasMore {
    Yes,
    No,
}
