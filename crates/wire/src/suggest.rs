//! What was probably meant.

/// How alike two names must be, from 0 to 1, for one to be suggested for the other.
const ALIKE: f64 = 0.8;

/// The name that is closest to what was written, if one is close enough.
pub fn closest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(written, name), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_close_name_is_suggested() {
        let names = ["agent", "thread_id", "input"];
        assert_eq!(closest("agnet", names), Some("agent"));
        assert_eq!(closest("threadid", names), Some("thread_id"));
        assert_eq!(closest("zzz", names), None);
    }
}
