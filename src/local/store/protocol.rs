//! The S3 operations that the project's clients use, on the objects.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, PoisonError};

use bytes::BytesMut;
use futures::TryStreamExt;
use s3s::dto::*;
use s3s::{Body, S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::Shared;
use super::faults::{StoreFault, StoreFaults};
use super::listing::Visible;
use super::objects::{Objects, StoredObject};

/// Most keys of one listing.
const PAGE_LIMIT: usize = 1_000;

/// Answers S3 requests.
pub(super) struct Protocol(pub(super) Arc<Shared>);

impl Protocol {
    /// Counts a request, carries it out, and lets go wrong what shall.
    async fn answer<T>(
        &self,
        operation: &str,
        key: &str,
        work: impl FnOnce(&mut Objects, &dyn StoreFaults) -> S3Result<T>,
    ) -> S3Result<S3Response<T>> {
        *self.0.calls.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let faults = self.0.faults();
        let fault = faults.on_request(operation, key);
        match fault {
            Some(StoreFault::Slow(delay)) => tokio::time::sleep(delay).await,
            Some(StoreFault::Hang) => std::future::pending::<()>().await,
            Some(StoreFault::SlowDown) => return Err(s3_error!(SlowDown, "Please reduce your request rate")),
            Some(StoreFault::FailedAfterwards) | None => {}
        }
        let output = work(&mut self.0.lock(), &*faults)?;
        match fault {
            Some(StoreFault::FailedAfterwards) => Err(s3_error!(InternalError, "The answer got lost")),
            _ => Ok(S3Response::new(output)),
        }
    }
}

pub(super) fn etag(object: &StoredObject) -> ETag {
    ETag::Strong(object.etag.clone())
}

fn find<'a>(objects: &'a Objects, bucket: &str, key: &str) -> S3Result<&'a StoredObject> {
    check_bucket(objects, bucket)?;
    objects.get(bucket, key).ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist"))
}

fn check_bucket(objects: &Objects, bucket: &str) -> S3Result<()> {
    if objects.has_bucket(bucket) {
        Ok(())
    } else {
        Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"))
    }
}

fn storage_error(error: io::Error) -> S3Error {
    match error.kind() {
        io::ErrorKind::InvalidInput => S3Error::with_message(S3ErrorCode::InvalidArgument, error.to_string()),
        _ => S3Error::internal_error(error),
    }
}

/// Whether the object is the one that a condition names.
fn matches(condition: &ETagCondition, object: Option<&StoredObject>) -> bool {
    match (condition, object) {
        (_, None) => false,
        (ETagCondition::Any, Some(_)) => true,
        (ETagCondition::ETag(wanted), Some(object)) => wanted.value() == object.etag,
    }
}

fn not_modified(object: &StoredObject) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    if let Ok(value) = format!("\"{}\"", object.etag).parse() {
        error.set_headers([(axum::http::header::ETAG, value)].into_iter().collect());
    }
    error
}

/// What both GET and HEAD may ask of an object before they get it.
fn check_conditions(
    object: &StoredObject,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    if if_match.is_some_and(|condition| !matches(condition, Some(object))) {
        return Err(s3_error!(PreconditionFailed));
    }
    if if_none_match.is_some_and(|condition| matches(condition, Some(object))) {
        return Err(not_modified(object));
    }
    Ok(())
}

fn page_limit(asked: Option<i32>) -> usize {
    asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(PAGE_LIMIT).min(PAGE_LIMIT)
}

