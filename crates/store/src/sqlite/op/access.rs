//! Keys and tokens.

use run::{RunId, Tenant, User};
use rusqlite::params;

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::rows::to_json;
use super::super::txn::Txn;
use crate::{NewKey, NewToken, Target};

/// Makes a key; `false` when its name is taken.
pub(crate) struct CreateKey(pub(crate) NewKey);

impl Operation for CreateKey {
    type Output = bool;

    fn perform(self, txn: &mut Txn<'_>) -> Result<bool, Fault> {
        let key = self.0;
        let n = txn
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO api_key (tenant, name, hash, user, rights, agents, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                key.tenant.as_str(),
                key.name,
                key.hash,
                key.user.as_ref().map(User::as_str),
                to_json(&key.rights),
                key.agents.as_ref().map(to_json),
                txn.now.as_ms(),
            ])?;
        Ok(n == 1)
    }
}

/// Revokes a key; `false` when there is none.
pub(crate) struct RevokeKey {
    pub(crate) tenant: Tenant,
    pub(crate) name: String,
}

impl Operation for RevokeKey {
    type Output = bool;

    fn perform(self, txn: &mut Txn<'_>) -> Result<bool, Fault> {
        let n = txn
            .connection
            .prepare_cached("UPDATE api_key SET revoked_at = ?3 WHERE tenant = ?1 AND name = ?2 AND revoked_at IS NULL")?
            .execute(params![self.tenant.as_str(), self.name, txn.now.as_ms()])?;
        Ok(n == 1)
    }
}

/// Makes a token.
pub(crate) struct CreateToken(pub(crate) NewToken);

impl Operation for CreateToken {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        let token = self.0;
        let (run, thread) = match &token.target {
            Target::Run(run) => (Some(*RunId::as_bytes(run)), None),
            Target::Thread(thread) => (None, Some(thread.as_str())),
        };
        // A good moment to drop the tokens that are over: each new one pays for some old ones.
        txn.connection
            .prepare_cached("DELETE FROM token WHERE hash IN (SELECT hash FROM token WHERE expires_at <= ?1 LIMIT 16)")?
            .execute([txn.now.as_ms()])?;
        txn.connection
            .prepare_cached(
                "INSERT INTO token (hash, tenant, key, user, run, thread, rights, agents, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                token.hash,
                token.tenant.as_str(),
                token.key,
                token.user.as_ref().map(User::as_str),
                run,
                thread,
                to_json(&token.rights),
                token.agents.as_ref().map(to_json),
                token.expires_at.as_ms(),
            ])?;
        Ok(())
    }
}
