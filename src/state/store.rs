//! An object store with what this project needs of it: whole objects, windows of keys, a time limit on everything.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AwsCredential, S3ConditionalPut};
use object_store::client::{HttpClient, HttpConnector};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, CredentialProvider, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
};
use tokio::time::Instant;

use super::location::{BucketLocation, StoreLocation};
use crate::clients::{Credentials, http, root_cause};

/// Largest object that is read, in bytes.
pub const LARGEST_OBJECT_BYTES: u64 = 32 * 1024 * 1024;
/// Most keys that one listing returns.
pub const LONGEST_LISTING: usize = 10_000;

/// A client that trusts and is called as all clients of this process.
#[derive(Debug)]
struct Connected(reqwest::Client);

impl HttpConnector for Connected {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// A store of whole objects under one prefix.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    keys: Option<Arc<AgencyKeys>>,
    calls: Arc<AtomicU64>,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Store({}/{})", self.objects, self.prefix)
    }
}

/// What went wrong with the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be opened.
    #[error("open store {store}: {}", with_cause(source))]
    Open {
        /// Which.
        store: String,
        /// Why.
        source: object_store::Error,
    },
    /// A request failed.
    #[error("{operation} {key}: {}", with_cause(source))]
    Request {
        /// What was asked.
        operation: &'static str,
        /// Of which key.
        key: String,
        /// Why it failed.
        source: object_store::Error,
    },
    /// No answer before the deadline.
    #[error("{operation} {key}: no answer in the time left")]
    Late {
        /// What was asked.
        operation: &'static str,
        /// Of which key.
        key: String,
    },
    /// An object that is too large to be one of ours.
    #[error("read {key}: {bytes} bytes, more than {LARGEST_OBJECT_BYTES}")]
    TooLarge {
        /// Which.
        key: String,
        /// How large.
        bytes: u64,
    },
    /// An object that is not of the form it should have.
    #[error("read {key}: {reason}")]
    Malformed {
        /// Which.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// An object of a newer version of this program.
    #[error("read {key}: schema {found} is newer than {known}; deploy the newer version of this program again")]
    Newer {
        /// Which.
        key: String,
        /// Its version.
        found: u32,
        /// The newest one known here.
        known: u32,
    },
}

/// The library's message, and its innermost cause where the message leaves it out: what the network or TLS said.
fn with_cause(error: &object_store::Error) -> String {
    let message = error.to_string();
    let cause = root_cause(error).to_string();
    if message.contains(&cause) { message } else { format!("{message}: {cause}") }
}

impl StoreError {
    /// Whether the object must be left as it is.
    pub fn must_not_overwrite(&self) -> bool {
        matches!(self, Self::Newer { .. })
    }

    /// Whether the object may be read another time: it is the store that fails, or this program that is too old.
    pub fn may_be_read_later(&self) -> bool {
        !matches!(self, Self::Malformed { .. } | Self::TooLarge { .. })
    }
}

impl Store {
    /// Opens a store. `credentials` sign requests to a bucket; a directory needs none.
    ///
    /// # Errors
    /// When the directory does not exist and cannot be made, or the bucket's settings contradict each other.
    pub fn open(location: &StoreLocation, credentials: Option<&Credentials>) -> Result<Self, StoreError> {
        match location {
            StoreLocation::Directory(directory) => {
                let fail = |source| StoreError::Open { store: directory.display().to_string(), source };
                std::fs::create_dir_all(directory)
                    .map_err(|error| fail(object_store::Error::Generic { store: "file", source: Box::new(error) }))?;
                let objects = object_store::local::LocalFileSystem::new_with_prefix(directory).map_err(fail)?;
                Ok(Self::new(Arc::new(objects), Path::default()))
            }
            // OBS documents no conditional PUT: a store that ignores the headers would lose updates silently.
            StoreLocation::Bucket(bucket) => Self::open_bucket(bucket, credentials, S3ConditionalPut::Disabled),
        }
    }

