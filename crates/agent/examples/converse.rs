//! Talks to a real agent through its codec and prints the conversation, for people and for fixtures.
//!
//! `converse WIRE '{"program":…,"args":[…],"cwd":…,"approval":"full","model":…,"resume":…,"env":{…}}' < SCRIPT`, where a
//! line of the script is a word and its rest: `prompt TEXT`, `steer TEXT`, `follow_up TEXT`, `until EVENT`, `allow`, `deny`,
//! `cancel` and `answer VALUE` (of the last request), `interrupt`, `ask`. At the end of the script its input is closed.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a tool for developers"
)]

#[path = "../tests/it/talk.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod talk;

use std::io::Write as _;

use agent::codec::{Approval, Command, Decision, Event, Settings, Wire};
use agent::{Mark, Spec, Stdin, inherited};
use serde_json::Value;

use talk::Talk;

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let wire = args.next().unwrap();
    let options: Value = serde_json::from_str(&args.next().unwrap()).unwrap();
    let text = |name: &str| options[name].as_str().map(str::to_owned);
    let settings = Settings {
        program: text("program").map(Into::into),
        args: options["args"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|arg| arg.as_str().unwrap().into())
            .collect(),
        approval: match text("approval").as_deref() {
            Some("ask") => Approval::Ask,
            Some("auto_edits") => Approval::AutoEdits,
            _ => Approval::Full,
        },
        model: text("model"),
        mode: text("mode"),
        resume: text("resume"),
        nonce: text("nonce").map_or(1, |nonce| nonce.parse().unwrap()),
        ..Settings::new(text("cwd").unwrap())
    };
    let wire = match wire.as_str() {
        "pi" => Wire::Pi,
        "codex" => Wire::Codex,
        "claude" => Wire::Claude,
        _ => Wire::Acp,
    };
    let launch = wire.launch(&settings);
    let mut env = inherited();
    env.extend(launch.env);
    for (name, value) in options["env"].as_object().into_iter().flatten() {
        env.push((name.into(), value.as_str().unwrap().into()));
    }
    let spec = Spec {
        program: launch.program,
        args: launch.args,
        cwd: Some(settings.cwd.clone().into()),
        env,
        marker: Mark::new("converse").unwrap().run("r1").unwrap(),
        stdin: Stdin::Pipe,
    };
    let mut talk = Talk::start(spec, wire.codec(settings), None).await;
    let mut request = String::new();
    let script = std::io::read_to_string(std::io::stdin()).unwrap();
    for line in script.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let approve = |decision| Command::Approve {
            request: request.clone(),
            decision,
            note: None,
        };
        match word {
            "prompt" => talk.prompt(rest).await,
            "steer" => talk.steer(rest).await,
            "follow_up" => talk.follow_up(rest).await,
            "interrupt" => talk.tell(Command::Interrupt).await,
            "ask" => talk.tell(Command::Ask).await,
            "allow" => talk.tell(approve(Decision::Allow)).await,
            "deny" => talk.tell(approve(Decision::Deny)).await,
            "cancel" => talk.tell(approve(Decision::Cancel)).await,
            "answer" => {
                let (id, value) = rest.split_once('=').unwrap();
                let answers = [(id.to_owned(), vec![value.to_owned()])].into();
                let request = request.clone();
                talk.tell(Command::Answer { request, answers }).await;
            }
            "until" => {
                for event in talk.until(rest).await {
                    if let Event::ApprovalRequested { request: id, .. }
                    | Event::QuestionAsked { request: id, .. } = &event
                    {
                        request.clone_from(id);
                    }
                    eprintln!("{}", serde_json::to_string(&event).unwrap());
                }
            }
            _ => panic!("unknown word {word}"),
        }
    }
    eprint!("{}", String::from_utf8_lossy(&talk.stderr));
    let (events, ended, transcript) = talk.close().await;
    for event in events {
        eprintln!("{}", serde_json::to_string(&event).unwrap());
    }
    eprintln!("{ended:?}");
    let mut out = std::io::stdout().lock();
    for line in transcript {
        out.write_all(&line).unwrap();
        println!();
    }
}
