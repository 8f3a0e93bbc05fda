//! `outlive backup` and `outlive restore`: a copy of the data, and back.

use std::path::{Path, PathBuf};

use store::{Location, OpenError, Options, Store};

use crate::admin::{Order, Reply, give};
use crate::args::{Backup, Restore};
use crate::client::{Announcement, make_directory};
use crate::clock::now;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

pub(super) async fn backup(session: &Session, args: Backup) -> Result<Exit, Failure> {
    let config = session.config()?;
    let to = session.surroundings.directory.join(&args.file);
    if to.exists() {
        return Err(Failure::Conflict(format!(
            "{} exists already",
            to.display()
        )));
    }
    if !config.store.exists() {
        return Err(Failure::NotFound(format!(
            "there is no data at {}",
            config.store.display()
        )));
    }
    let (reply, _) = give(&config, Order::Backup { to: to.clone() }).await?;
    match reply {
        Reply::Refused { why } => Err(Failure::Unavailable(format!("the copy failed: {why}"))),
        Reply::Done | Reply::KeyCreated { .. } | Reply::Keys { .. } => {
            let bytes = std::fs::metadata(&to).map_or(0, |it| it.len());
            session.tell(&format!(
                "{} has a copy of the data, {bytes} bytes",
                to.display()
            ));
            Ok(Exit::Succeeded)
        }
    }
}

pub(super) async fn restore(session: &Session, args: Restore) -> Result<Exit, Failure> {
    let config = session.config()?;
    let from = session.surroundings.directory.join(&args.file);
    if !from.is_file() {
        return Err(Failure::NotFound(format!(
            "there is no file {}",
            from.display()
        )));
    }
    if let Some(said) = Announcement::find(&config.store, None).await {
        return Err(Failure::Conflict(format!(
            "a server has the data; end it first: kill {}",
            said.pid
        )));
    }
    make_directory(config.data_directory())
        .map_err(Failure::io("failed to make the data directory"))?;
    let aside = if config.store.exists() {
        if !args.replace {
            return Err(Failure::Conflict(format!(
                "there is data at {}; --replace puts it aside",
                config.store.display()
            )));
        }
        free(&config.store).await?;
        Some(put_aside(&config.store).map_err(Failure::io("failed to put the data aside"))?)
    } else {
        None
    };
    let (copy, store) = (from.clone(), config.store.clone());
    let restored = tokio::task::spawn_blocking(move || store::sqlite::restore(&copy, &store))
        .await
        .map_err(|error| Failure::Failed(error.to_string()))?;
    match restored {
        Ok(n) => {
            session.tell(&format!(
                "the data is as it was copied; {n} runs that were open then have ended as interrupted"
            ));
            if let Some(aside) = aside {
                session.tell(&format!("what was there before is {}", aside.display()));
            }
            Ok(Exit::Succeeded)
        }
        Err(error) => {
            if let Some(aside) = aside {
                put_back(&aside, &config.store)
                    .map_err(Failure::io("failed to put the data back"))?;
            } else {
                for file in files(&config.store) {
                    let _ = std::fs::remove_file(file);
                }
            }
            // The store's own words name the place of the data, and it is the copy that did not serve.
            Err(match error {
                OpenError::Unusable { message, .. } => Failure::Unavailable(format!(
                    "{} was not restored: {message}; the data is as it was",
                    from.display()
                )),
                error => error.into(),
            })
        }
    }
}

/// Refuses while somebody holds the store. That it cannot be opened otherwise is a reason to restore.
async fn free(store: &Path) -> Result<(), Failure> {
    let options = Options {
        holder: "outlive restore".to_owned(),
        ..Options::default()
    };
    match Store::open(&Location::Sqlite(store.to_owned()), options).await {
        Ok(store) => {
            store.close().await;
            Ok(())
        }
        Err(error @ OpenError::Held { .. }) => Err(error.into()),
        Err(_) => Ok(()),
    }
}

/// The files that make a store.
fn files(store: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| with_suffix(store, suffix))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn put_aside(store: &Path) -> std::io::Result<PathBuf> {
    let time = now().to_string().replace([':', '.'], "");
    let aside = with_suffix(store, &format!(".before-{time}"));
    moved(store, &aside)?;
    Ok(aside)
}

fn put_back(aside: &Path, store: &Path) -> std::io::Result<()> {
    moved(aside, store)
}

fn moved(from: &Path, to: &Path) -> std::io::Result<()> {
    for (from, to) in files(from).iter().zip(files(to)) {
        match std::fs::rename(from, &to) {
            // A store that was closed in good order has no log beside it; one of another store must not be taken for it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let _ = std::fs::remove_file(&to);
            }
            other => other?,
        }
    }
    Ok(())
}
