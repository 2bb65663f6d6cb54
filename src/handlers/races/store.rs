//! A store in memory whose every request waits for its turn, whose listings may lag, and that watches over records: what was
//! written once is never changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::scheduler::Scheduler;
use crate::records::{Decision, Happening, Record};

#[derive(Clone, Debug)]
pub(in crate::handlers) struct RacingStore {
    objects: Arc<InMemory>,
    scheduler: Scheduler,
    watch: Arc<Mutex<Watch>>,
}

#[derive(Debug, Default)]
struct Watch {
    /// Records as they were first written.
    records: BTreeMap<String, Bytes>,
    /// Whether new objects stay out of listings until the minute is over.
    lags: bool,
    hidden: BTreeSet<Path>,
    /// Records that were written again with other contents.
    changed: Vec<String>,
}

impl RacingStore {
    pub(in crate::handlers) fn new(scheduler: Scheduler) -> Self {
        Self { objects: Arc::default(), scheduler, watch: Arc::default() }
    }

    /// Whether new objects stay out of listings from now on. All that are there are listed.
    pub(in crate::handlers) fn set_lagging(&self, lags: bool) {
        let mut watch = self.watch.lock().unwrap();
        watch.lags = lags;
        watch.hidden.clear();
    }

    /// Records that were written again with other contents.
    pub(in crate::handlers) fn changed_records(&self) -> Vec<String> {
        self.watch.lock().unwrap().changed.clone()
    }

    /// All records as they were first written, by their keys.
    pub(in crate::handlers) fn records(&self) -> BTreeMap<String, Bytes> {
        self.watch.lock().unwrap().records.clone()
    }
}

fn is_announced(record: &Bytes) -> bool {
    let record: Record = serde_json::from_slice(record).unwrap();
    matches!(record.what, Happening::Decision(decision) if decision.problems.iter().any(|problem| problem == Decision::ANNOUNCED))
}

impl fmt::Display for RacingStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RacingStore")
    }
}

#[async_trait]
impl ObjectStore for RacingStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.scheduler.turn().await;
        let bytes = Bytes::from(payload.clone());
        let is_new = self.objects.head(location).await.is_err();
        let result = self.objects.put_opts(location, payload, options).await;
        if result.is_ok() {
            let mut watch = self.watch.lock().unwrap();
            if is_new && watch.lags {
                watch.hidden.insert(location.clone());
            }
            if location.as_ref().contains("/records/") {
                let first = watch.records.entry(location.to_string()).or_insert_with(|| bytes.clone());
                if is_announced(first) {
                    // The evaluation that announced it tells what came of it.
                    first.clone_from(&bytes);
                } else if *first != bytes {
                    let both = format!("{location}: {first:?} then {bytes:?}");
                    watch.changed.push(both);
                }
            }
        }
        self.scheduler.turn().await;
        result
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.scheduler.turn().await;
        let result = self.objects.get_opts(location, options).await;
        self.scheduler.turn().await;
        result
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        stream::once(async move {
            store.scheduler.turn().await;
            let listed: Vec<Result<ObjectMeta>> = store.objects.list(prefix.as_ref()).collect().await;
            let hidden = store.watch.lock().unwrap().hidden.clone();
            store.scheduler.turn().await;
            let is_shown =
                move |meta: &Result<ObjectMeta>| !meta.as_ref().is_ok_and(|meta| hidden.contains(&meta.location));
            Ok::<_, object_store::Error>(stream::iter(listed.into_iter().filter(is_shown)))
        })
        .try_flatten()
        .boxed()
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(location, options).await
    }
}
