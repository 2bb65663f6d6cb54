//! Length of a queue in Redis, or in the cloud's DCS, which speaks the same protocol.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, RedisError};
use tokio::time::Instant;
use url::Url;

use super::Secret;
use super::error::{ClientError, Failure, redacted};
use super::foreign::{self, Login};

const OPERATION: &str = "measure Redis";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure<'a> {
    /// Items of a list (`LLEN`).
    List(&'a str),
    /// Entries of a stream (`XLEN`): those that were read and not deleted count too.
    Stream(&'a str),
    /// Members of a sorted set (`ZCARD`).
    SortedSet(&'a str),
}

impl<'a> Structure<'a> {
    fn command(self) -> (&'static str, &'a str) {
        match self {
            Self::List(key) => ("LLEN", key),
            Self::Stream(key) => ("XLEN", key),
            Self::SortedSet(key) => ("ZCARD", key),
        }
    }
}

/// Length of a structure at `redis://[user:password@]host[:port][/database]`, within `limit`. A key that does not exist is
/// an empty queue: Redis keeps no empty ones.
///
/// # Errors
/// If the server does not answer in time, refuses the password, or keeps something else under the key.
pub async fn length(
    url: &Url,
    password: Option<&Secret>,
    structure: Structure<'_>,
    limit: Duration,
) -> Result<u64, ClientError> {
    let (command, key) = structure.command();
    let subject = format!("{command} {key}");
    let login = foreign::without_login(url).1;
    let secrets: Vec<&Secret> = password.into_iter().chain(login.iter().flat_map(Login::secrets)).collect();
    let started = Instant::now();
    let measure = async {
        let mut connection = connect(url, password, limit).await?;
        redis::cmd(command).arg(key).query_async::<u64>(&mut connection).await.map_err(Trouble::Redis)
    };
    let result = match tokio::time::timeout(limit, measure).await {
        Ok(Ok(length)) => Ok(length),
        Ok(Err(Trouble::Redis(error))) => Err(describe(&error, &secrets)),
        Ok(Err(Trouble::Scheme(reason))) => Err(Failure::Invalid(reason)),
        Err(_) => Err(Failure::TimedOut(limit)),
    };
    let duration_ms = started.elapsed().as_millis() as u64;
    tracing::debug!(operation = OPERATION, subject, is_ok = result.is_ok(), duration_ms, "measured");
    result.map_err(|failure| ClientError { tries: 1, ..ClientError::new(OPERATION, &subject, failure) })
}

enum Trouble {
    Redis(RedisError),
    Scheme(String),
}

async fn connect(url: &Url, password: Option<&Secret>, limit: Duration) -> Result<MultiplexedConnection, Trouble> {
    if url.scheme() != "redis" {
        return Err(Trouble::Scheme(format!("the address begins with {}://; use redis://", url.scheme())));
    }
    let mut info = url.clone().into_connection_info().map_err(Trouble::Redis)?;
    let mut settings = info.redis_settings().clone().set_skip_set_lib_name();
    if let Some(password) = password {
        settings = settings.set_password(password.expose());
    }
    info = info.set_redis_settings(settings);
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(limit)).set_response_timeout(Some(limit));
    let client = Client::open(info).map_err(Trouble::Redis)?;
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(Trouble::Redis)
}

fn describe(error: &RedisError, secrets: &[&Secret]) -> Failure {
    let reason = redacted(&error.to_string(), secrets);
    match () {
        () if error.is_connection_refusal() => Failure::Unreachable(reason),
        () if error.is_io_error() => Failure::Broken(reason),
        () => Failure::Unreadable(reason),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    /// A server that answers `login` to the password and `length` to the rest. Gives its address.
    async fn server(login: &'static str, length: &'static str) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("redis://:made-up-password@{}/0", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                    for command in text.split('*').skip(1) {
                        let reply = if command.contains("AUTH") { login } else { length };
                        stream.write_all(reply.as_bytes()).await.unwrap();
                    }
                }
            }
        });
        url
    }

    #[tokio::test]
    async fn a_length_is_read_after_the_password_was_sent() {
        let url = server("+OK\r\n", ":42\r\n").await;
        assert_eq!(length(&url, None, Structure::Stream("jobs"), LIMIT).await.unwrap(), 42);
    }

    #[tokio::test]
    async fn another_kind_of_key_is_an_error_and_not_zero() {
        let url = server("+OK\r\n", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n").await;
        let error = length(&url, None, Structure::List("jobs"), LIMIT).await.unwrap_err();
        assert!(error.to_string().contains("WRONGTYPE"), "{error}");
    }

    #[tokio::test]
    async fn a_refusal_is_told_without_the_password() {
        let url = server("-WRONGPASS invalid password made-up-password\r\n", ":1\r\n").await;
        let error = length(&url, None, Structure::List("jobs"), LIMIT).await.unwrap_err();
        assert!(error.to_string().starts_with("measure Redis LLEN jobs: "), "{error}");
        assert!(!format!("{error:?}").contains("made-up-password"), "{error:?}");
    }

    #[tokio::test]
    async fn a_server_that_hangs_is_left_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("redis://{}", listener.local_addr().unwrap())).unwrap();
        let error = length(&url, None, Structure::List("jobs"), Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error.failure, Failure::TimedOut(_) | Failure::Broken(_)), "{error:?}");
    }

    #[tokio::test]
    async fn a_closed_port_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("redis://{}", listener.local_addr().unwrap())).unwrap();
        drop(listener);
        let error = length(&url, None, Structure::SortedSet("jobs"), LIMIT).await.unwrap_err();
        assert!(matches!(error.failure, Failure::Unreachable(_)), "{error:?}");
    }

    #[tokio::test]
    async fn another_scheme_is_told_with_the_mend() {
        let url = Url::parse("rediss://redis.example.com").unwrap();
        let error = length(&url, None, Structure::List("jobs"), LIMIT).await.unwrap_err();
        assert_eq!(error.to_string(), "measure Redis LLEN jobs: the address begins with rediss://; use redis://");
    }
}
