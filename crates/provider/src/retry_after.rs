//! How long a vendor wants to be left alone.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::HeaderMap;

use crate::limits;

/// Reads `retry-after-ms` (OpenAI and Azure, the more exact one) or `retry-after`: seconds, or an HTTP date (RFC 9110,
/// section 10.2.3). A date that has passed means now; what cannot be read or is absurd means nothing.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = |text: &str, per_second: f64| {
        let number: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(number / per_second).ok()
    };
    let date = |text: &str| {
        let at = DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(at.duration_since(now).try_into().unwrap_or(Duration::ZERO))
    };
    text("retry-after-ms")
        .and_then(|text| seconds(text, 1000.0))
        .or_else(|| text("retry-after").and_then(|text| seconds(text, 1.0).or_else(|| date(text))))
        .filter(|wait| *wait <= limits::RETRY_AFTER_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], expected_ms: Option<u64>) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let now = "2026-11-20T10:00:00Z".parse().unwrap();
        assert_eq!(
            retry_after(&headers, now),
            expected_ms.map(Duration::from_millis)
        );
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read() {
        check(&[], None);
        check(&[("retry-after", "7")], Some(7000));
        check(&[("retry-after", " 0.25 ")], Some(250));
        check(
            &[("retry-after", "2"), ("retry-after-ms", "1500")],
            Some(1500),
        );
        check(
            &[("retry-after", "Fri, 20 Nov 2026 10:01:30 GMT")],
            Some(90_000),
        );
        check(&[("retry-after", "Fri, 20 Nov 2026 09:00:00 GMT")], Some(0));
    }

    #[test]
    fn nonsense_is_no_wait() {
        for text in ["soon", "-1", "NaN", "inf", "1e300", "99999999999", ""] {
            check(&[("retry-after", text)], None);
        }
    }
}
