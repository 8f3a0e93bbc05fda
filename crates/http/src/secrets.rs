//! A tenant's secrets, and sealing what a run brings along.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use run::RunId;
use store::{Right, Scope, Sealed};
use wire::{
    Belongs, Code, Credentials, PutSecret, SECRET_BYTES, SECRET_KEY_VAR, SealKeys, SealedValue,
    SecretBody, SecretList,
};

use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::Error;
use crate::fresh;
use crate::query::SecretPath;

/// `PUT /v1/secrets/{secret}`
pub(crate) async fn put(
    State(app): State<App>,
    caller: Caller,
    SecretPath(name): SecretPath,
    Body(body): Body<PutSecret>,
) -> Result<StatusCode, Error> {
    may_manage(&caller)?;
    let n_bytes = body.value.reveal().len();
    if body.value.reveal().trim().is_empty() {
        return Err(Error::invalid("value", "is empty"));
    }
    if n_bytes > SECRET_BYTES {
        let message = format!("has {n_bytes} bytes, at most {SECRET_BYTES} fit");
        return Err(Error::invalid("value", message));
    }
    let tenant = &caller.scope.tenant;
    let belongs = Belongs::Secret(tenant, &name);
    let sealed = seal(&app, belongs, body.value.reveal().as_bytes())?;
    if app.store.put_secret(tenant, &name, sealed).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::new(
            Code::TooManySecrets,
            format!("the tenant has {} secrets; delete some", store::SECRETS),
        ))
    }
}

/// `GET /v1/secrets`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<SecretList>, Error> {
    may_manage(&caller)?;
    let secrets = app.store.secrets(&caller.scope.tenant).await?;
    let keys = app.settings.seal.as_ref();
    let secrets = secrets
        .into_iter()
        .map(|secret| SecretBody {
            readable: keys.is_some_and(|keys| keys.has(&secret.key_id)),
            name: secret.name,
            updated_at: secret.updated_at,
        })
        .collect();
    Ok(Json(SecretList { secrets }))
}

/// `DELETE /v1/secrets/{secret}`
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    SecretPath(name): SecretPath,
) -> Result<StatusCode, Error> {
    may_manage(&caller)?;
    let tenant = &caller.scope.tenant;
    if app.store.delete_secret(tenant, &name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::not_found())
    }
}

/// Secrets are the tenant's, so that a key which acts as one user has nothing to do with them.
fn may_manage(caller: &Caller) -> Result<(), Error> {
    caller.may(Right::Manage)?;
    caller.is_general()?;
    match caller.scope.user {
        None => Ok(()),
        Some(_) => Err(Error::new(
            Code::NotAllowed,
            "secrets belong to the tenant; the key acts for one user",
        )),
    }
}

/// Seals the credentials of a run that is about to start; none if there are none.
pub(crate) fn seal_credentials(
    app: &App,
    scope: &Scope,
    run: RunId,
    credentials: Option<&Credentials>,
) -> Result<Option<Sealed>, Error> {
    let Some(credentials) = credentials.filter(|given| !given.is_empty()) else {
        return Ok(None);
    };
    if let Some(problem) = credentials.problem() {
        return Err(Error::invalid("credentials", problem));
    }
    let printed = zeroize::Zeroizing::new(serde_json::to_vec(credentials).map_err(|error| {
        tracing::error!("failed to print credentials: {error}");
        Error::internal()
    })?);
    seal(app, Belongs::Run(&scope.tenant, run), &printed).map(Some)
}

fn seal(app: &App, belongs: Belongs<'_>, value: &[u8]) -> Result<Sealed, Error> {
    let keys: &SealKeys = app.settings.seal.as_ref().ok_or_else(|| {
        Error::new(
            Code::SecretsDisabled,
            format!(
                "the server has no key to encrypt with; set {SECRET_KEY_VAR} where it runs to 32 random bytes \
                 in base64 or hex, for example from `openssl rand -base64 32`"
            ),
        )
    })?;
    let SealedValue { key_id, bytes } = keys.seal(belongs, value, fresh::random()?);
    Ok(Sealed {
        key_id,
        bytes: Bytes::from(bytes),
    })
}
