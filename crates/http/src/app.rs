//! What every handler works with.

use std::ops::Deref;
use std::sync::Arc;

use store::Store;
use tokio_util::sync::CancellationToken;

use crate::auth::Openings;
use crate::{Catalogue, Settings};

/// Prints the metrics of the process.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// The server without its listener. Cheap to clone; all clones are one server.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    pub(crate) store: Store,
    pub(crate) catalogue: Catalogue,
    pub(crate) settings: Settings,
    pub(crate) metrics: Option<RenderMetrics>,
    /// Cancelled when the server goes down: streams then tell their clients to come back.
    pub(crate) closing: CancellationToken,
    pub(crate) openings: Openings,
}

impl App {
    /// A server of these runs and agents. `metrics` prints what `/metrics` answers; without it there is no such address.
    pub fn new(
        store: Store,
        catalogue: Catalogue,
        settings: Settings,
        metrics: Option<RenderMetrics>,
    ) -> Self {
        Self(Arc::new(Parts {
            store,
            catalogue,
            settings,
            metrics,
            closing: CancellationToken::new(),
            openings: Openings::default(),
        }))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
