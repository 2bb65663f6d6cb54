//! An S3-compatible object store in memory, as OBS looks through its S3 interface; optionally mirrored to a directory.

mod faults;
mod listing;
mod objects;
mod protocol;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::host::{S3Host, VirtualHost};
use s3s::service::S3ServiceBuilder;
use s3s::{HttpError, S3Result, s3_error};

use crate::clients::Credentials;

use self::faults::NoFaults;
use super::server::ServerHandle;
pub use faults::{StoreFault, StoreFaults};
use objects::Objects;
pub use objects::StoredObject;
use protocol::Protocol;

/// What a store is made of.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Its buckets. No other is created.
    pub buckets: Vec<String>,
    /// Keys that are let in.
    pub keys: Vec<Credentials>,
    /// Whether `If-Match` and `If-None-Match` of a PUT count. OBS documents neither: off, they are ignored, as a store
    /// does that doesn't know them.
    pub conditional_put: bool,
    /// Every object is also kept as `<directory>/<bucket>/<key>`; what lies there at the start is served.
    pub directory: Option<PathBuf>,
}

/// A store that is being served.
#[derive(Debug)]
pub struct Store {
    objects: Arc<Shared>,
    server: ServerHandle,
}

/// What requests and the store's owner share.
struct Shared {
    conditional_put: bool,
    objects: Mutex<Objects>,
    calls: Mutex<u64>,
    keys: Mutex<Vec<Credentials>>,
    faults: Mutex<Arc<dyn StoreFaults>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("conditional_put", &self.conditional_put).finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> Arc<dyn StoreFaults> {
        Arc::clone(&self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// Serves a store. Requests name the bucket in the path, or as `<bucket>.localhost` in the host.
    ///
    /// # Errors
    /// The address cannot be bound, or the directory cannot be read.
    pub async fn serve(settings: StoreSettings, address: SocketAddr) -> io::Result<Self> {
        let objects = Objects::open(settings.buckets, settings.directory)?;
        let shared = Arc::new(Shared {
            conditional_put: settings.conditional_put,
            objects: Mutex::new(objects),
            calls: Mutex::new(0),
            keys: Mutex::new(settings.keys),
            faults: Mutex::new(Arc::new(NoFaults)),
        });
        let mut builder = S3ServiceBuilder::new(Protocol(Arc::clone(&shared)));
        builder.set_auth(Keys(Arc::clone(&shared)));
        builder.set_access(Keys(Arc::clone(&shared)));
        builder.set_host(BucketHost);
        let service = HandleError::new(builder.build(), |error: HttpError| async move {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}"))
        });
        let server = ServerHandle::start(Router::new().fallback_service(service), address).await?;
        Ok(Self { objects: shared, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://` and where it listens.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Requests that were let in so far.
    pub fn calls(&self) -> u64 {
        *self.objects.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these keys are let in and no others.
    pub fn set_keys(&self, keys: Vec<Credentials>) {
        *self.objects.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// From now on `faults` decides what goes wrong.
    pub fn set_faults(&self, faults: Arc<dyn StoreFaults>) {
        *self.objects.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// An object as it stands.
    pub fn object(&self, bucket: &str, key: &str) -> Option<StoredObject> {
        self.objects.lock().get(bucket, key).cloned()
    }

    /// Puts an object, past the protocol.
    ///
    /// # Errors
    /// There is no such bucket, or the directory cannot be written.
    pub fn put(&self, bucket: &str, key: &str, content: impl Into<bytes::Bytes>) -> io::Result<()> {
        self.objects.lock().put(bucket, key, content.into()).map(drop)
    }

    /// Removes an object, past the protocol.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn remove(&self, bucket: &str, key: &str) -> io::Result<()> {
        self.objects.lock().remove(bucket, key)
    }

    /// Keys of a bucket that start with `prefix`, sorted.
    pub fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        self.objects.lock().after(bucket, prefix, "").map(|(key, _)| key.clone()).collect()
    }

    /// Stops serving.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// Lets in who signs with one of the store's keys, and sends the token that belongs to it.
struct Keys(Arc<Shared>);

impl Keys {
    fn find(&self, access_key: &str) -> Option<Credentials> {
        let keys = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|known| known.access_key == access_key).cloned()
    }
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let known = self.find(access_key).ok_or_else(|| s3_error!(InvalidAccessKeyId))?;
        Ok(SecretKey::from(known.secret_key.expose()))
    }
}

#[async_trait::async_trait]
impl S3Access for Keys {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let known = context.credentials().and_then(|credentials| self.find(&credentials.access_key));
        let known = known.ok_or_else(|| s3_error!(AccessDenied, "The request is not signed"))?;
        let sent = context.headers().get("x-amz-security-token").and_then(|token| token.to_str().ok());
        match known.security_token {
            Some(token) if sent != Some(token.expose()) => Err(s3_error!(InvalidToken)),
            _ => Ok(()),
        }
    }
}

/// Finds the bucket in `<bucket>.localhost` or `<bucket>.obs.…`; every other host names none.
struct BucketHost;

impl S3Host for BucketHost {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let bucket = name.strip_suffix(".localhost").or_else(|| Some(name.split_once(".obs.")?.0));
        Ok(match bucket {
            Some(bucket) => VirtualHost::new(host).with_bucket(bucket),
            None => VirtualHost::new(host),
        })
    }
}
