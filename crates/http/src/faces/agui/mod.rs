//! AG-UI: starting, resuming and following runs as `@ag-ui/client` does, see [`wire::faces::agui`].

mod attach;
mod follow;
mod past;
mod post;
mod resume;
mod routes;
mod start;
mod stop;

use follow::follow;
use post::post;
pub(crate) use routes::routes;
use stop::stop;
