//! Loading a run so that it can be followed.

use std::sync::Arc;

use run::RunId;

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;
use crate::tail::Tail;

/// Loads a run into memory; `None` when there is none.
pub(crate) struct Watch(pub(crate) RunId);

impl Operation for Watch {
    type Output = Option<Arc<Tail>>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        Ok(txn
            .load(self.0)?
            .then(|| Arc::clone(&txn.head(self.0).tail)))
    }
}
