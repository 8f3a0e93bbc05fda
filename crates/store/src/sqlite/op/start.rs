//! Starting a run.

use std::sync::Arc;

use run::event::{InputMode, Parent, RunCreated};
use run::{By, Command, Event, Outcome, Reason, Refused, Run, RunId, Status, User};
use rusqlite::{OptionalExtension, params};

use super::super::core::Operation;
use super::super::fault::{Fault, is_current_conflict};
use super::super::head::{LastAppend, Origin};
use super::super::load::head_of;
use super::super::read::segment::by_name;
use super::super::rows::{Stored, to_json};
use super::super::txn::Txn;
use super::secret::keep_credentials;
use super::segment;
use super::thread::{Found, find, make};
use crate::{Fate, Idempotency, LINE_RUNS, NewThread, OnConflict, Start, StartError, Started};

/// Starts a run, or answers the repeat of an earlier start.
pub struct StartOp(pub Start);

/// Where a new run stands on its thread.
#[derive(Clone, Copy)]
enum Place {
    Current,
    Line(i64),
}

impl Operation for StartOp {
    type Output = Result<Started, StartError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Self(start) = self;
        if let Some(key) = &start.idempotency
            && let Some(answer) = repeated(txn, &start, key)?
        {
            return Ok(answer);
        }
        if let Some(answer) = same(txn, &start)? {
            return Ok(answer);
        }
        if let Some(answer) = named(txn, &start)? {
            return Ok(answer);
        }
        if let Some(parent) = &start.parent
            && let Some(refused) = orphaned(txn, parent)?
        {
            return Ok(Err(refused));
        }
        let known = match find(txn, &start.scope, &start.thread)? {
            Found::Key(key) => Some(key),
            Found::Nothing => None,
            Found::SomebodyElses => return Ok(Err(StartError::Unknown)),
        };
        // A steer needs no place in the queue unless the thread is free.
        let max = txn.options.queued_runs;
        let n_queued = txn.state.queued.get(&start.scope.tenant);
        let is_full = n_queued.is_some_and(|n| *n >= max);
        if is_full && start.on_conflict == OnConflict::Steer {
            let current = known.map(|key| current(txn, key)).transpose()?.flatten();
            if let Some(current) = current {
                return steer(txn, &start, current);
            }
        }
        if is_full {
            return Ok(Err(StartError::QueueFull { max }));
        }
        if let OnConflict::Supersede(named) = start.on_conflict {
            let (current, latest) = match known {
                Some(key) => (current(txn, key)?, latest(txn, key)?),
                None => (None, None),
            };
            return match (known, current.or(latest)) {
                (Some(key), Some(run)) if run == named && current.is_some() => {
                    supersede(txn, start, key, named).map(Ok)
                }
                // It ended by itself meanwhile, and nothing came after it.
                (Some(key), Some(run)) if run == named => begin(txn, start, key).map(Ok),
                (_, current) => Ok(Err(StartError::SupersedeMismatch { current })),
            };
        }
        let thread_key = if let Some(key) = known {
            key
        } else {
            let above = start.parent.as_ref();
            let new = NewThread {
                parent: above.map(|parent| txn.head(parent.run).origin.thread.clone()),
                ..NewThread::default()
            };
            make(txn, &start.scope, &start.thread, &new)?
        };
        // The database decides whether the thread is free: by inserting, not by looking.
        if insert(txn, &start, thread_key, Place::Current)? {
            return created(txn, start, thread_key, Place::Current).map(Ok);
        }
        let current = current(txn, thread_key)?.expect("the index has just refused a second one");
        match start.on_conflict {
            OnConflict::Enqueue => {
                let (n, _, last) = line(txn, thread_key)?;
                if n >= LINE_RUNS {
                    return Ok(Err(StartError::QueueFull { max: LINE_RUNS }));
                }
                let place = Place::Line(last + 1);
                insert(txn, &start, thread_key, place)?;
                created(txn, start, thread_key, place).map(Ok)
            }
            OnConflict::Steer => steer(txn, &start, current),
            OnConflict::Reject | OnConflict::Supersede(_) => Ok(Err(StartError::AlreadyActive {
                thread: start.thread,
                run: current,
            })),
        }
    }
}

