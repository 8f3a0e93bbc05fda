//! What is said: prompts, steers, follow-ups, approvals.

use run::event::{Decision, InputMode, ToolStatus};
use run::{Approval, DriverKind, Event, Run, State, Status};

use super::{WIRES, agent, count, ends_as, error, hire};
use crate::house::House;

#[tokio::test]
async fn an_agent_of_each_protocol_does_its_work_as_a_run() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in WIRES {
        let script = "plan look,write;text Hello there.;tool echo done;text Bye.";
        let run = house
            .start_on("t", agent(wire, script), run::Input::text("go"))
            .await;
        let text = ends_as(&house, run, Status::Succeeded, "completed").await;
        assert!(text.contains("Hello there."), "{wire}: {text}");
        assert!(text.contains("Bye."), "{wire}: {text}");
        let snapshot = house.snapshot(run).await;
        let activity = &snapshot.activities[0];
        assert_eq!(activity.status, Some(ToolStatus::Ok), "{wire}");
        // Not all agents say when a tool begins to run; where nobody is asked, it does when it is called.
        let n_called = count(&house, run, "tool.called").await;
        let n_running = count(&house, run, "tool.running").await;
        assert_eq!(n_called, n_running, "{wire}");
        for kind in [
            "session.started",
            "turn.started",
            "turn.completed",
            "session.exited",
        ] {
            assert!(count(&house, run, kind).await > 0, "{wire}: no {kind}");
        }
        let control = house.control(run).await;
        assert_eq!(control.n_turns, 1, "{wire}");
        assert!(
            control.resume_ref.is_some(),
            "{wire} has no session to reopen"
        );
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_steer_is_heard_in_the_turn_and_a_follow_up_opens_the_next_one() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in WIRES {
        let run = house
            .start(agent(wire, "text first;await|text second"))
            .await;
        house
            .until_event(run, "text", |event| matches!(event, Event::TextDelta(_)))
            .await;
        house.input(run, InputMode::FollowUp, "and then").await;
        house.input(run, InputMode::Steer, "rather blue").await;
        let text = ends_as(&house, run, Status::Succeeded, "completed").await;
        assert!(text.contains("rather blue"), "{wire}: {text}");
        assert!(text.contains("second"), "{wire}: {text}");
        let control = house.control(run).await;
        assert_eq!(control.n_turns, 2, "{wire}");
        assert_eq!(count(&house, run, "input.consumed").await, 2, "{wire}");
        assert_eq!(count(&house, run, "input.returned").await, 0, "{wire}");
    }
    worker.leave().await;
}

#[tokio::test]
async fn an_approval_waits_for_its_answer_and_the_agent_gets_it() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in [DriverKind::Codex, DriverKind::Claude, DriverKind::Acp] {
        for (decision, status) in [
            (Decision::Allow, ToolStatus::Ok),
            (Decision::Deny, ToolStatus::Denied),
        ] {
            let mut spec = agent(wire, "text first;ask echo asked;text last");
            spec.approval = Some(Approval::Ask);
            let run = house.start(spec).await;
            let held = |run: &Run| matches!(run.state, State::Waiting { .. });
            house.until(run, "held", held).await;
            house.decide(run, 1, decision).await;
            ends_as(&house, run, Status::Succeeded, "completed").await;
            let snapshot = house.snapshot(run).await;
            let asked = snapshot
                .activities
                .iter()
                .find(|activity| activity.status.is_some());
            assert_eq!(asked.unwrap().status, Some(status), "{wire} {decision:?}");
        }
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_stop_ends_an_agent_that_waits_for_an_answer() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let mut spec = agent(DriverKind::Codex, "ask echo asked");
    spec.approval = Some(Approval::Ask);
    let run = house.start(spec).await;
    let held = |run: &Run| matches!(run.state, State::Waiting { .. });
    house.until(run, "held", held).await;
    house.stop(run).await;
    ends_as(&house, run, Status::Aborted, "stopped").await;
    worker.leave().await;
}

#[tokio::test]
async fn what_fails_says_why() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in WIRES {
        let run = house.start(agent(wire, "text a;fail out of cheese")).await;
        ends_as(&house, run, Status::Failed, "error").await;
        let failure = error(&house, run).await;
        assert!(
            failure.message.contains("out of cheese"),
            "{wire}: {failure:?}"
        );
        // It ends in the middle of its turn, each time.
        let run = house.start(agent(wire, "text a;die 3")).await;
        ends_as(&house, run, Status::Failed, "lost").await;
    }
    let mut spec = agent(DriverKind::Pi, "text a");
    spec.program = Some("no-such-agent".to_owned());
    let run = house.start(spec).await;
    ends_as(&house, run, Status::Failed, "error").await;
    assert_eq!(error(&house, run).await.code, "spawn");
    worker.leave().await;
}

#[tokio::test]
async fn odd_ends_of_turns_are_ends() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for wire in WIRES {
        for script in ["noise;text whole;twice", "text whole;cut"] {
            // What pi says last there may not be meant: its turn goes on in another process.
            if wire == DriverKind::Pi && script.ends_with("cut") {
                continue;
            }
            let run = house.start(agent(wire, script)).await;
            let text = ends_as(&house, run, Status::Succeeded, "completed").await;
            assert!(text.contains("whole"), "{wire} {script}: {text}");
            assert_eq!(
                count(&house, run, "turn.completed").await,
                1,
                "{wire} {script}"
            );
        }
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_card_is_the_prompt_and_goes_where_its_agent_says() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let card = store::NewThread {
        title: Some("Paint the shed".to_owned()),
        body: Some("Two coats.".to_owned()),
        column: Some("todo".to_owned()),
        ..store::NewThread::default()
    };
    let thread = run::ThreadId::parse("card").unwrap();
    let scope = store::Scope::local();
    house
        .store
        .create_thread(&scope, thread.clone(), card)
        .await
        .unwrap();
    let mut spec = agent(DriverKind::Codex, "text done");
    spec.system = Some("Use {{card.title}} as the title of the commit.".to_owned());
    spec.finished_column = Some("review".to_owned());
    let run = house
        .start_on("card", spec, run::Input::text("In red."))
        .await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    let prompt = house.snapshot(run).await.prompt.unwrap().prompt.unwrap();
    let expected =
        "Paint the shed\n\nTwo coats.\n\nUse Paint the shed as the title of the commit.\n\nIn red.";
    assert_eq!(prompt, expected);
    let card = house.store.thread(&scope, &thread).await.unwrap();
    assert_eq!(card.column.as_deref(), Some("review"));
    // Tries are on threads of their own below the card, side by side.
    let below = store::NewThread {
        parent: Some(thread),
        ..store::NewThread::default()
    };
    let try_of_it = run::ThreadId::parse("try").unwrap();
    let made = house.store.create_thread(&scope, try_of_it, below);
    made.await.unwrap();
    let run = house
        .start_on(
            "try",
            agent(DriverKind::Codex, "text done"),
            run::Input::text("In blue."),
        )
        .await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    let prompt = house.snapshot(run).await.prompt.unwrap().prompt.unwrap();
    assert_eq!(prompt, "Paint the shed\n\nTwo coats.\n\nIn blue.");
    worker.leave().await;
}
