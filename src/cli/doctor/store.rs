//! Whether the object store keeps its word. Writes only under `doctor/`, and takes away what it wrote.

use std::time::Duration;

use tokio::time::Instant;

use crate::state::{Store, StoreError};

use super::report::Report;

const AREA: &str = "store";
const PATIENCE: Duration = Duration::from_secs(20);

/// Examines a store with an object of its own name. `conditional` is the same store, sending conditions with writes.
pub(super) async fn examine(report: &mut Report, store: &Store, conditional: &Store, name: &str) {
    let key = format!("doctor/{name}");
    let result = steps(report, store, &key).await;
    if let Err(error) = result {
        report.red(AREA, "read and write", error.to_string(), mend(&error));
        return;
    }
    conditions(report, conditional, &format!("{key}-conditional")).await;
}

async fn steps(report: &mut Report, store: &Store, key: &str) -> Result<(), StoreError> {
    let deadline = Instant::now() + PATIENCE;
    store.put(key, "first", deadline).await?;
    report.green(AREA, "write", format!("wrote {key}"));

    let read = store.get(key, deadline).await?;
    let same = read.as_deref() == Some(b"first".as_slice());
    report.must(AREA, "read what was written", same, shown(read.as_deref()), "this store loses or changes objects");

    store.put(key, "second", deadline).await?;
    let read = store.get(key, deadline).await?;
    let newest = read.as_deref() == Some(b"second".as_slice());
    let mend = "this store shows old versions; the snapshot of a group can't be kept there";
    report.must(AREA, "read the newest version", newest, shown(read.as_deref()), mend);

    let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
    let listed = store.names_after(folder, "", deadline).await?.iter().any(|known| known == name);
    let seen = if listed { "the new object is listed" } else { "the new object is not listed" };
    report.must(AREA, "list new objects", listed, seen, "records of other functions would be seen late or never");

    store.delete(key, deadline).await?;
    let gone = store.get(key, deadline).await?.is_none();
    let seen = if gone { "gone" } else { "still there" };
    report.must(AREA, "delete", gone, seen, "old records can't be taken away; look at object lock of the bucket");
    Ok(())
}

/// Both answers are fine: correctness does not hang on it. It says whether a second fence can be had.
async fn conditions(report: &mut Report, store: &Store, key: &str) {
    const CHECK: &str = "conditional write";
    let deadline = Instant::now() + PATIENCE;
    let first = store.create(key, "first", deadline).await;
    let second = match first {
        Ok(_) => store.create(key, "second", deadline).await,
        Err(error) => Err(error),
    };
    match second {
        Ok(false) => report.green(AREA, CHECK, "honoured: an object is made once, whoever asks"),
        Ok(true) => report.green(AREA, CHECK, "ignored, as OBS documents; one writer an object is what holds"),
        Err(error) => report.green(AREA, CHECK, format!("refused ({error}); one writer an object is what holds")),
    }
    if let Err(error) = store.delete(key, deadline).await {
        report.red(AREA, "delete", error.to_string(), mend(&error));
    }
}

fn shown(read: Option<&[u8]>) -> String {
    match read {
        Some(bytes) => format!("read {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(32)])),
        None => "there is no such object".to_owned(),
    }
}

fn mend(error: &StoreError) -> String {
    let text = error.to_string();
    if text.contains("403") || text.contains("AccessDenied") || text.contains("denied") {
        "allow obs:object:GetObject, obs:object:PutObject, obs:object:DeleteObject on the prefix and \
         obs:bucket:ListBucket on the bucket, to this key"
            .to_owned()
    } else if text.contains("NoSuchBucket") || text.contains("404") {
        "there is no such bucket in this region".to_owned()
    } else {
        "look at AUTOSCALER_STORE, AUTOSCALER_STORE_ENDPOINT and the network".to_owned()
    }
}
