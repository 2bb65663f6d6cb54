//! Where a store is, as an operator names it.

use std::path::PathBuf;

use url::Url;

/// Where a store is, read from `AUTOSCALER_STORE` and `AUTOSCALER_STORE_ENDPOINT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// A directory.
    Directory(PathBuf),
    /// A bucket behind the S3 protocol.
    Bucket(BucketLocation),
}

/// A bucket and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketLocation {
    /// The bucket.
    pub bucket: String,
    /// Put before every key; without slashes at its ends.
    pub prefix: String,
    /// Region that requests are signed for.
    pub region: String,
    /// Address to send to. With virtual hosting its host starts with the bucket's name.
    pub endpoint: Option<String>,
    /// Whether the bucket is named by the host, not by the path.
    pub virtual_hosted: bool,
    /// Whether plain HTTP is allowed.
    pub allow_http: bool,
}

/// A store that is not named rightly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// No such kind of address.
    #[error("store {0}: must be obs://bucket/prefix, s3://bucket/prefix or file:///directory")]
    Scheme(String),
    /// The region is not known.
    #[error("store {0}: needs a region; set AUTOSCALER_REGION")]
    Region(String),
    /// The endpoint is no address.
    #[error("store endpoint {0}: must be an http:// or https:// address that names no bucket")]
    Endpoint(String),
}

impl StoreLocation {
    /// Reads an address such as `obs://bucket/prefix`. `endpoint` names no bucket; path style is used when its host is an IP
    /// address or localhost, else virtual hosting.
    ///
    /// # Errors
    /// Says what an address must look like, and what is missing.
    pub fn parse(address: &str, endpoint: Option<&str>, region: Option<&str>) -> Result<Self, LocationError> {
        let bad = || LocationError::Scheme(address.to_owned());
        let url = Url::parse(address).map_err(|_| bad())?;
        match url.scheme() {
            "file" => url.to_file_path().map(Self::Directory).map_err(|()| bad()),
            scheme @ ("obs" | "s3") => {
                let bucket = url.host_str().filter(|host| !host.is_empty()).ok_or_else(bad)?.to_owned();
                let prefix = url.path().trim_matches('/').to_owned();
                let region = region
                    .filter(|region| !region.is_empty())
                    .ok_or_else(|| LocationError::Region(address.to_owned()))?;
                Self::bucket(scheme, bucket, prefix, region, endpoint.filter(|endpoint| !endpoint.is_empty()))
            }
            _ => Err(bad()),
        }
    }

    fn bucket(
        scheme: &str,
        bucket: String,
        prefix: String,
        region: &str,
        endpoint: Option<&str>,
    ) -> Result<Self, LocationError> {
        let endpoint = match (endpoint, scheme) {
            (Some(endpoint), _) => Some(endpoint.to_owned()),
            (None, "obs") => Some(format!("https://obs.{region}.myhuaweicloud.com")),
            (None, _) => None,
        };
        let mut location = BucketLocation {
            bucket,
            prefix,
            region: region.to_owned(),
            endpoint: None,
            virtual_hosted: true,
            allow_http: false,
        };
        if let Some(endpoint) = endpoint {
            let bad = || LocationError::Endpoint(endpoint.clone());
            let url = Url::parse(&endpoint).map_err(|_| bad())?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(bad());
            }
            location.allow_http = url.scheme() == "http";
            location.virtual_hosted = match url.host().ok_or_else(bad)? {
                url::Host::Domain(domain) => domain != "localhost",
                url::Host::Ipv4(_) | url::Host::Ipv6(_) => false,
            };
            let mut url = url;
            if location.virtual_hosted {
                let host = format!("{}.{}", location.bucket, url.host_str().unwrap_or_default());
                url.set_host(Some(&host)).map_err(|_| bad())?;
            }
            location.endpoint = Some(url.as_str().trim_end_matches('/').to_owned());
        }
        Ok(Self::Bucket(location))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(address: &str, endpoint: Option<&str>) -> BucketLocation {
        match StoreLocation::parse(address, endpoint, Some("cn-north-4")).unwrap() {
            StoreLocation::Bucket(location) => location,
            StoreLocation::Directory(directory) => panic!("a directory: {directory:?}"),
        }
    }

    #[test]
    fn an_obs_bucket_is_reached_by_its_own_host_name() {
        let location = bucket("obs://scaler/team/a/", None);
        assert_eq!(location.endpoint.as_deref(), Some("https://scaler.obs.cn-north-4.myhuaweicloud.com"));
        assert_eq!((location.prefix.as_str(), location.virtual_hosted, location.allow_http), ("team/a", true, false));
    }

    #[test]
    fn a_bare_address_is_reached_by_path_and_may_be_plain_http() {
        let location = bucket("obs://scaler", Some("http://127.0.0.1:9001"));
        assert_eq!(location.endpoint.as_deref(), Some("http://127.0.0.1:9001"));
        assert_eq!((location.virtual_hosted, location.allow_http), (false, true));
        assert!(!bucket("s3://scaler", Some("http://localhost:9001/")).virtual_hosted);
    }

    #[test]
    fn a_directory_is_a_store_too() {
        let location = StoreLocation::parse("file:///var/lib/autoscaler", None, None).unwrap();
        assert_eq!(location, StoreLocation::Directory("/var/lib/autoscaler".into()));
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        let said = |address, endpoint, region| StoreLocation::parse(address, endpoint, region).unwrap_err().to_string();
        assert!(said("gs://b", None, Some("r")).contains("must be obs://bucket/prefix"));
        assert!(said("obs://b", None, None).contains("AUTOSCALER_REGION"));
        assert!(said("obs://b", Some("127.0.0.1"), Some("r")).contains("store endpoint 127.0.0.1"));
    }
}
