//! The process-wide choice of TLS implementation, and whom it trusts.

use std::sync::{Arc, LazyLock};

use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

/// Read once: parsing them is the most that a start has to do.
static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    // What cannot be parsed signs nothing; where nothing is left, the first handshake says so.
    roots.add_parsable_certificates(machine_roots().certs);
    Arc::new(roots)
});

/// Makes ring the TLS implementation of this process.
///
/// [`reqwest`] and [`object_store`] are built without one of their own, so this comes before the first client of either.
/// Calling it again does nothing.
pub fn install() {
    // An error only says that another call was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// TLS that trusts what this machine trusts, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
pub(super) fn config() -> ClientConfig {
    install();
    ClientConfig::builder().with_root_certificates(ROOTS.clone()).with_no_client_auth()
}

/// A Linux machine keeps its roots twice, as one file and as a directory of hundreds. The file is enough.
fn machine_roots() -> CertificateResult {
    if cfg!(target_os = "linux") && !openssl_probe::has_ssl_cert_env_vars() {
        let bundle = openssl_probe::probe().cert_file.map(|file| load_certs_from_paths(Some(&file), None));
        if let Some(bundle) = bundle.filter(|bundle| !bundle.certs.is_empty()) {
            return bundle;
        }
    }
    load_native_certs()
}
