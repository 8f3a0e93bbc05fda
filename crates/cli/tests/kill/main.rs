//! kill -9 under load: 200 open runs, 500 followers, 20 kills at random moments. Nothing that a client has seen may be
//! lost, doubled or renumbered, and every run goes on behind what it had written.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails loudly, and says how long things took"
)]

mod followers;
mod server;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use run::event::Event;
use run::{Envelope, Snapshot, Status, frame};

use crate::followers::Followers;
use crate::server::Server;

const RUNS: usize = 200;
const FOLLOWERS: usize = 500;
const KILLS: u64 = 20;
/// Bound of the whole, far above what it takes.
const LIMIT: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_nothing_that_was_seen_is_lost_when_the_server_is_killed_again_and_again() {
    let finished = tokio::time::timeout(LIMIT, kill_under_load()).await;
    finished.expect("the load ends within its bound");
}

async fn kill_under_load() {
    let mut server = Server::start().await;
    let runs = server.start_runs(RUNS).await;
    let followers = Followers::start(&server, &runs, FOLLOWERS);

    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut slowest = Duration::ZERO;
    for n in 1..=KILLS {
        // The moment is a number of events that clients see, not a time: random for the server, and no test sleeps.
        followers.wait_for_events(100 + random.below(1_500)).await;
        server.kill_and_restart().await;
        let ready = Instant::now();
        // The first attempt was before the first kill.
        followers.wait_for_attempt(n + 1).await;
        slowest = slowest.max(ready.elapsed());
        eprintln!(
            "kill {n}: a run went on {:?} after the server was ready",
            ready.elapsed()
        );
    }
    eprintln!("the slowest took {slowest:?}");

    server.wait_until_idle().await;
    let seen = followers.finish().await;
    check(&server, &runs, &seen).await;
}

/// Compares what followers saw with the logs, and every log with its promises.
async fn check(server: &Server, runs: &[String], seen: &BTreeMap<(usize, u64), Vec<u8>>) {
    let undisturbed = text_of(&server.log_of_a_run_alone().await);
    for (n, run) in runs.iter().enumerate() {
        let log = server.log(run).await;
        let frames: Vec<&[u8]> = frame::split(&log).collect();
        let events: Vec<Envelope> = frames
            .iter()
            .map(|bytes| frame::parse(bytes).unwrap())
            .collect();
        let numbers: Vec<u64> = events.iter().map(|event| event.seq.0).collect();
        assert_eq!(
            numbers,
            (1..=numbers.len() as u64).collect::<Vec<_>>(),
            "run {run} has gaps"
        );
        let n_final = events.iter().filter(|event| event.event.is_final()).count();
        assert_eq!(n_final, 1, "run {run} has one final event");
        let Some(Event::RunFinished(finished)) = events.last().map(|last| &last.event) else {
            panic!("run {run} does not end with its final event");
        };
        assert_eq!(
            finished.status,
            Status::Succeeded,
            "run {run}: {finished:?}"
        );
        let saw = seen.range((n, 0)..=(n, u64::MAX));
        for (&(_, seq), bytes) in saw {
            let stored = frames[usize::try_from(seq).unwrap() - 1];
            assert_eq!(
                stored, bytes,
                "run {run}: event {seq} is not what a client saw"
            );
        }
        assert_eq!(text_of(&log), undisturbed, "run {run} says everything once");
    }
    let n_seen = seen.len();
    assert!(
        n_seen > RUNS * 10,
        "only {n_seen} different events were seen"
    );
}

/// All that a run said, as a reader puts it together.
fn text_of(log: &[u8]) -> String {
    let mut snapshot = Snapshot::default();
    for envelope in frame::split(log).map(|bytes| frame::parse(bytes).unwrap()) {
        snapshot.apply(&envelope);
    }
    let said = snapshot.messages.iter().flat_map(|message| &message.parts);
    let words = said.filter_map(|part| match part {
        run::Part::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    let text: String = words.collect::<Vec<_>>().join(" ");
    // Where a message was cut, the next one begins; how the two are spaced is not what is compared.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A small generator (SplitMix64): the same kills each time, as far as the machine allows.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}
