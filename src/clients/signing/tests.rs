use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    #[serde(default)]
    published: Vec<Vector>,
    generated: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: BTreeMap<String, String>,
    body: String,
    ak: String,
    sk: String,
    sdk_date: String,
    authorization: String,
    #[serde(default)]
    canonical_request: Option<String>,
    #[serde(default)]
    request_target: Option<String>,
}

fn check(vectors: &str) -> usize {
    let vectors: Vectors = serde_json::from_str(vectors).unwrap();
    let all: Vec<Vector> = vectors.published.into_iter().chain(vectors.generated).collect();
    for vector in &all {
        let query = query_string(&vector.query);
        if let Some(target) = &vector.request_target {
            let ours = if query.is_empty() { vector.path.clone() } else { format!("{}?{query}", vector.path) };
            assert_eq!(&ours, target, "{}", vector.name);
        }
        let headers: Vec<(&str, &str)> = vector
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !name.eq_ignore_ascii_case(DATE_HEADER))
            .collect();
        let request = Signable {
            method: &vector.method,
            path: &vector.path,
            query: &query,
            headers: &headers,
            body: vector.body.as_bytes(),
        };
        let credentials = Credentials::new(&vector.ak, &vector.sk, None);
        let now = NaiveDateTime::parse_from_str(&vector.sdk_date, DATE_FORMAT).unwrap().and_utc();
        if let Some(canonical) = &vector.canonical_request {
            let ours = canonical_request(&request, &SignedHeaders::of(&headers, &vector.sdk_date));
            assert_eq!(&ours, canonical, "{}", vector.name);
        }
        let signature = sign(&request, &credentials, now);
        assert_eq!(signature.authorization, vector.authorization, "{}", vector.name);

        let mut received = headers.clone();
        received.push(("X-Sdk-Date", &signature.date));
        received.push(("Authorization", &signature.authorization));
        let received = Signable { headers: &received, ..request };
        assert_eq!(verify(&received, |_| Some(credentials), now), Ok(()), "{}", vector.name);
    }
    all.len()
}

#[test]
fn requests_are_signed_as_the_official_sdk_signs_them() {
    assert_eq!(check(include_str!("../../../tests/fixtures/signing/vectors.json")), 12);
}

#[test]
fn requests_are_signed_as_a_further_file_of_vectors_says() {
    match std::env::var("FLEXUS_SIGNING_VECTORS") {
        Ok(path) => assert!(check(&std::fs::read_to_string(path).unwrap()) > 0),
        Err(_) => eprintln!("skipped: FLEXUS_SIGNING_VECTORS names no file"),
    }
}

const TOKEN: &str = "gQpjbi1ub3J0aC00";
const HOST: (&str, &str) = ("host", "as.cn-north-4.myhuaweicloud.com");

fn keys() -> Credentials {
    Credentials::new("AK", "SK", Some(TOKEN.to_owned()))
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_773_489_600, 0).unwrap()
}

/// Signs a GET with `headers`, lets `tamper` change what arrives, and verifies that.
fn round_trip<'a>(
    headers: &[(&'a str, &'a str)],
    now: DateTime<Utc>,
    tamper: impl FnOnce(&mut Signable<'_>),
) -> Result<(), Refusal> {
    let request = Signable { method: "GET", path: "/v1/p/list", query: "a=1", headers, body: b"" };
    let signature = sign(&request, &keys(), noon());
    let mut received = headers.to_vec();
    received.push((DATE_HEADER, &signature.date));
    received.push(("Authorization", &signature.authorization));
    let mut received = Signable { headers: &received, ..request };
    tamper(&mut received);
    verify(&received, |access_key| (access_key == "AK").then(keys), now)
}

#[test]
fn a_request_that_was_changed_on_its_way_is_refused() {
    let headers = [HOST, (TOKEN_HEADER, TOKEN)];
    assert_eq!(round_trip(&headers, noon(), |_| {}), Ok(()));
    let mismatch = |result| matches!(result, Err(Refusal::Mismatch { .. }));
    assert!(mismatch(round_trip(&headers, noon(), |request| request.method = "PUT")));
    assert!(mismatch(round_trip(&headers, noon(), |request| request.path = "/v1/q/list")));
    assert!(mismatch(round_trip(&headers, noon(), |request| request.query = "a=2")));
    assert!(mismatch(round_trip(&headers, noon(), |request| request.body = b"x")));
}

#[test]
fn a_mismatch_tells_the_canonical_request_and_not_the_token() {
    let refusal = round_trip(&[HOST, (TOKEN_HEADER, TOKEN)], noon(), |request| request.query = "a=2").unwrap_err();
    let Refusal::Mismatch { canonical_request } = refusal else { panic!("{refusal}") };
    assert!(canonical_request.starts_with("GET|/v1/p/list/|a=2|host:"), "{canonical_request}");
    assert!(canonical_request.contains("x-security-token:[redacted]|"), "{canonical_request}");
}

