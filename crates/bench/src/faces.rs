//! The faces beside the native stream: a log read back through each over HTTP, and what one event costs to translate.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use run::{RunId, Seq, frame};
use store::{RunRecord, Scope, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use wire::faces::{agui, aisdk, openai};

use crate::load;
use crate::report::{Latencies, Report};

const EVENTS: u32 = 10_000;
const ROUNDS: usize = 15;

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in("target")?;
    let store = load::open(dir.path(), load::options()).await?;
    let mut runs = load::runs(&store, 0, 1).await?;
    for _ in 0..EVENTS / 100 {
        let events = (0..100).map(|_| load::delta()).collect();
        store.append(runs[0].append(events)).await?;
    }
    load::finish(&store, &runs).await?;
    let run = runs[0].run;
    replays(report, &store, run).await?;
    translations(report, &store, run).await?;
    store.close().await;
    Ok(())
}

/// What a client asks for, and what the last bytes of the answer have in them.
struct Way {
    name: &'static str,
    path: String,
    end: &'static str,
}

fn ways(run: RunId) -> [Way; 4] {
    let response = openai::ResponseId::beginning(run);
    [
        Way {
            name: "native",
            path: format!("/v1/runs/{run}/events"),
            end: "event: run.finished",
        },
        Way {
            name: "AI SDK",
            path: format!("/aisdk/bench/{run}/stream"),
            end: "data: [DONE]",
        },
        Way {
            name: "AG-UI",
            path: format!("/agui/runs/{run}"),
            end: "RUN_FINISHED",
        },
        Way {
            name: "OpenAI",
            path: format!("/openai/v1/responses/{response}?stream=true"),
            end: "response.completed",
        },
    ]
}

/// The same log through each face, in turn, so that noise of the machine meets all of them.
async fn replays(report: &mut Report, store: &Store, run: RunId) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let settings = http::Settings::default();
    let catalogue = http::Catalogue::new(Arc::default());
    let app = http::App::new(store.clone(), catalogue, settings, None);
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(http::serve(listener, app, shutdown.clone()));
    let ways = ways(run);
    let mut times = ways.each_ref().map(|_| Vec::new());
    let mut sizes = ways.each_ref().map(|_| 0);
    for round in 0..=ROUNDS {
        for (n, way) in ways.iter().enumerate() {
            let begin = Instant::now();
            sizes[n] = read(port, way).await?;
            // The first one of each warms it up.
            if round > 0 {
                times[n].push(begin.elapsed());
            }
        }
    }
    shutdown.cancel();
    serving.await??;
    let times = times.map(Latencies::new);
    let native = times[0].ms(0.5);
    for ((way, times), size) in ways.iter().zip(&times).zip(sizes) {
        let (ratio, target) = match way.name {
            "native" => (None, ""),
            _ => (Some(times.ms(0.5) / native), "≤ 3 ×"),
        };
        report.row(
            &format!("replay of {EVENTS} events over HTTP, {} (p50)", way.name),
            format!("{:.2} ms, {:.1} MB", times.ms(0.5), f64::from(size) / 1e6),
            format!("{native:.2} ms"),
            ratio,
            target,
        );
    }
    Ok(())
}

/// Reads a whole answer; its length.
async fn read(port: u16, way: &Way) -> anyhow::Result<u32> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: text/event-stream\r\nconnection: close\r\n\r\n",
        way.path
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(8 << 20);
    while stream.read_buf(&mut answer).await? > 0 {}
    let tail = String::from_utf8_lossy(&answer[answer.len().saturating_sub(2_000_000)..]);
    anyhow::ensure!(
        tail.contains(way.end),
        "{} ended early: {}",
        way.name,
        tail.chars().take(500).collect::<String>()
    );
    Ok(u32::try_from(answer.len())?)
}

/// Each frame by itself, as it comes live.
async fn translations(report: &mut Report, store: &Store, run: RunId) -> anyhow::Result<()> {
    let mut follower = store.follow(&Scope::local(), run, Seq::ZERO).await?;
    let mut log = Vec::new();
    while let Some(frames) = follower.next().await? {
        log.extend_from_slice(&frames);
    }
    let frames: Vec<&[u8]> = frame::split(&log).collect();
    let record = store.run(&Scope::local(), run).await?;
    let native = per_event(&frames, || |frame, out| out.extend_from_slice(frame));
    let mut row = |name: &str, micros: f64| {
        let is_native = name.starts_with("native");
        let target = if is_native { "" } else { "≤ 2 µs" };
        report.row(
            &format!("one live event as a frame, {name}"),
            format!("{micros:.3} µs"),
            format!("{native:.3} µs"),
            None,
            target,
        );
    };
    row("native, which copies it", native);
    row(
        "AI SDK",
        per_event(&frames, || {
            let mut translator = aisdk::Translator::new(aisdk_view(&record));
            let mut lines = aisdk::Lines::from(0);
            move |frame, out| {
                translator.take(frame, &mut lines);
                *out = lines.take();
            }
        }),
    );
    row(
        "AG-UI",
        per_event(&frames, || {
            let mut reading = agui::Reading::new(agui_view(&record));
            move |frame, out| {
                reading.take(frame, out);
            }
        }),
    );
    row(
        "OpenAI",
        per_event(&frames, || {
            let mut translation = openai::Translation::new(about(&record), Seq(1), None);
            move |frame, out| translation.take_frames(frame, out)
        }),
    );
    Ok(())
}

/// The time of one frame, in microseconds: the shortest of some rounds, which nothing disturbed.
fn per_event<F: FnMut(&[u8], &mut Vec<u8>)>(frames: &[&[u8]], begin: impl Fn() -> F) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let mut translate = begin();
        let mut out = Vec::new();
        let begin = Instant::now();
        for frame in frames {
            out.clear();
            translate(frame, &mut out);
            black_box(&out);
        }
        begin.elapsed()
    });
    let shortest = rounds.min().unwrap_or_default();
    shortest.as_secs_f64() * 1e6 / f64::from(EVENTS)
}

fn aisdk_view(record: &RunRecord) -> aisdk::View {
    aisdk::View::new(
        (record.id, record.thread.clone(), record.agent.clone()),
        &record.control,
        &record.input,
        aisdk::Begin::Run,
        aisdk::Discarded::LeftOut,
        aisdk::Dialect::V6,
    )
}

fn agui_view(record: &RunRecord) -> agui::View {
    agui::View {
        run: record.id,
        agent: record.agent.clone(),
        thread_id: record.thread.to_string(),
        run_id: record.id.to_string(),
        extent: agui::Extent::Segment { first_seq: Seq(1) },
        cursor: agui::Cursor::default(),
        discarded: Vec::new(),
        client_tools: agui::ClientTools::default(),
        answered: BTreeSet::new(),
        messages: Vec::new(),
    }
}

fn about(record: &RunRecord) -> openai::About {
    openai::About {
        run: record.id,
        agent: record.agent.clone(),
        thread: record.thread.to_string(),
        metadata: record.metadata.clone(),
        tools: Vec::new(),
        instructions: None,
        temperature: None,
        max_output_tokens: None,
        output_schema: None,
        schema: None,
        discarded: BTreeSet::new(),
    }
}
