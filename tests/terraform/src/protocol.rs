//! The messages of Terraform's plugin protocol 6 that `validate` needs. Tag numbers are those of `tfplugin6.proto`.

use std::collections::HashMap;

/// A value, as msgpack or as JSON.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DynamicValue {
    /// The value as msgpack. Values not known yet are extension values.
    #[prost(bytes = "vec", tag = "1")]
    pub msgpack: Vec<u8>,
    /// The value as JSON.
    #[prost(bytes = "vec", tag = "2")]
    pub json: Vec<u8>,
}

/// One error or warning.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Diagnostic {
    /// 1 error, 2 warning.
    #[prost(int32, tag = "1")]
    pub severity: i32,
    /// One line.
    #[prost(string, tag = "2")]
    pub summary: String,
    /// The rest.
    #[prost(string, tag = "3")]
    pub detail: String,
    /// The argument it is about.
    #[prost(message, optional, tag = "4")]
    pub attribute: Option<AttributePath>,
}

/// The way to an argument.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AttributePath {
    /// From the resource inwards.
    #[prost(message, repeated, tag = "1")]
    pub steps: Vec<Step>,
}

/// One step of a path.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Step {
    /// Which way.
    #[prost(oneof = "Selector", tags = "1, 2, 3")]
    pub selector: Option<Selector>,
}

/// How a step selects.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Selector {
    /// An argument or block by its name.
    #[prost(string, tag = "1")]
    Name(String),
    /// An element of a map.
    #[prost(string, tag = "2")]
    Key(String),
    /// An element of a list.
    #[prost(int64, tag = "3")]
    Index(i64),
}

/// Asks for the schema.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct GetProviderSchemaRequest {}

/// The schema of everything.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetProviderSchemaResponse {
    /// The provider block.
    #[prost(message, optional, tag = "1")]
    pub provider: Option<Schema>,
    /// Resources by type.
    #[prost(map = "string, message", tag = "2")]
    pub resource_schemas: HashMap<String, Schema>,
    /// Data sources by type.
    #[prost(map = "string, message", tag = "3")]
    pub data_source_schemas: HashMap<String, Schema>,
    /// What went wrong.
    #[prost(message, repeated, tag = "4")]
    pub diagnostics: Vec<Diagnostic>,
}

/// The schema of one thing.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Schema {
    /// Version of the state's form.
    #[prost(int64, tag = "1")]
    pub version: i64,
    /// Its body.
    #[prost(message, optional, tag = "2")]
    pub block: Option<Block>,
}

/// A body: arguments and blocks.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Block {
    /// Version.
    #[prost(int64, tag = "1")]
    pub version: i64,
    /// Arguments.
    #[prost(message, repeated, tag = "2")]
    pub attributes: Vec<Attribute>,
    /// Blocks.
    #[prost(message, repeated, tag = "3")]
    pub block_types: Vec<NestedBlock>,
    /// Going away.
    #[prost(bool, tag = "6")]
    pub deprecated: bool,
}

/// One argument.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Attribute {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type, as JSON text.
    #[prost(bytes = "vec", tag = "2")]
    pub r#type: Vec<u8>,
    /// What it is for.
    #[prost(string, tag = "3")]
    pub description: String,
    /// Must be given.
    #[prost(bool, tag = "4")]
    pub required: bool,
    /// May be given.
    #[prost(bool, tag = "5")]
    pub optional: bool,
    /// May be filled in by the provider.
    #[prost(bool, tag = "6")]
    pub computed: bool,
    /// Hidden in output.
    #[prost(bool, tag = "7")]
    pub sensitive: bool,
    /// Going away.
    #[prost(bool, tag = "9")]
    pub deprecated: bool,
}

/// A block inside a body.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NestedBlock {
    /// Its name.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// Its body.
    #[prost(message, optional, tag = "2")]
    pub block: Option<Block>,
    /// 1 single, 2 list, 3 set, 4 map, 5 group.
    #[prost(int32, tag = "3")]
    pub nesting: i32,
    /// Fewest.
    #[prost(int64, tag = "4")]
    pub min_items: i64,
    /// Most; 0 for no limit.
    #[prost(int64, tag = "5")]
    pub max_items: i64,
}

/// Asks whether the provider block is sound.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValidateProviderConfigRequest {
    /// The block.
    #[prost(message, optional, tag = "1")]
    pub config: Option<DynamicValue>,
}

/// Answers whether the provider block is sound.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValidateProviderConfigResponse {
    /// What is wrong.
    #[prost(message, repeated, tag = "2")]
    pub diagnostics: Vec<Diagnostic>,
}

/// Asks whether a resource or data source is sound.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValidateResourceConfigRequest {
    /// Its type.
    #[prost(string, tag = "1")]
    pub type_name: String,
    /// Its body.
    #[prost(message, optional, tag = "2")]
    pub config: Option<DynamicValue>,
}

/// Answers whether a resource or data source is sound.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValidateResourceConfigResponse {
    /// What is wrong.
    #[prost(message, repeated, tag = "1")]
    pub diagnostics: Vec<Diagnostic>,
}

/// Asks the provider to stop what it is doing.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct StopProviderRequest {}

/// Says why it could not stop; empty when it did.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StopProviderResponse {
    /// The reason.
    #[prost(string, tag = "1")]
    pub error: String,
}
