//! In a container the server may be in a session and a group that began outside, whose numbers it cannot see.

use std::process::Command;

/// Runs `tests` of this program in a PID namespace of its own, as a container's start does it.
fn in_a_namespace(tests: &[&str]) {
    let namespace = |program: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc", program]);
        command.args(args).output()
    };
    if !namespace("true", &[]).is_ok_and(|output| output.status.success()) {
        // Not everybody may make one; the other tests of this program then stand alone.
        return;
    }
    let program = std::env::current_exe().unwrap();
    let args = [tests, &["--exact"]].concat();
    let output = namespace(program.to_str().unwrap(), &args).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains(&format!(" {} passed", tests.len())), "{said}");
}

#[test]
fn children_are_started_stopped_and_collected_there() {
    in_a_namespace(&[
        "end::orphans_become_children_of_the_server_and_are_collected",
        "end::statuses_that_others_wait_for_are_left_to_them",
        "start::many_children_start_at_once",
        "stop::a_child_that_ignores_it_is_killed",
        "sweep::other_runs_and_other_servers_are_not_touched",
    ]);
}
