//! What the store knows of worktrees.

use run::{AgentSpec, CheckpointId, DriverKind, RunId, WorktreeCommand, WorktreeTask};
use store::{DeleteError, OnConflict, Scope, Start};

use super::{Attempt, Place, World, start};

fn coding(thread: &str) -> Start {
    Start {
        spec: AgentSpec::new(DriverKind::Codex),
        ..start(thread, OnConflict::Reject)
    }
}

fn restoring(thread: &str, owner: RunId) -> Start {
    let command = WorktreeCommand::Restore {
        checkpoint: CheckpointId::nth(1),
        branch: false,
    };
    let task = WorktreeTask { owner, command };
    Start {
        spec: AgentSpec::new(DriverKind::Codex).on_worktree(task),
        ..start(thread, OnConflict::Reject)
    }
}

async fn worked(world: &World, start: Start) -> RunId {
    let run = world.store.start(start).await.unwrap().run.id;
    world.worker("w1").await;
    let claimed = world.claim("w1", 1).await;
    Attempt::of(&claimed[0]).finish(world).await;
    run
}

pub(crate) async fn a_removed_worktree_is_remembered(place: Place) {
    let mut world = World::open(place).await;
    let run = worked(&world, coding("t")).await;
    let scope = Scope::local();
    let removed = async |world: &World| {
        let run = world.store.run(&scope, run).await.unwrap();
        run.worktree_removed_at
    };
    assert_eq!(removed(&world).await, None);
    let at = world.now();
    world.store.worktree_removed(run).await.unwrap();
    world.advance(1_000);
    world.store.worktree_removed(run).await.unwrap();
    assert_eq!(removed(&world).await, Some(at), "the first time counts");
    world.reopen().await;
    assert_eq!(removed(&world).await, Some(at));
    world.store.delete_run(&scope, run).await.unwrap();
    world.store.worktree_removed(run).await.unwrap();
}

pub(crate) async fn a_run_whose_worktree_is_in_use_is_not_deleted(place: Place) {
    let world = World::open(place).await;
    let owner = worked(&world, coding("t")).await;
    let scope = Scope::local();
    let refining = Start {
        refines: Some(owner),
        ..coding("t")
    };
    for other in [refining, restoring("t", owner)] {
        let user = other.run;
        let user_thread = world.store.start(other).await.unwrap().run.thread;
        assert_eq!(
            world.store.delete_run(&scope, owner).await,
            Err(DeleteError::WorktreeInUse(user)),
        );
        let claimed = world.claim("w1", 1).await;
        assert_eq!(claimed[0].run.thread, user_thread);
        Attempt::of(&claimed[0]).finish(&world).await;
    }
    // A new run of its own has a worktree of its own.
    world.store.start(coding("t")).await.unwrap();
    world.store.delete_run(&scope, owner).await.unwrap();
}

pub(crate) async fn a_command_on_a_worktree_is_not_the_run_of_its_thread(place: Place) {
    let world = World::open(place).await;
    let scope = Scope::local();
    let owner = worked(&world, coding("t")).await;
    let command = restoring("t", owner);
    let thread = command.thread.clone();
    let command = world.store.start(command).await.unwrap().run;
    assert!(command.is_current, "it keeps others out");
    let of_thread = world.store.thread_run(&scope, &thread).await.unwrap();
    assert_eq!(of_thread.unwrap().id, owner);
    let claimed = world.claim("w1", 1).await;
    Attempt::of(&claimed[0]).finish(&world).await;
    let of_thread = world.store.thread_run(&scope, &thread).await.unwrap();
    assert_eq!(of_thread.unwrap().id, owner);
}

pub(crate) async fn known_runs_are_told_from_unknown_ones(place: Place) {
    let world = World::open(place).await;
    let run = world.run("t").await;
    let never = RunId::from_bytes([9; 16]);
    let known = world.store.known(vec![never, run]).await.unwrap();
    assert_eq!(known.iter().map(|run| run.id).collect::<Vec<_>>(), [run]);
    let mut spec = AgentSpec::new(DriverKind::Codex);
    spec.repository = Some("repository".to_owned());
    let deleted = Start {
        spec,
        ..start("u", OnConflict::Reject)
    };
    world.worker("w1").await;
    world.claim("w1", 1).await;
    let deleted = worked(&world, deleted).await;
    assert!(!world.store.was_deleted(deleted).await.unwrap());
    world
        .store
        .delete_run(&Scope::local(), deleted)
        .await
        .unwrap();
    assert!(world.store.was_deleted(deleted).await.unwrap());
    assert!(!world.store.was_deleted(never).await.unwrap());
}
