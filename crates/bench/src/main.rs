//! Measurements: each beside its raw limit, probed in the same run, because these machines are noisy and only ratios
//! compare. `cargo xtask bench [names…]`.

mod durable;
mod latency;
mod load;
mod probe;
mod replay;
mod report;
mod restart;

use clap::Parser;

use crate::report::Report;

/// What to measure.
#[derive(Parser)]
struct Args {
    /// Names of measurements; all of them without any.
    names: Vec<String>,
    /// Seconds of each timed part.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

#[expect(clippy::print_stdout, reason = "a measurement is for the terminal")]
fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut report = Report::default();
    let wanted =
        |name: &str| args.names.is_empty() || args.names.iter().any(|wanted| wanted == name);
    if wanted("durable") {
        durable::measure(&mut report, args.seconds)?;
    }
    if wanted("latency") {
        runtime.block_on(latency::measure(&mut report, args.seconds))?;
    }
    if wanted("replay") {
        runtime.block_on(replay::measure(&mut report))?;
    }
    if wanted("restart") {
        runtime.block_on(restart::measure(&mut report))?;
    }
    println!("{report}");
    Ok(())
}
