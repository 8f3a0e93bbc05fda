//! The metrics of the process, printed for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use http::RenderMetrics;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};

/// How often what was measured is put together; between two times it only gathers.
const UPKEEP: Duration = Duration::from_secs(5);

/// Begins to measure.
pub(crate) fn meter() -> Result<RenderMetrics, BuildError> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(Arc::new(move || handle.render()))
}
