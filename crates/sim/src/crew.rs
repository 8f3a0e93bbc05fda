//! A worker process: its lease and the attempts it holds.

use run::{Timestamp, WorkerId};
use store::Claimed;

use crate::Violation;
use crate::attempt::{Act, Attempt};
use crate::hands::Hands;
use crate::op::{Answer, Errand, Heard, Op, Who};

/// A worker process.
#[derive(Debug)]
pub(crate) struct Worker {
    n: usize,
    n_lives: u32,
    pub(crate) id: WorkerId,
    is_registered: bool,
    renewed_at: Timestamp,
    /// It stands still for so many turns.
    pub(crate) paused: u64,
    is_leaving: bool,
    pub(crate) attempts: Vec<Attempt>,
}

fn id(n: usize, n_lives: u32) -> WorkerId {
    WorkerId::parse(format!("w{n}.{n_lives}")).expect("a short word is a name")
}

impl Worker {
    pub(crate) fn new(n: usize) -> Self {
        Self {
            n,
            n_lives: 1,
            id: id(n, 1),
            is_registered: false,
            renewed_at: Timestamp::default(),
            paused: 0,
            is_leaving: false,
            attempts: Vec::new(),
        }
    }

    /// The process dies and another one takes its place. Its lease is still in the store.
    pub(crate) fn die(&mut self) {
        let n_lives = self.n_lives + 1;
        *self = Self {
            n_lives,
            id: id(self.n, n_lives),
            ..Self::new(self.n)
        };
    }

    /// It claims nothing more and hands over what it has.
    pub(crate) fn leave(&mut self) {
        self.is_leaving = true;
    }

    /// What it does with its turn.
    pub(crate) fn turn(&mut self, hands: &mut Hands<'_>) -> Result<Option<Errand>, Violation> {
        let who = Who::Worker(self.n);
        let op = if !self.is_registered {
            Some(Op::Register(self.id.clone()))
        } else if self.is_leaving && self.attempts.is_empty() {
            Some(Op::Release(self.id.clone()))
        } else if hands.now.ms_since(self.renewed_at) >= 1_000 && hands.rng.percent(70) {
            Some(Op::Renew(self.id.clone()))
        } else if !self.is_leaving && (self.attempts.is_empty() || hands.rng.percent(10)) {
            Some(Op::Claim {
                worker: self.id.clone(),
                max: hands.rng.below(4) + 1,
            })
        } else {
            self.act(hands)?
        };
        Ok(op.map(|op| Errand { who, op }))
    }

    fn act(&mut self, hands: &mut Hands<'_>) -> Result<Option<Op>, Violation> {
        if self.attempts.is_empty() {
            return Ok(None);
        }
        let at = hands.rng.below(self.attempts.len());
        match self.attempts[at].act(self.is_leaving, hands)? {
            Act::Send(op) => Ok(Some(op)),
            Act::Rest => Ok(None),
            Act::Over => {
                self.attempts.swap_remove(at);
                Ok(None)
            }
        }
    }

    /// Takes the answer to what it asked.
    pub(crate) fn hear(
        &mut self,
        op: &Op,
        heard: Heard,
        hands: &mut Hands<'_>,
    ) -> Result<(), Violation> {
        match (op, heard) {
            (Op::Register(_), Heard::Answer(_)) => {
                self.is_registered = true;
                self.renewed_at = hands.now;
            }
            (Op::Renew(_), Heard::Answer(Answer::Renewed(renewed))) => {
                self.is_registered = renewed;
                self.renewed_at = hands.now;
            }
            (Op::Release(_), Heard::Answer(_)) => self.die(),
            (Op::Claim { .. }, Heard::Answer(Answer::Claimed(claimed))) => {
                self.begin(&claimed, hands)?;
            }
            (Op::Append { run, fence, .. } | Op::Work { run, fence, .. }, heard) => {
                let found = self
                    .attempts
                    .iter()
                    .position(|attempt| (attempt.run, attempt.fence) == (*run, *fence));
                if let Some(at) = found
                    && !self.attempts[at].hear(op, heard, hands)?
                {
                    self.attempts.swap_remove(at);
                }
            }
            (_, _) => {}
        }
        Ok(())
    }

    fn begin(&mut self, claimed: &[Claimed], hands: &mut Hands<'_>) -> Result<(), Violation> {
        for claimed in claimed {
            let (run, fence) = (claimed.run.id, claimed.fence);
            hands
                .witness
                .granted(run, fence, claimed.run.control.attempt)?;
            self.attempts.push(Attempt::begin(claimed, hands)?);
        }
        Ok(())
    }
}
