//! From append to durable under an offered load over 1,000 runs, beside a raw writer thread of the same shape.

use std::time::{Duration, Instant};

use crate::load;
use crate::probe;
use crate::report::{Latencies, Report};

const RUNS: u32 = 1_000;

pub(crate) async fn measure(report: &mut Report, seconds: u64) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in("target")?;
    let store = load::open(dir.path(), load::options()).await?;
    let mut runs = load::runs(&store, 0, RUNS).await?;
    for per_second in [1_000, 10_000, 50_000] {
        let time = Duration::from_secs(seconds);
        let path = dir.path().to_owned();
        let raw = tokio::task::spawn_blocking(move || probe::group_commit(&path, per_second, time))
            .await??;
        let ours = offered(&store, &mut runs, per_second, time).await?;
        report.row(
            &format!("append to durable, {per_second} events/s, 1,000 runs (p50 / p99 / max)"),
            ours.summary(),
            raw.summary(),
            Some(ours.ms(0.5) / raw.ms(0.5)),
            "p50 ≤ 2 ×, p99 ≤ 5 ms quiet",
        );
    }
    store.close().await;
    Ok(())
}

/// One append in flight per run at most, as an attempt does it: a run that is still waiting gets its event later, in the
/// same append.
pub(crate) async fn offered(
    store: &store::Store,
    runs: &mut [load::Writing],
    per_second: u64,
    time: Duration,
) -> anyhow::Result<Latencies> {
    let begin = Instant::now();
    let n_tasks = runs.len() as u64;
    let mut tasks = Vec::new();
    for (n, mut one) in runs.iter().copied().enumerate() {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            let mut latencies = Vec::new();
            let interval = Duration::from_secs_f64(as_f64(n_tasks) / as_f64(per_second));
            let offset = interval.mul_f64(as_f64(n as u64) / as_f64(n_tasks));
            let mut due = begin + offset;
            while due < begin + time {
                tokio::time::sleep_until(due.into()).await;
                // What has come due meanwhile goes along, as in an outbox; each counts from its own time.
                let now = Instant::now();
                let mut times = Vec::new();
                while due <= now {
                    times.push(due.max(now));
                    due += interval;
                }
                let events = times.iter().map(|_| load::delta()).collect();
                store.append(one.append(events)).await?;
                latencies.extend(times.into_iter().map(|at| at.elapsed()));
            }
            anyhow::Ok((n, one, latencies))
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        let (n, one, latencies) = task.await??;
        runs[n] = one;
        all.extend(latencies);
    }
    Ok(Latencies::new(all))
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn as_f64(n: u64) -> f64 {
    n as f64
}
