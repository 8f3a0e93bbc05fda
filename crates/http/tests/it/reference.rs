//! The reference is what the server does.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use wire::Code;

use crate::server::{Answer, Server};

#[test]
fn the_reference_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/API.md");
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == http::api_markdown(),
        "docs/API.md is old: cargo run -p outlive-http --example api > docs/API.md"
    );
}

#[test]
fn every_code_is_explained() {
    let text = http::api_markdown();
    for code in Code::ALL {
        assert!(
            text.contains(&format!("| `{code}` | {} |", code.status())),
            "{code}"
        );
        // Beside the table at the end, some address or the opening says where it happens.
        assert!(
            text.matches(&format!("`{code}`")).count() > 1,
            "{code} is not said of any address"
        );
    }
}

#[test]
fn every_event_type_has_one_row() {
    let text = http::api_markdown();
    let (_, table) = text.split_once("## Event types").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(rows, run::event::TYPES);
    // The stored examples have no member that its row does not name.
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../run/golden");
    for kind in run::event::TYPES {
        let row = table
            .lines()
            .find(|line| line.starts_with(&format!("| `{kind}` |")))
            .unwrap();
        let data = row.split(" | ").nth(1).unwrap();
        let names: Vec<&str> = data
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .collect();
        let example = std::fs::read(format!("{golden}/{kind}.json")).unwrap();
        let example: Value = serde_json::from_slice(&example).unwrap();
        for name in example["data"].as_object().unwrap().keys() {
            assert!(names.contains(&name.as_str()), "{kind}: {name}");
        }
    }
}

#[tokio::test]
async fn every_address_of_the_document_is_served() {
    let server = Server::open().await;
    let document = server.get("/openapi.json").await.body;
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let concrete = path
            .replace("{run}", "01980000-0000-7000-8000-000000000000")
            .replace("{thread}", "t")
            .replace("{request}", "q1")
            .replace("{input}", "i1");
        for (method, operation) in operations.as_object().unwrap() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()));
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            if path == "/v1/feed" {
                assert_eq!(server.stream(path, None).await.status(), 200);
                continue;
            }
            let answer = Answer::of(
                server
                    .request(method.clone(), &concrete)
                    .send()
                    .await
                    .unwrap(),
            )
            .await;
            let code = answer.body["code"].as_str().unwrap_or_default();
            assert!(
                !matches!(code, "route_unknown" | "method_not_allowed" | "internal"),
                "{method} {path}: {code}"
            );
        }
    }
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                references.push(reference.to_owned());
            }
            members
                .values()
                .for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
