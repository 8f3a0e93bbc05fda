//! `outlive serve`: one process that answers over HTTP and performs runs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{App, Catalogue, Mode, Settings};
use store::{Location, OpenError, Options, Store};
use tokio::net::TcpListener;
use wire::{SECRET_KEY_VAR, SealKeys};
use worker::{
    AguiAgents, CodingAgents, Commands, Drivers, Housekeeper, Keys, Loops, Models, Worker,
};

use crate::admin;
use crate::args::Serve;
use crate::client::{Announcement, make_directory};
use crate::config::{Config, Flags};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logs;
use crate::serving::{self, bind, leave_terminal, listen_for_shutdown, meter, reachable};
use crate::session::{Session, print_line};

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

pub(super) async fn run(session: &Session, args: Serve) -> Result<Exit, Failure> {
    if args.background {
        leave_terminal();
    }
    let config = session.config_with(Flags {
        listen: args.listen,
        store: args.store.clone(),
        ..Flags::default()
    })?;
    logs::of_server(config.server.log, args.background);
    let seal = seal(session)?;
    let shutdown = listen_for_shutdown(args.with_parent)
        .map_err(Failure::io("failed to listen for signals"))?;
    make_directory(config.data_directory())
        .map_err(Failure::io("failed to make the data directory"))?;
    let any_port = args.background && !config.listen_was_chosen;
    let listener = match bind(config.server.listen, !any_port).await {
        Ok(listener) => listener,
        Err(error) => return Err(not_bound(&config, error).await),
    };
    let bound = listener
        .local_addr()
        .map_err(Failure::io("failed to read the address"))?;
    let url = reachable(bound);
    let store = open(&config, &format!("outlive serve at {url}")).await?;
    let served = Served {
        session,
        config: &config,
        store: &store,
        bound,
        url,
        seal,
    };
    let ended = served.serve(listener, shutdown).await;
    store.close().await;
    ended
}

/// Why an address cannot be had: most often because another server of the same data has it.
async fn not_bound(config: &Config, error: io::Error) -> Failure {
    if error.kind() != io::ErrorKind::AddrInUse {
        return Failure::io(format!("failed to listen on {}", config.server.listen))(error);
    }
    match open(config, "outlive serve").await {
        Err(held @ Failure::Open(OpenError::Held { .. })) => held,
        Ok(store) => {
            store.close().await;
            in_use(config.server.listen)
        }
        Err(_) => in_use(config.server.listen),
    }
}

fn in_use(address: SocketAddr) -> Failure {
    Failure::Unavailable(format!(
        "another program listens on {address}; --listen chooses another address"
    ))
}

async fn open(config: &Config, holder: &str) -> Result<Store, Failure> {
    let retain_ms = u64::from(config.limits.retain_days) * DAY_MS;
    let options = Options {
        queued_runs: config.limits.queued_runs,
        retain_ms: (retain_ms > 0).then_some(retain_ms),
        holder: holder.to_owned(),
        ..Options::default()
    };
    Ok(Store::open(&Location::Sqlite(config.store.clone()), options).await?)
}

/// A server that has its address and its store.
struct Served<'a> {
    session: &'a Session,
    config: &'a Config,
    store: &'a Store,
    bound: SocketAddr,
    url: String,
    seal: Option<SealKeys>,
}

/// What secrets are encrypted with.
fn seal(session: &Session) -> Result<Option<SealKeys>, Failure> {
    let text = session.surroundings.var(SECRET_KEY_VAR);
    let keys = text.map(SealKeys::parse).transpose();
    keys.map_err(|error| Failure::Usage(error.to_string()))
}