/// Why a run that performs a call of another run cannot start: that run has ended, or is told to.
fn orphaned(txn: &mut Txn<'_>, parent: &Parent) -> Result<Option<StartError>, Fault> {
    if !txn.load(parent.run)? {
        return Ok(Some(StartError::Unknown));
    }
    let control = &txn.head(parent.run).control;
    let ended = match &control.stop {
        Some(_) => Some(Status::Aborted),
        None => control.final_status(),
    };
    Ok(ended.map(|status| StartError::Refused(Refused::Final(status))))
}

/// The answer to a key that was used before.
fn repeated(
    txn: &mut Txn<'_>,
    start: &Start,
    key: &Idempotency,
) -> Result<Option<Result<Started, StartError>>, Fault> {
    let known: Option<([u8; 32], [u8; 16])> = txn
        .connection
        .prepare_cached(
            "SELECT body_hash, run FROM idempotency WHERE tenant = ?1 AND owner = ?2 AND key = ?3",
        )?
        .query_row(
            params![start.scope.tenant.as_str(), owner(start), key.key],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((body_hash, run)) = known else {
        return Ok(None);
    };
    let run = RunId::from_bytes(run);
    if body_hash != key.body_hash {
        return Ok(Some(Err(StartError::KeyReused { run })));
    }
    // A deleted run is no answer; the key may be used anew.
    if !txn.load(run)? {
        return Ok(None);
    }
    Ok(Some(Ok(Started {
        run: txn.head(run).record(),
        fate: Fate::Repeated,
    })))
}

fn owner(start: &Start) -> &str {
    start.scope.user.as_ref().map_or("", User::as_str)
}

/// The answer to an id that was used before: whoever asks again under it, for example because the commit of the first
/// time was uncertain, gets that run.
fn same(txn: &mut Txn<'_>, start: &Start) -> Result<Option<Result<Started, StartError>>, Fault> {
    if !txn.load(start.run)? {
        return Ok(None);
    }
    let head = txn.head(start.run);
    let is_same = start.scope.tenant == head.origin.tenant
        && start.scope.user == head.origin.created_by
        && start.thread == head.origin.thread;
    Ok(Some(if is_same {
        Ok(Started {
            run: head.record(),
            fate: Fate::Repeated,
        })
    } else {
        Err(StartError::Unknown)
    }))
}

/// The answer to a name that was used before.
fn named(txn: &mut Txn<'_>, start: &Start) -> Result<Option<Result<Started, StartError>>, Fault> {
    let Some(name) = &start.segment else {
        return Ok(None);
    };
    let known = by_name(txn.connection, &start.scope, name)?;
    // A deleted run is no answer; its names went with it.
    match known {
        Some(segment) if txn.load(segment.run)? => Ok(Some(Ok(Started {
            run: txn.head(segment.run).record(),
            fate: Fate::Repeated,
        }))),
        Some(_) | None => Ok(None),
    }
}

/// Remembers which run a key stands for.
fn remember(txn: &Txn<'_>, start: &Start, run: RunId) -> Result<(), Fault> {
    let Some(used) = &start.idempotency else {
        return Ok(());
    };
    txn.connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency (tenant, owner, key, body_hash, run, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            start.scope.tenant.as_str(),
            owner(start),
            used.key,
            used.body_hash,
            run.as_bytes(),
            txn.now.as_ms()
        ])?;
    Ok(())
}

