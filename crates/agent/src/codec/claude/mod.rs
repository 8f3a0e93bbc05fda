//! `claude` with stream-json in and out.
//!
//! What has to be known about it: the policy is on the command line, and what it asks comes as control requests; a result
//! with `subtype: "success"` may carry `is_error`; a steer is another user line, joins the turn and shares its one
//! result, and is echoed when it is heard; a block may be completed with text that was never streamed; `message_stop`
//! may be missing; a session that is not there is a result with an error and an exit.

mod controlled;
mod launch;
mod reading;
mod results;
mod speaking;
mod streamed;
mod system;

pub(crate) use self::speaking::Claude;
