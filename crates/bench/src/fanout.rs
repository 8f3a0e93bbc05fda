//! From append to the client, over HTTP: many runs with a follower each, and one run with a thousand.

use std::path::Path;

use crate::child::{Child, Kind};
use crate::clients::{self, Seen};
use crate::report::{Report, rate};

const CLIENTS: usize = 1_000;

/// 1,000 runs, 1,000 followers; beside the same on a file system in memory, where a sync costs nothing.
pub(crate) async fn visible(report: &mut Report, seconds: u64) -> anyhow::Result<()> {
    for per_second in [1_000, 10_000, 50_000] {
        let child = |dir: &Path| Child {
            kind: Kind::Server,
            dir: dir.to_owned(),
            runs: 1_000,
            clients: CLIENTS,
            per_second,
            batch: 1,
            seconds,
        };
        let memory = tempfile::tempdir_in("/dev/shm")?;
        let without = clients::measure(&child(memory.path())).await?;
        let disk = tempfile::tempdir_in("target")?;
        let ours = clients::measure(&child(disk.path())).await?;
        report.row(
            &format!("append to client, {per_second} events/s, 1,000 runs and followers (p50 / p99 / max)"),
            ours.latencies.summary(),
            format!("{} without sync", without.latencies.summary()),
            Some(ours.latencies.ms(0.5) / without.latencies.ms(0.5)),
            "p50 ≤ 2 ×, p99 ≤ 5 ms quiet, 15 busy",
        );
    }
    Ok(())
}

/// One run with 1,000 followers: many events in few commits, then few events, one write each.
pub(crate) async fn fanout(report: &mut Report, seconds: u64) -> anyhow::Result<()> {
    for (per_second, batch) in [(1_000, 5), (20, 1)] {
        let child = |kind: Kind, dir: &Path| Child {
            kind,
            dir: dir.to_owned(),
            runs: 1,
            clients: CLIENTS,
            per_second,
            batch,
            seconds,
        };
        let dir = tempfile::tempdir_in("target")?;
        let raw = clients::measure(&child(Kind::Raw, dir.path())).await?;
        let ours = clients::measure(&child(Kind::Server, dir.path())).await?;
        let what = format!("one run to 1,000 followers, {per_second} events/s");
        report.row(
            &format!("{what}: deliveries (p50 / p99 / max)"),
            format!("{} ({})", rate(deliveries(&ours)), ours.latencies.summary()),
            format!("{} ({})", rate(deliveries(&raw)), raw.latencies.summary()),
            Some(deliveries(&ours) / deliveries(&raw)),
            if batch == 5 {
                "≥ 500 k/s, p99 ≤ 30 ms quiet"
            } else {
                ""
            },
        );
        let due = per_second * seconds * CLIENTS as u64;
        report.row(
            &format!("{what}: events that came, of those due"),
            format!("{} of {due}", ours.n_events),
            String::new(),
            None,
            "none lost",
        );
        report.row(
            &format!("{what}: processor time per delivered event"),
            format!(
                "{:.2} µs ({:.1} events per write)",
                per_event(&ours),
                events_per_read(&ours)
            ),
            format!("{:.2} µs", per_event(&raw)),
            Some(per_event(&ours) / per_event(&raw)),
            if batch == 1 { "≤ 1.6 ×" } else { "" },
        );
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of events")]
fn deliveries(seen: &Seen) -> f64 {
    seen.n_events as f64 / seen.time.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "counts of events")]
fn per_event(seen: &Seen) -> f64 {
    seen.cpu.as_secs_f64() * 1e6 / seen.n_events as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts of events")]
fn events_per_read(seen: &Seen) -> f64 {
    seen.n_events as f64 / seen.n_reads as f64
}
