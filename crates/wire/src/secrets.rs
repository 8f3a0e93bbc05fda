//! Secrets of a tenant, and the credentials that a run brings along.

use std::collections::BTreeMap;
use std::fmt;

use run::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use zeroize::Zeroize as _;

use crate::{CREDENTIALS, SECRET_BYTES, SECRET_NAME_BYTES};

/// A text that is never shown: its `Debug` is `***`, and its memory is overwritten when it goes.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// For readers that fill a text in place, so that it is not copied about.
impl AsMut<String> for Hidden {
    fn as_mut(&mut self) -> &mut String {
        &mut self.0
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Written by hand because serde's own errors repeat what they found.
impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            _ => Err(de::Error::custom("expected a string")),
        }
    }
}

/// The body of `PUT /v1/secrets/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSecret {
    /// The value, at most 16 KiB; white space around it is dropped where it is used.
    #[schema(value_type = String, format = Password)]
    pub value: Hidden,
}

/// A secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretBody {
    /// Its name.
    #[schema(example = "openai")]
    pub name: String,
    /// When it was last written.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Whether the server still has the key that it was sealed with; else write it again.
    pub readable: bool,
}

/// The secrets of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretList {
    /// By name, at most 1000.
    pub secrets: Vec<SecretBody>,
}

/// Why a text is no name of a secret; nothing if it is one. Names stand in addresses and in configuration.
pub fn secret_name_problem(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let good = !name.is_empty() && name.len() <= SECRET_NAME_BYTES && name.chars().all(fits);
    (!good).then(|| {
        format!(
            "a secret's name has 1 to {SECRET_NAME_BYTES} letters, digits, hyphens, underscores and dots"
        )
    })
}

/// Keys and headers for one run, in place of those that the server has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Credentials {
    /// Keys of vendors, by the vendor's name in the configuration.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub vendors: BTreeMap<String, Hidden>,
    /// Headers of MCP servers: by the server's name in the configuration, and the header's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp: BTreeMap<String, BTreeMap<String, Hidden>>,
}

impl Credentials {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.vendors.is_empty() && self.mcp.is_empty()
    }

    /// Why they cannot be taken; nothing if they can.
    pub fn problem(&self) -> Option<String> {
        let headers = self.mcp.values().flatten();
        let all: Vec<(&String, &Hidden)> = self.vendors.iter().chain(headers).collect();
        if all.len() > CREDENTIALS || self.mcp.len() > CREDENTIALS {
            return Some(format!("at most {CREDENTIALS} of them fit"));
        }
        if let Some((name, _)) = all
            .iter()
            .find(|(_, value)| value.reveal().len() > SECRET_BYTES)
        {
            return Some(format!("{name} has more than {SECRET_BYTES} bytes"));
        }
        let names = self.mcp.keys().chain(all.iter().map(|(name, _)| *name));
        let too_long = names.into_iter().any(|name| name.len() > SECRET_NAME_BYTES);
        too_long.then(|| format!("a name has at most {SECRET_NAME_BYTES} bytes"))
    }
}

/// Written by hand because serde's own errors repeat what they found.
impl<'de> Deserialize<'de> for Credentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = |value: Value, what: &str| match value {
            Value::Object(members) => Ok(members),
            _ => Err(de::Error::custom(format!("{what} must be an object"))),
        };
        let mut members: Map<String, Value> =
            object(Value::deserialize(deserializer)?, "credentials")?;
        let mut take = |name: &str| match members.remove(name) {
            None => Ok(Map::new()),
            Some(value) => object(value, name),
        };
        let texts = |members: Map<String, Value>, what: &str| {
            let texts = members.into_iter().map(|(name, value)| match value {
                Value::String(text) => Ok((name, Hidden(text))),
                _ => Err(de::Error::custom(format!("{what} must hold strings"))),
            });
            texts.collect::<Result<BTreeMap<_, _>, D::Error>>()
        };
        let vendors = texts(take("vendors")?, "vendors")?;
        let mcp = take("mcp")?;
        let mcp = mcp
            .into_iter()
            .map(|(name, headers)| {
                let headers = texts(object(headers, "each member of mcp")?, "headers of mcp")?;
                Ok((name, headers))
            })
            .collect::<Result<BTreeMap<_, _>, D::Error>>()?;
        if !members.is_empty() {
            return Err(de::Error::custom(
                "credentials hold vendors and mcp, nothing else",
            ));
        }
        Ok(Self { vendors, mcp })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "sk-very-secret";

    #[track_caller]
    fn check(body: &Value, expected: Result<(), &str>) {
        let read = crate::read::<Credentials>(body.to_string().as_bytes());
        match (read, expected) {
            (Ok(credentials), Ok(())) => {
                assert_eq!(serde_json::to_value(&credentials).unwrap(), *body);
                assert!(!format!("{credentials:?}").contains(KEY));
            }
            (Err(error), Err(words)) => {
                let shown = format!("{error:?}");
                assert!(shown.contains(words), "{shown}");
                assert!(!shown.contains(KEY), "{shown}");
            }
            (read, _) => panic!("{read:?}"),
        }
    }

    #[test]
    fn credentials_are_read_and_never_repeated() {
        check(&json!({}), Ok(()));
        check(
            &json!({"vendors": {"openai": KEY}, "mcp": {"files": {"Authorization": KEY}}}),
            Ok(()),
        );
        check(&json!(KEY), Err("expected an object"));
        check(&json!({"vendors": KEY}), Err("vendors must be an object"));
        check(
            &json!({"vendors": {"openai": {"key": KEY}}}),
            Err("vendors must hold strings"),
        );
        check(
            &json!({"mcp": {"files": KEY}}),
            Err("each member of mcp must be an object"),
        );
        check(
            &json!({"mcp": {"files": {"a": [KEY]}}}),
            Err("headers of mcp must hold strings"),
        );
        check(
            &json!({"openai": KEY}),
            Err("credentials hold vendors and mcp, nothing else"),
        );
        for body in [
            json!({"value": [KEY]}),
            json!({"value": KEY, "more": KEY}),
            json!(KEY),
            json!([KEY]),
        ] {
            let put = crate::read::<PutSecret>(body.to_string().as_bytes());
            assert!(!format!("{:?}", put.unwrap_err()).contains(KEY));
        }
        let start = json!({"agent": "a", "input": "x", "credentials": KEY});
        let start = crate::read::<crate::StartRun>(start.to_string().as_bytes());
        assert!(!format!("{:?}", start.unwrap_err()).contains(KEY));
    }

    #[test]
    fn credentials_have_bounds() {
        let mut credentials = Credentials::default();
        assert_eq!(credentials.problem(), None);
        credentials
            .vendors
            .insert("v".into(), Hidden::new("x".repeat(SECRET_BYTES + 1)));
        assert_eq!(
            credentials.problem().as_deref(),
            Some("v has more than 16384 bytes")
        );
        credentials.vendors = (0..=CREDENTIALS)
            .map(|n| (n.to_string(), Hidden::new("x")))
            .collect();
        assert!(credentials.problem().is_some());
    }

    #[test]
    fn names_are_plain() {
        for name in ["openai", "a-b_c.9"] {
            assert_eq!(secret_name_problem(name), None);
        }
        for name in ["", "a/b", "ä", "a b", &"x".repeat(SECRET_NAME_BYTES + 1)] {
            assert!(secret_name_problem(name).is_some(), "{name}");
        }
    }
}
