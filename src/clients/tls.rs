//! The process-wide choice of TLS implementation.

/// Makes ring the TLS implementation of this process.
///
/// [`reqwest`] and [`object_store`] are built without one of their own, so this comes before the first client of either.
/// Calling it again does nothing.
pub fn install() {
    // An error only says that another call was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
