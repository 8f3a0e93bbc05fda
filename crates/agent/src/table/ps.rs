//! The table from `ps`, for systems without `/proc`.
//!
//! What is lost against Linux: an environment cannot be read, so a process is known only by its group and by its
//! parent. A sweep after a crash of the server finds nothing, and a child in a session of its own is found only while
//! its parent lives. There is no subreaper either: orphans go to the system's first process, which collects them.

use std::process::{Command, Stdio};

use super::Entry;
use crate::pid::{Identity, Pid};

/// Every process that can be seen.
pub(crate) fn table() -> Vec<Entry> {
    ps(&["-A"])
}

/// This process, unless it has gone.
pub(crate) fn entry(pid: Pid) -> Option<Entry> {
    ps(&["-p", &pid.to_string()]).pop()
}

/// Never: `ps` has no portable way to show it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn environ(_: Pid, _: &mut Vec<u8>) -> bool {
    false
}

fn ps(which: &[&str]) -> Vec<Entry> {
    let mut command = Command::new("ps");
    command.args(which).args([
        "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "state=", "-o", "lstart=",
    ]);
    command
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let Ok(output) = command.output() else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(parse_line).collect()
}

/// `42 7 41 Ss Fri Nov 20 09:09:00 2026`
fn parse_line(line: &str) -> Option<Entry> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [pid, parent, group, state, _, month, day, time, year] = fields[..] else {
        return None;
    };
    let group = Pid::new(group.parse().ok()?);
    Some(Entry {
        identity: Identity {
            pid: Pid::new(pid.parse().ok()?)?,
            started: started(month, day, time, year)?,
        },
        parent: Pid::new(parent.parse().ok()?),
        group,
        // Sessions are not shown. Our children begin as leaders of both, so the group is the part of the session that
        // can be known.
        session: group,
        dead: state.starts_with('Z'),
        kernel: false,
    })
}

/// A number that grows with the time; not a duration, for its months are all equally long.
fn started(month: &str, day: &str, time: &str, year: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = u64::try_from(MONTHS.find(month)? / 3).ok()?;
    let days = (year.parse::<u64>().ok()? * 12 + month) * 32 + day.parse::<u64>().ok()?;
    let mut seconds = days * 24;
    for (at, part) in time.split(':').enumerate() {
        seconds = if at == 0 { seconds } else { seconds * 60 } + part.parse::<u64>().ok()?;
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::{entry, parse_line, started, table};
    use crate::pid::Pid;

    #[test]
    fn later_is_greater() {
        let times = [
            ("Dec", "31", "23:59:59", "2025"),
            ("Jan", "1", "00:00:00", "2026"),
            ("Jan", "31", "10:00:00", "2026"),
            ("Feb", "1", "09:00:00", "2026"),
            ("Feb", "1", "09:00:01", "2026"),
        ];
        let numbers: Vec<_> = times
            .map(|(m, d, t, y)| started(m, d, t, y).unwrap())
            .into();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }

    #[test]
    fn a_line_that_is_no_process_is_left_out() {
        assert_eq!(parse_line("PID PPID"), None);
        assert_eq!(parse_line("a b c S Fri Nov 20 09:09:00 2026"), None);
    }

    #[test]
    fn this_process_is_in_the_table() {
        let own = entry(Pid::own()).unwrap();
        assert_eq!(own.pid(), Pid::own());
        assert!(table().iter().any(|other| other.pid() == own.pid()));
    }
}
