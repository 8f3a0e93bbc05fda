//! Measurements: each beside its raw limit, probed in the same run, because these machines are noisy and only ratios
//! compare. `cargo xtask bench [names…]`.

mod aged;
mod agents;
mod child;
mod clients;
mod durable;
mod faces;
mod fanout;
mod latency;
mod load;
mod loops;
mod probe;
mod replay;
mod report;
mod restart;
mod server;

use clap::{Parser, Subcommand};

use crate::report::Report;

/// What to measure.
#[derive(Parser)]
struct Args {
    /// Names of measurements; all of them without any: durable latency visible
    /// fanout start memory replay faces restart loops parked agents. `aged` takes minutes and runs only when named.
    names: Vec<String>,
    /// Seconds of each timed part.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// `durable`: events of one commit.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 1_000])]
    batches: Vec<usize>,
}

/// The measured side of a measurement, started by the measuring one.
#[derive(Parser)]
struct ChildArgs {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    Child(child::Child),
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    if std::env::args()
        .nth(1)
        .is_some_and(|first| first == "child")
    {
        let Role::Child(child) = ChildArgs::parse().role;
        return runtime.block_on(child::serve(child));
    }
    measure(&Args::parse(), &runtime)
}

#[expect(clippy::print_stdout, reason = "a measurement is for the terminal")]
fn measure(args: &Args, runtime: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    let mut report = Report::default();
    let wanted =
        |name: &str| args.names.is_empty() || args.names.iter().any(|wanted| wanted == name);
    if wanted("durable") {
        durable::measure(&mut report, args.seconds, &args.batches)?;
    }
    runtime.block_on(async {
        if wanted("latency") {
            latency::measure(&mut report, args.seconds).await?;
        }
        if wanted("visible") {
            fanout::visible(&mut report, args.seconds).await?;
        }
        if wanted("fanout") {
            fanout::fanout(&mut report, args.seconds).await?;
        }
        if wanted("start") {
            server::start(&mut report).await?;
        }
        if wanted("memory") {
            server::memory(&mut report).await?;
        }
        if wanted("replay") {
            replay::measure(&mut report).await?;
        }
        if wanted("faces") {
            faces::measure(&mut report).await?;
        }
        if wanted("restart") {
            restart::measure(&mut report).await?;
        }
        if wanted("loops") {
            loops::loops(&mut report).await?;
        }
        if wanted("parked") {
            loops::parked(&mut report).await?;
        }
        if wanted("agents") {
            agents::measure(&mut report).await?;
        }
        // Minutes long, so only by its name.
        if args.names.iter().any(|name| name == "aged") {
            aged::measure(&mut report, args.seconds).await?;
        }
        anyhow::Ok(())
    })?;
    println!("{report}");
    Ok(())
}
