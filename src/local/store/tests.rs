use std::net::{Ipv4Addr, SocketAddr};

use futures::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode};

use super::*;

async fn store(conditional_put: bool, directory: Option<PathBuf>) -> Store {
    crate::clients::tls::install();
    let settings = StoreSettings {
        buckets: vec!["autoscaler".to_owned()],
        keys: vec![Credentials::new("key", "secret", Some("token".to_owned()))],
        conditional_put,
        directory,
    };
    Store::serve(settings, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap()
}

fn client(store: &Store, secret: &str, conditional_put: S3ConditionalPut) -> AmazonS3 {
    AmazonS3Builder::new()
        .with_endpoint(store.url())
        .with_allow_http(true)
        .with_virtual_hosted_style_request(false)
        .with_bucket_name("autoscaler")
        .with_region("cn-north-4")
        .with_access_key_id("key")
        .with_secret_access_key(secret)
        .with_token("token")
        .with_conditional_put(conditional_put)
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_object_store_client_puts_gets_lists_and_deletes() {
    let store = store(false, None).await;
    let client = client(&store, "secret", S3ConditionalPut::Disabled);
    for key in
        ["groups/a/records/1.json", "groups/a/records/2.json", "groups/a/snapshot.json", "groups/ab/snapshot.json"]
    {
        client.put(&Path::from(key), key.into()).await.unwrap();
    }
    let got = client.get(&Path::from("groups/a/snapshot.json")).await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), "groups/a/snapshot.json");
    let part = client.get_range(&Path::from("groups/a/snapshot.json"), 0..6).await.unwrap();
    assert_eq!(part, "groups");

    let listed: Vec<_> = client.list(Some(&Path::from("groups/a"))).try_collect().await.unwrap();
    assert_eq!(listed.len(), 3);
    let after = Path::from("groups/a/records/1.json");
    let later: Vec<_> =
        client.list_with_offset(Some(&Path::from("groups/a/records")), &after).try_collect().await.unwrap();
    assert_eq!(later.len(), 1);
    let level = client.list_with_delimiter(Some(&Path::from("groups"))).await.unwrap();
    assert_eq!(level.common_prefixes, [Path::from("groups/a"), Path::from("groups/ab")]);

    let doomed = futures::stream::iter(listed.into_iter().map(|object| Ok(object.location)));
    use futures::StreamExt;
    let deleted: Vec<_> = client.delete_stream(doomed.boxed()).try_collect().await.unwrap();
    assert_eq!(deleted.len(), 3);
    assert_eq!(store.keys("autoscaler", ""), ["groups/ab/snapshot.json"]);
    assert!(matches!(client.get(&Path::from("groups/a/snapshot.json")).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn a_store_with_conditional_writes_honours_them() {
    let store = store(true, None).await;
    let client = client(&store, "secret", S3ConditionalPut::ETagMatch);
    let key = Path::from("snapshot.json");
    let first = client.put_opts(&key, "one".into(), PutMode::Create.into()).await.unwrap();
    let again = client.put_opts(&key, "two".into(), PutMode::Create.into()).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })));
    client.put_opts(&key, "two".into(), PutMode::Update(first.clone().into()).into()).await.unwrap();
    let stale = client.put_opts(&key, "three".into(), PutMode::Update(first.into()).into()).await;
    assert!(matches!(stale, Err(Error::Precondition { .. })));
    assert_eq!(store.object("autoscaler", "snapshot.json").unwrap().content, "two");
}

#[tokio::test]
async fn a_store_without_conditional_writes_ignores_them() {
    let store = store(false, None).await;
    let client = client(&store, "secret", S3ConditionalPut::ETagMatch);
    let key = Path::from("snapshot.json");
    client.put_opts(&key, "one".into(), PutMode::Create.into()).await.unwrap();
    client.put_opts(&key, "two".into(), PutMode::Create.into()).await.unwrap();
    assert_eq!(store.object("autoscaler", "snapshot.json").unwrap().content, "two");
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let store = store(false, None).await;
    let client = client(&store, "another", S3ConditionalPut::Disabled);
    assert!(client.get(&Path::from("snapshot.json")).await.is_err());
    assert_eq!(store.calls(), 0);
}

#[tokio::test]
async fn a_key_without_its_token_or_out_of_date_is_refused() {
    let store = store(false, None).await;
    store.put("autoscaler", "config.json", "{}").unwrap();
    let without_token = AmazonS3Builder::new()
        .with_endpoint(store.url())
        .with_allow_http(true)
        .with_bucket_name("autoscaler")
        .with_region("cn-north-4")
        .with_access_key_id("key")
        .with_secret_access_key("secret")
        .build()
        .unwrap();
    let key = Path::from("config.json");
    assert!(without_token.get(&key).await.is_err());
    let client = client(&store, "secret", S3ConditionalPut::Disabled);
    assert!(client.get(&key).await.is_ok());
    store.set_keys(vec![Credentials::new("key", "secret", Some("a newer token".to_owned()))]);
    assert!(client.get(&key).await.is_err());
}