/// Inserts the row; `false` when the thread has a current run and this was to be it.
fn insert(txn: &mut Txn<'_>, start: &Start, thread_key: i64, place: Place) -> Result<bool, Fault> {
    let (is_current, line) = match place {
        Place::Current => (true, None),
        Place::Line(line) => (false, Some(line)),
    };
    let supersedes = match start.on_conflict {
        OnConflict::Supersede(named) => Some(*named.as_bytes()),
        OnConflict::Reject | OnConflict::Enqueue | OnConflict::Steer => None,
    };
    let inserted = txn
        .connection
        .prepare_cached(
            "INSERT INTO run (id, tenant, created_by, thread, agent, ephemeral, spec, input, trigger, supersedes,
                refines, metadata, status, is_current, line, control, append, parent, parent_call, depth, retries)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'queued', ?13, ?14, '{}', '{}', ?15, ?16, ?17, ?18)",
        )?
        .execute(params![
            start.run.as_bytes(),
            start.scope.tenant.as_str(),
            start.scope.user.as_ref().map(User::as_str),
            thread_key,
            start.agent,
            start.spec.ephemeral,
            to_json(&start.spec),
            to_json(&start.input),
            to_json(&start.trigger),
            supersedes,
            start.refines.as_ref().map(RunId::as_bytes),
            to_json(&start.metadata),
            is_current,
            line,
            start.parent.as_ref().map(|parent| parent.run.as_bytes()),
            start.parent.as_ref().map(|parent| parent.call.as_str()),
            start.parent.as_ref().map_or(0, |parent| parent.depth),
            start.retries.as_ref().map(RunId::as_bytes),
        ]);
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if is_current_conflict(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The current run of a thread.
pub(super) fn current(txn: &Txn<'_>, thread_key: i64) -> Result<Option<RunId>, Fault> {
    let id: Option<[u8; 16]> = txn
        .connection
        .prepare_cached("SELECT id FROM run WHERE thread = ?1 AND is_current = 1")?
        .query_row([thread_key], |row| row.get(0))
        .optional()?;
    Ok(id.map(RunId::from_bytes))
}

/// The run of a thread that was created last.
fn latest(txn: &Txn<'_>, thread_key: i64) -> Result<Option<RunId>, Fault> {
    let id: Option<[u8; 16]> = txn
        .connection
        .prepare_cached("SELECT id FROM run WHERE thread = ?1 ORDER BY key DESC LIMIT 1")?
        .query_row([thread_key], |row| row.get(0))
        .optional()?;
    Ok(id.map(RunId::from_bytes))
}

/// How many runs stand in line on a thread, and the first and last place.
fn line(txn: &Txn<'_>, thread_key: i64) -> Result<(u32, i64, i64), Fault> {
    Ok(txn
        .connection
        .prepare_cached(
            "SELECT count(*), coalesce(min(line), 0), coalesce(max(line), 0) FROM run
             WHERE thread = ?1 AND line IS NOT NULL",
        )?
        .query_row([thread_key], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?)
}

/// The thread is free.
fn begin(txn: &mut Txn<'_>, start: Start, thread_key: i64) -> Result<Started, Fault> {
    insert(txn, &start, thread_key, Place::Current)?;
    created(txn, start, thread_key, Place::Current)
}

/// The new run takes the place of the current one: first in line, and the current one is told to stop, in one
/// transaction. Whoever superseded the same run before and has not begun is superseded too: the last named wins.
fn supersede(
    txn: &mut Txn<'_>,
    start: Start,
    thread_key: i64,
    current: RunId,
) -> Result<Started, Fault> {
    let replaced: Vec<[u8; 16]> = txn
        .connection
        .prepare_cached(
            "SELECT id FROM run WHERE thread = ?1 AND line IS NOT NULL AND supersedes = ?2",
        )?
        .query_map(params![thread_key, current.as_bytes()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let (_, first, _) = line(txn, thread_key)?;
    let place = Place::Line(first - 1);
    insert(txn, &start, thread_key, place)?;
    let by = By(start
        .scope
        .user
        .as_ref()
        .map_or("client", User::as_str)
        .to_owned());
    let run = start.run;
    created(txn, start, thread_key, place)?;
    for replaced in replaced.into_iter().map(RunId::from_bytes) {
        txn.load(replaced)?;
        // Its end cannot be refused: it stands in line, so it is open.
        let _ = txn.decide(
            replaced,
            Command::Conclude(Outcome::aborted(Reason::Superseded)),
        )?;
    }
    txn.load(current)?;
    let stop = Command::Stop {
        by,
        why: None,
        superseded_by: Some(run),
    };
    // Refused only when it has ended, and then it would not be current.
    let _ = txn.decide(current, stop)?;
    Ok(Started {
        run: txn.head(run).record(),
        fate: Fate::Created,
    })
}

/// The input goes to the current run.
fn steer(
    txn: &mut Txn<'_>,
    start: &Start,
    current: RunId,
) -> Result<Result<Started, StartError>, Fault> {
    txn.load(current)?;
    let by = By(start
        .scope
        .user
        .as_ref()
        .map_or("client", User::as_str)
        .to_owned());
    let input = Command::Input {
        mode: InputMode::Steer,
        parts: start.input.parts.clone(),
        by,
    };
    let events = match txn.decide(current, input)? {
        Ok(events) => events,
        Err(refused) => return Ok(Err(StartError::Refused(refused))),
    };
    // A repeat must not say it twice.
    remember(txn, start, current)?;
    let Some(Event::InputReceived(received)) = events.into_iter().next() else {
        unreachable!("an accepted input is one event")
    };
    let run = txn.head(current).record();
    Ok(Ok(Started {
        run,
        fate: Fate::Steered(received.input),
    }))
}

/// Makes the head of a row that was just inserted, and writes the first event.
fn created(
    txn: &mut Txn<'_>,
    start: Start,
    thread_key: i64,
    place: Place,
) -> Result<Started, Fault> {
    let key = txn.connection.last_insert_rowid();
    remember(txn, &start, start.run)?;
    if let Some(sealed) = &start.credentials {
        keep_credentials(txn.connection, key, sealed)?;
    }
    if let Some(name) = &start.segment {
        segment::insert(txn, &start.scope, name, &segment::beginning(start.run))?;
    }
    let Start {
        run,
        scope,
        thread,
        agent,
        spec,
        input,
        on_conflict,
        trigger,
        refines,
        retries,
        parent,
        segment: name,
        mut client,
        metadata,
        idempotency: _,
        credentials: _,
    } = start;
    let supersedes = match on_conflict {
        OnConflict::Supersede(named) => Some(named),
        OnConflict::Reject | OnConflict::Enqueue | OnConflict::Steer => None,
    };
    if let Some(name) = name {
        client.insert(name.face.to_owned(), name.id.into());
    }
    let event = RunCreated {
        agent: agent.clone(),
        driver: spec.driver,
        thread: thread.clone(),
        trigger,
        input: input.clone(),
        client,
        supersedes,
        refines,
        retries,
        parent: parent.clone(),
        structured: spec.output_schema.is_some(),
    };
    let origin = Origin {
        id: run,
        key,
        tenant: scope.tenant,
        created_by: scope.user,
        thread_key,
        thread,
        agent,
        policy: spec.policy(),
        spec: Arc::new(spec),
        input: Arc::new(input),
        trigger,
        refines,
        parent,
        metadata,
    };
    let (is_current, line) = match place {
        Place::Current => (true, None),
        Place::Line(line) => (false, Some(line)),
    };
    let stored = Stored {
        origin,
        control: Run::new(),
        is_current,
        line,
        worker: None,
        append: LastAppend::default(),
        output: None,
        applied: None,
        worktree_removed_at: None,
        log_expired: false,
    };
    let mut head = head_of(stored, txn.connection, txn.shared)?;
    head.saved = super::super::head::Columns::none();
    txn.state.heads.insert(run, head);
    txn.write(run, &[event.into()])?;
    // At once: the next start of this commit counts it, and a claim finds it.
    txn.save(run)?;
    Ok(Started {
        run: txn.head(run).record(),
        fate: Fate::Created,
    })
}
