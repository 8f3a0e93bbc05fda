//! The input items of a response.

use axum::Json;
use axum::extract::State;
use run::Seq;
use store::{Ready, Right};
use wire::faces::openai::{InputItems, ItemList, Order};

use super::log::{events, known};
use super::named::{Named, ResponsePath};
use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::query::Query;

/// Items of a page that does not say.
const ITEMS_DEFAULT: usize = 20;
/// Most items of a page.
const ITEMS: usize = 100;

/// `GET /openai/v1/responses/{response}/input_items`
pub(crate) async fn input_items(
    State(app): State<App>,
    caller: Caller,
    ResponsePath(id): ResponsePath,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Json<ItemList>, Error> {
    caller.may(Right::Read)?;
    let asked = Asked::read(&parameters)?;
    let named = Named::of(&app, &caller, id).await?;
    drop(known(&app, &caller, &named).await?);
    let mut items = InputItems::new(id.run, id.first);
    let follower = app.store.follow(&caller.scope, id.run, Seq::ZERO);
    let mut follower = follower.await?;
    while let Ready::Frames(frames) = follower.ready().await? {
        events(&frames).for_each(|envelope| items.take(&envelope));
    }
    let page = items.page(asked.order, asked.after.as_deref(), asked.limit);
    let page = page.ok_or_else(|| {
        Error::cursor_unknown("after: the response has no input item of this id", None)
    })?;
    Ok(Json(page))
}

struct Asked {
    order: Order,
    after: Option<String>,
    limit: usize,
}

impl Asked {
    fn read(parameters: &[(String, String)]) -> Result<Self, Error> {
        let mut asked = Self {
            order: Order::Descending,
            after: None,
            limit: ITEMS_DEFAULT,
        };
        for (name, value) in parameters {
            match &**name {
                "order" => {
                    asked.order = match &**value {
                        "asc" => Order::Ascending,
                        "desc" => Order::Descending,
                        _ => return Err(Error::query("order", "must be asc or desc")),
                    }
                }
                "after" => asked.after = Some(value.clone()),
                "limit" => {
                    let limit = value.parse().ok();
                    asked.limit = limit
                        .filter(|n| (1..=ITEMS).contains(n))
                        .ok_or_else(|| Error::query("limit", "must be from 1 to 100"))?;
                }
                // Nothing more can be included.
                "include" | "include[]" => {}
                other => {
                    let meant = wire::closest(other, ["order", "after", "limit", "include"]);
                    let message = format!("{other}: unknown parameter");
                    return Err(Error::invalid_query(message, meant.map(str::to_owned)));
                }
            }
        }
        Ok(asked)
    }
}
