//! The table from `/proc`.

use std::fs::{self, File};
use std::io::Read as _;

use super::Entry;
use crate::limits::ENVIRON_BYTES;
use crate::pid::{Identity, Pid};

/// `PF_KTHREAD` of the kernel's `sched.h`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// Every process that can be seen, lowest number first. One pass, one small file per process.
pub(crate) fn table() -> Vec<Entry> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut stat = Vec::new();
    folder
        .filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|number| read_entry(Pid::new(number)?, &mut stat))
        .collect()
}

/// This process, unless it has gone.
pub(crate) fn entry(pid: Pid) -> Option<Entry> {
    read_entry(pid, &mut Vec::new())
}

/// Puts the environment that the process was started with into `into`: `NAME=value`, each ended by a zero byte. False
/// when it cannot be read: another user's, already dying, or in the middle of an `execve`. Programs that write their
/// title over it show that instead.
pub(crate) fn environ(pid: Pid, into: &mut Vec<u8>) -> bool {
    if read(&format!("/proc/{pid}/environ"), ENVIRON_BYTES, into) {
        return true;
    }
    // The first thread of a program may end before the others, and takes its view of the memory with it.
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    let numbers = threads.filter_map(|file| file.ok()?.file_name().into_string().ok());
    numbers
        .filter(|number| *number != pid.to_string())
        .any(|number| {
            read(
                &format!("/proc/{pid}/task/{number}/environ"),
                ENVIRON_BYTES,
                into,
            )
        })
}

/// The children of this process, dead ones too. The kernel may leave one out while others come and go.
pub(crate) fn children() -> Vec<Pid> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let lists =
        threads.filter_map(|file| fs::read_to_string(file.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let numbers = list.split_ascii_whitespace();
            numbers
                .filter_map(|number| Pid::new(number.parse().ok()?))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn read_entry(pid: Pid, buffer: &mut Vec<u8>) -> Option<Entry> {
    if read(&format!("/proc/{pid}/stat"), 4096, buffer) {
        parse_stat(pid, &String::from_utf8_lossy(buffer))
    } else {
        None
    }
}

/// Whether there was anything to read.
fn read(path: &str, max_bytes: u64, into: &mut Vec<u8>) -> bool {
    into.clear();
    let read = File::open(path).and_then(|file| file.take(max_bytes).read_to_end(into));
    read.is_ok() && !into.is_empty()
}

/// `proc_pid_stat(5)`; the fields are counted there from 1, and the state is the third.
fn parse_stat(pid: Pid, stat: &str) -> Option<Entry> {
    // The second is the program's name in brackets, and may itself hold blanks and brackets.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |at: usize| field(at)?.parse::<u64>().ok();
    let pid_at = |at: usize| Pid::new(field(at)?.parse().ok()?);
    let zombie = matches!(field(3)?, "Z" | "X" | "x");
    Some(Entry {
        identity: Identity {
            pid,
            started: number(22)?,
        },
        parent: pid_at(4),
        group: pid_at(5),
        session: pid_at(6),
        // A program whose first thread has ended looks like a zombie while its other threads run.
        dead: zombie && number(20)? <= 1,
        kernel: number(9)? & KERNEL_THREAD != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::{Entry, Identity, Pid, entry, environ, parse_stat, table};

    fn pid(number: i32) -> Pid {
        Pid::new(number).unwrap()
    }

    fn shell() -> Entry {
        Entry {
            identity: Identity {
                pid: pid(42),
                started: 7721,
            },
            parent: Some(pid(7)),
            group: Some(pid(41)),
            session: Some(pid(40)),
            dead: false,
            kernel: false,
        }
    }

    #[track_caller]
    fn check(name: &str, state: &str, flags: u32, threads: u32, expected: &Entry) {
        let stat = format!(
            "42 ({name}) {state} 7 41 40 34816 40 {flags} 99 0 0 0 1 2 0 0 20 0 {threads} 0 7721 2500 200 184467 1 1"
        );
        assert_eq!(parse_stat(pid(42), &stat).as_ref(), Some(expected));
    }

    #[test]
    fn a_line_of_the_table_is_read_whatever_the_program_is_called() {
        check("sh", "S", 0x0040_0000, 1, &shell());
        check("a) Z 1 (b", "R", 0x0040_0000, 1, &shell());
    }

    #[test]
    fn dead_is_what_has_no_running_thread() {
        let dead = Entry {
            dead: true,
            ..shell()
        };
        check("sh", "Z", 0, 1, &dead);
        check("sh", "Z", 0, 3, &shell());
    }

    #[test]
    fn threads_of_the_kernel_are_known() {
        let kernel = Entry {
            kernel: true,
            ..shell()
        };
        check("kworker/0:1", "I", 0x0020_8040, 1, &kernel);
    }

    #[test]
    fn what_is_cut_short_is_no_entry() {
        assert_eq!(parse_stat(pid(42), "42 (sh) S 7 41"), None);
        assert_eq!(parse_stat(pid(42), ""), None);
    }

    #[test]
    fn this_process_is_in_the_table_and_its_environment_can_be_read() {
        let own = entry(Pid::own()).unwrap();
        assert!(table().contains(&own));
        let mut bytes = Vec::new();
        assert!(environ(own.pid(), &mut bytes));
        assert!(bytes.ends_with(b"\0"));
    }
}
