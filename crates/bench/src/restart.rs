//! Opening a store as a kill leaves it: 10,000 runs, 1,000 of them open, a full write-ahead log.

use std::time::Instant;

use crate::load;
use crate::report::{Latencies, Report};

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in("target")?;
    let store = load::open(dir.path(), load::options()).await?;
    for chunk in 0..9 {
        let runs = load::runs(&store, chunk * 1_000, 1_000).await?;
        load::finish(&store, &runs).await?;
    }
    let mut runs = load::runs(&store, 9_000, 1_000).await?;
    for _ in 0..20 {
        for one in &mut runs {
            let events = vec![load::delta()];
            store.append(one.append(events)).await?;
        }
    }
    let mut times = Vec::new();
    for one in runs.iter().take(5) {
        // A copy of the files while the store works is what a kill leaves.
        let copy = tempfile::tempdir_in("target")?;
        for name in ["bench.db", "bench.db-wal"] {
            std::fs::copy(dir.path().join(name), copy.path().join(name))?;
        }
        let begin = Instant::now();
        let reopened = load::open(copy.path(), load::options()).await?;
        reopened.run(&store::Scope::local(), one.run).await?;
        times.push(begin.elapsed());
        reopened.close().await;
    }
    store.close().await;
    let times = Latencies::new(times);
    let what = "open after kill -9, 10,000 runs, 1,000 open (p50)";
    report.row(
        what,
        format!("{:.0} ms", times.ms(0.5)),
        String::new(),
        None,
        "≤ 250 ms",
    );
    Ok(())
}
