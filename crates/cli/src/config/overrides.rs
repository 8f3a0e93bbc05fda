//! What the environment says over the file: `OUTLIVE_SERVER_LISTEN` is `listen` of `[server]`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::error::{ConfigError, Origin, Problem};
use super::place::Surroundings;
use super::settings::{Limits, Server, Worker};
use super::suggest::explain;

/// What every variable of ours begins with.
const PREFIX: &str = "OUTLIVE_";

/// Names that differ from a setting in at most so many letters are taken for slips of the pen. Others are let be:
/// container platforms put names of their own (`OUTLIVE_SERVER_PORT_4600_TCP`) beside ours.
const SLIP: usize = 2;

/// Variables that are no settings of a section.
const OTHERS: &[&str] = &[
    "OUTLIVE_AGENT",
    "OUTLIVE_CONFIG",
    "OUTLIVE_DATA_DIR",
    "OUTLIVE_KEY",
    "OUTLIVE_MARK",
    "OUTLIVE_RUN_ID",
    "OUTLIVE_SECRET_KEY",
    "OUTLIVE_TOKEN",
    "OUTLIVE_URL",
];

/// Every setting that a variable can hold.
const SETTINGS: &[(&str, &[&str])] = &[
    (
        "server",
        &[
            "listen",
            "store",
            "public_url",
            "allowed_origins",
            "allowed_hosts",
            "log",
        ],
    ),
    ("worker", &["slots", "drain_s", "lease_s", "allow_hosts"]),
    (
        "limits",
        &[
            "queued_runs",
            "retain_days",
            "worktree_days",
            "body_bytes",
            "connections",
            "streams_per_credential",
        ],
    ),
];

/// Which settings came from the environment.
#[derive(Debug, Default)]
pub(super) struct Overridden {
    pub(super) listen: bool,
    pub(super) store: bool,
}

/// Applies the variables to the sections.
pub(super) fn apply(
    surroundings: &Surroundings,
    server: &mut Server,
    worker: &mut Worker,
    limits: &mut Limits,
) -> Result<Overridden, ConfigError> {
    let mut overridden = Overridden::default();
    let mut problems = Vec::new();
    for (name, value) in &surroundings.env {
        if !name.starts_with(PREFIX) || OTHERS.contains(&name.as_str()) {
            continue;
        }
        let mut fail = |message: String| {
            problems.push(Problem {
                origin: Origin::Variable(name.clone()),
                message,
            });
        };
        let Some((section, key)) = setting(name) else {
            if let Some(meant) = slip_of(name) {
                fail(format!("unknown setting; did you mean {meant}?"));
            }
            continue;
        };
        let set = match section {
            "server" => set(server, key, value),
            "worker" => set(worker, key, value),
            _ => set(limits, key, value),
        };
        match (set, key) {
            (Err(message), _) => fail(message),
            (Ok(()), "listen") => overridden.listen = true,
            (Ok(()), "store") => overridden.store = true,
            (Ok(()), _) => {}
        }
    }
    if problems.is_empty() {
        Ok(overridden)
    } else {
        Err(ConfigError(problems))
    }
}

fn variables() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    SETTINGS.iter().flat_map(|(section, keys)| {
        keys.iter()
            .map(move |key| (*section, *key, variable(section, key)))
    })
}

fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{section}_{key}").to_uppercase()
}

fn setting(name: &str) -> Option<(&'static str, &'static str)> {
    variables()
        .find(|(_, _, variable)| variable == name)
        .map(|(section, key, _)| (section, key))
}

fn slip_of(name: &str) -> Option<String> {
    let others = OTHERS.iter().map(|other| (*other).to_owned());
    variables()
        .map(|(_, _, variable)| variable)
        .chain(others)
        .find(|known| strsim::damerau_levenshtein(known, name) <= SLIP)
}

/// Sets one key of a section from text: a TOML value, or a plain string, or a list with commas.
fn set<T: Serialize + DeserializeOwned>(
    section: &mut T,
    key: &str,
    text: &str,
) -> Result<(), String> {
    let table = Table::try_from(&*section).map_err(|error| error.to_string())?;
    let with = |value: Value| {
        let mut table = table.clone();
        table.insert(key.to_owned(), value);
        T::deserialize(Value::Table(table)).map_err(|error| explain(error.message()))
    };
    let list = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    let list: Vec<Value> = list.map(Value::from).collect();
    let read = with(Value::from(text)).or_else(|why| {
        let value = format!("it = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("it"));
        let typed = value.map_or(Err(why), &with);
        // A string where a list is wanted is said in terms of the string, so the list is tried last.
        typed.or_else(|why| with(Value::Array(list)).map_err(|_| why))
    });
    *section = read?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_every_section_can_be_a_variable() {
        let sections = [
            (
                "server",
                Table::try_from(Server {
                    store: Some("x".into()),
                    public_url: Some("x".into()),
                    ..Server::default()
                })
                .unwrap(),
            ),
            ("worker", Table::try_from(Worker::default()).unwrap()),
            ("limits", Table::try_from(Limits::default()).unwrap()),
        ];
        for ((section, keys), (name, table)) in SETTINGS.iter().zip(sections) {
            assert_eq!(*section, name);
            let mut known = keys.to_vec();
            known.sort_unstable();
            assert_eq!(known, table.keys().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
