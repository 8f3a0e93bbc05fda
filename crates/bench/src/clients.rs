//! Many clients that read streams and say how old each event was when it came.

use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::child::{Child, Running, now_ns};
use crate::report::Latencies;

/// What clients of one child saw.
pub(crate) struct Seen {
    pub(crate) latencies: Latencies,
    pub(crate) n_events: u64,
    /// Reads that brought something: events that came together count once.
    pub(crate) n_reads: u64,
    pub(crate) cpu: Duration,
    pub(crate) time: Duration,
}

/// Starts a child, connects its clients, lets the load run and gathers what they saw.
pub(crate) async fn measure(child: &Child) -> anyhow::Result<Seen> {
    let mut running = Running::start(child).await?;
    let (stop, stopped) = watch::channel(false);
    let mut clients = JoinSet::new();
    for n in 0..child.clients {
        let per_run = child.clients / running.targets.len();
        let target = running.targets[n / per_run.max(1) % running.targets.len()].clone();
        let stream = connect(running.port, &target).await?;
        clients.spawn(read(stream, stopped.clone()));
    }
    let begin = std::time::Instant::now();
    running.go().await?;
    let cpu = running.cpu().await?;
    let time = begin.elapsed();
    // What is still on its way arrives within this; what does not was lost, and is seen in the count.
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.send(true)?;
    let (mut latencies, mut n_events, mut n_reads) = (Vec::new(), 0, 0);
    while let Some(client) = clients.join_next().await {
        let (theirs, events, reads) = client??;
        latencies.extend(theirs);
        n_events += events;
        n_reads += reads;
    }
    Ok(Seen {
        latencies: Latencies::new(latencies),
        n_events,
        n_reads,
        cpu,
        time,
    })
}

pub(crate) async fn connect(port: u16, run: &str) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /v1/runs/{run}/events HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

/// Reads until told to stop: the ages of the last event of each read, how many events and how many reads.
async fn read(
    mut stream: TcpStream,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<(Vec<Duration>, u64, u64)> {
    let text = memmem::Finder::new(b"\"text\":\"0");
    let mut buffer = vec![0; 64 * 1024];
    let (mut ages, mut n_events, mut n_reads) = (Vec::new(), 0, 0);
    loop {
        let n = tokio::select! {
            n = stream.read(&mut buffer) => n?,
            _ = stop.changed() => return Ok((ages, n_events, n_reads)),
        };
        if n == 0 {
            return Ok((ages, n_events, n_reads));
        }
        let now = now_ns();
        let mut is_event = false;
        // A stamp that a read cuts in two is not counted; the load is far larger than the number of reads that do so.
        for at in text.find_iter(&buffer[..n]) {
            let digits = &buffer[at + 8..n.min(at + 28)];
            if let Some(sent) = std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse::<u64>().ok())
            {
                ages.push(Duration::from_nanos(now.saturating_sub(sent)));
            }
            n_events += 1;
            is_event = true;
        }
        n_reads += u64::from(is_event);
    }
}
