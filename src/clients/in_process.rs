//! A cloud in memory, reached without a network: for tests and fuzzing, not built otherwise.

/// Answers requests in this process.
#[async_trait::async_trait]
pub trait InProcess: std::fmt::Debug + Send + Sync {
    /// Answers a request by status and body.
    async fn answer(&self, request: reqwest::Request) -> (u16, Vec<u8>);
}
