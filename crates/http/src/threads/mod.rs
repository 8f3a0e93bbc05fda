//! Threads: what runs belong to.

mod create;
mod delete;
mod list;
mod patch;
mod routes;
mod run;
mod show;
mod stop;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use list::list;
pub(crate) use patch::patch;
pub(crate) use routes::routes;
pub(crate) use run::latest_run;
pub(crate) use show::show;
pub(crate) use stop::stop;
