//! Agents that wait for a person without a process.

use run::event::{Decision, InputMode, ToolStatus};
use run::{
    AgentSpec, Answer, Approval, Command, DriverKind, Event, RequestId, Run, RunId, State, Status,
    WaitMode,
};
use serde_json::json;

use super::{agent, alive, count, ends_as, git, hire, in_repository, repository};
use crate::house::{House, by};

const ASKING: [DriverKind; 3] = [DriverKind::Codex, DriverKind::Claude, DriverKind::Acp];

/// The same agent, asking and parked soon.
fn parking(mut spec: AgentSpec) -> AgentSpec {
    spec.approval = Some(Approval::Ask);
    spec.park_after_ms = Some(20);
    assert_eq!(spec.problems(), Vec::<String>::new());
    spec
}

fn waits(run: &Run, how: WaitMode) -> bool {
    matches!(run.state, State::Waiting { mode, .. } if mode == how)
}

fn is_parked(run: &Run) -> bool {
    waits(run, WaitMode::Parked)
}

async fn answer(house: &House, run: RunId, request: u32, answers: serde_json::Value) {
    let answer = Command::Answer {
        request: RequestId::nth(request),
        answer: Answer::Answers(answers),
        by: by(),
    };
    house.command(run, answer).await;
}

async fn notices(house: &House, run: RunId, code: &str) -> usize {
    let snapshot = house.snapshot(run).await;
    let notices = snapshot.notices.iter();
    notices.filter(|notice| notice.code == code).count()
}

#[tokio::test]
async fn an_agent_that_waits_for_a_person_is_parked_and_goes_on_with_the_answer() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    for wire in ASKING {
        for (decision, status) in [
            (Decision::Allow, ToolStatus::Ok),
            (Decision::Deny, ToolStatus::Denied),
        ] {
            let ran = house.path().join(format!("ran-{wire}-{status:?}"));
            let script = format!("text first;ask echo it ran >> {};text last", ran.display());
            let spec = parking(in_repository(wire, &script, &repository));
            let run = house.start(spec).await;
            let parked = house.until(run, "parked", is_parked).await;
            assert_eq!(alive(&house, run), 0, "{wire}: a process lives");
            assert_eq!(parked.requests.len(), 1, "{wire}");
            assert!(parked.calls.is_empty(), "{wire}");
            let worktree = house.snapshot(run).await.worktree.unwrap();
            let listed = git(&repository, &["worktree", "list", "--porcelain"]);
            let ours = listed.split("\n\n").find(|it| it.contains(&worktree.path));
            assert!(ours.unwrap().contains("\nlocked"), "{wire}: {listed}");

            house.decide(run, 1, decision).await;
            let text = ends_as(&house, run, Status::Succeeded, "completed").await;
            assert!(text.contains("last"), "{wire}: {text}");
            let control = house.control(run).await;
            assert_eq!(control.attempt, 2, "{wire}");
            assert_eq!((control.n_turns, control.n_requests), (1, 1), "{wire}");
            assert_eq!(notices(&house, run, "answer_given").await, 1, "{wire}");
            let snapshot = house.snapshot(run).await;
            let calls = snapshot.activities.iter();
            let calls: Vec<_> = calls.filter_map(|call| call.status).collect();
            let expected = [ToolStatus::Interrupted, status];
            assert_eq!(calls, expected, "{wire} {decision:?}");
            let effect = std::fs::read_to_string(&ran).unwrap_or_default();
            let n_ran = effect.lines().count();
            assert_eq!(n_ran, usize::from(status == ToolStatus::Ok), "{wire}");
        }
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_question_is_answered_while_no_process_asks_it() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for (wire, id) in [(DriverKind::Codex, "q"), (DriverKind::Claude, "Which?")] {
        let spec = parking(agent(wire, "text first;question Which?;text last"));
        let run = house.start(spec).await;
        house.until(run, "parked", is_parked).await;
        assert_eq!(alive(&house, run), 0, "{wire}: a process lives");
        answer(&house, run, 1, json!({ id: "the second" })).await;
        let text = ends_as(&house, run, Status::Succeeded, "completed").await;
        assert!(text.contains("the second"), "{wire}: {text}");
        assert!(text.contains("last"), "{wire}: {text}");
        assert_eq!(count(&house, run, "question.asked").await, 1, "{wire}");
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_parked_agent_outlives_its_server() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let spec = parking(agent(
        DriverKind::Codex,
        "text first;ask echo asked;text last",
    ));
    let run = house.start(spec).await;
    house.until(run, "parked", is_parked).await;
    worker.kill().await;
    let worker = hire(&mut house);
    assert!(is_parked(&*house.control(run).await));
    worker.leave().await;
    // Nobody is there when it is answered.
    house.decide(run, 1, Decision::Allow).await;
    let worker = hire(&mut house);
    ends_as(&house, run, Status::Succeeded, "completed").await;
    assert_eq!(count(&house, run, "approval.requested").await, 1);
    assert_eq!(count(&house, run, "request.expired").await, 0);
    worker.leave().await;
}

#[tokio::test]
async fn an_answer_reaches_the_session_that_follows_one_that_is_gone() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let spec = parking(agent(
        DriverKind::Codex,
        "text first;ask echo asked;text last",
    ));
    let run = house.start(spec).await;
    house.until(run, "parked", is_parked).await;
    let sessions = house.path().join("sessions");
    for file in std::fs::read_dir(&sessions).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    house.decide(run, 1, Decision::Allow).await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    assert_eq!(notices(&house, run, "session_gone").await, 1);
    assert_eq!(notices(&house, run, "answer_given").await, 1);
    assert_eq!(count(&house, run, "approval.requested").await, 1);
    worker.leave().await;
}

