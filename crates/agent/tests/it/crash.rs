//! A server that is killed leaves children behind; the next one finds them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use agent::{Mark, Marker, Process, Spec, alive, sweep};

use crate::shell::{lines, marker, script, until_alive};

/// In the environment of this program when it is to be the server of a test: the mark of its children.
const SERVER: &str = "OUTLIVE_TEST_SERVER";

/// Runs a server with a child that runs `text` and says `up`; `name` is the test that calls this, which is executed
/// once more as that server.
fn server(name: &str, marker: &Marker, text: &str) -> Child {
    if let Ok(mark) = std::env::var(SERVER) {
        serve(&Mark::new(&mark).unwrap().run(marker.run()).unwrap(), text);
    }
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(SERVER, marker.mark().as_str())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(server.stdout.as_mut().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().ends_with("the child is up")));
    server
}

fn serve(marker: &Marker, text: &str) -> ! {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let spec = Spec {
            marker: marker.clone(),
            ..script(text)
        };
        let mut process = Process::spawn(spec).await.unwrap();
        lines(&mut process, 1).await;
        std::io::stdout().write_all(b"\nthe child is up\n").unwrap();
        loop {
            process.next_output().await.unwrap();
        }
    })
}

#[test]
fn what_a_killed_server_leaves_is_found_by_its_marker() {
    let marker = marker();
    // Nobody reads what the shell would say about its children's end, so it must not say it.
    let text = "exec 2>/dev/null; trap '' TERM; setsid sh -c \"trap '' TERM; echo up; exec sleep 1000\" & while :; do sleep 1000; done";
    let mut server = server(
        "crash::what_a_killed_server_leaves_is_found_by_its_marker",
        &marker,
        text,
    );
    until_alive(&marker, 3);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(alive(&marker).len(), 3);
    let swept = sweep(&marker);
    // The shell may have started one again before its own turn came.
    assert!(swept.killed >= 3 && swept.survivors.is_empty(), "{swept:?}");
    assert_eq!(alive(&marker), []);
}

#[test]
fn a_child_is_asked_to_end_when_its_server_is_killed() {
    let marker = marker();
    let mut server = server(
        "crash::a_child_is_asked_to_end_when_its_server_is_killed",
        &marker,
        "echo up; exec sleep 1000",
    );
    assert_eq!(alive(&marker).len(), 1);
    server.kill().unwrap();
    server.wait().unwrap();
    until_alive(&marker, 0);
}
