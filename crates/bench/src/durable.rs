//! Durable events a second, closed loop: the commit core alone, at fixed batches, beside a raw file with `fdatasync`.

use std::time::{Duration, Instant};

use store::Claim;
use store::sqlite::{AppendOp, Batch, ClaimOp, Core, Register, StartOp};

use crate::load::{self, Writing};
use crate::probe;
use crate::report::{Report, rate};

const RUNS: u32 = 1_000;

pub(crate) fn measure(report: &mut Report, seconds: u64, batches: &[usize]) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in("target")?;
    let mut core = Core::open(&dir.path().join("bench.db"), load::options())?;
    let mut runs = open_runs(&mut core)?;
    for &batch in batches {
        let target = match batch {
            1 => "≥ 0.7",
            100 => "≥ 0.4",
            _ => "",
        };
        let time = Duration::from_secs(seconds);
        // In slices, one after the other, so that both meet the same disk.
        let (mut raw, mut ours, mut disk) = (0.0, 0.0, 0.0);
        for _ in 0..5 {
            raw += probe::append(dir.path(), batch, time / 10)? / 5.0;
            let (per_second, bytes) = store(&mut core, &mut runs, batch, time / 10)?;
            ours += per_second / 5.0;
            disk += bytes / 5.0;
        }
        let what = format!("durable events, batch {batch}");
        report.row(&what, rate(ours), rate(raw), Some(ours / raw), target);
        if batch == 100 {
            report.row(
                "bytes written to disk per event, batch 100",
                format!("{disk:.0} B"),
                String::new(),
                None,
                "≤ 900 B",
            );
        }
    }
    Ok(())
}

fn open_runs(core: &mut Core) -> anyhow::Result<Vec<Writing>> {
    core.perform(Register {
        worker: load::worker(),
        node: load::node(),
        lease_ms: 3_600_000,
    })?;
    for n in 0..RUNS {
        core.perform(StartOp(load::start(n)))??;
    }
    let mut runs = Vec::new();
    while runs.len() < RUNS as usize {
        for claimed in core.perform(ClaimOp(Claim {
            worker: load::worker(),
            max: 256,
        }))? {
            runs.push(Writing {
                run: claimed.run.id,
                fence: claimed.fence,
                next: 0,
            });
        }
    }
    for one in &mut runs {
        let append = one.append(vec![load::opening()]);
        core.perform(AppendOp(append))??;
    }
    Ok(runs)
}

/// Commits of `batch` one-event appends of different runs; events a second and bytes written per event.
fn store(
    core: &mut Core,
    runs: &mut [Writing],
    batch: usize,
    time: Duration,
) -> anyhow::Result<(f64, f64)> {
    let begin = Instant::now();
    let written = written_bytes();
    let mut n = 0_u32;
    let mut at = 0_usize;
    while begin.elapsed() < time {
        let mut commit = Batch::default();
        let mut answers = Vec::with_capacity(batch);
        for _ in 0..batch {
            // A large odd step, so that neighbours in a batch are not neighbours in the file.
            at = (at + 617) % runs.len();
            answers.push(commit.add(AppendOp(runs[at].append(vec![load::delta()]))));
        }
        core.perform_together(commit);
        for answer in answers {
            answer.take()??;
        }
        n += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of events and bytes")]
    let events = f64::from(n) * batch as f64;
    #[expect(clippy::cast_precision_loss, reason = "counts of events and bytes")]
    let bytes = (written_bytes() - written) as f64 / events;
    Ok((events / begin.elapsed().as_secs_f64(), bytes))
}

/// Bytes that this process has handed to the file system so far, checkpoints included. (What it counts as written to
/// storage is whole folios, far more than is written.)
fn written_bytes() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_are_numbered_within_a_run() {
        let mut one = Writing {
            run: load::start(1).run,
            fence: run::Fence(1),
            next: 0,
        };
        assert_eq!(one.append(vec![]).append_no, run::AppendNo(1));
        assert_eq!(one.append(vec![]).append_no, run::AppendNo(2));
    }
}
