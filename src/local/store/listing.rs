//! What a listing shows: keys with a prefix, page by page, and what they have in common up to a delimiter.

use s3s::dto::{CommonPrefix, Object, ObjectStorageClass, Timestamp};

use super::faults::StoreFaults;
use super::objects::Objects;
use super::protocol::etag;

/// One page of a listing.
pub(super) struct Listed {
    pub(super) contents: Vec<Object>,
    pub(super) prefixes: Vec<CommonPrefix>,
    /// Where the next page starts, if there is one.
    pub(super) next: Option<String>,
}

/// What a listing shows of a bucket.
pub(super) struct Visible<'a> {
    pub(super) objects: &'a Objects,
    pub(super) bucket: &'a str,
    pub(super) faults: &'a dyn StoreFaults,
}

impl Visible<'_> {
    /// One page of the keys with a prefix, after a marker.
    pub(super) fn list(&self, prefix: &str, delimiter: Option<&str>, marker: &str, limit: usize) -> Listed {
        let mut listed = Listed { contents: Vec::new(), prefixes: Vec::new(), next: None };
        let mut last: Option<String> = None;
        for (key, object) in self.objects.after(self.bucket, prefix, marker).filter(|(key, _)| !self.faults.hides(key))
        {
            let common = delimiter.filter(|delimiter| !delimiter.is_empty()).and_then(|delimiter| {
                let end = key[prefix.len()..].find(delimiter)? + prefix.len() + delimiter.len();
                Some(&key[..end])
            });
            // Keys under a prefix that was listed, on this page or as the end of the one before, are that one entry.
            if common.is_some_and(|common| last.as_deref() == Some(common) || marker.starts_with(common)) {
                continue;
            }
            if listed.contents.len() + listed.prefixes.len() == limit {
                listed.next = last;
                return listed;
            }
            if let Some(common) = common {
                listed.prefixes.push(CommonPrefix { prefix: Some(common.to_owned()) });
            } else {
                listed.contents.push(Object {
                    key: Some(key.clone()),
                    e_tag: Some(etag(object)),
                    last_modified: Some(Timestamp::from(object.modified)),
                    size: Some(object.content.len() as i64),
                    storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                    ..Object::default()
                });
            }
            last = Some(common.unwrap_or(key).to_owned());
        }
        listed
    }
}
