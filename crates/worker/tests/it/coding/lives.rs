//! Stops, crashes and sessions.

use run::event::ToolStatus;
use run::{DriverKind, Event, OnLost, Status};

use super::{WIRES, agent, alive, count, ends_as, hire, is_running};
use crate::house::House;

#[tokio::test]
async fn a_stop_in_the_middle_of_a_tool_leaves_no_process() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in WIRES {
        let run = house
            .start(agent(wire, "leave sleep 1000;tool sleep 1000"))
            .await;
        house.until_event(run, "a running tool", is_running).await;
        assert!(alive(&house, run) > 0, "{wire}");
        house.stop(run).await;
        ends_as(&house, run, Status::Aborted, "stopped").await;
        let snapshot = house.snapshot(run).await;
        assert_eq!(
            snapshot.activities[0].status,
            Some(ToolStatus::Interrupted),
            "{wire}"
        );
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_deaf_agent_is_killed_when_it_is_stopped() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let mut spec = agent(DriverKind::Codex, "text a;deaf");
    spec.stop_timeout_ms = 2_000;
    let run = house.start(spec).await;
    house
        .until_event(run, "text", |event| matches!(event, Event::TextDelta(_)))
        .await;
    house.stop(run).await;
    ends_as(&house, run, Status::Aborted, "stopped").await;
    worker.leave().await;
}

#[tokio::test]
async fn a_silent_agent_fails_as_silence() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let mut spec = agent(DriverKind::Claude, "text a;stall");
    spec.silence_ms = 300;
    let run = house.start(spec).await;
    ends_as(&house, run, Status::Failed, "silence").await;
    worker.leave().await;
}

#[tokio::test]
async fn after_a_crash_the_session_is_reopened_and_goes_on() {
    for wire in WIRES {
        let mut house = House::new().await;
        let worker = hire(&mut house);
        // The first turn stores the session; the second one is cut off by the crash.
        let script = "text one|text two;tool sleep 1000|text three";
        let run = house.start(agent(wire, script)).await;
        house
            .input(run, run::event::InputMode::FollowUp, "next")
            .await;
        house.until_event(run, "a running tool", is_running).await;
        worker.kill().await;
        let reference = house.control(run).await.resume_ref.clone();
        assert!(reference.is_some(), "{wire}");
        // The tool would sleep again; a session that goes on plays its second turn once more, so it is ended here.
        let worker = hire(&mut house);
        house
            .until_event(
                run,
                "second attempt",
                |event| matches!(event, Event::AttemptStarted(started) if started.resumes),
            )
            .await;
        house
            .until(run, "in its tool again", |run| !run.calls.is_empty())
            .await;
        assert_eq!(house.control(run).await.resume_ref, reference, "{wire}");
        assert_eq!(count(&house, run, "turn.started").await, 2, "{wire}");
        house.stop(run).await;
        ends_as(&house, run, Status::Aborted, "stopped").await;
        worker.leave().await;
    }
}

#[tokio::test]
async fn a_session_that_is_gone_is_followed_by_a_new_one_that_is_told_what_happened() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let script = "text one|tool sleep 1000";
    let run = house.start(agent(DriverKind::Codex, script)).await;
    house
        .input(run, run::event::InputMode::FollowUp, "next")
        .await;
    house.until_event(run, "a running tool", is_running).await;
    worker.kill().await;
    std::fs::remove_dir_all(house.path().join("sessions")).unwrap();
    let worker = hire(&mut house);
    let text = ends_as(&house, run, Status::Succeeded, "completed").await;
    assert!(text.contains("one"), "{text}");
    let snapshot = house.snapshot(run).await;
    assert!(
        snapshot
            .notices
            .iter()
            .any(|notice| notice.code == "session_gone")
    );
    worker.leave().await;
}

#[tokio::test]
async fn a_run_that_is_not_resumed_says_that_it_was_interrupted() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let mut spec = agent(DriverKind::Pi, "tool sleep 1000");
    spec.on_lost = Some(OnLost::Abort);
    let run = house.start(spec).await;
    house.until_event(run, "a running tool", is_running).await;
    worker.kill().await;
    let worker = hire(&mut house);
    ends_as(&house, run, Status::Aborted, "interrupted").await;
    worker.leave().await;
}

#[tokio::test]
async fn a_process_has_the_token_of_its_run_and_never_shows_it() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in WIRES {
        let file = house.path().join(format!("token-{wire}"));
        let at = file.display();
        let script = format!(
            "tool printf %s \"$OUTLIVE_TOKEN\" > {at} && echo it is $OUTLIVE_TOKEN && env && echo $OUTLIVE_TOKEN >&2;noise"
        );
        let mut spec = agent(wire, &script);
        spec.raw = true;
        let run = house.start(spec).await;
        ends_as(&house, run, Status::Succeeded, "completed").await;
        let given = std::fs::read_to_string(&file).unwrap();
        let key = wire::ChildKey::new(house.store.secret_of_data().reveal());
        assert_eq!(given, key.token(run).reveal(), "{wire}");
        let log = format!("{:?}", house.events(run).await);
        assert!(
            log.contains(&format!("it is {}", "*".repeat(given.len()))),
            "{wire}: {log}"
        );
        assert!(!log.contains(&given), "{wire}: {log}");
    }
    worker.leave().await;
}
