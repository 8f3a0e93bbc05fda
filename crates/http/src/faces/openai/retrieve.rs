//! A response by its id.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use store::Right;

use super::log::known;
use super::named::{Named, ResponsePath};
use super::stream::streamed;
use crate::App;
use crate::auth::StreamCaller;
use crate::error::Error;
use crate::query::Query;

/// The parameters, in any number of each: clients repeat `include[]`.
type Parameters = Vec<(String, String)>;

/// `GET /openai/v1/responses/{response}`
pub(crate) async fn retrieve(
    State(app): State<App>,
    StreamCaller(caller): StreamCaller,
    ResponsePath(id): ResponsePath,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Error> {
    caller.may(Right::Read)?;
    let Asked { stream, after } = Asked::read(&parameters)?;
    let named = Named::of(&app, &caller, id).await?;
    if stream {
        return streamed(&app, &caller, named, after).await;
    }
    let (translation, _) = known(&app, &caller, &named).await?;
    Ok(Json(translation.response()).into_response())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    stream: bool,
    after: Option<u64>,
}

impl Asked {
    fn read(parameters: &[(String, String)]) -> Result<Self, Error> {
        let mut asked = Self::default();
        for (name, value) in parameters {
            match &**name {
                "stream" => {
                    asked.stream = value
                        .parse()
                        .map_err(|_| Error::query("stream", "must be true or false"))?;
                }
                "starting_after" => {
                    let number = value.parse().map_err(|_| {
                        Error::query("starting_after", "must be the sequence_number of an event")
                    })?;
                    asked.after = Some(number);
                }
                // Nothing more can be included, and nothing is obfuscated.
                "include" | "include[]" | "include_obfuscation" | "token" => {}
                other => {
                    let known = ["stream", "starting_after", "include", "include_obfuscation"];
                    let meant = wire::closest(other, known).map(str::to_owned);
                    let message = format!("{other}: unknown parameter");
                    return Err(Error::invalid_query(message, meant));
                }
            }
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use wire::Code;

    use super::*;

    #[track_caller]
    fn check(parameters: &[(&str, &str)], expected: Result<(bool, Option<u64>), Code>) {
        let owned = parameters.iter();
        let owned: Vec<_> = owned.map(|(a, b)| ((*a).into(), (*b).into())).collect();
        let found = Asked::read(&owned).map(|asked| (asked.stream, asked.after));
        assert_eq!(found.map_err(|error| error.code()), expected);
    }

    #[test]
    fn parameters_are_as_the_clients_send_them() {
        check(&[], Ok((false, None)));
        check(
            &[("stream", "true"), ("starting_after", "7")],
            Ok((true, Some(7))),
        );
        check(
            &[
                ("include[]", "a"),
                ("include[]", "b"),
                ("include_obfuscation", "false"),
            ],
            Ok((false, None)),
        );
        for bad in [
            ("stream", "yes"),
            ("starting_after", "-1"),
            ("startingafter", "1"),
        ] {
            check(&[bad], Err(Code::InvalidQuery));
        }
    }
}
