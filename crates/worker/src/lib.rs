//! Claims runs and performs attempts. The only crate that drives.
//!
//! A [`Worker`] holds a lease, claims due runs and performs each attempt in a task of its own. An attempt has one
//! [`Driver`], which speaks through a [`Context`]; what it says gathers in an [`Outbox`] and goes into the log.

pub mod limits;

mod metric;
mod patience;
mod pause;
mod settings;

mod outbox;

mod voice;

mod script;

mod player;

mod hearing;

mod context;

mod driver;

mod demo;
mod scripted;

mod fault;
mod template;

mod output;

mod command;

mod structured;

mod answered;
mod cost;
mod from_provider;
mod prompt;
mod rendered;

mod tokens;

mod history;

mod transcript;

mod recall;

mod keys;

mod asked_calls;
mod asking;
mod listening;
mod looping;

mod agui;
mod coding;
mod model;
mod toolbox;

mod drivers;

mod watchdog;

mod performance;

mod orphans;
mod settle;

mod attempt;

mod lease;
mod sweeper;

mod worker;

pub use agui::AguiAgents;
pub use asking::{Models, Vendors};
pub use coding::{CodingAgents, Housekeeper, check_coding};
pub use command::Commands;
pub use context::{Context, Over, Waited};
pub use demo::demo_agent;
pub use driver::{Driver, Ending};
pub use drivers::Drivers;
pub use keys::Keys;
pub use looping::{Agents, Loops, McpServer, McpServers, check_hosts, check_tools, try_server};
pub use outbox::{Batch, Outbox};
pub use player::{Action, EXIT_NOTICE, Player};
pub use scripted::Scripted;
pub use settings::{Clock, Settings};
pub use worker::Worker;
