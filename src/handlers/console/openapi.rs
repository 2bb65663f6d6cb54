use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::Problem;
use super::routes::{Operation, operations};

/// The OpenAPI 3.1 document of the console's API, made from the same list as its router.
pub fn document() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for operation in operations() {
        let described = describe(&operation, &mut generator);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = described;
    }
    paths.insert(
        "/api/openapi.json".to_owned(),
        json!({"get": {
            "operationId": "getDocument",
            "summary": "This document",
            "security": [],
            "responses": {"200": {
                "description": "This document",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }},
        }}),
    );
    let problem = generator.subschema_for::<Problem>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "flexus-autoscaler console",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {"Problem": {
                "description": "What went wrong, and how to mend it (RFC 9457)",
                "content": {"application/problem+json": {"schema": problem}},
            }},
            "schemas": generator.take_definitions(true),
        },
    })
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = path_parameters(operation.path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    if let Some(query) = operation.query {
        let schema = query(generator);
        parameters.extend(query_parameters(&resolve(schema, generator)));
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": {
            operation.status.as_str(): {
                "description": operation.summary,
                "content": {"application/json": {"schema": (operation.response)(generator)}},
            },
            "default": {"$ref": "#/components/responses/Problem"},
        },
    });
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = operation.body {
        described["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": body(generator)}}});
    }
    described
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// The schema that a reference to the generator's definitions means.
fn resolve(schema: Schema, generator: &SchemaGenerator) -> Value {
    let value = schema.to_value();
    let name = value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
    name.and_then(|name| generator.definitions().get(name)).cloned().unwrap_or(value)
}

/// The properties of an object's schema as parameters of a query.
fn query_parameters(schema: &Value) -> Vec<Value> {
    let required = |name: &String| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|each| each.as_str() == Some(name)))
    };
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    properties
        .iter()
        .map(|(name, property)| {
            let mut property = property.clone();
            let description = property.as_object_mut().and_then(|fields| fields.remove("description"));
            json!({"name": name, "in": "query", "required": required(name), "description": description, "schema": property})
        })
        .collect()
}