#[tokio::test]
async fn the_bucket_may_stand_in_the_host() {
    let store = store(false, None).await;
    store.put("autoscaler", "config.json", "{}").unwrap();
    let endpoint = format!("http://autoscaler.localhost:{}", store.address().port());
    let client = AmazonS3Builder::new()
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_virtual_hosted_style_request(true)
        .with_bucket_name("autoscaler")
        .with_region("cn-north-4")
        .with_access_key_id("key")
        .with_secret_access_key("secret")
        .with_token("token")
        .build()
        .unwrap();
    // Not every system resolves names under localhost; where it doesn't, the host's parsing is still tested below.
    if tokio::net::lookup_host("autoscaler.localhost:80").await.is_ok() {
        assert_eq!(client.get(&Path::from("config.json")).await.unwrap().bytes().await.unwrap(), "{}");
    }
    assert_eq!(BucketHost.parse_host_header("autoscaler.localhost:9001").unwrap().bucket(), Some("autoscaler"));
    assert_eq!(BucketHost.parse_host_header("127.0.0.1:9001").unwrap().bucket(), None);
    let public = "autoscaler.obs.cn-north-4.myhuaweicloud.com";
    assert_eq!(BucketHost.parse_host_header(public).unwrap().bucket(), Some("autoscaler"));
}

#[tokio::test]
async fn objects_outlive_the_store_in_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = store(false, Some(directory.path().to_owned())).await;
    first.put("autoscaler", "groups/a/snapshot.json", "{}").unwrap();
    first.put("autoscaler", "gone.json", "{}").unwrap();
    first.remove("autoscaler", "gone.json").unwrap();
    assert!(first.put("autoscaler", "../outside.json", "{}").is_err());
    first.stop().await;
    let second = store(false, Some(directory.path().to_owned())).await;
    assert_eq!(second.keys("autoscaler", ""), ["groups/a/snapshot.json"]);
}

#[test]
fn a_listing_with_a_delimiter_goes_on_after_a_prefix() {
    let mut objects = Objects::open(vec!["b".to_owned()], None).unwrap();
    for key in ["a/1", "a/2", "b/1", "c"] {
        objects.put("b", key, bytes::Bytes::new()).unwrap();
    }
    let visible = listing::Visible { objects: &objects, bucket: "b", faults: &NoFaults };
    let mut marker = String::new();
    let mut seen = Vec::new();
    loop {
        let page = visible.list("", Some("/"), &marker, 1);
        seen.extend(page.prefixes.into_iter().filter_map(|prefix| prefix.prefix));
        seen.extend(page.contents.into_iter().filter_map(|object| object.key));
        match page.next {
            Some(next) => marker = next,
            None => break,
        }
    }
    assert_eq!(seen, ["a/", "b/", "c"]);
}

#[derive(Debug)]
struct Lagging;

impl StoreFaults for Lagging {
    fn on_request(&self, operation: &str, key: &str) -> Option<StoreFault> {
        (operation == "PutObject" && key == "lost.json").then_some(StoreFault::FailedAfterwards)
    }

    fn hides(&self, key: &str) -> bool {
        key.ends_with("2.json")
    }
}

#[tokio::test]
async fn a_store_can_lag_and_fail_after_the_fact() {
    let store = store(false, None).await;
    store.set_faults(Arc::new(Lagging));
    let client = client(&store, "secret", S3ConditionalPut::Disabled);
    for key in ["1.json", "2.json"] {
        client.put(&Path::from(key), "{}".into()).await.unwrap();
    }
    let listed: Vec<_> = client.list(None).try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(client.get(&Path::from("2.json")).await.is_ok());
    let retries = object_store::RetryConfig { max_retries: 0, ..object_store::RetryConfig::default() };
    let impatient = AmazonS3Builder::new()
        .with_endpoint(store.url())
        .with_allow_http(true)
        .with_bucket_name("autoscaler")
        .with_region("cn-north-4")
        .with_access_key_id("key")
        .with_secret_access_key("secret")
        .with_token("token")
        .with_retry(retries)
        .build()
        .unwrap();
    assert!(impatient.put(&Path::from("lost.json"), "{}".into()).await.is_err());
    assert!(store.object("autoscaler", "lost.json").is_some());
}
