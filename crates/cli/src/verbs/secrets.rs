//! `outlive secrets`: keys of vendors that a server keeps encrypted.

use std::io::{IsTerminal, stdout};

use wire::{PutSecret, SecretBody, secret_name_problem};

use crate::args::SecretsVerb;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hidden;
use crate::render::{columns, table};
use crate::session::{Session, print, print_line};

pub(super) async fn run(session: &Session, verb: SecretsVerb) -> Result<Exit, Failure> {
    match verb {
        SecretsVerb::Set { name } => set(session, &name).await,
        SecretsVerb::Ls { json } => ls(session, json).await,
        SecretsVerb::Rm { names } => {
            let client = session.client().await?;
            for name in &names {
                fit(name)?;
                client.delete_secret(name).await?;
                session.tell(&format!("{name} is erased"));
            }
            Ok(Exit::Succeeded)
        }
    }
}

async fn set(session: &Session, name: &str) -> Result<Exit, Failure> {
    fit(name)?;
    let client = session.client().await?;
    let value = hidden::ask(&format!("{name}: "));
    let value = value.map_err(Failure::io("failed to read the value"))?;
    if value.reveal().is_empty() {
        let why = "there is no value; type it, or give it on standard input";
        return Err(Failure::Usage(why.to_owned()));
    }
    client.put_secret(name, &PutSecret { value }).await?;
    session.tell(&format!("{name} is kept, encrypted"));
    Ok(Exit::Succeeded)
}

async fn ls(session: &Session, as_json: bool) -> Result<Exit, Failure> {
    let secrets = session.client().await?.secrets().await?.secrets;
    if as_json {
        for secret in &secrets {
            print_line(&serde_json::to_string(secret).unwrap_or_default())?;
        }
        return Ok(Exit::Succeeded);
    }
    if secrets.is_empty() {
        session.tell("no secrets");
        return Ok(Exit::Succeeded);
    }
    let width = stdout().is_terminal().then(columns);
    let mut rows = vec![["SECRET", "WRITTEN", ""].map(str::to_owned).to_vec()];
    rows.extend(secrets.iter().map(row));
    print(&table(&rows, width))?;
    Ok(Exit::Succeeded)
}

fn row(secret: &SecretBody) -> Vec<String> {
    let note = if secret.readable {
        ""
    } else {
        "the server has no key for it; set it again"
    };
    vec![
        secret.name.clone(),
        secret.updated_at.to_string(),
        note.to_owned(),
    ]
}

fn fit(name: &str) -> Result<(), Failure> {
    match secret_name_problem(name) {
        None => Ok(()),
        Some(problem) => Err(Failure::Usage(problem)),
    }
}
