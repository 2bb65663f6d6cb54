use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::pace::Pace;
use crate::clients::Secret;

/// The bearer token that opens the console.
#[derive(Clone)]
pub struct AccessToken {
    /// Of the token, so that comparing takes the same time whatever was presented, whatever its length.
    digest: Hmac<Sha256>,
    /// Shared by all clones: whoever tries token after token is slowed down, and so is a flood.
    pace: Arc<Pace>,
}

impl AccessToken {
    /// Shortest token that is accepted as one, in bytes.
    pub const SHORTEST: usize = 16;

    /// `None` if the token is too short to keep anyone out.
    pub fn new(token: &Secret) -> Option<Self> {
        let token = token.expose().trim();
        (token.len() >= Self::SHORTEST).then(|| Self { digest: digest(token), pace: Arc::new(Pace::new()) })
    }

    /// Lets a request pass, or says how long to wait.
    pub(super) fn pass(&self) -> Result<(), Duration> {
        self.pace.pass()
    }

    /// Whether an `Authorization` header presents this token.
    pub(super) fn opens_for(&self, authorization: &str) -> bool {
        let Some((scheme, presented)) = authorization.split_once(' ') else { return false };
        let expected = self.digest.clone().finalize().into_bytes();
        scheme.eq_ignore_ascii_case("bearer") && digest(presented.trim()).verify(&expected).is_ok()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AccessToken([redacted])")
    }
}

fn digest(token: &str) -> Hmac<Sha256> {
    let empty = Hmac::<Sha256>::new(&Default::default());
    empty.chain_update(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_opens() {
        let token = AccessToken::new(&Secret::new("0123456789abcdef")).unwrap();
        assert!(token.opens_for("Bearer 0123456789abcdef"));
        assert!(token.opens_for("bearer  0123456789abcdef "));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "0123456789abcdef",
            "Basic 0123456789abcdef",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdeg",
            "Bearer 0123456789abcdef0",
        ] {
            assert!(!token.opens_for(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_token_that_is_too_short_is_none() {
        assert!(AccessToken::new(&Secret::new("")).is_none());
        assert!(AccessToken::new(&Secret::new(" 0123456789abcde ")).is_none());
    }
}
