//! Over TLS the machine's roots are trusted, those of `SSL_CERT_FILE` where it is set, and nobody else.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};

const OBJECT: &str = "no document";

/// A bucket behind TLS where every object is the same, and the root that signed for it.
fn bucket(root: &Path) -> SocketAddr {
    let root_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(root, authority.self_signed(&root_key).expect("a root").pem()).expect("a file");
    let key = KeyPair::generate().expect("a key");
    let names = CertificateParams::new(vec![Ipv4Addr::LOCALHOST.to_string()]).expect("a name");
    let certificate = names.signed_by(&key, &Issuer::new(authority, root_key)).expect("a certificate");

    flexus_autoscaler::clients::tls::install();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = ServerConfig::builder().with_no_client_auth();
    let tls = Arc::new(tls.with_single_cert(vec![certificate.der().clone()], key).expect("a sound pair"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut connection = ServerConnection::new(tls.clone()).expect("a connection");
            let mut stream = rustls::Stream::new(&mut connection, &mut socket);
            let mut request = [0; 8192];
            // Who does not trust us hangs up here.
            if stream.read(&mut request).is_ok_and(|bytes| bytes > 0) {
                let length = OBJECT.len();
                let _ =
                    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{OBJECT}");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    address
}

#[test]
fn a_store_is_trusted_by_the_roots_that_the_machine_names_and_not_without_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("root.pem");
    let address = bucket(&root);
    let told = |trusted: Option<&Path>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flexus-autoscaler"));
        command
            .args(["history", "export", "--store", "obs://state", "--group", "inference"])
            .env_clear()
            .env("AUTOSCALER_STORE_ENDPOINT", format!("https://{address}"))
            .env("AUTOSCALER_REGION", "cn-north-4")
            .env("HUAWEICLOUD_SDK_AK", "key")
            .env("HUAWEICLOUD_SDK_SK", "secret");
        if let Some(root) = trusted {
            command.env("SSL_CERT_FILE", root);
        }
        String::from_utf8(command.output().expect("the command starts").stderr).expect("text")
    };
    let (trusting, wary) = (told(Some(&root)), told(None));
    assert!(trusting.contains("config.json of obs://state:\nconfig: is not JSON"), "{trusting}");
    assert!(wary.contains("certificate"), "{wary}");
}
