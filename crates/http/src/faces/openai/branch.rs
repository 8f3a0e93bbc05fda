//! The conversation up to a response that is not the last of its thread.

use run::ChatMessage;
use store::RunRecord;
use wire::faces::openai::conversation;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::limits::BRANCH_RUNS;

/// What was said up to the end of a run, oldest first; of a long thread, the newest part of it.
pub(super) async fn conversation_until(
    app: &App,
    caller: &Caller,
    run: &RunRecord,
) -> Result<Vec<ChatMessage>, Error> {
    let mut newest_first = vec![told(app, caller, run).await?];
    let mut begins = run.input.messages.is_some();
    let mut after = None;
    while !begins {
        let page = app.store.history(&caller.scope, run.id, after, usize::MAX);
        let page = page.await?;
        for earlier in &page.entries {
            if begins || newest_first.len() >= BRANCH_RUNS {
                begins = true;
                break;
            }
            newest_first.push(told(app, caller, earlier).await?);
            // What is older was replaced.
            begins = earlier.input.messages.is_some();
        }
        after = page.next;
        begins |= after.is_none();
    }
    Ok(newest_first.into_iter().rev().flatten().collect())
}

async fn told(app: &App, caller: &Caller, run: &RunRecord) -> Result<Vec<ChatMessage>, Error> {
    let snapshot = app.store.snapshot(&caller.scope, run.id).await?;
    Ok(conversation(&run.input, &snapshot))
}
