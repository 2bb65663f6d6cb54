//! A configuration value as `terraform` hands it over: msgpack in which "not known yet" is an extension value.

use std::collections::BTreeMap;

/// Reading a value failed.
#[derive(Debug, thiserror::Error)]
#[error("value from terraform: {0}")]
pub struct ValueError(String);

/// A configuration value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Not given.
    Null,
    /// Known only after an apply. Rules pass over it.
    Unknown,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text.
    Text(String),
    /// A list or set, of values or of blocks.
    List(Vec<Value>),
    /// A map, an object or the body of a block.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// Reads msgpack.
    ///
    /// # Errors
    /// When the bytes are no msgpack, or a map's key is no text.
    pub fn from_msgpack(mut bytes: &[u8]) -> Result<Self, ValueError> {
        let value = rmpv::decode::read_value(&mut bytes).map_err(|error| ValueError(error.to_string()))?;
        Self::from_rmpv(value)
    }

    fn from_rmpv(value: rmpv::Value) -> Result<Self, ValueError> {
        Ok(match value {
            rmpv::Value::Nil => Self::Null,
            rmpv::Value::Boolean(truth) => Self::Bool(truth),
            rmpv::Value::Integer(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            rmpv::Value::F32(number) => Self::Number(f64::from(number)),
            rmpv::Value::F64(number) => Self::Number(number),
            rmpv::Value::String(text) => {
                Self::Text(text.into_str().ok_or_else(|| ValueError("text is not UTF-8".to_owned()))?)
            }
            rmpv::Value::Binary(_) => return Err(ValueError("binary data has no meaning here".to_owned())),
            rmpv::Value::Array(items) => Self::List(items.into_iter().map(Self::from_rmpv).collect::<Result<_, _>>()?),
            rmpv::Value::Map(entries) => {
                let mut map = BTreeMap::new();
                for (key, item) in entries {
                    let Self::Text(key) = Self::from_rmpv(key)? else {
                        return Err(ValueError("a key is no text".to_owned()));
                    };
                    map.insert(key, Self::from_rmpv(item)?);
                }
                Self::Map(map)
            }
            rmpv::Value::Ext(..) => Self::Unknown,
        })
    }

    /// Whether an argument is given: not null, and for blocks at least one.
    pub fn is_given(&self) -> bool {
        match self {
            Self::Null => false,
            Self::List(items) => !items.is_empty(),
            _ => true,
        }
    }

    /// Whether all of it is known.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(items) => items.iter().all(Self::is_known),
            Self::Map(entries) => entries.values().all(Self::is_known),
            _ => true,
        }
    }

    /// The text, if it is known text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, also where it is written as text.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The elements of a known list or set; none otherwise.
    pub fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// An argument of a body; null where there is none.
    pub fn get(&self, name: &str) -> &Value {
        match self {
            Self::Map(entries) => entries.get(name).unwrap_or(&Self::Null),
            Self::Unknown => &Self::Unknown,
            _ => &Self::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_value_is_not_known_yet_and_still_given() {
        let mut bytes = Vec::new();
        let ext = rmpv::Value::Map(vec![("a".into(), rmpv::Value::Ext(0, vec![0])), ("b".into(), rmpv::Value::Nil)]);
        rmpv::encode::write_value(&mut bytes, &ext).expect("memory");
        let value = Value::from_msgpack(&bytes).expect("a map");
        assert_eq!(value.get("a"), &Value::Unknown);
        assert!(value.get("a").is_given() && !value.get("a").is_known());
        assert!(!value.get("b").is_given());
        assert_eq!(value.get("c"), &Value::Null);
    }
}
