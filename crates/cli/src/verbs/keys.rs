//! `outlive keys`: who may use the server.

use run::{Tenant, User};
use store::Right;

use crate::admin::{KeyLine, Order, Reply, give};
use crate::args::KeysVerb;
use crate::config::hint;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::table;
use crate::session::{Session, print, print_line};

pub(super) async fn run(session: &Session, verb: KeysVerb) -> Result<Exit, Failure> {
    let config = session.config()?;
    let as_json = matches!(verb, KeysVerb::List { json: true });
    let (reply, by_server) = give(&config, order(verb)?).await?;
    match reply {
        Reply::Done => session.tell("done"),
        Reply::KeyCreated { secret } => {
            print_line(&secret)?;
            session.tell(
                "this is the only time that the secret is shown; clients put it into OUTLIVE_KEY",
            );
            if by_server {
                session.tell("a server that began without keys asks for them after its next start");
            }
        }
        Reply::Keys { keys } if as_json => {
            for key in &keys {
                print_line(&serde_json::to_string(key).unwrap_or_default())?;
            }
        }
        Reply::Keys { keys } if keys.is_empty() => {
            session.tell("no keys: the server is open to this machine alone");
        }
        Reply::Keys { keys } => print(&table(&rows(&keys), None))?,
        Reply::Refused { why } => return Err(Failure::Conflict(why)),
    }
    Ok(Exit::Succeeded)
}

fn order(verb: KeysVerb) -> Result<Order, Failure> {
    let usage = |error: run::InvalidId| Failure::Usage(error.to_string());
    Ok(match verb {
        KeysVerb::Create {
            name,
            tenant,
            user,
            rights,
            agents,
        } => Order::CreateKey {
            name,
            tenant: Tenant::parse(tenant).map_err(usage)?,
            user: user.map(User::parse).transpose().map_err(usage)?,
            rights: self::rights(&rights)?,
            agents: (!agents.is_empty()).then_some(agents),
        },
        KeysVerb::List { .. } => Order::ListKeys,
        KeysVerb::Revoke { name, tenant } => Order::RevokeKey {
            name,
            tenant: Tenant::parse(tenant).map_err(usage)?,
        },
    })
}

fn rights(words: &[String]) -> Result<Vec<Right>, Failure> {
    if words.is_empty() {
        return Ok(Right::ALL.to_vec());
    }
    let known = Right::ALL.map(word);
    let right = |given: &String| {
        let found = Right::ALL.into_iter().find(|right| word(*right) == given);
        found.ok_or_else(|| {
            Failure::Usage(format!(
                "there is no right \"{given}\"{}",
                hint(given, &known)
            ))
        })
    };
    words.iter().map(right).collect()
}

fn word(right: Right) -> &'static str {
    match right {
        Right::Start => "start",
        Right::Read => "read",
        Right::Stop => "stop",
        Right::Input => "input",
        Right::Answer => "answer",
        Right::Manage => "manage",
    }
}

fn rows(keys: &[KeyLine]) -> Vec<Vec<String>> {
    let header = ["KEY", "TENANT", "USER", "RIGHTS", "AGENTS", "MADE", ""];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(keys.iter().map(|key| {
        let rights: Vec<&str> = key.rights.iter().copied().map(word).collect();
        let agents = key.agents.as_ref();
        vec![
            key.name.clone(),
            key.tenant.to_string(),
            key.user
                .as_ref()
                .map_or_else(|| "all".to_owned(), User::to_string),
            rights.join(","),
            agents.map_or_else(|| "all".to_owned(), |agents| agents.join(",")),
            key.created_at.to_string(),
            key.revoked_at
                .map_or(String::new(), |at| format!("revoked {at}")),
        ]
    }));
    rows
}
