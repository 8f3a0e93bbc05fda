//! Ending the process of an agent that waits for a person alone, and answering what was answered meanwhile.

use std::time::Duration;

use agent::codec::{Event as Heard, Waiting};
use run::RequestId;
use run::snapshot::Resolution;
use tokio::time::Instant;

use super::{End, Talk, command};
use crate::coding::kept;
use crate::context::{Context, Over};

impl Talk<'_> {
    /// When the process is to be ended because it waits for a person and for nothing else. Its session must be one that
    /// can be reopened.
    pub(super) fn parks_at(&self, context: &Context) -> Option<Instant> {
        let after = context.run().spec.park_after_ms?;
        let may_park = self.child.waiting() == Waiting::Answer
            && self.translator.waits_for_answers()
            && context.control().resume_ref.is_some();
        // Longer than a clock can tell is never.
        let at = self.heard_at.checked_add(Duration::from_millis(after));
        at.filter(|_| may_park)
    }

    /// Says that the process is ended while its requests stay open.
    pub(super) async fn park(&mut self, context: &Context) -> Result<End, Over> {
        // Their end in the process is not theirs.
        let requests = self.translator.forget_requests();
        let parked = kept::parked(self.turn.as_ref(), &requests);
        // Durable before the process is gone: an answer from now on is none that it has heard.
        context.emit_durable(vec![parked]).await?;
        Ok(End::Parked)
    }

    /// Gives the agent an answer that was given to an earlier process of it.
    pub(super) async fn give(
        &mut self,
        context: &Context,
        asks: Heard,
        (request, resolution): (RequestId, Resolution),
    ) -> Result<(), Over> {
        // Durable before the agent acts on it: an answer counts once.
        context.emit_durable(vec![kept::given(&request)]).await?;
        if let Heard::ApprovalRequested { request, .. } | Heard::QuestionAsked { request, .. } =
            asks
        {
            self.child.tell(command(request, resolution));
        }
        Ok(())
    }
}
