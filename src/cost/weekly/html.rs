//! A report as one page that needs nothing else.

use std::fmt::Write;

use super::WeeklyReport;
use super::document::{Block, Document};
use super::language::Language;

const STYLE: &str = include_str!("page.css");
/// Size of the curve, in its own units.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 220.0;

pub(super) fn page(report: &WeeklyReport, document: &Document, language: Language) -> String {
    let title = escaped(&document.title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n",
        language.tag()
    );
    for (index, section) in document.sections.iter().enumerate() {
        let _ = writeln!(html, "<section>\n<h2>{}</h2>", escaped(&section.heading));
        section.blocks.iter().for_each(|block| write_block(&mut html, block));
        if index == 0 {
            write_curve(&mut html, report, language);
        }
        html.push_str("</section>\n");
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn write_block(html: &mut String, block: &Block) {
    match block {
        Block::Text(sentences) => {
            let _ = writeln!(html, "<p>{}</p>", escaped(sentences));
        }
        Block::List(items) => {
            html.push_str("<ul>\n");
            for item in items {
                let _ = writeln!(html, "<li>{}</li>", escaped(item));
            }
            html.push_str("</ul>\n");
        }
        Block::Table(header, rows) => {
            html.push_str("<div class=\"wide\"><table>\n<thead><tr>");
            for cell in header {
                let _ = write!(html, "<th scope=\"col\">{}</th>", escaped(cell));
            }
            html.push_str("</tr></thead>\n<tbody>\n");
            for row in rows {
                html.push_str("<tr>");
                for cell in row {
                    let _ = write!(html, "<td>{}</td>", escaped(cell));
                }
                html.push_str("</tr>\n");
            }
            html.push_str("</tbody>\n</table></div>\n");
        }
    }
}

/// Instances paid as an area, instances needed as a line over it.
fn write_curve(html: &mut String, report: &WeeklyReport, language: Language) {
    let most = report.curve.iter().map(|(paid, needed)| paid.max(*needed)).fold(1.0, f64::max);
    let step = WIDTH / report.curve.len().saturating_sub(1).max(1) as f64;
    let height = |instances: f64| HEIGHT * (1.0 - instances / most);
    let line = |value: fn(&(f64, f64)) -> f64| {
        let point =
            |(index, pair): (usize, &(f64, f64))| format!("{:.1},{:.1}", index as f64 * step, height(value(pair)));
        report.curve.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
    };
    let (paid, needed) = (line(|pair| pair.0), line(|pair| pair.1));
    let (paid_name, needed_name) = language.pick(("paid", "needed"), ("付费实例", "所需实例"));
    let label = language.pick("Instances paid and needed over the time of this report", "报告期内付费与所需的实例数");
    let right = step * report.curve.len().saturating_sub(1) as f64;
    let _ = write!(
        html,
        "<figure>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\">\n\
         <polygon class=\"paid\" points=\"0,{HEIGHT} {paid} {right:.1},{HEIGHT}\"/>\n\
         <polyline class=\"needed\" points=\"{needed}\"/>\n</svg>\n\
         <figcaption><span class=\"key paid\"></span>{paid_name} <span class=\"key needed\"></span>{needed_name} \
         <span class=\"range\">0–{most:.0} · {} – {} UTC</span></figcaption>\n</figure>\n",
        report.cost.from.format("%m-%d %H:%M"),
        report.cost.until.format("%m-%d %H:%M"),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
