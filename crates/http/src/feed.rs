//! Changes of runs and threads as a stream of hints, for boards.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::{Stream, stream};
use serde::Deserialize;
use store::{Change, Right, Target};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use wire::FeedChange;

use crate::App;
use crate::auth::{Caller, StreamCaller};
use crate::error::Error;
use crate::query::{Passed, Query};
use crate::sse::{self, Chunk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedQuery {
    #[serde(default)]
    ephemeral: bool,
    #[serde(rename = "token")]
    _token: Option<Passed>,
}

/// `GET /v1/feed`
pub(crate) async fn feed(
    State(app): State<App>,
    StreamCaller(caller): StreamCaller,
    Query(query): Query<FeedQuery>,
) -> Result<Response, Error> {
    caller.may(Right::Read)?;
    let opening = caller.open_stream(&app)?;
    let source = Box::pin(changes(app.store.changes(), caller, query));
    Ok(sse::stream(&app, StatusCode::OK, source, opening))
}

fn changes(
    receiver: Receiver<Change>,
    caller: Caller,
    query: FeedQuery,
) -> impl Stream<Item = Chunk> + Send + 'static {
    stream::unfold(
        (receiver, caller, query),
        |(mut receiver, caller, query)| async {
            loop {
                let frame = match receiver.recv().await {
                    Ok(change) if sees(&caller, &query, &change) => sse::feed_frame(&FeedChange {
                        thread_id: change.thread,
                        run_id: change.run.map(|(run, _)| run),
                        status: change.run.map(|(_, status)| status),
                    }),
                    Ok(_) => continue,
                    // The bound of the feed: a board that is so far behind fetches everything again.
                    Err(RecvError::Lagged(_)) => sse::RESET,
                    Err(RecvError::Closed) => return None,
                };
                return Some((Ok(frame), (receiver, caller, query)));
            }
        },
    )
}

fn sees(caller: &Caller, query: &FeedQuery, change: &Change) -> bool {
    // Like the lists. A token of one run has asked for it.
    let listed = !change.ephemeral || query.ephemeral;
    let aimed = match caller.target() {
        None => listed,
        Some(Target::Thread(thread)) => listed && *thread == change.thread,
        Some(Target::Run(run)) => change.run.is_some_and(|(id, _)| id == *run),
    };
    aimed
        && caller
            .scope
            .sees(&change.tenant, change.created_by.as_ref())
}
