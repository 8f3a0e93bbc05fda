//! What simulations have found, as short stories.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use run::event::{MessageStarted, TextDelta};
use run::{
    AgentSpec, AppendNo, Event, Fence, Input, MessageId, NodeId, Role, RunId, ScriptStep, Seq,
    ThreadId, Timestamp, WorkerId,
};
use store::sqlite::{AppendOp, Batch, ClaimOp, Core, FailAt, Register, StartOp};
use store::{Append, Appended, Claim, Options, Scope, Start};

fn start(run: RunId) -> Start {
    Start::new(
        run,
        Scope::local(),
        ThreadId::parse("t").unwrap(),
        "a".into(),
        AgentSpec::scripted(vec![ScriptStep {
            text: Some("one".into()),
            ..ScriptStep::default()
        }]),
        Input::text("go"),
    )
}

/// A store with one run that a worker has, and a clock.
fn claimed(dir: &tempfile::TempDir, now_ms: &Arc<AtomicI64>) -> (Core, RunId, Fence) {
    let reads = Arc::clone(now_ms);
    let options = Options {
        clock: Arc::new(move || Timestamp::from_ms(reads.load(Ordering::Relaxed))),
        wal_bytes: 0,
        fold_age_ms: 100,
        ..Options::default()
    };
    let mut core = Core::open(&dir.path().join("test.db"), options).unwrap();
    let run = RunId::new(Timestamp::from_ms(1_000), [1; 10]);
    let worker = WorkerId::parse("w").unwrap();
    core.perform(StartOp(start(run))).unwrap().unwrap();
    core.perform(Register {
        worker: worker.clone(),
        node: NodeId::parse("n").unwrap(),
        lease_ms: 60_000,
    })
    .unwrap();
    let claimed = core.perform(ClaimOp(Claim { worker, max: 1 })).unwrap();
    (core, run, claimed[0].fence)
}

fn append(core: &mut Core, run: RunId, fence: Fence, no: u64, event: Event) -> Appended {
    let append_no = AppendNo(no);
    let events = vec![event];
    let append = Append {
        run,
        fence,
        append_no,
        events,
    };
    core.perform(AppendOp(append)).unwrap().unwrap()
}

fn said(text: &str) -> Event {
    TextDelta {
        message: MessageId::nth(1),
        part: 0,
        text: text.into(),
    }
    .into()
}

/// The answer to an append was lost, its events moved into a chunk, and another commit failed, after which the writer
/// builds its memory again: the repeat was written a second time.
#[track_caller]
fn check_repeat(text: &str, between_ms: i64) {
    let dir = tempfile::tempdir().unwrap();
    let now_ms = Arc::new(AtomicI64::new(1_795_168_800_000));
    let (mut core, run, fence) = claimed(&dir, &now_ms);
    let message = MessageStarted {
        message: MessageId::nth(1),
        role: Role::Assistant,
    };
    append(&mut core, run, fence, 1, message.into());
    let first = append(&mut core, run, fence, 2, said(text));
    now_ms.fetch_add(between_ms, Ordering::Relaxed);
    core.rest().unwrap();
    let mut failing = Batch::default();
    failing.fail(FailAt::Commit);
    core.perform_together(failing);
    let again = append(&mut core, run, fence, 2, said(text));
    assert_eq!((again.first, again.last), (first.first, first.last));
    let next = append(&mut core, run, fence, 3, said("more"));
    assert_eq!(next.first, Seq(first.last.0 + 1));
}

#[test]
fn a_repeat_finds_its_first_result_behind_a_failed_commit() {
    check_repeat("a word", 0);
}

#[test]
fn a_repeat_finds_its_first_result_when_its_text_has_left_the_journal() {
    check_repeat("a word", 1_000);
}

#[test]
fn a_repeat_finds_its_first_result_when_its_text_was_never_in_the_journal() {
    check_repeat(&"a long text ".repeat(1_000), 0);
}
