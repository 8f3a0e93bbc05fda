//! Keys of vendors and headers of MCP servers: the run's own, the tenant's, the server's.

use std::collections::BTreeMap;

use provider::{Secret, Vendor};
use run::ErrorInfo;
use store::{Sealed, Unavailable};
use wire::{Belongs, Credentials, SealKeys, Unsealable};

use crate::context::{Context, Over};

/// Opens what is sealed in the store.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    seal: Option<SealKeys>,
    names: BTreeMap<String, String>,
}

impl Keys {
    /// Opens with these keys. `names` are the tenants' secrets for vendors that have one of another name than their own.
    pub fn new(seal: Option<SealKeys>, names: BTreeMap<String, String>) -> Self {
        Self { seal, names }
    }

    /// What the run brought along; empty if it brought nothing. An error is the run's: `secret_unreadable`.
    pub(crate) async fn credentials(
        &self,
        context: &Context,
    ) -> Result<Result<Credentials, ErrorInfo>, Over> {
        let run = &context.run;
        let sealed = asked(context, || context.store.run_credentials(run.id)).await?;
        let Some(sealed) = sealed else {
            return Ok(Ok(Credentials::default()));
        };
        let opened = self.open(Belongs::Run(&run.tenant, run.id), &sealed);
        let read = opened.and_then(|bytes| {
            // Serde's words could repeat what they found.
            serde_json::from_slice(&bytes).map_err(|_| "they are garbled".to_owned())
        });
        Ok(read.map_err(|why| unreadable("the run's credentials", &why)))
    }

    /// A vendor with the key that the run calls it with: the run's own, else the tenant's secret, else the one that the
    /// vendor has from the server's environment, if any.
    pub(crate) async fn vendor(
        &self,
        context: &Context,
        credentials: &Credentials,
        name: &str,
        vendor: &Vendor,
    ) -> Result<Result<Vendor, ErrorInfo>, Over> {
        if let Some(key) = credentials.vendors.get(name) {
            return Ok(Ok(vendor.clone().with_key(Secret::new(key.reveal()))));
        }
        let secret = self.names.get(name).map_or(name, String::as_str);
        let key = self.secret(context, secret).await?;
        Ok(key.map(|key| match key {
            Some(key) => vendor.clone().with_key(key),
            None => vendor.clone(),
        }))
    }

    /// A secret of the run's tenant, if there is one of this name.
    pub(crate) async fn secret(
        &self,
        context: &Context,
        name: &str,
    ) -> Result<Result<Option<Secret>, ErrorInfo>, Over> {
        let tenant = &context.run.tenant;
        let sealed = asked(context, || context.store.secret(tenant, name)).await?;
        let Some(sealed) = sealed else {
            return Ok(Ok(None));
        };
        let opened = self.open(Belongs::Secret(tenant, name), &sealed);
        let secret = opened.and_then(|bytes| {
            let text = std::str::from_utf8(&bytes);
            text.map(Secret::new)
                .map_err(|_| "it is no text".to_owned())
        });
        Ok(secret
            .map(Some)
            .map_err(|why| unreadable(&format!("the secret {name:?}"), &why)))
    }

    fn open(
        &self,
        belongs: Belongs<'_>,
        sealed: &Sealed,
    ) -> Result<impl std::ops::Deref<Target = Vec<u8>> + use<>, String> {
        let seal = self.seal.as_ref();
        let seal = seal.ok_or_else(|| format!("{} is not set", wire::SECRET_KEY_VAR))?;
        seal.open(belongs, &sealed.key_id, &sealed.bytes)
            .map_err(|error: Unsealable| error.to_string())
    }
}

fn unreadable(what: &str, why: &str) -> ErrorInfo {
    ErrorInfo::new(
        "secret_unreadable",
        format!("{what} cannot be decrypted: {why}"),
    )
}

async fn asked<T, F>(context: &Context, ask: impl Fn() -> F) -> Result<T, Over>
where
    F: Future<Output = Result<T, Unavailable>>,
{
    let answer = context.asked("read the secrets", ask).await?;
    answer.map_err(|_| Over)
}
