//! The objects themselves.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use md5::{Digest, Md5};

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Its bytes.
    pub content: Bytes,
    /// MD5 of the bytes in hexadecimal, as OBS makes the ETag of a plain PUT.
    pub etag: String,
    /// When it was written.
    pub modified: SystemTime,
    /// Its media type.
    pub content_type: Option<String>,
    /// Metadata of its writer.
    pub metadata: BTreeMap<String, String>,
}

impl StoredObject {
    fn new(content: Bytes, modified: SystemTime) -> Self {
        let etag = hex::encode(Md5::digest(&content));
        Self { content, etag, modified, content_type: None, metadata: BTreeMap::new() }
    }
}

/// Buckets of objects, sorted by key.
#[derive(Debug)]
pub(super) struct Objects {
    buckets: BTreeMap<String, BTreeMap<String, StoredObject>>,
    directory: Option<PathBuf>,
}

impl Objects {
    /// The buckets, with what lies in the directory.
    pub(super) fn open(buckets: Vec<String>, directory: Option<PathBuf>) -> io::Result<Self> {
        let mut objects =
            Self { buckets: buckets.into_iter().map(|bucket| (bucket, BTreeMap::new())).collect(), directory };
        if let Some(directory) = &objects.directory {
            for (bucket, content) in &mut objects.buckets {
                let root = directory.join(bucket);
                fs::create_dir_all(&root)?;
                read_directory(&root, "", content)?;
            }
        }
        Ok(objects)
    }

    pub(super) fn has_bucket(&self, bucket: &str) -> bool {
        self.buckets.contains_key(bucket)
    }

    pub(super) fn get(&self, bucket: &str, key: &str) -> Option<&StoredObject> {
        self.buckets.get(bucket)?.get(key)
    }

    /// Writes an object and returns it, so that its writer can add to it.
    pub(super) fn put(&mut self, bucket: &str, key: &str, content: Bytes) -> io::Result<&mut StoredObject> {
        let path = self.path(bucket, key)?;
        let Some(objects) = self.buckets.get_mut(bucket) else {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("no such bucket: {bucket}")));
        };
        if let Some(path) = path {
            write_whole(&path, &content)?;
        }
        let object = StoredObject::new(content, SystemTime::now());
        Ok(objects.entry(key.to_owned()).insert_entry(object).into_mut())
    }

    pub(super) fn remove(&mut self, bucket: &str, key: &str) -> io::Result<()> {
        let path = self.path(bucket, key)?;
        let removed = self.buckets.get_mut(bucket).and_then(|objects| objects.remove(key));
        match path {
            Some(path) if removed.is_some() => fs::remove_file(path),
            _ => Ok(()),
        }
    }

    /// Objects whose key starts with `prefix` and comes after `marker`, in the order of their keys.
    pub(super) fn after<'a>(
        &'a self,
        bucket: &str,
        prefix: &'a str,
        marker: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a StoredObject)> {
        let from = if marker < prefix { Bound::Included(prefix) } else { Bound::Excluded(marker) };
        self.buckets
            .get(bucket)
            .into_iter()
            .flat_map(move |objects| objects.range::<str, _>((from, Bound::Unbounded)))
            .take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Where the object lies; `None` without a directory. A key that would leave the bucket's directory is refused.
    fn path(&self, bucket: &str, key: &str) -> io::Result<Option<PathBuf>> {
        let Some(directory) = &self.directory else {
            return Ok(None);
        };
        let relative = Path::new(key);
        let is_plain = !key.ends_with('/') && relative.components().all(|part| matches!(part, Component::Normal(_)));
        if key.is_empty() || !is_plain {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("the key cannot be a file name: {key}")));
        }
        Ok(Some(directory.join(bucket).join(relative)))
    }
}

fn read_directory(directory: &Path, prefix: &str, into: &mut BTreeMap<String, StoredObject>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let key = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            read_directory(&entry.path(), &format!("{key}/"), into)?;
        } else {
            let object = StoredObject::new(fs::read(entry.path())?.into(), entry.metadata()?.modified()?);
            into.insert(key, object);
        }
    }
    Ok(())
}

/// A reader never sees half an object: it is written beside its name and renamed.
fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory)?;
    let unfinished = directory.join(format!(".{}.part", uuid::Uuid::new_v4()));
    fs::write(&unfinished, content)?;
    fs::rename(&unfinished, path)
}
