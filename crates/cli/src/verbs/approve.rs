//! `outlive approve`: allows or denies what a run asks for.

use run::Answer;
use run::event::Decision;
use run::snapshot::{Asked, Request};
use wire::RequestAnswer;

use super::answer::open_requests;
use crate::args::Approve;
use crate::client::find;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: Approve) -> Result<Exit, Failure> {
    let client = session.client().await?;
    let run = find(&client, &args.run.run).await?;
    let decision = match (args.deny, args.for_thread) {
        (true, _) => Decision::Deny,
        (false, true) => Decision::AllowForThread,
        (false, false) => Decision::Allow,
    };
    let request = match args.request {
        Some(request) => request,
        None => the_one(&open_requests(&client, run).await?)?,
    };
    let answer = RequestAnswer(Answer::Decision {
        decision,
        note: args.note,
    });
    client.answer(run, &request, &answer).await?;
    let word = match decision {
        Decision::Allow => "allowed",
        Decision::AllowForThread => "allowed for the thread",
        Decision::Deny => "denied",
        Decision::Cancel => "cancelled",
    };
    session.tell(&format!("{request} {word}"));
    Ok(Exit::Succeeded)
}

/// The one approval that is open. With several, the person must say which one is meant.
fn the_one(open: &[Request]) -> Result<String, Failure> {
    let approvals: Vec<(&str, &str)> = open
        .iter()
        .filter_map(|request| match &request.asks {
            Asked::Approval { title, .. } => Some((request.request.as_str(), title.as_str())),
            Asked::Question { .. } | Asked::ClientTool => None,
        })
        .collect();
    match &approvals[..] {
        [] => Err(Failure::NotFound("the run asks for no approval".to_owned())),
        [(request, _)] => Ok((*request).to_owned()),
        several => {
            let lines = several
                .iter()
                .map(|(request, title)| format!("  {request}  {title}"));
            let lines: Vec<String> = lines.collect();
            Err(Failure::Usage(format!(
                "the run asks for several approvals; say which:\n{}",
                lines.join("\n")
            )))
        }
    }
}
