//! Arguments of the verbs about runs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use run::Status;

/// What happens on a busy thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnConflict {
    /// Refuse (exit code 6)
    Reject,
    /// Stand in line
    Enqueue,
    /// Stop the current run and take its place
    Supersede,
    /// Give the text to the current run
    Steer,
}

/// A run as it is named on the command line.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunRef {
    /// The run: its id, a unique beginning of it, or `last`, the newest one that no agent started
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
}

/// `outlive run`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive run \"Write a line about rain\"
  outlive run --agent writer --thread chat-7 \"And now about snow\"
  git diff | outlive run --agent reviewer -
  outlive run --model ollama/qwen3 \"Hello\"     the agent `chat` with this model
  outlive run -d --agent load \"\" && outlive attach last
  outlive run --json --agent load \"\" | jq .type
  outlive run --schema workout.json \"Legs\" | jq .name

On a terminal the run is shown as it happens. On a pipe only the answer's text is written to standard output, each \
message when it is complete; notices go to standard error. With --json each event is one line, as it is in the log. \
Where the answer has to fit a schema, a pipe gets the JSON and nothing else.

Without a server one is started in the background; it stays, and `outlive run` says how to end it.")]
pub(crate) struct Start {
    /// What is asked; `-` reads it from standard input
    #[arg(value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// The agent; else `OUTLIVE_AGENT`, else that of the thread, else the only one that is configured
    #[arg(short, long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// `vendor/model`, for an agent that lets its runs choose; `chat` if no agent is named
    #[arg(short, long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Another setting that the agent lets its runs choose: `temperature`, `max_output_tokens`, `approval`, `effort`, `mode`, `worktree`,
    /// `cleanup`; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// The thread it belongs to; a new one if missing
    #[arg(short, long, value_name = "ID")]
    pub(crate) thread: Option<String>,
    /// A JSON Schema that the answer must fit, from a file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// Call a vendor with the key in this variable, for this run alone; may be repeated
    #[arg(long, value_name = "VENDOR=VARIABLE")]
    pub(crate) credential: Vec<String>,
    /// What happens when the thread has a current run
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) on_conflict: Option<OnConflict>,
    /// Print each event as a line of JSON
    #[arg(long, conflicts_with = "detach")]
    pub(crate) json: bool,
    /// Print the run's id and do not watch it
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Show nothing, only wait for the end
    #[arg(long, conflicts_with_all = ["detach", "json"])]
    pub(crate) wait: bool,
}

/// What is done with a run that was just started.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Watching {
    /// Print each event as a line of JSON
    #[arg(long, conflicts_with = "detach")]
    pub(crate) json: bool,
    /// Print the run's id and do not watch it
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Show nothing, only wait for the end
    #[arg(long, conflicts_with_all = ["detach", "json"])]
    pub(crate) wait: bool,
}

/// `outlive refine`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive refine last \"Shorter sessions on Monday\"
  outlive show last --json | jq .output > plan.json && $EDITOR plan.json
  outlive refine last --output plan.json \"Keep my changes, add a warm-up\"

A new run on the same thread is told what the earlier one was asked, what it answered (or the output as you edited it) and \
what is to be different. It is watched as `outlive run` does, and the exit code says how it ended. A run that did not \
succeed needs --output.")]
pub(crate) struct Refine {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// What is to be different; `-` reads it from standard input. A coding agent needs none to review what it did
    #[arg(value_name = "INSTRUCTION")]
    pub(crate) instruction: Vec<String>,
    /// The output as you edited it, from a file; it must fit the run's schema
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) watching: Watching,
}

/// `outlive diff`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive diff last
  outlive diff last --stat
  outlive diff last --checkpoint w2
  outlive diff 0198c5f0-1a2b | git apply

What the run has changed since its worktree began, untracked files included, as it was at the end of its last turn.")]
pub(crate) struct Diff {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// The files and their counts of lines, without the text
    #[arg(long)]
    pub(crate) stat: bool,
    /// What changed in the turn that this checkpoint closed, for example w2
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) checkpoint: Option<String>,
}

/// `outlive retry`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive retry last
  outlive retry 0198c5f0-1a2b -d

A new run on the same thread with the same input. The agent is taken as it is configured now. It is watched as \
`outlive run` does.")]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) run: RunRef,
    #[command(flatten)]
    pub(crate) watching: Watching,
}

