//! Threads and lists.

use run::{RunId, Status, ThreadId};
use store::{
    Change, DeleteError, NewThread, OnConflict, ReadError, RunFilter, Scope, Start, ThreadError,
    ThreadFilter, ThreadPatch, ThreadRecord,
};

use super::{Attempt, Place, World, scope_of, start};

fn id(name: &str) -> ThreadId {
    ThreadId::parse(name).unwrap()
}

async fn make(world: &World, name: &str, new: NewThread) -> ThreadRecord {
    let scope = Scope::local();
    world
        .store
        .create_thread(&scope, id(name), new)
        .await
        .unwrap()
}

async fn names(world: &World, scope: &Scope, filter: ThreadFilter) -> Vec<String> {
    let page = world.store.threads(scope, filter, None, 100).await.unwrap();
    assert_eq!(page.next, None);
    page.entries
        .iter()
        .map(|thread| thread.id.to_string())
        .collect()
}

pub(crate) async fn it_is_made_read_changed_and_deleted(place: Place) {
    let mut world = World::open(place).await;
    let new = NewThread {
        title: Some("Title".into()),
        body: Some("Body".into()),
        labels: vec!["a".into(), "b".into()],
        metadata: serde_json::from_str(r#"{"n": 1.5}"#).unwrap(),
        column: Some("todo".into()),
        position: Some(0.1),
        agent: Some("coder".into()),
        parent: None,
    };
    let scope = Scope::local();
    let made = make(&world, "t", new).await;
    assert_eq!(made.agent.as_deref(), Some("coder"));
    assert_eq!(world.store.thread(&scope, &id("t")).await, Ok(made.clone()));
    world.advance(5);
    let patch = ThreadPatch {
        title: Some(None),
        column: Some(Some("done".into())),
        agent: Some(Some("writer".into())),
        archived: Some(true),
        ..ThreadPatch::default()
    };
    let changed = world
        .store
        .patch_thread(&scope, &id("t"), patch)
        .await
        .unwrap();
    let expected = ThreadRecord {
        title: None,
        column: Some("done".into()),
        agent: Some("writer".into()),
        archived_at: Some(world.now()),
        updated_at: world.now(),
        ..made
    };
    assert_eq!(changed, expected);
    world.reopen().await;
    assert_eq!(world.store.thread(&scope, &id("t")).await, Ok(expected));
    world.store.delete_thread(&scope, &id("t")).await.unwrap();
    let gone = world.store.thread(&scope, &id("t")).await;
    assert_eq!(gone, Err(ReadError::Unknown));
    assert_eq!(
        world.store.delete_thread(&scope, &id("t")).await,
        Err(DeleteError::Unknown)
    );
    assert_eq!(
        world
            .store
            .patch_thread(&scope, &id("t"), ThreadPatch::default())
            .await,
        Err(ThreadError::Unknown)
    );
}

pub(crate) async fn an_id_is_unique_in_its_tenant(place: Place) {
    let world = World::open(place).await;
    make(&world, "t", NewThread::default()).await;
    let again = |scope: Scope| {
        let store = world.store.clone();
        async move {
            store
                .create_thread(&scope, id("t"), NewThread::default())
                .await
        }
    };
    let exists = Err(ThreadError::Exists(id("t")));
    assert_eq!(again(Scope::local()).await, exists);
    assert_eq!(again(scope_of("default", Some("ann"))).await, exists);
    assert!(again(scope_of("other", None)).await.is_ok());
}

pub(crate) async fn a_parent_must_be_visible(place: Place) {
    let world = World::open(place).await;
    make(&world, "above", NewThread::default()).await;
    let below = || NewThread {
        parent: Some(id("above")),
        ..NewThread::default()
    };
    make(&world, "below", below()).await;
    for scope in [scope_of("default", Some("ann")), scope_of("other", None)] {
        let refused = world.store.create_thread(&scope, id("x"), below()).await;
        assert_eq!(refused, Err(ThreadError::ParentUnknown));
    }
    let filter = ThreadFilter {
        parent: Some(id("above")),
        ..ThreadFilter::default()
    };
    assert_eq!(names(&world, &Scope::local(), filter).await, ["below"]);
}

pub(crate) async fn a_user_sees_only_their_own(place: Place) {
    let world = World::open(place).await;
    let (ann, bob) = (
        scope_of("default", Some("ann")),
        scope_of("default", Some("bob")),
    );
    for (scope, name) in [(&ann, "anns"), (&bob, "bobs")] {
        let asked = Start {
            scope: scope.clone(),
            ..start(name, OnConflict::Reject)
        };
        world.store.start(asked).await.unwrap();
    }
    let all = ThreadFilter::default;
    assert_eq!(names(&world, &ann, all()).await, ["anns"]);
    assert_eq!(names(&world, &Scope::local(), all()).await.len(), 2);
    assert_eq!(
        names(&world, &scope_of("other", None), all()).await.len(),
        0
    );
    let store = &world.store;
    assert_eq!(
        store.thread(&ann, &id("bobs")).await,
        Err(ReadError::Unknown)
    );
    assert_eq!(
        store.thread_run(&ann, &id("bobs")).await,
        Err(ReadError::Unknown)
    );
    assert_eq!(
        store.delete_thread(&ann, &id("bobs")).await,
        Err(DeleteError::Unknown)
    );
    let runs = store
        .runs(&ann, RunFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(runs.entries.len(), 1);
    assert_eq!(runs.entries[0].thread, id("anns"));
}

pub(crate) async fn filters_find_what_they_name(place: Place) {
    let world = World::open(place).await;
    for (name, label, column) in [
        ("one", "red", Some("todo")),
        ("two", "blue", Some("todo")),
        ("three", "red", None),
    ] {
        let new = NewThread {
            labels: vec![label.to_owned(), "x%'".to_owned()],
            column: column.map(str::to_owned),
            ..NewThread::default()
        };
        make(&world, name, new).await;
    }
    let scope = Scope::local();
    let put_away = ThreadPatch {
        archived: Some(true),
        ..ThreadPatch::default()
    };
    world
        .store
        .patch_thread(&scope, &id("two"), put_away)
        .await
        .unwrap();
    let by = |label: Option<&str>, column: Option<&str>, with_archived| ThreadFilter {
        label: label.map(str::to_owned),
        column: column.map(str::to_owned),
        parent: None,
        with_archived,
    };
    for (filter, expected) in [
        (by(None, None, false), vec!["three", "one"]),
        (by(Some("red"), None, false), vec!["three", "one"]),
        (by(Some("red"), Some("todo"), false), vec!["one"]),
        (by(Some("blue"), None, false), vec![]),
        (by(Some("blue"), None, true), vec!["two"]),
        (by(Some("x%'"), Some("todo"), true), vec!["two", "one"]),
        (by(Some("re"), None, true), vec![]),
    ] {
        assert_eq!(
            names(&world, &scope, filter.clone()).await,
            expected,
            "{filter:?}"
        );
    }
}

pub(crate) async fn pages_neither_double_nor_lose_what_did_not_change(place: Place) {
    let world = World::open(place).await;
    let scope = Scope::local();
    for n in 0..25 {
        // Several in one millisecond, so that a time alone is no cursor.
        world.advance(i64::from(n % 3 == 0));
        make(&world, &format!("t{n}"), NewThread::default()).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = world
            .store
            .threads(&scope, ThreadFilter::default(), after, 4)
            .await
            .unwrap();
        assert!(page.entries.len() <= 4);
        seen.extend(page.entries.into_iter().map(|thread| thread.id));
        // Those that change meanwhile have been seen or move to the front.
        world.advance(1);
        let patch = ThreadPatch::default();
        world
            .store
            .patch_thread(&scope, &id("t24"), patch)
            .await
            .unwrap();
        make(&world, &format!("new{}", seen.len()), NewThread::default()).await;
        match page.next {
            Some(next) => after = Some(store::Cursor::parse(&next.to_string()).unwrap()),
            None => break,
        }
    }
    let expected: Vec<ThreadId> = (0..25).rev().map(|n| id(&format!("t{n}"))).collect();
    assert_eq!(seen, expected);
}

pub(crate) async fn runs_are_listed_by_thread_agent_status_and_page(place: Place) {
    let world = World::open(place).await;
    let mut runs: Vec<RunId> = Vec::new();
    for n in 0..10 {
        let mut asked = start(&format!("t{}", n % 3), OnConflict::Enqueue);
        asked.agent = format!("a{}", n % 2);
        asked.spec.ephemeral = n == 9;
        runs.push(asked.run);
        world.store.start(asked).await.unwrap();
    }
    world.worker("w1").await;
    assert_eq!(world.claim("w1", 1).await[0].run.id, runs[0]);
    let list = async |filter: RunFilter, max| {
        let scope = Scope::local();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = world
                .store
                .runs(&scope, filter.clone(), after, max)
                .await
                .unwrap();
            seen.extend(page.entries.into_iter().map(|run| run.id));
            after = page.next;
            if after.is_none() {
                break seen;
            }
        }
    };
    let newest: Vec<RunId> = runs[..9].iter().rev().copied().collect();
    for max in [1, 2, 9, 100] {
        assert_eq!(list(RunFilter::default(), max).await, newest);
    }
    let with_ephemeral = RunFilter {
        with_ephemeral: true,
        ..RunFilter::default()
    };
    assert_eq!(list(with_ephemeral, 3).await.len(), 10);
    let of_thread = RunFilter {
        thread: Some(id("t1")),
        ..RunFilter::default()
    };
    assert_eq!(list(of_thread, 3).await, [runs[7], runs[4], runs[1]]);
    let running = RunFilter {
        agent: Some("a0".into()),
        statuses: vec![Status::Running, Status::Waiting],
        ..RunFilter::default()
    };
    assert_eq!(list(running, 3).await, [runs[0]]);
}

pub(crate) async fn the_run_of_a_thread_is_its_current_or_its_latest(place: Place) {
    let world = World::open(place).await;
    let scope = Scope::local();
    let latest = async || {
        let run = world.store.thread_run(&scope, &id("t")).await.unwrap();
        run.map(|run| run.id)
    };
    make(&world, "t", NewThread::default()).await;
    assert_eq!(latest().await, None);
    let first = world.attempt("t").await;
    let second = world
        .store
        .start(start("t", OnConflict::Enqueue))
        .await
        .unwrap();
    assert_eq!(latest().await, Some(first.run));
    first.finish(&world).await;
    assert_eq!(latest().await, Some(second.run.id));
    Attempt::of(&world.claim("w1", 1).await[0])
        .finish(&world)
        .await;
    assert_eq!(latest().await, Some(second.run.id));
}

pub(crate) async fn a_thread_with_an_open_run_is_not_deleted(place: Place) {
    let world = World::open(place).await;
    let scope = Scope::local();
    let attempt = world.attempt("t").await;
    assert_eq!(
        world.store.delete_thread(&scope, &id("t")).await,
        Err(DeleteError::Open(attempt.run))
    );
    attempt.finish(&world).await;
    world.store.delete_thread(&scope, &id("t")).await.unwrap();
    let gone = world.store.run(&scope, attempt.run).await;
    assert_eq!(gone, Err(ReadError::Unknown));
    world.run("t").await;
}

pub(crate) async fn changes_are_hinted_to_the_right_people(place: Place) {
    let world = World::open(place).await;
    let ann = scope_of("default", Some("ann"));
    let mut changes = world.store.changes();
    let asked = Start {
        scope: ann.clone(),
        ..start("t", OnConflict::Reject)
    };
    let run = asked.run;
    world.store.start(asked).await.unwrap();
    world.worker("w1").await;
    let attempt = Attempt::of(&world.claim("w1", 1).await[0]);
    attempt.finish(&world).await;
    // Somebody else of the tenant changes and deletes it: still the owner's board.
    let scope = Scope::local();
    world
        .store
        .patch_thread(&scope, &id("t"), ThreadPatch::default())
        .await
        .unwrap();
    world.store.delete_run(&scope, run).await.unwrap();
    world.store.delete_thread(&scope, &id("t")).await.unwrap();
    let expected = [
        None,
        Some(Status::Queued),
        Some(Status::Running),
        Some(Status::Succeeded),
        None,
        None,
        None,
    ];
    for status in expected {
        let change = Change {
            tenant: ann.tenant.clone(),
            created_by: ann.user.clone(),
            thread: id("t"),
            run: status.map(|status| (run, status)),
            ephemeral: false,
        };
        assert_eq!(changes.try_recv(), Ok(change));
    }
    assert!(changes.try_recv().is_err());
}
