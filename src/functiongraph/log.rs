use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Writes events to standard output, which the platform collects: one JSON object a line, spans included.
///
/// `filter` is a level (`debug`) or a list of targets with levels (`info,flexus_autoscaler::engine=trace`); what can't
/// be read, or nothing, means `info`. Does nothing if the process already has a subscriber.
pub fn log_to_standard_output(filter: Option<&str>) {
    let targets = filter
        .and_then(|text| text.parse::<Targets>().ok())
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    // A second subscriber is refused. The one that stands keeps the log.
    let _ = tracing_subscriber::registry().with(lines(std::io::stdout)).with(targets).try_init();
}

/// The form of a line, which `docs/observe.md` describes: `timestamp`, `level`, `target`, `message`, the event's own fields
/// beside them, and `spans`, whose first names the request.
pub(crate) fn lines<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + 'static,
{
    tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(writer)
}
