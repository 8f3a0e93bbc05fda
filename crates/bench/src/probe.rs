//! Raw limits: what the machine gives without us.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::report::Latencies;

/// Bytes of one raw event.
const EVENT: usize = 95;

/// Appends of `batch` events and one `fdatasync`, closed loop; events a second.
pub(crate) fn append(dir: &Path, batch: usize, time: Duration) -> anyhow::Result<f64> {
    let mut file = File::create(dir.join(format!("raw-{batch}")))?;
    let bytes = vec![b'x'; EVENT * batch];
    let begin = Instant::now();
    let mut n = 0_u32;
    while begin.elapsed() < time {
        file.write_all(&bytes)?;
        file.sync_data()?;
        n += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of events")]
    Ok(f64::from(n) * batch as f64 / begin.elapsed().as_secs_f64())
}

/// A writer thread that commits all that has gathered, under an offered load: the same shape as the store's, on a raw
/// file. From hand-over to durable.
pub(crate) fn group_commit(
    dir: &Path,
    per_second: u64,
    time: Duration,
) -> anyhow::Result<Latencies> {
    let (queue, receive) = mpsc::sync_channel::<Instant>(1 << 20);
    let mut file = File::create(dir.join("raw-group"))?;
    let writer = std::thread::spawn(move || -> anyhow::Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        let mut batch = Vec::new();
        while let Ok(first) = receive.recv() {
            batch.push(first);
            batch.extend(receive.try_iter().take(8_192));
            file.write_all(&vec![b'x'; EVENT * batch.len()])?;
            file.sync_data()?;
            latencies.extend(batch.drain(..).map(|at| at.elapsed()));
        }
        Ok(latencies)
    });
    let begin = Instant::now();
    let mut sent = 0_u64;
    while begin.elapsed() < time {
        let due = crate::load::due(begin.elapsed(), per_second);
        while sent < due {
            queue.send(Instant::now())?;
            sent += 1;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    drop(queue);
    let latencies = writer
        .join()
        .map_err(|_| anyhow::anyhow!("the raw writer panicked"))??;
    Ok(Latencies::new(latencies))
}