    /// Opens a store so that conditions are sent with writes, to find out whether it honours them.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with_conditions(
        location: &StoreLocation,
        credentials: Option<&Credentials>,
    ) -> Result<Self, StoreError> {
        match location {
            StoreLocation::Directory(_) => Self::open(location, credentials),
            StoreLocation::Bucket(bucket) => Self::open_bucket(bucket, credentials, S3ConditionalPut::ETagMatch),
        }
    }

    fn open_bucket(
        bucket: &BucketLocation,
        credentials: Option<&Credentials>,
        conditional_put: S3ConditionalPut,
    ) -> Result<Self, StoreError> {
        let fail = |source| StoreError::Open { store: bucket.bucket.clone(), source };
        let client = http::builder()
            .https_only(!bucket.allow_http)
            .timeout(Duration::from_secs(8))
            .connect_timeout(Duration::from_secs(2))
            .build()
            .map_err(|error| fail(object_store::Error::Generic { store: "S3", source: Box::new(error) }))?;
        let keys = Arc::new(AgencyKeys::default());
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.bucket)
            .with_region(&bucket.region)
            .with_virtual_hosted_style_request(bucket.virtual_hosted)
            .with_allow_http(bucket.allow_http)
            .with_conditional_put(conditional_put)
            .with_http_connector(Connected(client))
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(100),
                    max_backoff: Duration::from_secs(2),
                    base: 2.0,
                },
                max_retries: 4,
                retry_timeout: Duration::from_secs(20),
            })
            .with_credentials(keys.clone());
        if let Some(endpoint) = &bucket.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let objects = builder.build().map_err(fail)?;
        let store = Self { keys: Some(keys), ..Self::new(Arc::new(objects), Path::from(bucket.prefix.as_str())) };
        if let Some(credentials) = credentials {
            store.renew(credentials);
        }
        Ok(store)
    }

    /// A store around any object store, as tests use.
    pub fn new(objects: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self { objects, prefix, keys: None, calls: Arc::default() }
    }

    /// Signs what follows with other keys: an agency's change with every invocation.
    pub fn renew(&self, credentials: &Credentials) {
        if let Some(keys) = &self.keys {
            keys.set(credentials);
        }
    }

    /// The same store, with a count of its own.
    pub fn counted_apart(&self) -> Self {
        Self { calls: Arc::default(), ..self.clone() }
    }

    /// Requests made so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Reads an object. `None` where there is none.
    ///
    /// # Errors
    /// When the store does not answer in time, refuses, or the object is too large.
    pub async fn get(&self, key: &str, deadline: Instant) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(key);
        let read = async {
            let object = match self.objects.get(&path).await {
                Err(object_store::Error::NotFound { .. }) => return Ok(None),
                other => other.map_err(|source| request("read", key, source))?,
            };
            if object.meta.size > LARGEST_OBJECT_BYTES {
                return Err(StoreError::TooLarge { key: key.to_owned(), bytes: object.meta.size });
            }
            object.bytes().await.map(Some).map_err(|source| request("read", key, source))
        };
        self.in_time("read", key, deadline, read).await
    }

    /// Writes an object, over what is there.
    ///
    /// # Errors
    /// When the store does not answer in time or refuses. What is there then is not known.
    pub async fn put(&self, key: &str, bytes: impl Into<Bytes>, deadline: Instant) -> Result<(), StoreError> {
        let (path, bytes) = (self.path(key), bytes.into());
        let write = async {
            self.objects.put(&path, bytes.into()).await.map_err(|source| request("write", key, source))?;
            Ok(())
        };
        self.in_time("write", key, deadline, write).await
    }

    /// Writes an object only where there is none. Returns whether it was written. Only for stores that a probe has shown
    /// to honour it.
    ///
    /// # Errors
    /// When the store does not answer in time, refuses, or knows no such condition.
    pub async fn create(&self, key: &str, bytes: impl Into<Bytes>, deadline: Instant) -> Result<bool, StoreError> {
        let (path, bytes) = (self.path(key), bytes.into());
        let write = async {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            match self.objects.put_opts(&path, bytes.into(), options).await {
                Ok(_) => Ok(true),
                Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
                Err(source) => Err(request("create", key, source)),
            }
        };
        self.in_time("create", key, deadline, write).await
    }

    /// Deletes an object. One that is not there is no error.
    ///
    /// # Errors
    /// When the store does not answer in time or refuses.
    pub async fn delete(&self, key: &str, deadline: Instant) -> Result<(), StoreError> {
        let path = self.path(key);
        let delete = async {
            match self.objects.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(source) => Err(request("delete", key, source)),
            }
        };
        self.in_time("delete", key, deadline, delete).await
    }

    /// The names under `folder` that come after `after`, in order, without the folder. At most [`LONGEST_LISTING`].
    ///
    /// # Errors
    /// When the store does not answer in time or refuses.
    pub async fn names_after(&self, folder: &str, after: &str, deadline: Instant) -> Result<Vec<String>, StoreError> {
        self.names_between(folder, after, None, deadline).await
    }

    /// The names under `folder` that come after `after` and before `before`, in order, without the folder. At most
    /// [`LONGEST_LISTING`].
    ///
    /// # Errors
    /// When the store does not answer in time or refuses.
    pub async fn names_between(
        &self,
        folder: &str,
        after: &str,
        before: Option<&str>,
        deadline: Instant,
    ) -> Result<Vec<String>, StoreError> {
        let path = self.path(folder);
        let list = async {
            let offset = path.clone().join(after);
            let mut listing = self.objects.list_with_offset(Some(&path), &offset);
            let mut names = Vec::new();
            while let Some(meta) = listing.try_next().await.map_err(|source| request("list", folder, source))? {
                let Some(name) = meta.location.prefix_match(&path).and_then(|mut parts| parts.next()) else { continue };
                let is_wanted = before.is_none_or(|before| name.as_ref() < before);
                if is_wanted {
                    names.push(name.as_ref().to_owned());
                }
                // A bucket lists in the order of the names; a directory does not.
                if self.keys.is_some() && (!is_wanted || names.len() >= LONGEST_LISTING) {
                    break;
                }
            }
            names.sort_unstable();
            names.truncate(LONGEST_LISTING);
            Ok(names)
        };
        self.in_time("list", folder, deadline, list).await
    }

    fn path(&self, key: &str) -> Path {
        key.split('/').filter(|part| !part.is_empty()).fold(self.prefix.clone(), |path, part| path.join(part))
    }

    async fn in_time<T>(
        &self,
        operation: &'static str,
        key: &str,
        deadline: Instant,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::timeout_at(deadline, work)
            .await
            .unwrap_or_else(|_| Err(StoreError::Late { operation, key: key.to_owned() }))
    }
}

