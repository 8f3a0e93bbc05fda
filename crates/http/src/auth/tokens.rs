//! Making short-lived tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use store::{NewToken, Right, Target};
use wire::{CreateToken, TOKEN_DEFAULT_SECONDS, TOKEN_SECONDS, TokenBody, TokenRight};

use super::{Caller, Secret};
use crate::App;
use crate::body::Body;
use crate::error::Error;
use crate::fresh;

/// `POST /v1/tokens`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<CreateToken>,
) -> Result<(StatusCode, Json<TokenBody>), Error> {
    caller.may(Right::Manage)?;
    caller.is_general()?;
    let CreateToken {
        run_id,
        thread_id,
        rights,
        user,
        agents,
        expires_in,
    } = body;
    let target = match (run_id, thread_id) {
        (Some(run), None) => {
            app.store.run(&caller.scope, run).await?;
            Target::Run(run)
        }
        (None, Some(thread)) => Target::Thread(thread),
        _ => {
            return Err(Error::invalid(
                "run_id",
                "a token needs run_id or thread_id, one of them",
            ));
        }
    };
    let rights = rights_of(&caller, &rights)?;
    let user = match (&caller.scope.user, user) {
        (Some(own), Some(user)) if *own != user => {
            return Err(Error::invalid("user", "the key acts for another user"));
        }
        (Some(own), _) => Some(own.clone()),
        (None, user) => user,
    };
    if let Some(agent) = agents
        .iter()
        .flatten()
        .find(|agent| !caller.may_start(agent))
    {
        return Err(Error::invalid(
            "agents",
            format!("the key may not start `{agent}` itself"),
        ));
    }
    let agents = agents.or_else(|| caller.agents().map(<[String]>::to_vec));
    let seconds = expires_in.unwrap_or(TOKEN_DEFAULT_SECONDS);
    if !(1..=TOKEN_SECONDS).contains(&seconds) {
        return Err(Error::invalid(
            "expires_in",
            format!("must be from 1 to {TOKEN_SECONDS} seconds"),
        ));
    }
    let secret = Secret::new_token().map_err(|error| {
        tracing::error!("failed to make a token: {error}");
        Error::internal()
    })?;
    let expires_at = fresh::now().plus_ms(seconds * 1_000);
    app.store
        .create_token(NewToken {
            key: caller.key().map(str::to_owned),
            hash: secret.hash(),
            tenant: caller.scope.tenant,
            user,
            target,
            rights,
            agents,
            expires_at,
        })
        .await?;
    let body = TokenBody {
        token: secret.expose().to_owned(),
        expires_at,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// A key gives away only what it has itself.
fn rights_of(caller: &Caller, asked: &[TokenRight]) -> Result<Vec<Right>, Error> {
    if asked.is_empty() {
        return Err(Error::invalid("rights", "must name at least one right"));
    }
    let mut rights: Vec<Right> = asked.iter().map(|right| right_of(*right)).collect();
    rights.sort_unstable();
    rights.dedup();
    match rights.iter().find(|right| !caller.rights().contains(right)) {
        Some(right) => Err(Error::not_allowed(*right)),
        None => Ok(rights),
    }
}

fn right_of(right: TokenRight) -> Right {
    match right {
        TokenRight::Start => Right::Start,
        TokenRight::Read => Right::Read,
        TokenRight::Stop => Right::Stop,
        TokenRight::Input => Right::Input,
        TokenRight::Answer => Right::Answer,
    }
}
