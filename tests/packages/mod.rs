//! Packages that `scripts/package.sh` has made, opened and run as the platform does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// Names the folder that holds them.
pub(crate) const PACKAGES: &str = "FLEXUS_PACKAGES";

/// The `bootstrap` of a package, made executable. Needs Python 3.
pub(crate) fn unpack(zip: &Path, into: &Path) -> PathBuf {
    let unpacked = Command::new("python3").args(["-m", "zipfile", "-e"]).args([zip, into]).status();
    assert!(unpacked.is_ok_and(|status| status.success()), "{} cannot be opened", zip.display());
    let bootstrap = into.join("bootstrap");
    fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).expect("a bootstrap in the zip");
    bootstrap
}

/// A process that does not outlive its test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
