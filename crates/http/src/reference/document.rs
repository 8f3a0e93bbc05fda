//! The OpenAPI document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use wire::{Code, PROBLEM_MEDIA_TYPE, Problem};

use super::doc::{Answer, Doc, Group, Place, Shape};
use crate::routes::{Route, routes};

/// The document, made from the table of routes and the types of `wire`.
pub(crate) fn openapi() -> Value {
    let mut schemas = BTreeMap::new();
    collect(Shape::of::<Problem>(), &mut schemas);
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes() {
        let shapes = route.doc.answers.iter().filter_map(|answer| answer.shape);
        for shape in shapes.chain(route.doc.body.map(|(shape, _)| shape)) {
            collect(shape, &mut schemas);
        }
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = operation(&route);
        paths
            .entry(route.path)
            .or_default()
            .insert(method, operation);
    }
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Outlive",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Agent runs that outlive the request.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": Group::ALL.map(|group| json!({"name": group.title()})),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {
                "type": "http", "scheme": "bearer", "description": "A key or a token; not on an open server.",
            }},
        },
        "x-error-codes": codes,
    })
}

fn operation(route: &Route) -> Value {
    let Doc {
        group,
        summary,
        text,
        right,
        parameters,
        body,
        answers,
        codes,
    } = &route.doc;
    let description = match right {
        Some(right) => format!("{text}\n\nNeeds the right `{right}`."),
        None => (*text).to_owned(),
    };
    let mut all: Vec<Value> = path_parameters(route.path)
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        })
        .collect();
    all.extend(parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": match parameter.place {
                Place::Query => "query",
                Place::Header => "header",
            },
            "required": parameter.required,
            "description": parameter.text,
            "schema": {"type": "string"},
        })
    }));
    let mut operation = json!({
        "tags": [group.title()],
        "summary": summary,
        "description": description.trim(),
        "operationId": operation_id(route),
        "parameters": all,
        "responses": responses(answers, codes),
        "security": if right.is_some() { json!([{"key": []}]) } else { json!([]) },
    });
    if let Some((shape, required)) = body {
        operation["requestBody"] = json!({
            "required": required,
            "content": {"application/json": {"schema": reference(*shape)}},
        });
    }
    operation
}

/// The names in braces.
pub(super) fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// `post_v1_runs_run_stop`
fn operation_id(route: &Route) -> String {
    let words = route
        .path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    std::iter::once(route.method.as_str().to_ascii_lowercase().as_str())
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}

fn responses(answers: &[Answer], codes: &[Code]) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for answer in answers {
        let response = responses
            .entry(answer.status.to_string())
            .or_insert_with(|| json!({"description": answer.text}));
        if !answer.media_type.is_empty() {
            let schema = answer
                .shape
                .map_or_else(|| json!({"type": "string"}), reference);
            response["content"][answer.media_type] = json!({"schema": schema});
        }
    }
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in codes {
        by_status
            .entry(code.status())
            .or_default()
            .push(code.as_str());
    }
    for (status, codes) in by_status {
        responses.insert(status.to_string(), problem(&codes.join(", ")));
    }
    responses.insert("default".to_owned(), problem("Any other error"));
    Value::Object(responses)
}

fn problem(description: &str) -> Value {
    let schema = reference(Shape::of::<Problem>());
    json!({
        "description": description,
        "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}},
    })
}

fn reference(shape: Shape) -> Value {
    json!({"$ref": format!("#/components/schemas/{}", (shape.name)())})
}

/// Adds a type and all that it is made of.
fn collect(shape: Shape, schemas: &mut BTreeMap<String, Value>) {
    let mut inner = vec![((shape.name)().into_owned(), (shape.schema)())];
    (shape.inner)(&mut inner);
    schemas.extend(
        inner
            .into_iter()
            .map(|(name, schema)| (name, to_json(&schema))),
    );
}

fn to_json(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).expect("a schema is JSON")
}