fn request(operation: &'static str, key: &str, source: object_store::Error) -> StoreError {
    StoreError::Request { operation, key: key.to_owned(), source }
}

/// The keys of the running invocation, shared with the store's signer.
#[derive(Default)]
struct AgencyKeys(RwLock<Option<Arc<AwsCredential>>>);

impl AgencyKeys {
    fn set(&self, credentials: &Credentials) {
        let keys = AwsCredential {
            key_id: credentials.access_key.clone(),
            secret_key: credentials.secret_key.expose().to_owned(),
            token: credentials.security_token.as_ref().map(|token| token.expose().to_owned()),
        };
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Arc::new(keys));
    }
}

impl fmt::Debug for AgencyKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AgencyKeys([redacted])")
    }
}

#[async_trait]
impl CredentialProvider for AgencyKeys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let keys = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        keys.ok_or_else(|| object_store::Error::Generic {
            store: "S3",
            source: "no credentials: give the function an agency, or set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK"
                .into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[tokio::test]
    async fn objects_in_a_directory_are_written_read_listed_and_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreLocation::Directory(directory.path().join("new")), None).unwrap();
        assert_eq!(store.get("groups/a/snapshot.json", soon()).await.unwrap(), None);
        for name in ["3", "1", "2"] {
            store.put(&format!("groups/a/records/{name}"), name, soon()).await.unwrap();
        }
        assert_eq!(store.names_after("groups/a/records", "1", soon()).await.unwrap(), ["2", "3"]);
        assert_eq!(store.names_between("groups/a/records", "", Some("3"), soon()).await.unwrap(), ["1", "2"]);
        assert_eq!(store.get("groups/a/records/2", soon()).await.unwrap().as_deref(), Some(b"2".as_slice()));
        store.delete("groups/a/records/2", soon()).await.unwrap();
        store.delete("groups/a/records/2", soon()).await.unwrap();
        assert_eq!(store.names_after("groups/a/records", "", soon()).await.unwrap(), ["1", "3"]);
    }

    #[tokio::test]
    async fn an_object_is_created_only_once_where_the_store_can_tell() {
        let store = Store::new(Arc::new(object_store::memory::InMemory::new()), Path::default());
        assert!(store.create("probe", "a", soon()).await.unwrap());
        assert!(!store.create("probe", "b", soon()).await.unwrap());
    }

    #[tokio::test]
    async fn a_missing_key_pair_is_said_and_no_secret_is_shown() {
        let location = StoreLocation::parse("s3://b", Some("http://127.0.0.1:1"), Some("r")).unwrap();
        let store = Store::open(&location, None).unwrap();
        let said = store.get("a", soon()).await.unwrap_err().to_string();
        assert!(said.contains("give the function an agency"), "{said}");
        assert!(!format!("{store:?}").contains("secret"));
    }
}
