//! Watching a run to its end over as many connections as it takes. The cursor is the number of the last event that
//! was shown, so nothing is lost between two connections and nothing shown twice.

use std::io;
use std::time::{Duration, Instant};

use run::event::RunFinished;
use run::{Envelope, Event, RunId, Seq};
use tokio::time::{MissedTickBehavior, interval};
use wire::StoreNotice;

use crate::client::{ClientError, Connection, Events, Opened, StreamEnd, limits};
use crate::clock::now;
use crate::interrupt::Interrupts;
use crate::render::Output;

/// How often the status line is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// How watching ended.
#[derive(Debug)]
pub(crate) enum Followed {
    /// With the run.
    Ended(Box<RunFinished>),
    /// The run had ended before the cursor.
    Over,
    /// By Ctrl-C.
    Detached,
}

/// Why watching ended before the run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    /// Another call than before would be needed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No server for too long.
    #[error("no server for {} s ({why}); the run goes on when one is there again", limits::PATIENCE.as_secs())]
    GaveUp {
        /// The last failure.
        why: String,
    },
    /// The log is broken, or something between us and it.
    #[error("event {found} came where event {expected} belongs")]
    Gap {
        /// What was to come.
        expected: Seq,
        /// What came.
        found: Seq,
    },
    /// An event that is none.
    #[error("event {id:?} cannot be read: {why}")]
    Unreadable {
        /// Its id.
        id: String,
        /// Why.
        why: String,
    },
    /// The terminal or pipe is gone.
    #[error("failed to write: {0}")]
    Output(#[from] io::Error),
}

/// A run that is watched.
pub(crate) struct Watch<'a> {
    pub(crate) connection: &'a mut Connection,
    pub(crate) run: RunId,
    /// The number of the last event that was shown.
    pub(crate) cursor: Seq,
    pub(crate) output: &'a mut Output,
    pub(crate) interrupts: &'a mut Interrupts,
}

/// What one event of the stream means for watching.
enum Taken {
    More,
    Ended(Box<RunFinished>),
}

/// Why there is no connection at the moment.
struct Outage {
    since: Instant,
    pause: Duration,
}

impl Watch<'_> {
    /// Watches to the end.
    pub(crate) async fn follow(mut self) -> Result<Followed, FollowError> {
        let followed = self.reconnecting().await;
        let rested = self.output.rest();
        let followed = followed?;
        rested?;
        Ok(followed)
    }

    async fn reconnecting(&mut self) -> Result<Followed, FollowError> {
        let mut outage: Option<Outage> = None;
        loop {
            let cursor = self.cursor;
            let why = match self.connect().await {
                Ok(Some(Opened::Live(events))) => match self.read(events, &mut outage).await? {
                    Ok(followed) => return Ok(followed),
                    Err(end) => words(&end),
                },
                Ok(Some(Opened::Over)) => return Ok(Followed::Over),
                Ok(None) => return Ok(Followed::Detached),
                Err(error) if error.is_transient() => error.to_string(),
                Err(error) => return Err(error.into()),
            };
            if self.cursor > cursor {
                outage = None;
            }
            let outage = outage.get_or_insert_with(|| Outage {
                since: Instant::now(),
                pause: limits::PAUSE.0,
            });
            if outage.pause == limits::PAUSE.0 {
                let text = format!("{why}; coming back behind event {}", self.cursor);
                self.output.notice(&text)?;
            }
            if outage.since.elapsed() > limits::PATIENCE {
                return Err(FollowError::GaveUp { why });
            }
            let pause = outage.pause;
            outage.pause = (pause * 2).min(limits::PAUSE.1);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.interrupts.heard() => return Ok(Followed::Detached),
            }
            self.connection.look_again();
        }
    }

    async fn connect(&mut self) -> Result<Option<Opened>, ClientError> {
        let opening = self.connection.client.events(self.run, self.cursor);
        tokio::select! {
            opened = opening => opened.map(Some),
            () = self.interrupts.heard() => Ok(None),
        }
    }

    async fn read(
        &mut self,
        mut events: Box<Events>,
        outage: &mut Option<Outage>,
    ) -> Result<Result<Followed, StreamEnd>, FollowError> {
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let mut next = tokio::select! {
                // Ctrl-C is heard while events pour in.
                biased;
                () = self.interrupts.heard() => return Ok(Ok(Followed::Detached)),
                _ = frames.tick(), if self.output.is_live() => {
                    self.output.tick(now())?;
                    continue;
                }
                event = events.next() => match event {
                    Ok(event) => Some(event),
                    Err(end) => return Ok(Err(end)),
                },
            };
            if outage.take().is_some() {
                self.output.notice("connected again")?;
            }
            while let Some(event) = next {
                if let Taken::Ended(end) = self.take(&event)? {
                    return Ok(Ok(Followed::Ended(end)));
                }
                next = events.at_hand();
            }
            self.output.tick(now())?;
        }
    }

    fn take(&mut self, event: &wire::sse::Event) -> Result<Taken, FollowError> {
        let Some(id) = &event.id else {
            // The server's own notices have no number.
            if event.event == "store"
                && let Ok(notice) = serde_json::from_str::<StoreNotice>(&event.data)
            {
                self.output.notice(&notice.message)?;
            }
            return Ok(Taken::More);
        };
        let envelope: Envelope =
            serde_json::from_str(&event.data).map_err(|error| FollowError::Unreadable {
                id: id.clone(),
                why: error.to_string(),
            })?;
        let expected = self.cursor.next();
        if envelope.seq != expected {
            return Err(FollowError::Gap {
                expected,
                found: envelope.seq,
            });
        }
        self.output.event(&event.data, &envelope)?;
        self.cursor = envelope.seq;
        Ok(match envelope.event {
            Event::RunFinished(end) => Taken::Ended(Box::new(end)),
            _ => Taken::More,
        })
    }
}

fn words(end: &StreamEnd) -> String {
    match end {
        StreamEnd::Closed => "the connection was closed before the run ended".to_owned(),
        StreamEnd::Broken(why) => format!("the connection broke ({why})"),
        StreamEnd::Silent => "the server is silent".to_owned(),
    }
}