impl Served<'_> {
    async fn serve(
        &self,
        listener: TcpListener,
        shutdown: tokio_util::sync::CancellationToken,
    ) -> Result<Exit, Failure> {
        let mode = self.mode().await?;
        let metrics = meter().map_err(|error| Failure::Failed(error.to_string()))?;
        let catalogue = Catalogue::new(Arc::new(self.config.agents.clone()));
        let app = App::new(
            self.store.clone(),
            catalogue,
            self.settings(mode),
            Some(metrics),
        );
        let worker = self.worker()?;
        let announcement = Announcement {
            url: self.url.clone(),
            pid: std::process::id(),
            store: self.config.store.clone(),
            config: self.config.file.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        announcement
            .write()
            .map_err(Failure::io("failed to write server.json"))?;
        let control = match admin::listen(self.store.clone(), &self.config.store) {
            Ok(control) => Some(control),
            Err(error) => {
                tracing::warn!(
                    "no control socket, so keys and backups need the server stopped: {error}"
                );
                None
            }
        };
        self.say(mode)?;
        let http = http::serve(listener, app, shutdown.clone());
        let working = worker.run(shutdown.clone());
        let keeping = tokio::spawn(self.housekeeper().run(shutdown.clone()));
        let (served, ()) = tokio::join!(
            async {
                let served = http.await;
                // Without its face the worker has no reason to stay either.
                shutdown.cancel();
                served
            },
            working
        );
        // Between two steps of git, or in one that has its end anyway.
        keeping.abort();
        if let Some(control) = control {
            control.abort();
            admin::remove(&self.config.store);
        }
        announcement.remove();
        served.map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(Exit::Succeeded)
    }

    /// Keys are asked for as soon as there is one.
    async fn mode(&self) -> Result<Mode, Failure> {
        let keys = self.store.keys(None).await;
        let keys = keys.map_err(|error| Failure::Unavailable(error.to_string()))?;
        if keys.iter().any(|key| key.revoked_at.is_none()) {
            return Ok(Mode::Keys);
        }
        if self.bound.ip().is_loopback() {
            Ok(Mode::Open)
        } else {
            Err(Failure::Usage(format!(
                "other machines can reach {}, so the server needs a key first: outlive keys create NAME",
                self.bound
            )))
        }
    }

    fn settings(&self, mode: Mode) -> Settings {
        let server = &self.config.server;
        let limits = &self.config.limits;
        Settings {
            mode,
            allowed_hosts: server.allowed_hosts.clone(),
            allowed_origins: server.allowed_origins.clone(),
            public_url: server.public_url.clone(),
            seal: self.seal.clone(),
            limits: http::Limits {
                body_bytes: limits.body_bytes,
                connections: limits.connections,
                streams_per_credential: limits.streams_per_credential,
                ..http::Limits::default()
            },
        }
    }

    fn worker(&self) -> Result<Worker<Drivers>, Failure> {
        let node = serving::node(self.config.data_directory());
        let node = node.map_err(Failure::io("failed to read the machine's name"))?;
        let id = serving::worker().map_err(Failure::io("failed to name the worker"))?;
        let ours = &self.config.worker;
        let mut settings = worker::Settings::new(id, node);
        settings.slots = ours.slots;
        settings.drain = Duration::from_secs(ours.drain_s);
        settings.lease = Duration::from_secs(ours.lease_s);
        settings.renew = settings.lease / 5;
        Worker::new(self.store.clone(), settings, self.drivers()?)
            .map_err(|error| Failure::Failed(error.to_string()))
    }

    fn housekeeper(&self) -> Housekeeper {
        let days = self.config.limits.worktree_days;
        let keep = Duration::from_hours(24) * days;
        let data = self.config.data_directory().to_owned();
        Housekeeper::new(self.store.clone(), data, (days > 0).then_some(keep))
    }

    fn drivers(&self) -> Result<Drivers, Failure> {
        let http = provider::Client::builder()
            .build()
            .map_err(|error| Failure::Failed(format!("failed to make an HTTP client: {error}")))?;
        let vendors = self
            .config
            .vendors
            .iter()
            .map(|(name, vendor)| (name.clone(), vendor.resolve(&self.session.surroundings)));
        let names = self.config.vendors.iter();
        let names = names.filter_map(|(name, vendor)| {
            let secret = vendor.key_secret.clone()?;
            Some((name.clone(), secret))
        });
        let models = Models::new(http, vendors.collect())
            .with_prices(self.config.prices.clone())
            .with_keys(Keys::new(self.seal.clone(), names.collect()));
        let commands = Commands {
            url: Some(self.url.clone()),
            environment: std::env::vars_os().collect(),
        };
        let servers = self.config.mcp.iter().filter_map(|(name, server)| {
            Some((name.clone(), server.resolve(&self.session.surroundings)?))
        });
        let loops = Loops::new(
            models.clone(),
            commands.clone(),
            servers.collect(),
            Arc::new(self.config.agents.clone()),
            &self.config.worker.allow_hosts,
        );
        let agui = AguiAgents::new(
            &self.config.agents,
            &self.config.worker.allow_hosts,
            commands.environment.clone(),
        );
        Ok(Drivers {
            coding: CodingAgents {
                commands: commands.clone(),
                data: self.config.data_directory().to_owned(),
            },
            models,
            loops: loops.map_err(Failure::Failed)?,
            commands,
            agui: agui.map_err(Failure::Failed)?,
        })
    }

    /// One line that says where it is, and what a person should know.
    fn say(&self, mode: Mode) -> Result<(), Failure> {
        print_line(&format!(
            "outlive {} at {}, data in {}, {} agents",
            env!("CARGO_PKG_VERSION"),
            self.url,
            self.config.store.display(),
            self.config.agents.len()
        ))?;
        if mode == Mode::Open {
            self.session.warn(
                "any process of this machine can use it; `outlive keys create NAME` makes it ask for keys",
            );
        }
        for warning in self.config.missing_keys(&self.session.surroundings) {
            tracing::info!("{warning}");
        }
        Ok(())
    }
}