#[tokio::test]
async fn a_server_that_stops_parks_an_agent_that_waits_at_once() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let mut spec = parking(agent(
        DriverKind::Claude,
        "text first;ask echo asked;text last",
    ));
    spec.park_after_ms = Some(3_600_000);
    let run = house.start(spec).await;
    house
        .until(run, "held", |run| waits(run, WaitMode::Held))
        .await;
    worker.leave().await;
    assert!(is_parked(&*house.control(run).await));
    assert_eq!(alive(&house, run), 0, "a process lives");
    house.decide(run, 1, Decision::Allow).await;
    let worker = hire(&mut house);
    ends_as(&house, run, Status::Succeeded, "completed").await;
    assert_eq!(count(&house, run, "approval.requested").await, 1);
    worker.leave().await;
}

#[tokio::test]
async fn a_crash_while_the_process_waits_closes_what_it_asked() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let mut spec = parking(agent(
        DriverKind::Claude,
        "text first;ask echo asked;text last",
    ));
    spec.park_after_ms = Some(3_600_000);
    let run = house.start(spec).await;
    house
        .until(run, "held", |run| waits(run, WaitMode::Held))
        .await;
    worker.kill().await;
    let worker = hire(&mut house);
    let held_again = |run: &Run| waits(run, WaitMode::Held) && run.attempt == 2;
    house.until(run, "held again", held_again).await;
    assert_eq!(count(&house, run, "request.expired").await, 1);
    house.decide(run, 2, Decision::Allow).await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    worker.leave().await;
}

#[tokio::test]
async fn an_answer_is_kept_until_the_agent_has_asked_again() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    // What is interrupted while it is parked counts as a turn of the script.
    let script = "text first;ask echo one|tool sleep 1000;ask echo one|ask echo one;text last";
    let spec = parking(agent(DriverKind::Claude, script));
    let run = house.start(spec).await;
    house.until(run, "parked", is_parked).await;
    house.decide(run, 1, Decision::Allow).await;
    let at_work = |run: &Run| run.attempt == 2 && !run.calls.is_empty();
    house.until(run, "at work again", at_work).await;
    worker.kill().await;
    for file in std::fs::read_dir(house.path().join("sessions")).unwrap() {
        std::fs::write(file.unwrap().path(), "2").unwrap();
    }
    let worker = hire(&mut house);
    ends_as(&house, run, Status::Succeeded, "completed").await;
    assert_eq!(count(&house, run, "approval.requested").await, 1);
    assert_eq!(notices(&house, run, "answer_given").await, 1);
    worker.leave().await;
}

