//! The provider's schema: `terraform providers schema -json`, and the same as protocol messages.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, de::DeserializeOwned};

use crate::protocol;

/// A file of the schema folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct SchemaError {
    /// Which file.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads a JSON file of the schema folder.
///
/// # Errors
/// When the file cannot be read or has another form.
pub fn read_json<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<T, SchemaError> {
    let path = folder.join(name);
    let error = |reason: String| SchemaError { file: path.display().to_string(), reason };
    let text = std::fs::read(&path).map_err(|reason| error(reason.to_string()))?;
    serde_json::from_slice(&text).map_err(|reason| error(reason.to_string()))
}

/// The schema of a provider.
#[derive(Debug, Deserialize)]
pub struct ProviderSchema {
    /// The provider block.
    pub provider: Schema,
    /// Resources by type.
    pub resource_schemas: BTreeMap<String, Schema>,
    /// Data sources by type.
    pub data_source_schemas: BTreeMap<String, Schema>,
}

/// The schema of one thing.
#[derive(Debug, Deserialize)]
pub struct Schema {
    /// Version of the state's form.
    #[serde(default)]
    pub version: i64,
    /// Its body.
    pub block: Block,
}

/// A body.
#[derive(Debug, Default, Deserialize)]
pub struct Block {
    /// Arguments by name.
    #[serde(default)]
    pub attributes: BTreeMap<String, Attribute>,
    /// Blocks by name.
    #[serde(default)]
    pub block_types: BTreeMap<String, NestedBlock>,
    /// Going away.
    #[serde(default)]
    pub deprecated: bool,
}

/// One argument.
#[derive(Debug, Deserialize)]
pub struct Attribute {
    /// Its type, in terraform's own notation.
    pub r#type: serde_json::Value,
    /// Must be given.
    #[serde(default)]
    pub required: bool,
    /// May be given.
    #[serde(default)]
    pub optional: bool,
    /// May be filled in by the provider.
    #[serde(default)]
    pub computed: bool,
    /// Hidden in output.
    #[serde(default)]
    pub sensitive: bool,
    /// Going away.
    #[serde(default)]
    pub deprecated: bool,
}

impl Attribute {
    /// Whether only the provider sets it.
    pub fn is_read_only(&self) -> bool {
        self.computed && !self.optional && !self.required
    }
}

/// A block inside a body.
#[derive(Debug, Deserialize)]
pub struct NestedBlock {
    /// Its body.
    pub block: Block,
    /// How often it stands.
    pub nesting_mode: Nesting,
    /// Fewest.
    #[serde(default)]
    pub min_items: i64,
    /// Most; 0 for no limit.
    #[serde(default)]
    pub max_items: i64,
}

/// How often a block stands.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nesting {
    /// Once.
    Single = 1,
    /// In order.
    List = 2,
    /// Without order.
    Set = 3,
    /// By label.
    Map = 4,
    /// Once, always there.
    Group = 5,
}

#[derive(Deserialize)]
struct Document {
    provider_schemas: BTreeMap<String, ProviderSchema>,
}

impl ProviderSchema {
    /// Reads `huaweicloud-schema.json`.
    ///
    /// # Errors
    /// When the file cannot be read, has another form, or doesn't hold exactly one provider.
    pub fn read(folder: &Path) -> Result<Self, SchemaError> {
        const FILE: &str = "huaweicloud-schema.json";
        let document: Document = read_json(folder, FILE)?;
        let mut schemas = document.provider_schemas.into_values();
        match (schemas.next(), schemas.next()) {
            (Some(schema), None) => Ok(schema),
            _ => Err(SchemaError { file: FILE.to_owned(), reason: "must hold exactly one provider".to_owned() }),
        }
    }

    /// The same as a protocol message.
    pub fn message(&self) -> protocol::GetProviderSchemaResponse {
        let messages = |schemas: &BTreeMap<String, Schema>| {
            schemas.iter().map(|(name, schema)| (name.clone(), schema.message())).collect()
        };
        protocol::GetProviderSchemaResponse {
            provider: Some(self.provider.message()),
            resource_schemas: messages(&self.resource_schemas),
            data_source_schemas: messages(&self.data_source_schemas),
            diagnostics: Vec::new(),
        }
    }
}

impl Schema {
    fn message(&self) -> protocol::Schema {
        protocol::Schema { version: self.version, block: Some(self.block.message()) }
    }
}

impl Block {
    fn message(&self) -> protocol::Block {
        protocol::Block {
            version: 0,
            attributes: self.attributes.iter().map(|(name, attribute)| attribute.message(name)).collect(),
            block_types: self.block_types.iter().map(|(name, nested)| nested.message(name)).collect(),
            deprecated: self.deprecated,
        }
    }
}

impl Attribute {
    fn message(&self, name: &str) -> protocol::Attribute {
        protocol::Attribute {
            name: name.to_owned(),
            r#type: self.r#type.to_string().into_bytes(),
            description: String::new(),
            required: self.required,
            optional: self.optional,
            computed: self.computed,
            sensitive: self.sensitive,
            deprecated: self.deprecated,
        }
    }
}

impl NestedBlock {
    fn message(&self, name: &str) -> protocol::NestedBlock {
        protocol::NestedBlock {
            type_name: name.to_owned(),
            block: Some(self.block.message()),
            nesting: self.nesting_mode as i32,
            min_items: self.min_items,
            max_items: self.max_items,
        }
    }
}
