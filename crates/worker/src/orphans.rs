//! Processes of runs that outlived who started them.

use agent::Marker;

/// Kills all that is left of a run's processes. Looking at all processes of the machine blocks, so it has a thread.
pub(crate) async fn sweep(marker: Marker) {
    let run = marker.run().to_owned();
    let swept = tokio::task::spawn_blocking(move || agent::sweep(&marker)).await;
    match swept {
        Ok(swept) if !swept.survivors.is_empty() => {
            tracing::error!(
                run.id = run,
                "{} processes of run {run} could not be killed",
                swept.survivors.len()
            );
        }
        Ok(swept) if swept.killed > 0 => {
            tracing::info!(
                run.id = run,
                "killed {} processes that were left of run {run}",
                swept.killed
            );
        }
        Ok(_) => {}
        Err(error) => tracing::error!(run.id = run, %error, "the sweep of run {run} broke off"),
    }
}
