//! What a child does between `fork` and `exec`: the one place with unsafe code.

use tokio::process::Command;

/// Descriptors that are looked at one by one where the kernel cannot mark them all at once.
const DESCRIPTORS: libc::c_int = 1024;

/// The highest number of a signal on any system.
const SIGNALS: libc::c_int = 64;

/// Makes the child independent of how this server was started: in a session of its own, so that no terminal and no
/// signal to our group reaches it and it can be signalled as a group; with every signal back to its default, for a
/// server under `nohup` or in the background ignores some and would hand that on; without our descriptors.
///
/// On Linux it is told to end (SIGTERM, at which agents still clean up after themselves) when the thread that forks it
/// dies. That thread lives as long as this process, see the spawner. It is only the quick way: the kernel tells the
/// direct child alone, and forgets it when a program with other rights is executed. The sweep is what is relied on.
pub(crate) fn detach(command: &mut Command) {
    #[cfg(target_os = "linux")]
    let server = rustix::process::getpid();
    #[expect(
        unsafe_code,
        reason = "the closure runs in the forked child: it only makes system calls that are safe in a signal handler, \
                  does not allocate and takes no lock"
    )]
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            for signal in 1..=SIGNALS {
                // Refused for SIGKILL and SIGSTOP, which are as they should be, and for what is no signal.
                libc::signal(signal, libc::SIG_DFL);
            }
            close_on_exec();
            #[cfg(target_os = "linux")]
            end_with(server)?;
            Ok(())
        });
    }
}

/// The standard library opens everything like this already; libraries in C and whoever started this server may not.
/// Marked, not closed: the standard library still has to tell its parent through a pipe whether `exec` worked.
fn close_on_exec() {
    #[cfg(target_os = "linux")]
    {
        const FIRST: libc::c_uint = 3;
        #[expect(unsafe_code, reason = "a system call on numbers; it touches no memory")]
        // Called by number, for not every C library has a name for it. Since Linux 5.11.
        let done = unsafe {
            libc::syscall(
                libc::SYS_close_range,
                FIRST,
                libc::c_uint::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            )
        };
        if done == 0 {
            return;
        }
    }
    for descriptor in 3..DESCRIPTORS {
        #[expect(
            unsafe_code,
            reason = "a system call on numbers; one that is not open is refused"
        )]
        unsafe {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}

#[cfg(target_os = "linux")]
fn end_with(server: rustix::process::Pid) -> std::io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::TERM))?;
    // The server may have died before the line above.
    if getppid() == Some(server) {
        Ok(())
    } else {
        Err(std::io::Error::from_raw_os_error(libc::ECHILD))
    }
}
