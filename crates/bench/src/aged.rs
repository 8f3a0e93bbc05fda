//! What a store full of finished runs costs the living: the same measurements on a fresh store and behind 10,000 finished
//! and compacted runs of 2,000 events each.

use std::time::{Duration, Instant};

use store::{Options, RunFilter, Scope, Store};

use crate::latency::offered;
use crate::load;
use crate::report::{Latencies, Report};

const RUNS: u32 = 10_000;
const EVENTS: usize = 2_000;
/// Runs that are filled at once.
const WAVE: u32 = 100;

pub(crate) async fn measure(report: &mut Report, seconds: u64) -> anyhow::Result<()> {
    let fresh_dir = tempfile::tempdir_in("target")?;
    let fresh = load::open(fresh_dir.path(), load::options()).await?;
    let aged_dir = tempfile::tempdir_in("target")?;
    let options = Options {
        compact_after_ms: Some(0),
        ..load::options()
    };
    let aged = load::open(aged_dir.path(), options).await?;
    fill(&aged).await?;
    // In turns, so that both meet the same machine.
    let time = Duration::from_secs(seconds);
    let mut writing = (
        load::runs(&fresh, RUNS, 1_000).await?,
        load::runs(&aged, RUNS, 1_000).await?,
    );
    let before = offered(&fresh, &mut writing.0, 10_000, time).await?;
    let after = offered(&aged, &mut writing.1, 10_000, time).await?;
    row(
        report,
        "append to durable, 10,000 events/s",
        &after,
        &before,
    );
    let before = starts(&fresh, 20_000).await?;
    let after = starts(&aged, 20_000).await?;
    row(report, "start of a run", &after, &before);
    let before = lists(&fresh).await?;
    let after = lists(&aged).await?;
    row(report, "list of 50 runs", &after, &before);
    fresh.close().await;
    aged.close().await;
    Ok(())
}

fn row(report: &mut Report, what: &str, after: &Latencies, before: &Latencies) {
    let what = format!("{what}, behind 10,000 finished runs (p50 / p99 / max)");
    let before_text = format!("{} without them", before.summary());
    report.row(
        &what,
        after.summary(),
        before_text,
        Some(after.ms(0.5) / before.ms(0.5)),
        "≤ 1.1 ×",
    );
}

#[expect(
    clippy::print_stderr,
    reason = "it takes minutes, and says how far it is"
)]
async fn fill(store: &Store) -> anyhow::Result<()> {
    let begin = Instant::now();
    for wave in 0..RUNS / WAVE {
        let runs = load::runs(store, wave * WAVE, WAVE).await?;
        let mut tasks = tokio::task::JoinSet::new();
        for mut one in runs {
            let store = store.clone();
            tasks.spawn(async move {
                for _ in 0..EVENTS / 100 {
                    let events = (0..100).map(|_| load::delta()).collect();
                    store.append(one.append(events)).await?;
                }
                load::finish(&store, &[one]).await
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        if wave % 20 == 19 {
            eprintln!(
                "{} runs are there after {:.0?}",
                (wave + 1) * WAVE,
                begin.elapsed()
            );
        }
    }
    // Compaction takes 64 runs a second at most; it must not go on during what is measured.
    let wait = Duration::from_secs(u64::from(RUNS / 64 + 10)).saturating_sub(begin.elapsed());
    tokio::time::sleep(wait).await;
    Ok(())
}

async fn starts(store: &Store, from: u32) -> anyhow::Result<Latencies> {
    let mut times = Vec::new();
    for n in 0..1_000 {
        let begin = Instant::now();
        store.start(load::start(from + n)).await?;
        times.push(begin.elapsed());
    }
    Ok(Latencies::new(times))
}

async fn lists(store: &Store) -> anyhow::Result<Latencies> {
    let mut times = Vec::new();
    for _ in 0..200 {
        let begin = Instant::now();
        store
            .runs(&Scope::local(), RunFilter::default(), None, 50)
            .await?;
        times.push(begin.elapsed());
    }
    Ok(Latencies::new(times))
}