/// `outlive apply`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive apply last
  outlive apply 0198c5f0-1a2b --by ann --ref plan-7

Remembers that the result of a succeeded run was used. Once: a second one is told who was first, and ends well too. A run \
that did not succeed is refused with exit code 6.")]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// Who used it
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
    /// What to remember with it, for example where it went
    #[arg(long = "ref", value_name = "TEXT")]
    pub(crate) reference: Option<String>,
}

/// `outlive attach`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive attach last
  outlive attach 0198c5f0-1a2b --after 120   only what comes behind event 120
  outlive attach last --wait; echo $?        how it ended, without a word

A connection that drops is made again behind the last event that was seen: nothing is lost and nothing shown twice. \
The exit code says how the run ended.")]
pub(crate) struct Attach {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// Begin behind this event
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) after: u64,
    /// Print each event as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Show nothing, only wait for the end
    #[arg(long, conflicts_with = "json")]
    pub(crate) wait: bool,
}

/// `outlive ls`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive ls
  outlive ls --status open
  outlive ls --thread chat-7 --json | jq -r .id")]
pub(crate) struct List {
    /// Only runs in this status, or in any of `open`; may be repeated
    #[arg(short, long, value_name = "STATUS", value_parser = statuses)]
    pub(crate) status: Vec<Statuses>,
    /// Only runs of this agent
    #[arg(short, long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Only runs of this thread
    #[arg(short, long, value_name = "ID")]
    pub(crate) thread: Option<String>,
    /// Also runs of ephemeral agents
    #[arg(long)]
    pub(crate) all: bool,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Print each run as a line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The states that a word stands for.
#[derive(Debug, Clone)]
pub(crate) struct Statuses(pub(crate) Vec<Status>);

fn statuses(word: &str) -> Result<Statuses, String> {
    if word == "open" {
        let open = Status::ALL.into_iter().filter(|status| !status.is_final());
        return Ok(Statuses(open.collect()));
    }
    let status = Status::parse(word).ok_or_else(|| {
        let mut known = vec!["open"];
        known.extend(Status::ALL.map(Status::as_str));
        format!("no such status{}", crate::config::hint(word, &known))
    })?;
    Ok(Statuses(vec![status]))
}

/// `outlive show`
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// Print the run as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `outlive stop`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive stop last
  outlive stop 0198c5f0-1a2b --why \"wrong repository\" --wait

A stop names a run, so a late one cannot end the next run of the thread. A run that has ended stays as it is.")]
pub(crate) struct Stop {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// Why, for people
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    /// Wait until it has ended
    #[arg(long)]
    pub(crate) wait: bool,
}

/// `outlive steer`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive steer last \"Shorter, please\"
  outlive steer last --follow-up \"Then translate it\"")]
pub(crate) struct Steer {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// What is said; `-` reads it from standard input
    #[arg(value_name = "TEXT", required = true)]
    pub(crate) text: Vec<String>,
    /// Not now, but after the turn under way
    #[arg(long)]
    pub(crate) follow_up: bool,
}

/// `outlive approve`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive approve last                the one thing it asks for
  outlive approve 0198c5f0-1a2b q2 --deny --note \"not on Fridays\"
  outlive approve last --for-thread   this and its like, in this thread")]
pub(crate) struct Approve {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// The request; may be missing when only one is open
    #[arg(value_name = "REQUEST")]
    pub(crate) request: Option<String>,
    /// Say no
    #[arg(long, conflicts_with = "for_thread")]
    pub(crate) deny: bool,
    /// Say yes to this and its like, for the rest of the thread
    #[arg(long)]
    pub(crate) for_thread: bool,
    /// A word to the agent
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
}

/// `outlive answer`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive answer last blue                    the one question it asks
  outlive answer last q1 blue                 the same, naming the request
  outlive answer last q1 colour=blue size=3   several, by their ids")]
pub(crate) struct Answer {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// The request, if several are open, and the answer: a text, or KEY=VALUE for each question
    #[arg(value_name = "[REQUEST] ANSWER", required = true)]
    pub(crate) words: Vec<String>,
}

/// `outlive rm`
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The runs: ids, unique beginnings of them, or `last`
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<String>,
}
