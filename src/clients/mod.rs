//! HTTP to the outside: one module an API, request signing and retries beneath them.
