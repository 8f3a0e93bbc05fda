//! What an agent of the Agent Client Protocol asks.

use serde_json::Value;

use super::speaking::{Acp, Permission};
use crate::codec::json::{line, list, owned, set, text};
use crate::codec::{Approval, Decision, Event, Moves, ToolKind};

impl Acp {
    /// What names one asking alone in what it asks.
    pub(crate) const OF_ONE_ASKING: &[&str] = &["sessionId"];
    /// The same in the call that it asks about.
    pub(crate) const OF_ONE_CALL: &[&str] = &["toolCallId"];

    pub(super) fn requested(
        &mut self,
        id: Value,
        method: &str,
        params: Value,
        frame: &[u8],
        moves: &mut Moves,
    ) {
        if method == "session/request_permission" {
            self.permission(id, params, moves);
        } else {
            self.rpc.refuse(&id, method, moves);
            self.odd.unknown(method, frame, moves);
        }
    }

    fn permission(&mut self, id: Value, params: Value, moves: &mut Moves) {
        let call = owned(&params, "/toolCall/toolCallId");
        let is_open = self.open.in_turn() && self.learn(&call, &params["toolCall"], moves);
        if is_open {
            self.call_known(&call, moves);
        }
        let options = list(&params, "/options").iter();
        let permission = Permission {
            options: options
                .map(|option| (owned(option, "/kind"), option["optionId"].clone()))
                .collect(),
            call: is_open.then(|| call.clone()),
            id,
        };
        // The last word of the agent about it; what it said before is another request's.
        let known = self.calls.get(&call);
        let kind = known.map_or(ToolKind::Other, |known| known.kind);
        if self.is_allowed(kind)
            && let Some(option) = permission.option(&["allow_once", "allow_always"])
        {
            self.choose(&permission.id, Some(option), moves);
            if is_open {
                self.call_runs(&call, moves);
            }
            return;
        }
        let title = text(&params, "/toolCall/title").map(line);
        let title = title.or_else(|| known.map(|known| known.title.clone()));
        let has = |kinds: &[&str]| permission.option(kinds).is_some();
        let options = [
            has(&["allow_once"]).then_some(Decision::Allow),
            has(&["allow_always"]).then_some(Decision::AllowForThread),
            has(&["reject_once", "reject_always"]).then_some(Decision::Deny),
            Some(Decision::Cancel),
        ];
        let mut detail = params;
        // It may ask without saying again what it said of the call before.
        if let (Some(known), Some(call)) = (known, detail.get_mut("toolCall")) {
            for (name, value) in [("rawInput", &known.args), ("content", &known.content)] {
                if call.get(name).is_none_or(Value::is_null) {
                    set(call, name, value.clone());
                }
            }
        }
        let request = permission.id.to_string();
        let event = Event::ApprovalRequested {
            request: request.clone(),
            kind,
            title: title.unwrap_or_else(|| "Use a tool".to_owned()),
            detail,
            options: options.into_iter().flatten().collect(),
            call: permission.call.clone(),
        };
        let id = permission.id.clone();
        if !self.open.request(&request, permission, event, moves) {
            self.choose(&id, None, moves);
        }
    }

    /// What the policy allows without a person.
    fn is_allowed(&self, kind: ToolKind) -> bool {
        match self.settings.approval {
            Approval::Ask => false,
            Approval::AutoEdits => kind == ToolKind::FileChange,
            Approval::Full => true,
        }
    }
}
