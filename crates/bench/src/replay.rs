//! Reading a whole log back: from plain chunks, and after compaction.

use std::time::{Duration, Instant};

use run::{Seq, frame};
use store::{Options, Scope, Store};

use crate::load;
use crate::report::{Latencies, Report};

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    for (n_events, target) in [(10_000, "≤ 2 ms"), (100_000, "≤ 15 ms")] {
        let dir = tempfile::tempdir_in("target")?;
        let store = load::open(dir.path(), load::options()).await?;
        let mut runs = load::runs(&store, 0, 1).await?;
        for _ in 0..n_events / 100 {
            let events = (0..100).map(|_| load::delta()).collect();
            store.append(runs[0].append(events)).await?;
        }
        load::finish(&store, &runs).await?;
        let run = runs[0].run;
        let (plain, first, bytes) = replays(&store, run).await?;
        let what = format!("replay of {n_events} events (p50), first bytes");
        let measured = format!("{:.2} ms, {:.2} ms", plain.ms(0.5), first.ms(0.5));
        report.row(
            &what,
            measured,
            format!("{:.1} MB", bytes / 1e6),
            None,
            target,
        );
        store.close().await;

        let options = Options {
            compact_after_ms: Some(0),
            ..load::options()
        };
        let store = load::open(dir.path(), options).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (packed, _, _) = replays(&store, run).await?;
        let ratio = packed.ms(0.5) / plain.ms(0.5);
        let what = format!("the same, compacted ({n_events} events)");
        report.row(
            &what,
            format!("{:.2} ms", packed.ms(0.5)),
            format!("{:.2} ms", plain.ms(0.5)),
            Some(ratio),
            "≤ 3 ×",
        );
        store.close().await;
    }
    Ok(())
}

async fn replays(store: &Store, run: run::RunId) -> anyhow::Result<(Latencies, Latencies, f64)> {
    let (mut whole, mut first) = (Vec::new(), Vec::new());
    let mut bytes = 0.0;
    for _ in 0..9 {
        let begin = Instant::now();
        let mut follower = store.follow(&Scope::local(), run, Seq::ZERO).await?;
        let mut n_bytes = 0_u32;
        let mut last = None;
        let mut first_at = None;
        while let Some(frames) = follower.next().await? {
            first_at.get_or_insert_with(|| begin.elapsed());
            n_bytes += u32::try_from(frames.len())?;
            last = Some(frames);
        }
        whole.push(begin.elapsed());
        first.extend(first_at);
        bytes = f64::from(n_bytes);
        let last = last.and_then(|frames| frame::split(&frames).last().and_then(frame::parse));
        anyhow::ensure!(
            last.is_some_and(|envelope| envelope.event.is_final()),
            "a replay ended early"
        );
    }
    Ok((Latencies::new(whole), Latencies::new(first), bytes))
}
