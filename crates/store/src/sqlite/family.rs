//! Runs that other runs have started through their agents: the end of one is told to the run above it, a stop and an end
//! reach all below, each in the transaction that causes it.

use run::event::{RunFinished, ToolStatus};
use run::{By, Command, RunId, Status};
use rusqlite::params;
use serde_json::{Value, json};

use super::fault::Fault;
use super::txn::Txn;

impl Txn<'_> {
    /// Tells the run above that the call which this run performed is over.
    pub(super) fn tell_parent(&mut self, run: RunId, finished: &RunFinished) -> Result<(), Fault> {
        let head = self.head(run);
        let Some(parent) = head.origin.parent.clone() else {
            return Ok(());
        };
        let status = match finished.status {
            Status::Succeeded => ToolStatus::Ok,
            Status::Failed | Status::Aborted => ToolStatus::Failed,
            // No run ends in these.
            Status::Queued | Status::Running | Status::Waiting => ToolStatus::Unknown,
        };
        let command = Command::ChildEnded {
            call: parent.call,
            run,
            status,
            result: result_of(run, head.control.summary.as_deref(), finished),
            usage: finished.usage,
        };
        // A row that cannot be read is set aside; it has nobody to tell.
        if self.load_or_set_aside(parent.run)? {
            // Refused only when the run above has ended: then nobody waits for this.
            let _ = self.decide(parent.run, command)?;
        }
        Ok(())
    }

    /// Stops all that this run has started and that has not ended.
    pub(super) fn stop_children(&mut self, run: RunId, why: &str) -> Result<(), Fault> {
        let children: Vec<[u8; 16]> = self
            .connection
            .prepare_cached("SELECT id FROM run WHERE parent = ?1 AND finished_at IS NULL")?
            .query_map([run.as_bytes()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for child in children.into_iter().map(RunId::from_bytes) {
            if self.load_or_set_aside(child)? {
                let stop = Command::Stop {
                    by: By::server(),
                    why: Some(why.to_owned()),
                    superseded_by: None,
                };
                // Refused when it has ended in this very transaction.
                let _ = self.decide(child, stop)?;
            }
        }
        Ok(())
    }

    /// A run has ended well: its thread, if it is a card on the board, goes where its agent says.
    pub(super) fn move_card(&mut self, run: RunId, status: Status) -> Result<(), Fault> {
        let origin = &self.head(run).origin;
        let Some(column) = &origin.spec.finished_column else {
            return Ok(());
        };
        if status == Status::Succeeded {
            self.connection
                .prepare_cached(
                    "UPDATE thread SET board_column = ?2 WHERE key = ?1 AND board_column IS NOT NULL",
                )?
                .execute(params![origin.thread_key, column])?;
        }
        Ok(())
    }

    /// Remembers that a tool is allowed for the rest of the thread.
    pub(super) fn grant(&mut self, run: RunId, tool: &str) -> Result<(), Fault> {
        let origin = &self.head(run).origin;
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO grant_of_thread (thread, agent, tool) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![origin.thread_key, origin.agent, tool])?;
        Ok(())
    }
}

/// What the run above learns at once; the whole answer stands in this run's own log.
fn result_of(run: RunId, summary: Option<&str>, finished: &RunFinished) -> Value {
    let mut result = json!({ "run": run, "status": finished.status, "reason": finished.reason });
    if let Some(summary) = summary {
        result["summary"] = summary.into();
    }
    if let Some(error) = &finished.error {
        result["error"] = json!(error);
    }
    if let Some(output) = &finished.output {
        result["output"] = output.clone();
    }
    result
}