#[test]
fn a_stale_signature_is_refused() {
    let headers = [HOST, (TOKEN_HEADER, TOKEN)];
    assert_eq!(round_trip(&headers, noon() + ALLOWED_SKEW, |_| {}), Ok(()));
    let late = noon() + ALLOWED_SKEW + TimeDelta::seconds(1);
    assert!(matches!(round_trip(&headers, late, |_| {}), Err(Refusal::Skewed(_))));
}

#[test]
fn temporary_keys_without_their_token_are_refused() {
    assert_eq!(round_trip(&[HOST], noon(), |_| {}), Err(Refusal::WrongToken));
    assert_eq!(round_trip(&[HOST, (TOKEN_HEADER, "another")], noon(), |_| {}), Err(Refusal::WrongToken));
}

#[test]
fn a_body_that_contradicts_its_claimed_hash_is_refused() {
    let claim = hash(b"what was meant");
    let headers = [HOST, (TOKEN_HEADER, TOKEN), (CONTENT_HASH_HEADER, claim.as_str())];
    let request = Signable { method: "POST", path: "/", query: "", headers: &headers, body: b"something else" };
    let signature = sign(&request, &keys(), noon());
    let mut received = headers.to_vec();
    received.extend([(DATE_HEADER, signature.date.as_str()), ("Authorization", &signature.authorization)]);
    let verdict = verify(&Signable { headers: &received, ..request }, |_| Some(keys()), noon());
    assert!(matches!(verdict, Err(Refusal::Mismatch { .. })));
}

#[test]
fn what_is_not_a_signature_is_refused_with_the_reason() {
    let verdict = |authorization: &str, date: &str| {
        let headers = [("Authorization", authorization), ("X-Sdk-Date", date)];
        let request = Signable { method: "GET", path: "/", query: "", headers: &headers, body: b"" };
        verify(&request, |access_key| (access_key == "AK").then(keys), noon())
    };
    let date = noon().format(DATE_FORMAT).to_string();
    assert_eq!(verdict("Bearer x", &date), Err(Refusal::NotSigned));
    assert!(matches!(verdict("SDK-HMAC-SHA256 Access=AK", &date), Err(Refusal::Malformed(_))));
    let unsigned_date = "SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=00";
    assert!(matches!(verdict(unsigned_date, &date), Err(Refusal::Malformed(_))));
    let unknown = "SDK-HMAC-SHA256 Access=other, SignedHeaders=x-sdk-date, Signature=00";
    assert_eq!(verdict(unknown, &date), Err(Refusal::UnknownKey("other".to_owned())));
    let unsent = "SDK-HMAC-SHA256 Access=AK, SignedHeaders=x-missing;x-sdk-date;x-security-token, Signature=00";
    assert!(verdict(unsent, &date).is_err());
    assert!(matches!(verdict(unknown, "yesterday"), Err(Refusal::Malformed(_))));
}

#[test]
fn an_id_cannot_leave_its_path_segment() {
    assert_eq!(path_segment("../x?y=1#z"), "..%2Fx%3Fy%3D1%23z");
    let base = url::Url::parse("https://as.example.com/v1/").unwrap();
    for id in [".", "..", "%2e%2e", "a/b"] {
        let url = base.join(&format!("group/{}/list", path_segment(id))).unwrap();
        assert!(url.path().starts_with("/v1/group/") && url.path().ends_with("/list"), "{id}: {url}");
        assert_eq!(url.path().matches('/').count(), 4, "{id}: {url}");
    }
    assert_eq!(path_segment("urn:fss:cn-north-4"), "urn:fss:cn-north-4");
}

proptest! {
    #[test]
    fn any_request_that_we_sign_is_believed(
        path in "/[ -~é一]{0,20}",
        pairs in prop::collection::vec((".{0,8}", ".{0,8}"), 0..5),
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut url = url::Url::parse("https://ecs.example.com").unwrap();
        url.set_path(&path);
        let query = query_string(&pairs);
        url.set_query(Some(&query));
        prop_assert_eq!(url.query(), Some(query.as_str()), "sent as it was signed");
        let headers = [HOST, (TOKEN_HEADER, TOKEN)];
        let request = Signable { method: "POST", path: url.path(), query: &query, headers: &headers, body: &body };
        let signature = sign(&request, &keys(), noon());
        let mut received = headers.to_vec();
        received.extend([(DATE_HEADER, signature.date.as_str()), ("Authorization", &signature.authorization)]);
        prop_assert_eq!(verify(&Signable { headers: &received, ..request }, |_| Some(keys()), noon()), Ok(()));
    }
}
