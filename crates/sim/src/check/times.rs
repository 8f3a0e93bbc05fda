//! What has to be over behind a sweep, by the clock.

use run::Timestamp;
use store::RunRecord;

use crate::Violation;

const IN_TIME: &str = "a sweep leaves nothing open whose time is over";

/// Checks all runs as they stand behind a sweep at a time.
pub fn times(records: &[RunRecord], now: Timestamp) -> Result<(), Violation> {
    for record in records {
        if !record.control.is_final()
            && let Some(what) = overdue(record, now)
        {
            return Err(Violation::new(IN_TIME, format!("{}: {what}", record.id)));
        }
    }
    Ok(())
}

fn overdue(record: &RunRecord, now: Timestamp) -> Option<String> {
    let control = &record.control;
    let timeout_ms = record.spec.stop_timeout_ms;
    let stop_by = control.stop.as_ref().map(|it| it.at.plus_ms(timeout_ms));
    if stop_by.is_some_and(|by| by <= now) {
        return Some("a stop took too long".to_owned());
    }
    // Whoever has the run gets the time of a stop to end it in good order.
    let grace_ms = if control.is_held() { timeout_ms } else { 0 };
    let wall_ms = record.spec.budget.wall_ms;
    let deadline = control.started_at.zip(wall_ms).map(|(began, ms)| {
        let ms = ms.saturating_add(grace_ms);
        began.plus_ms(ms)
    });
    if deadline.is_some_and(|by| by <= now) {
        return Some("its time is over".to_owned());
    }
    let mut requests = control.requests.iter();
    requests
        .find(|(_, open)| open.expires_at.is_some_and(|by| by <= now))
        .map(|(request, _)| format!("request {request} waits beyond its time"))
}
