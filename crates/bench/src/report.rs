//! The table that a run of measurements prints: Markdown, so that it can stand in the documentation as it is.

use std::fmt;
use std::time::Duration;

/// Rows of the table.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<[String; 5]>,
}

impl Report {
    /// Adds a row: what, measured, limit of the same run, ratio, target.
    pub(crate) fn row(
        &mut self,
        what: &str,
        measured: String,
        limit: String,
        ratio: Option<f64>,
        target: &str,
    ) {
        let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        self.rows
            .push([what.to_owned(), measured, limit, ratio, target.to_owned()]);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what | measured | raw limit, same run | ratio | target |\n|---|---|---|---|---|"
        )?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}

/// Sorted durations.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The value that a share of all lies below, in milliseconds.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into measurements"
    )]
    pub(crate) fn ms(&self, share: f64) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else {
            return f64::NAN;
        };
        self.0[((last as f64) * share).round() as usize].as_secs_f64() * 1e3
    }

    /// `p50 / p99 / max`.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{:.2} / {:.2} / {:.1} ms",
            self.ms(0.5),
            self.ms(0.99),
            self.ms(1.0)
        )
    }
}

/// Events a second, readable.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second >= 1e6 {
        format!("{:.2} M/s", per_second / 1e6)
    } else if per_second >= 1e3 {
        format!("{:.1} k/s", per_second / 1e3)
    } else {
        format!("{per_second:.0} /s")
    }
}
