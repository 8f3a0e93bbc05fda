//! What is wrong with the settings of an `agui` agent: an agent of another program that speaks AG-UI.

use serde_json::Value;

use crate::AgentSpec;
use crate::content::is_shallow;

/// Headers that the request itself decides.
const OURS: [&str; 6] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
];

/// Everything that is wrong, each as a sentence.
pub(crate) fn problems(spec: &AgentSpec) -> Vec<String> {
    let mut problems = Vec::new();
    if spec.url.is_none() {
        problems.push("url is missing: driver agui needs url = \"https://…\"".to_owned());
    }
    for (key, url) in [("url", &spec.url), ("stop_url", &spec.stop_url)] {
        let is_odd = |url: &String| !url.starts_with("http://") && !url.starts_with("https://");
        if url.as_ref().is_some_and(is_odd) {
            problems.push(format!("{key} must begin with http:// or https://"));
        }
    }
    for (header, variable) in &spec.headers_env {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_header = !header.is_empty() && header.bytes().all(fits);
        let is_ours = OURS.contains(&header.to_ascii_lowercase().as_str());
        if !is_header || is_ours {
            problems.push(format!(
                "headers_env: {header:?} is no header that can be set"
            ));
        }
        if variable.is_empty() || variable.contains(['=', '\0']) {
            problems.push(format!(
                "headers_env: {header} needs the name of a variable"
            ));
        }
    }
    if !is_shallow(&Value::Object(spec.forwarded_props.clone())) {
        problems.push("forwarded_props nests too deep".to_owned());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &[&str]) {
        let spec: AgentSpec = serde_json::from_str(json).unwrap();
        assert_eq!(spec.problems(), expected);
    }

    #[test]
    fn an_agent_elsewhere_has_an_address_and_headers_from_the_environment() {
        check(
            r#"{"driver":"agui","url":"https://agents.example.com/run","stop_url":"http://10.0.0.1/stop",
                "headers_env":{"authorization":"AGENT_KEY","x-org":"ORG"},"forwarded_props":{"a":1}}"#,
            &[],
        );
        check(
            r#"{"driver":"agui","url":"agents.example.com","stop_url":"ftp://x",
                "headers_env":{"Host":"A","a b":"B","x-ok":""}}"#,
            &[
                "url must begin with http:// or https://",
                "stop_url must begin with http:// or https://",
                "headers_env: \"Host\" is no header that can be set",
                "headers_env: \"a b\" is no header that can be set",
                "headers_env: x-ok needs the name of a variable",
            ],
        );
    }
}