#[tokio::test]
async fn what_is_asked_differently_or_once_more_is_asked_of_a_person() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in ASKING {
        let script =
            "text first;ask echo one|ask echo two|ask echo two;ask echo two|ask echo two;text last";
        let run = house.start(parking(agent(wire, script))).await;
        for n in 1..=3 {
            let parked = |run: &Run| is_parked(run) && run.n_requests == n;
            house.until(run, "parked again", parked).await;
            house.decide(run, n, Decision::Allow).await;
        }
        ends_as(&house, run, Status::Succeeded, "completed").await;
        assert_eq!(count(&house, run, "approval.requested").await, 3, "{wire}");
        assert_eq!(count(&house, run, "request.expired").await, 0, "{wire}");
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_stop_ends_a_parked_agent_at_once() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let spec = parking(agent(DriverKind::Codex, "text first;ask echo asked"));
    let run = house.start(spec).await;
    house.until(run, "parked", is_parked).await;
    worker.leave().await;
    house.stop(run).await;
    assert!(house.control(run).await.is_final());
    ends_as(&house, run, Status::Aborted, "stopped").await;
}

#[tokio::test]
async fn a_parked_turn_that_is_cancelled_ends_without_its_agent() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let spec = parking(agent(DriverKind::Codex, "text first;ask echo asked"));
    let run = house.start(spec).await;
    house.until(run, "parked", is_parked).await;
    house.decide(run, 1, Decision::Cancel).await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    let control = house.control(run).await;
    let State::Final(outcome) = &control.state else {
        panic!("not final")
    };
    assert_eq!(outcome.finish_reason.as_deref(), Some("cancelled"));
    assert_eq!(count(&house, run, "session.exited").await, 1);
    assert_eq!(count(&house, run, "turn.completed").await, 1);
    worker.leave().await;
}

#[tokio::test]
async fn inputs_for_a_parked_agent_are_heard_when_it_goes_on() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in ASKING {
        let script = "text first;ask echo one|ask echo one;await;text last|text the next turn";
        let run = house.start(parking(agent(wire, script))).await;
        house.until(run, "parked", is_parked).await;
        house.input(run, InputMode::Steer, "rather blue").await;
        house.input(run, InputMode::FollowUp, "and then").await;
        assert!(is_parked(&*house.control(run).await), "{wire}");
        house.decide(run, 1, Decision::Allow).await;
        let text = ends_as(&house, run, Status::Succeeded, "completed").await;
        assert!(text.contains("rather blue"), "{wire}: {text}");
        assert!(text.contains("the next turn"), "{wire}: {text}");
        assert_eq!(count(&house, run, "input.consumed").await, 2, "{wire}");
        assert_eq!(count(&house, run, "approval.requested").await, 1, "{wire}");
    }
    worker.leave().await;
}

#[tokio::test]
async fn an_answer_that_comes_while_the_process_ends_is_not_lost() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in ASKING {
        let spec = parking(agent(wire, "text first;ask echo asked;text last"));
        let run = house.start(spec).await;
        let is_ending =
            |event: &Event| matches!(event, Event::Notice(notice) if notice.code == "agent_parked");
        house.until_event(run, "parking", is_ending).await;
        house.decide(run, 1, Decision::Allow).await;
        ends_as(&house, run, Status::Succeeded, "completed").await;
        assert_eq!(count(&house, run, "approval.requested").await, 1, "{wire}");
        assert_eq!(notices(&house, run, "answer_given").await, 1, "{wire}");
    }
    worker.leave().await;
}

#[tokio::test]
async fn without_the_setting_an_agent_that_waits_keeps_its_process() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let mut held = agent(DriverKind::Codex, "text first;ask echo asked;text last");
    held.approval = Some(Approval::Ask);
    let run = house.start(held).await;
    house
        .until(run, "held", |run| waits(run, WaitMode::Held))
        .await;
    assert!(alive(&house, run) > 0);
    house.decide(run, 1, Decision::Allow).await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    assert_eq!(house.control(run).await.attempt, 1);
    assert_eq!(notices(&house, run, "agent_parked").await, 0);
    worker.leave().await;
}
