//! What happened, line by line. The same seed gives the same lines.

use run::{Command, RunId, Timestamp, Work};
use store::{Fate, OnConflict};

use crate::check::Witness;
use crate::op::{Answer, Heard, Op};

/// The lines of one simulation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    lines: Vec<String>,
    hash: u64,
}

/// Time begins here.
pub(crate) const BEGIN: Timestamp = Timestamp::from_ms(1_795_168_800_000);

impl History {
    /// All lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// A number that stands for all that was stored and all lines.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn note(&mut self, step: u64, now: Timestamp, line: &str) {
        let at = now.as_ms() - BEGIN.as_ms();
        let line = format!("{step:4} {at:>8} ms  {line}");
        self.mix(line.as_bytes());
        self.lines.push(line);
    }

    /// Takes bytes into the hash (FNV-1a).
    pub(crate) fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// An operation in a few words.
pub(crate) fn asked(op: &Op, witness: &Witness) -> String {
    let name = |run: &RunId| witness.name(*run);
    match op {
        Op::Start(start) => {
            let conflict = match start.on_conflict {
                OnConflict::Reject => "reject".to_owned(),
                OnConflict::Enqueue => "enqueue".to_owned(),
                OnConflict::Steer => "steer".to_owned(),
                OnConflict::Supersede(named) => format!("supersede {}", name(&named)),
            };
            let run = name(&start.run);
            format!("starts {run} on {} or {conflict}", start.thread)
        }
        Op::Command { run, command, .. } => match command {
            Command::Stop { .. } => format!("stops {}", name(run)),
            Command::Input { mode, .. } => format!("says to {} {mode:?}", name(run)),
            Command::TakeBack { input } => format!("takes back {input} from {}", name(run)),
            Command::Answer { request, .. } => format!("answers {request} of {}", name(run)),
            other => format!("asks {} {other:?}", name(run)),
        },
        Op::Append {
            run,
            fence,
            append_no,
            events,
        } => {
            let mut kinds: Vec<&str> = events.iter().map(run::Event::kind).collect();
            kinds.dedup();
            kinds.truncate(6);
            let (n, kinds) = (events.len(), kinds.join(" "));
            format!("appends {} f{fence} #{append_no} {n} [{kinds}]", name(run))
        }
        Op::Work { run, fence, work } => {
            let what = match work {
                Work::Append(_) => "append".to_owned(),
                Work::Consume { input, turn } => format!("consume {input} in {turn}"),
                Work::Wait { mode, .. } => format!("wait {mode:?}"),
                Work::Close(outcome) => format!("close {:?}", outcome.reason),
                Work::Finish(outcome) => format!("finish {:?}", outcome.reason),
                Work::End { end, .. } => format!("end {end:?}"),
            };
            format!("works {} f{fence} {what}", name(run))
        }
        Op::Claim { max, .. } => format!("claims {max}"),
        Op::Sweep => "sweeps".to_owned(),
        Op::Register(worker) => format!("registers as {worker}"),
        Op::Renew(worker) => format!("renews {worker}"),
        Op::Release(worker) => format!("releases {worker}"),
    }
}

/// An answer in a few words.
pub(crate) fn heard(heard: &Heard, witness: &Witness) -> String {
    let name = |run: &RunId| witness.name(*run);
    let answer = match heard {
        Heard::Nothing => return "no answer".to_owned(),
        Heard::Failed(why) => return format!("failed ({})", why.code),
        Heard::Answer(answer) => answer,
    };
    match answer {
        Answer::Started(answer) => match &**answer {
            Ok(started) => match &started.fate {
                Fate::Created => "created".to_owned(),
                Fate::Repeated => format!("repeats {}", name(&started.run.id)),
                Fate::Steered(input) => format!("{input} of {}", name(&started.run.id)),
            },
            Err(error) => error.to_string(),
        },
        Answer::Commanded(answer) => match &**answer {
            Ok(commanded) => {
                let kinds: Vec<&str> = commanded.events.iter().map(run::Event::kind).collect();
                format!("[{}]", kinds.join(" "))
            }
            Err(error) => error.to_string(),
        },
        Answer::Appended(Ok(appended)) => format!("{} to {}", appended.first, appended.last),
        Answer::Worked(Ok(worked)) => {
            let status = worked.control.status();
            let wrote = if worked.wrote {
                ""
            } else {
                ", nothing written"
            };
            format!("{status} at {}{wrote}", worked.control.last_seq)
        }
        Answer::Appended(Err(error)) | Answer::Worked(Err(error)) => error.to_string(),
        Answer::Claimed(claimed) => {
            let runs = claimed
                .iter()
                .map(|claimed| format!("{} f{}", name(&claimed.run.id), claimed.fence));
            format!("[{}]", runs.collect::<Vec<_>>().join(", "))
        }
        Answer::Swept(swept) => {
            let lost: Vec<String> = swept.lost.iter().map(|(run, _)| name(run)).collect();
            let concluded: Vec<String> = swept.concluded.iter().map(name).collect();
            format!(
                "lost [{}], expired {}, concluded [{}]",
                lost.join(" "),
                swept.n_expired,
                concluded.join(" ")
            )
        }
        Answer::Renewed(renewed) => format!("{renewed}"),
        Answer::Done => "done".to_owned(),
    }
}
