//! The page for people: a handful of static files that hold no secret and fetch everything from the API.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use super::routes::Api;

/// Nothing from elsewhere, nothing inline, no frame around it.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

struct File {
    path: &'static str,
    media_type: &'static str,
    content: &'static str,
}

macro_rules! file {
    ($path:literal, $media_type:expr, $source:literal) => {
        File { path: $path, media_type: $media_type, content: include_str!($source) }
    };
}

/// Addresses are relative to each other, so that the page works under any prefix.
const FILES: &[File] = &[
    file!("/", HTML, "page/index.html"),
    file!("/page.css", STYLE, "page/page.css"),
    file!("/page.js", SCRIPT, "page/page.js"),
    file!("/actions.js", SCRIPT, "page/actions.js"),
    file!("/api.js", SCRIPT, "page/api.js"),
    file!("/chain.js", SCRIPT, "page/chain.js"),
    file!("/charts.js", SCRIPT, "page/charts.js"),
    file!("/decision.js", SCRIPT, "page/decision.js"),
    file!("/dom.js", SCRIPT, "page/dom.js"),
    file!("/policies.js", SCRIPT, "page/policies.js"),
    file!("/sentences.js", SCRIPT, "page/sentences.js"),
    file!("/supply.js", SCRIPT, "page/supply.js"),
    file!("/texts.js", SCRIPT, "page/texts.js"),
    file!("/timeline.js", SCRIPT, "page/timeline.js"),
    // The same copy that the replay's report holds.
    file!("/uPlot.js", SCRIPT, "../../replay/report/vendor/uPlot.iife.min.js"),
    file!("/uPlot.css", STYLE, "../../replay/report/vendor/uPlot.min.css"),
    file!("/LICENSE-uPlot", TEXT, "../../replay/report/vendor/LICENSE-uPlot"),
];

/// Serves the page's files to anyone.
pub(super) fn routes() -> Router<Api> {
    FILES.iter().fold(Router::new(), |router, file| {
        let headers = [(header::CONTENT_TYPE, file.media_type), (header::CONTENT_SECURITY_POLICY, SECURITY_POLICY)];
        router.route(file.path, get(async move || (headers, file.content).into_response()))
    })
}

/// The page's file that a path under some prefix means: `/console/page.js` is `/page.js`, `/console/` the page itself.
pub(super) fn within(path: &str) -> Option<&'static str> {
    let start = path.rfind('/')?;
    FILES.iter().map(|file| file.path).find(|known| *known == &path[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_loads_nothing_from_elsewhere() {
        let bytes: usize = FILES.iter().map(|file| file.content.len()).sum();
        assert!(bytes < 300 * 1024, "{bytes} bytes");
        let own = FILES.iter().filter(|file| !file.path.contains("uPlot"));
        for file in own {
            for forbidden in ["http://", "https://", "style=", "onclick=", "innerHTML", "eval("] {
                assert!(!file.content.contains(forbidden), "{} holds {forbidden}", file.path);
            }
        }
    }

    #[test]
    fn every_file_that_the_page_names_is_served() {
        let known = |path: &str| FILES.iter().any(|file| file.path == path);
        for file in FILES.iter().filter(|file| [HTML, SCRIPT].contains(&file.media_type) && file.path != "/uPlot.js") {
            for mark in ["src=\"", "href=\"", "from \"./"] {
                for rest in file.content.split(mark).skip(1) {
                    let name = rest.split('"').next().unwrap();
                    let is_file = !name.starts_with('#') && !name.starts_with("data:");
                    assert!(!is_file || known(&format!("/{name}")), "{} names {name}", file.path);
                }
            }
        }
    }

    #[test]
    fn a_prefix_is_no_business_of_the_page() {
        assert_eq!(within("/console/page.js"), Some("/page.js"));
        assert_eq!(within("/console/"), Some("/"));
        assert_eq!(within("/console/groups"), None);
        assert_eq!(within("page.js"), None);
    }
}