#[async_trait::async_trait]
impl S3 for Protocol {
    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        let bucket = request.input.bucket;
        self.answer("HeadBucket", "", |objects, _| {
            check_bucket(objects, &bucket)?;
            Ok(HeadBucketOutput::default())
        })
        .await
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let mut input = request.input;
        let mut content = BytesMut::new();
        if let Some(body) = input.body.take() {
            content = body
                .try_fold(content, |mut content, chunk| async move {
                    content.extend_from_slice(&chunk);
                    Ok(content)
                })
                .await
                .map_err(|error| S3Error::with_message(S3ErrorCode::IncompleteBody, error.to_string()))?;
        }
        let key = input.key.clone();
        self.answer("PutObject", &key, |objects, _| {
            check_bucket(objects, &input.bucket)?;
            if self.0.conditional_put {
                let existing = objects.get(&input.bucket, &input.key);
                let wanted = input.if_match.as_ref().is_none_or(|condition| matches(condition, existing));
                let unwanted = input.if_none_match.as_ref().is_some_and(|condition| matches(condition, existing));
                if !wanted || unwanted {
                    return Err(s3_error!(PreconditionFailed));
                }
            }
            let object = objects.put(&input.bucket, &input.key, content.freeze()).map_err(storage_error)?;
            object.content_type = input.content_type.map(|kind| kind.to_string());
            object.metadata = input.metadata.unwrap_or_default().into_iter().collect();
            Ok(PutObjectOutput { e_tag: Some(etag(object)), ..PutObjectOutput::default() })
        })
        .await
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        self.answer("GetObject", &input.key, |objects, _| {
            let object = find(objects, &input.bucket, &input.key)?;
            check_conditions(object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            let length = object.content.len() as u64;
            let range = input.range.map(|range| range.check(length)).transpose()?;
            let content = match &range {
                Some(range) => object.content.slice(range.start as usize..range.end as usize),
                None => object.content.clone(),
            };
            Ok(GetObjectOutput {
                content_length: Some(content.len() as i64),
                content_range: range.map(|range| format!("bytes {}-{}/{length}", range.start, range.end - 1)),
                body: Some(StreamingBlob::from(Body::from(content))),
                accept_ranges: Some("bytes".to_owned()),
                e_tag: Some(etag(object)),
                last_modified: Some(Timestamp::from(object.modified)),
                content_type: object.content_type.as_ref().and_then(|kind| kind.parse().ok()),
                metadata: metadata(object),
                ..GetObjectOutput::default()
            })
        })
        .await
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        self.answer("HeadObject", &input.key, |objects, _| {
            let object = find(objects, &input.bucket, &input.key)?;
            check_conditions(object, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            Ok(HeadObjectOutput {
                content_length: Some(object.content.len() as i64),
                accept_ranges: Some("bytes".to_owned()),
                e_tag: Some(etag(object)),
                last_modified: Some(Timestamp::from(object.modified)),
                content_type: object.content_type.as_ref().and_then(|kind| kind.parse().ok()),
                metadata: metadata(object),
                ..HeadObjectOutput::default()
            })
        })
        .await
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        self.answer("DeleteObject", &input.key, |objects, _| {
            check_bucket(objects, &input.bucket)?;
            objects.remove(&input.bucket, &input.key).map_err(storage_error)?;
            Ok(DeleteObjectOutput::default())
        })
        .await
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        self.answer("DeleteObjects", "", |objects, _| {
            check_bucket(objects, &input.bucket)?;
            let mut deleted = Vec::new();
            for object in input.delete.objects {
                objects.remove(&input.bucket, &object.key).map_err(storage_error)?;
                deleted.push(DeletedObject { key: Some(object.key), ..DeletedObject::default() });
            }
            let shown = if input.delete.quiet == Some(true) { None } else { Some(deleted) };
            Ok(DeleteObjectsOutput { deleted: shown, ..DeleteObjectsOutput::default() })
        })
        .await
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented, "a copy names a bucket and a key"));
        };
        self.answer("CopyObject", &input.key, |objects, _| {
            check_bucket(objects, &input.bucket)?;
            let source = find(objects, bucket, key)?.clone();
            let copy = objects.put(&input.bucket, &input.key, source.content).map_err(storage_error)?;
            copy.content_type = source.content_type;
            copy.metadata = source.metadata;
            let result = CopyObjectResult {
                e_tag: Some(etag(copy)),
                last_modified: Some(Timestamp::from(copy.modified)),
                ..CopyObjectResult::default()
            };
            Ok(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() })
        })
        .await
    }

    async fn list_objects(&self, request: S3Request<ListObjectsInput>) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        self.answer("ListObjects", &prefix, |objects, faults| {
            check_bucket(objects, &input.bucket)?;
            let limit = page_limit(input.max_keys);
            let marker = input.marker.as_deref().unwrap_or("");
            let visible = Visible { objects, bucket: &input.bucket, faults };
            let listed = visible.list(&prefix, input.delimiter.as_deref(), marker, limit);
            Ok(ListObjectsOutput {
                is_truncated: Some(listed.next.is_some()),
                next_marker: listed.next,
                contents: Some(listed.contents),
                common_prefixes: Some(listed.prefixes),
                name: Some(input.bucket),
                prefix: input.prefix,
                delimiter: input.delimiter,
                marker: input.marker,
                max_keys: Some(limit as i32),
                ..ListObjectsOutput::default()
            })
        })
        .await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        self.answer("ListObjectsV2", &prefix, |objects, faults| {
            check_bucket(objects, &input.bucket)?;
            let limit = page_limit(input.max_keys);
            let marker = input.continuation_token.as_deref().or(input.start_after.as_deref()).unwrap_or("");
            let visible = Visible { objects, bucket: &input.bucket, faults };
            let listed = visible.list(&prefix, input.delimiter.as_deref(), marker, limit);
            Ok(ListObjectsV2Output {
                key_count: Some((listed.contents.len() + listed.prefixes.len()) as i32),
                is_truncated: Some(listed.next.is_some()),
                next_continuation_token: listed.next,
                contents: Some(listed.contents),
                common_prefixes: Some(listed.prefixes),
                name: Some(input.bucket),
                prefix: input.prefix,
                delimiter: input.delimiter,
                continuation_token: input.continuation_token,
                start_after: input.start_after,
                max_keys: Some(limit as i32),
                ..ListObjectsV2Output::default()
            })
        })
        .await
    }
}

fn metadata(object: &StoredObject) -> Option<Metadata> {
    let pairs: &BTreeMap<String, String> = &object.metadata;
    (!pairs.is_empty()).then(|| pairs.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}
