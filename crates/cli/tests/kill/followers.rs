//! Clients that follow runs, come back with their cursor when the connection is gone, and remember every byte.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use run::frame;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::server::Server;

/// What all followers have seen: by run and number, the frame.
type Seen = BTreeMap<(usize, u64), Vec<u8>>;

pub(crate) struct Followers {
    tasks: JoinSet<Seen>,
    progress: Arc<Progress>,
}

/// What all clients together have seen so far.
#[derive(Default)]
struct Progress {
    n_events: AtomicU64,
    /// The highest number of an attempt that began.
    attempt: AtomicU64,
    moved: Notify,
}

impl Progress {
    async fn wait(&self, count: &AtomicU64, until: u64) {
        loop {
            let moved = self.moved.notified();
            if count.load(Ordering::Acquire) >= until {
                return;
            }
            moved.await;
        }
    }
}

impl Followers {
    pub(crate) fn start(server: &Server, runs: &[String], n: usize) -> Self {
        let progress = Arc::new(Progress::default());
        let mut tasks = JoinSet::new();
        let client = reqwest::Client::new();
        for n in 0..n {
            let run = n % runs.len();
            let url = server.url(&format!("/v1/runs/{}/events", runs[run]));
            tasks.spawn(follow(client.clone(), url, run, Arc::clone(&progress)));
        }
        Self { tasks, progress }
    }

    /// Waits until clients have seen so many more events.
    pub(crate) async fn wait_for_events(&self, n: u64) {
        let until = self.progress.n_events.load(Ordering::Acquire) + n;
        self.progress.wait(&self.progress.n_events, until).await;
    }

    /// Waits until a client has seen a run being taken up for the `n`th time.
    pub(crate) async fn wait_for_attempt(&self, n: u64) {
        self.progress.wait(&self.progress.attempt, n).await;
    }

    /// Waits until every follower has seen the end of its run. Two that saw the same event saw the same bytes.
    pub(crate) async fn finish(mut self) -> Seen {
        let mut all = Seen::new();
        while let Some(seen) = self.tasks.join_next().await {
            for (at, bytes) in seen.unwrap() {
                let known = all.entry(at).or_insert_with(|| bytes.clone());
                assert_eq!(
                    *known, bytes,
                    "two clients saw different events under one number"
                );
            }
        }
        all
    }
}

/// Follows one run to its end.
async fn follow(client: reqwest::Client, url: String, run: usize, progress: Arc<Progress>) -> Seen {
    let mut seen = Seen::new();
    let mut cursor = 0;
    let mut again = tokio::time::interval(Duration::from_millis(20));
    loop {
        again.tick().await;
        let mut request = client.get(&url).header("accept", "text/event-stream");
        if cursor > 0 {
            request = request.header("last-event-id", cursor);
        }
        // The server may just be dead, or not yet up again.
        let Ok(mut answer) = request.send().await else {
            continue;
        };
        if answer.status() == 204 {
            return seen;
        }
        assert_eq!(
            answer.status(),
            200,
            "{}",
            answer.text().await.unwrap_or_default()
        );
        let mut buffer = Vec::new();
        while let Ok(Some(bytes)) = answer.chunk().await {
            buffer.extend_from_slice(&bytes);
            let mut taken = 0;
            let mut n_events = 0;
            for block in frame::split(&buffer) {
                taken += block.len();
                // Heartbeats and comments have no number.
                let Some(seq) = frame::seq(block) else {
                    continue;
                };
                assert_eq!(
                    seq.0,
                    cursor + 1,
                    "a client sees every event once, in order"
                );
                cursor = seq.0;
                n_events += 1;
                if block
                    .windows(24)
                    .any(|at| at == b"\nevent: attempt.started\n")
                {
                    let began = frame::parse(block).unwrap().attempt;
                    progress.attempt.fetch_max(began.into(), Ordering::AcqRel);
                }
                seen.insert((run, seq.0), block.to_vec());
            }
            buffer.drain(..taken);
            progress.n_events.fetch_add(n_events, Ordering::AcqRel);
            progress.moved.notify_waiters();
        }
    }
}
