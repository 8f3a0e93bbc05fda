//! Reading the log of a response's run.

use run::{Envelope, Seq, frame};
use store::{FollowError, Follower, Ready, Scope, Store};
use wire::faces::Waits;
use wire::faces::openai::{Phase, Translation};

use super::named::{Named, unknown};
use crate::App;
use crate::auth::Caller;
use crate::error::Error;

/// The events of frames.
pub(super) fn events(frames: &[u8]) -> impl Iterator<Item = Envelope> {
    frame::split(frames).filter_map(frame::parse)
}

/// Gives a translation frames; what comes of them is printed.
pub(super) fn feed(translation: &mut Translation, frames: &[u8], out: &mut Vec<u8>) {
    translation.take_frames(frames, out);
}

/// Whether all that belongs to the response was taken.
pub(super) fn is_over(translation: &Translation) -> bool {
    match translation.phase() {
        Phase::Over | Phase::Missed => true,
        Phase::Before | Phase::Within => false,
    }
}

/// The response with all that is stored of it, and its follower behind that.
pub(super) async fn whole(
    store: &Store,
    scope: &Scope,
    named: &Named,
) -> Result<(Translation, Follower), FollowError> {
    let mut follower = store.follow(scope, named.id.run, Seq::ZERO).await?;
    let mut translation = Translation::whole(named.about(), named.id.first);
    while !is_over(&translation) {
        match follower.ready().await? {
            // A whole response prints nothing on the way.
            Ready::Frames(frames) => feed(&mut translation, &frames, &mut Vec::new()),
            Ready::Nothing | Ready::Ended => break,
        }
    }
    Ok((translation, follower))
}

/// The same for a caller; an id that names no segment of its run is unknown.
pub(super) async fn known(
    app: &App,
    caller: &Caller,
    named: &Named,
) -> Result<(Translation, Follower), Error> {
    let (translation, follower) = whole(&app.store, &caller.scope, named).await?;
    match translation.phase() {
        Phase::Within | Phase::Over => Ok((translation, follower)),
        Phase::Before | Phase::Missed => Err(unknown()),
    }
}

/// Where a run has waited for its client.
pub(super) async fn waits(app: &App, caller: &Caller, named: &Named) -> Result<Waits, Error> {
    let follower = app.store.follow(&caller.scope, named.id.run, Seq::ZERO);
    let mut follower = follower.await?;
    let mut waits = Waits::default();
    while let Ready::Frames(frames) = follower.ready().await? {
        events(&frames).for_each(|it| waits.take(it.seq, &it.event));
    }
    Ok(waits)
}
