//! Touching a tool: announced durably before, within its time, with its output bounded.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use run::event::{
    Notice, NoticeLevel, OutputStream, ToolOutput as OutputEvent, ToolRunning, ToolStatus,
};
use run::snapshot::Activity;
use run::{CallId, Event};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tool::builtin::{HttpFetch, HttpFetchArgs, ShellArgs};
use tool::{Media, ToolOutput, cut};

use super::servers::Servers;
use super::shell;
use crate::command::Commands;
use crate::context::{Context, Over};
use crate::limits::{TOOL_NOTICE_BYTES, TOOL_NOTICES};
use crate::toolbox::{Known, Owner, Toolbox};

/// Who touches tools for an attempt.
#[derive(Debug)]
pub(crate) struct Hands {
    pub(crate) fetch: HttpFetch,
    pub(crate) servers: Servers,
    pub(crate) commands: Commands,
}

/// How a call ended.
pub(crate) struct Performed {
    pub(crate) call: CallId,
    pub(crate) status: ToolStatus,
    pub(crate) result: Value,
}

impl Hands {
    /// Performs a call.
    pub(crate) async fn perform(
        &self,
        context: &Context,
        tools: &Toolbox,
        call: Activity,
    ) -> Result<Performed, Over> {
        let running = ToolRunning {
            call: call.call.clone(),
            // A call that may have been touched is only performed again where that is harmless.
            n_try: if call.running { 2 } else { 1 },
            run: None,
        };
        // From here on nobody may say that nothing was touched.
        context.emit_durable(vec![running.into()]).await?;
        let touched = self.touch(context, tools, &call).await?;
        let (status, result) = match touched {
            Ok(output) => concluded(context, output).await?,
            Err(text) => (ToolStatus::Failed, text.into()),
        };
        Ok(Performed {
            call: call.call,
            status,
            result,
        })
    }

    /// The inner error is for the model.
    async fn touch(
        &self,
        context: &Context,
        tools: &Toolbox,
        call: &Activity,
    ) -> Result<Result<ToolOutput, String>, Over> {
        let timeout = tools.terms(&call.name).timeout;
        let Some(Known { owner, .. }) = tools.get(&call.name) else {
            return Ok(Err(format!("there is no tool {:?}", call.name)));
        };
        match owner {
            Owner::HttpFetch => {
                let args = match HttpFetchArgs::read(&call.args) {
                    Ok(args) => args,
                    Err(bad) => return Ok(Err(bad.to_string())),
                };
                let fetched = tokio::select! {
                    biased;
                    () = context.cancelled() => return Err(Over),
                    fetched = self.fetch.fetch(&args, timeout) => fetched,
                };
                Ok(fetched.map_err(|error| error.to_string()))
            }
            // It hears of a cancellation itself, and ends the process in good order.
            Owner::Shell => match ShellArgs::read(&call.args) {
                Ok(args) => shell::run(context, &self.commands, &call.call, &args, timeout).await,
                Err(bad) => Ok(Err(bad.to_string())),
            },
            Owner::Server { server, tool } => {
                self.ask_server(context, call, (*server, tool), timeout)
                    .await
            }
            Owner::AskUser | Owner::Agent(_) | Owner::Client => {
                Ok(Err("this tool is not performed here".to_owned()))
            }
        }
    }

    /// Calls a tool of an MCP server and passes on what it says meanwhile.
    async fn ask_server(
        &self,
        context: &Context,
        call: &Activity,
        (server, tool): (usize, &str),
        timeout: Duration,
    ) -> Result<Result<ToolOutput, String>, Over> {
        let (sender, mut said) = mpsc::channel(TOOL_NOTICES);
        let answer = self
            .servers
            .call(server, tool, call.args.clone(), timeout, sender);
        tokio::pin!(answer);
        let mut room = TOOL_NOTICE_BYTES;
        loop {
            tokio::select! {
                biased;
                // The server hears of it by the drop of the call.
                () = context.cancelled() => return Err(Over),
                Some(text) = said.recv() => {
                    let said = match room.checked_sub(text.len()) {
                        Some(left) => {
                            room = left;
                            line(&call.call, text)
                        }
                        None if room > 0 => {
                            room = 0;
                            left_out(&call.call)
                        }
                        None => continue,
                    };
                    context.emit(vec![said]).await?;
                }
                answer = &mut answer => return Ok(answer),
            }
        }
    }
}

fn line(call: &CallId, text: String) -> Event {
    OutputEvent {
        call: call.clone(),
        stream: OutputStream::Stdout,
        text: text + "\n",
    }
    .into()
}

/// What is told when a tool says more while it runs than the log takes.
fn left_out(call: &CallId) -> Event {
    let text =
        format!("what the tool of call {call} says from here on is left out: it is too much");
    Notice::new(NoticeLevel::Warning, "output_left_out", text).into()
}

/// What goes into the log. A plain text is a string; what has more to it is an object.
async fn concluded(context: &Context, output: ToolOutput) -> Result<(ToolStatus, Value), Over> {
    let status = if output.is_error {
        ToolStatus::Failed
    } else {
        ToolStatus::Ok
    };
    let text = cut(&output.text, tool::limits::LOG_BYTES).text.into_owned();
    if output.structured.is_none() && output.media.is_empty() {
        return Ok((status, text.into()));
    }
    let mut result = json!({ "text": text });
    let structured = output.structured.filter(run::is_shallow);
    if let Some(structured) = structured
        && structured.to_string().len() <= tool::limits::LOG_BYTES
    {
        result["structured"] = structured;
    }
    let mut media = Vec::new();
    for one in output.media {
        media.extend(keep(context, one).await?);
    }
    if !media.is_empty() {
        result["media"] = media.into();
    }
    Ok((status, result))
}

/// Keeps an image or a file beside the log; the log has its address.
async fn keep(context: &Context, media: Media) -> Result<Option<Value>, Over> {
    let (mime_type, base64) = match media {
        Media::Link {
            uri,
            name,
            mime_type,
        } => {
            let link = json!({ "url": uri, "name": name, "media_type": mime_type });
            return Ok(Some(link));
        }
        Media::Inline {
            mime_type, base64, ..
        } => (mime_type, base64),
    };
    // What is no base64 is of no use to anybody; the text says that something was there.
    let Ok(bytes) = STANDARD.decode(base64) else {
        return Ok(None);
    };
    let run = context.run();
    let bytes = bytes::Bytes::from(bytes);
    let put = || {
        let store = &context.store;
        store.put_blob(&run.tenant, run.id, &mime_type, bytes.clone())
    };
    let kept = context.asked("keep a file", put).await?;
    let url = format!("blob:{}", hex(&kept.map_err(|_| Over)?));
    Ok(Some(json!({ "url": url, "media_type": mime_type })))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
    bytes.iter().flat_map(digits).flatten().collect()
}
