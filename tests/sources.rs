//! Signals are read from real servers: Redis and Prometheus, started by the tests where they are installed.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};
use flexus_autoscaler::clients::prometheus::Prometheus;
use flexus_autoscaler::clients::redis::{Structure, length};
use flexus_autoscaler::clients::{Failure, Proxies, Secret, Transport, client};
use flexus_autoscaler::config::Config;
use flexus_autoscaler::local::play::{CONSOLE_TOKEN, Play, PlaySettings};
use flexus_autoscaler::replay::{Settings, Window, demo_trace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use url::Url;

const LIMIT: Duration = Duration::from_secs(10);

/// A server that ends with the test.
struct Server {
    process: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts `program` on a free port. `None`, with a word, where it is not installed.
    async fn start(program: &str, arguments: impl Fn(&std::path::Path, u16) -> Vec<String>) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = Command::new(program);
        command.args(arguments(directory.path(), address.port())).current_dir(directory.path());
        let Ok(process) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
            eprintln!("skipped: {program} is not installed");
            return None;
        };
        let server = Self { process, address, _directory: directory };
        let give_up = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).await.is_err() {
            assert!(Instant::now() < give_up, "{program} does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(server)
    }

    fn url(&self, scheme: &str) -> Url {
        Url::parse(&format!("{scheme}://{}", self.address)).unwrap()
    }
}

async fn redis(password: Option<&str>) -> Option<Server> {
    let arguments = |_: &std::path::Path, port: u16| {
        let mut arguments = vec!["--bind".to_owned(), "127.0.0.1".to_owned(), "--port".to_owned(), port.to_string()];
        arguments.extend(["--save".to_owned(), String::new()]);
        arguments.extend(password.into_iter().flat_map(|password| ["--requirepass".to_owned(), password.to_owned()]));
        arguments
    };
    Server::start("redis-server", arguments).await
}

#[tokio::test]
async fn queues_are_measured_in_a_real_redis() {
    let Some(server) = redis(None).await else { return };
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let commands =
        "RPUSH list a b c\r\nXADD stream * k 1\r\nXADD stream * k 2\r\nZADD set 1 a\r\nSELECT 3\r\nRPUSH list a\r\n";
    stream.write_all(commands.as_bytes()).await.unwrap();
    let mut replies = String::new();
    while replies.lines().count() < 8 {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "{replies}");
        replies.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }

    let url = server.url("redis");
    assert_eq!(length(&url, None, Structure::List("list"), LIMIT).await.unwrap(), 3);
    assert_eq!(length(&url, None, Structure::Stream("stream"), LIMIT).await.unwrap(), 2);
    assert_eq!(length(&url, None, Structure::SortedSet("set"), LIMIT).await.unwrap(), 1);
    assert_eq!(length(&url.join("/3").unwrap(), None, Structure::List("list"), LIMIT).await.unwrap(), 1);
    assert_eq!(length(&url, None, Structure::List("absent"), LIMIT).await.unwrap(), 0, "Redis keeps no empty list");
    let error = length(&url, None, Structure::List("stream"), LIMIT).await.unwrap_err();
    assert!(error.to_string().contains("WRONGTYPE"), "{error}");
}

#[tokio::test]
async fn a_real_redis_that_wants_a_password_is_given_it() {
    let Some(server) = redis(Some("made-up-password")).await else { return };
    let url = server.url("redis");
    let password = Secret::new("made-up-password");
    assert_eq!(length(&url, Some(&password), Structure::List("list"), LIMIT).await.unwrap(), 0);
    let mut inside = url.clone();
    inside.set_password(Some("made-up-password")).unwrap();
    assert_eq!(length(&inside, None, Structure::List("list"), LIMIT).await.unwrap(), 0);

    let wrong = Secret::new("another-password");
    for password in [None, Some(&wrong)] {
        let error = length(&url, password, Structure::List("list"), LIMIT).await.unwrap_err();
        assert!(!matches!(error.failure, Failure::Unreachable(_) | Failure::TimedOut(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("another-password"), "{error:?}");
    }
}

#[tokio::test]
async fn queries_are_answered_by_a_real_prometheus() {
    let arguments = |directory: &std::path::Path, port: u16| {
        std::fs::write(directory.join("prometheus.yml"), "scrape_configs: []\n").unwrap();
        vec![
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=data".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ]
    };
    let Some(server) = Server::start("prometheus", arguments).await else { return };
    let transport = Transport::new(client(Proxies::None).unwrap(), Instant::now() + Duration::from_secs(60));
    let prometheus = Prometheus::new(transport, &server.url("http"), None);
    let at = DateTime::<Utc>::from_timestamp(1_773_489_600, 0).unwrap();
    let query = async |query: &str| prometheus.query(query, at).await;

    assert_eq!(query("vector(42.5)").await.unwrap(), Some(42.5));
    assert_eq!(query("scalar(vector(7))").await.unwrap(), Some(7.0));
    assert_eq!(query("time()").await.unwrap(), Some(1_773_489_600.0), "asked for that time");
    assert_eq!(query("absent_metric").await.unwrap(), None);
    assert_eq!(query("vector(0) / 0").await.unwrap(), None, "NaN is missing");
    let error = query(r#"vector(1) or label_replace(vector(2), "a", "b", "", "")"#).await.unwrap_err();
    assert!(error.to_string().contains("2 series"), "{error}");
    let error = query("sum(").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(400), Some("bad_data")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_takes_the_metrics_of_the_console() {
    let config = Config::parse(include_bytes!("../src/cli/local/demo.json")).expect("a good configuration");
    let mut trace = demo_trace(Window::default()).expect("the bundled day");
    trace.load.truncate(90);
    let settings = PlaySettings::new(config, trace, Settings::default());
    let mut play = Play::start(settings).await.expect("a stage");
    let console = Url::parse(&play.serve_console().await.expect("a console")).unwrap();
    while play.step().await.is_some() {}
    let target = format!("{}:{}", console.host_str().unwrap(), console.port().unwrap());
    let arguments = |directory: &std::path::Path, port: u16| {
        let scrape = format!(
            "scrape_configs:\n  - job_name: autoscaler\n    scrape_interval: 1s\n    metrics_path: /api/metrics\n    \
             authorization: {{credentials: \"{CONSOLE_TOKEN}\"}}\n    static_configs: [{{targets: [\"{target}\"]}}]\n"
        );
        std::fs::write(directory.join("prometheus.yml"), scrape).unwrap();
        vec![
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=data".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ]
    };
    let Some(server) = Server::start("prometheus", arguments).await else { return };
    let transport = Transport::new(client(Proxies::None).unwrap(), Instant::now() + Duration::from_secs(120));
    let prometheus = Prometheus::new(transport, &server.url("http"), None);
    let query = async |query: &str| prometheus.query(query, Utc::now()).await;
    let give_up = Instant::now() + Duration::from_secs(60);
    while query("autoscaler_up").await.ok().flatten() != Some(1.0) {
        assert!(Instant::now() < give_up, "nothing was scraped");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let expected = query("autoscaler_forecast_p99{group=\"inference\"} > autoscaler_forecast_p10").await.unwrap();
    assert!(expected.is_some_and(|instances| instances > 0.0), "{expected:?}");
    let serving = query("autoscaler_serving").await.unwrap().expect("a fleet");
    assert!(query("autoscaler_cost_per_hour").await.unwrap().is_some_and(|price| price >= serving * 0.66 - 1e-6));
    play.stop().await;
}
