//! `POST /agui/{agent}`: starts, resumes or attaches, as the request is the first of its name or not.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use store::{Right, SEGMENT_NAME_BYTES, Segment, SegmentName};
use wire::faces::agui::{ClientTools, Extent, FACE, RunAgentInput, Said, ids, read_messages};

use super::attach::{Attached, attach, cursor};
use super::{resume, start};
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::Error;
use crate::query::{AgentPath, Query};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostQuery {
    #[serde(default)]
    client_tools: Tools,
}

/// `?client_tools=`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tools {
    #[default]
    Pending,
    Interrupt,
}

impl From<Tools> for ClientTools {
    fn from(tools: Tools) -> Self {
        match tools {
            Tools::Pending => Self::Pending,
            Tools::Interrupt => Self::Interrupt,
        }
    }
}

pub(crate) async fn post(
    State(app): State<App>,
    caller: Caller,
    AgentPath(agent): AgentPath,
    Query(query): Query<PostQuery>,
    headers: HeaderMap,
    Body(body): Body<RunAgentInput>,
) -> Result<Response, Error> {
    // What would refuse the stream refuses the run: nobody wants a run whose answer was an error.
    caller.may(Right::Read)?;
    drop(caller.open_stream(&app)?);
    let cursor = cursor(&headers, None)?;
    let name = name_of(&body.run_id)?;
    let said =
        read_messages(&body.messages).map_err(|(path, message)| Error::invalid(&path, message))?;
    let known = app.store.segment(&caller.scope, &name).await?;
    let answers = resume::answers(&app, &caller, &body, &said).await?;
    let segment = match (known, answers) {
        (Some(segment), Some(answers)) if answers.run() == segment.run => {
            caller.reach(&app, segment.run).await?;
            answers.give(&app, &caller).await?;
            segment
        }
        (Some(segment), _) => segment,
        (None, Some(answers)) => resume::resume(&app, &caller, name, answers).await?,
        (None, None) => start::start(&app, &caller, agent, name, &body, &said).await?,
    };
    let Segment { run, first_seq } = segment;
    caller.reach(&app, run).await?;
    let run = app.store.run(&caller.scope, run).await?;
    let attached = Attached {
        run_id: body.run_id,
        extent: Extent::Segment { first_seq },
        cursor,
        client_tools: query.client_tools.into(),
        answered: answered(&said),
        messages: body.messages,
    };
    attach(&app, &caller, run, attached).await
}

/// The name of a segment in the store.
pub(super) fn name_of(id: &str) -> Result<SegmentName, Error> {
    if id.is_empty() || id.len() > SEGMENT_NAME_BYTES {
        return Err(Error::invalid(
            "runId",
            format!("must have from 1 to {SEGMENT_NAME_BYTES} bytes"),
        ));
    }
    Ok(SegmentName {
        face: FACE,
        id: id.to_owned(),
    })
}

/// The calls of ours that the client has results of which we did not tell it.
fn answered(said: &[Said]) -> BTreeSet<String> {
    let own = said.iter().filter(|message| !message.is_ours());
    let results = own.filter_map(Said::result);
    let ours = results.filter(|(call, _)| ids::call_of(call).is_some());
    ours.map(|(call, _)| call.to_owned()).collect()
}
