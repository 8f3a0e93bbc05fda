//! A data directory with a configuration, and our binary in it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// For anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Agents of every kind that tests need.
const AGENTS: &str = r#"
[agents.quick]
driver = "scripted"
script = [{ text = "Hello, " }, { text = "world" }]

[agents.slow]
driver = "scripted"
script = [{ tokens = 60, per_second = 20 }, { text = " The end." }]

[agents.stuck]
driver = "scripted"
script = [{ text = "Wait" }, { stall_ms = 600000 }]

[agents.ask]
driver = "scripted"
script = [{ approval = "Buy paint" }, { question = "Which colour?" }]

[agents.bad]
driver = "scripted"
script = [{ text = "Half" }, { fail = "it broke" }]

[agents.shell]
driver = "command"
command = ["sh", "-c", "{{input}}"]
"#;

pub(crate) struct House {
    directory: tempfile::TempDir,
}

impl House {
    /// A house with the usual agents.
    pub(crate) fn new() -> Self {
        Self::with_configuration(AGENTS)
    }

    pub(crate) fn with_configuration(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("outlive.toml"), text).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Our binary, here.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        #[expect(
            clippy::disallowed_methods,
            reason = "the binary is tested as people use it"
        )]
        let mut command = Command::new(env!("CARGO_BIN_EXE_outlive"));
        for (name, _) in std::env::vars() {
            if name.starts_with("OUTLIVE_") {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .current_dir(self.directory.path())
            .env("OUTLIVE_DATA_DIR", self.path("data"))
            .env_remove("RUST_LOG")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null());
        command
    }

    /// What a verb writes and how it ends.
    pub(crate) fn outlive(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The standard output of a verb that ends well.
    #[track_caller]
    pub(crate) fn well(&self, args: &[&str]) -> String {
        let output = self.outlive(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Checks how a verb ends and what it says about that.
    #[track_caller]
    pub(crate) fn ends(&self, args: &[&str], code: i32, says: &str) {
        let output = self.outlive(args);
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(says), "{args:?} says {stderr:?}");
    }

    /// Starts a verb.
    pub(crate) fn begin(&self, args: &[&str]) -> Running {
        Running::new(self.command(args))
    }

    /// A server on a free port, ready to be asked.
    pub(crate) fn serve(&self) -> Running {
        self.serve_with(&[])
    }

    /// A server on this address.
    pub(crate) fn serve_at(&self, listen: &str) -> Running {
        let mut server = self.begin(&["serve", "--listen", listen]);
        let line = server.line();
        assert!(line.contains(" at http://127.0.0.1:"), "{line}");
        server
    }

    pub(crate) fn serve_with(&self, more: &[&str]) -> Running {
        let mut args = vec!["serve", "--listen", "127.0.0.1:0"];
        args.extend(more);
        let mut server = self.begin(&args);
        let line = server.line();
        assert!(line.contains(" at http://127.0.0.1:"), "{line}");
        server
    }

    /// A server with one more variable in its environment.
    pub(crate) fn serve_in(&self, name: &str, value: &str) -> Running {
        self.serve_where(&[(name, value)])
    }

    /// A server with these variables in its environment.
    pub(crate) fn serve_where(&self, variables: &[(&str, &str)]) -> Running {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.envs(variables.iter().copied());
        let mut server = Running::new(command);
        let line = server.line();
        assert!(line.contains(" at http://127.0.0.1:"), "{line}");
        server
    }

    /// A run as JSON.
    #[track_caller]
    pub(crate) fn run_body(&self, run: &str) -> Value {
        serde_json::from_str(&self.well(&["show", run, "--json"])).unwrap()
    }

    /// Waits until a run is in a status.
    #[track_caller]
    pub(crate) fn until(&self, run: &str, status: &str) -> Value {
        eventually(|| {
            let body = self.run_body(run);
            (body["status"] == status).then_some(body)
        })
    }

    /// What a server says of itself in the data directory.
    pub(crate) fn announced(&self) -> Option<Value> {
        let text = std::fs::read(self.path("data").join("server.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

impl Drop for House {
    /// A test that panics kills its server, which then sweeps nothing.
    fn drop(&mut self) {
        crate::watched::sweep(self.directory.path());
    }
}

/// A child that is killed when nobody waits for it any more.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn new(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line of its standard output.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        match self.lines.next() {
            Some(line) => line.unwrap(),
            None => panic!("no more lines; it said {}", self.said()),
        }
    }

    /// The other lines, to the end.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        self.lines.by_ref().map(Result::unwrap).collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        signal_to(self.child.id(), signal);
    }

    /// SIGKILL, and it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its end, and what it wrote to standard error.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let said = self.said();
        (self.child.wait().unwrap(), said)
    }

    fn said(&mut self) -> String {
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
        }
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn signal_to(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

pub(crate) fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}/stat")).exists()
}

/// Looks again and again until there is something.
#[track_caller]
pub(crate) fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "it never came");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The numbers of events that were printed as lines of JSON.
pub(crate) fn numbers(lines: &[String]) -> Vec<u64> {
    let events = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.map(|event| event["seq"].as_u64().unwrap()).collect()
}
