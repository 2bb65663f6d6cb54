//! Headings, paragraphs, lists and tables, and three ways to write them.

use std::fmt::Write;

/// A text with sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub title: String,
    /// In the order of their weight.
    pub sections: Vec<Section>,
}

/// A part of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// What it is of.
    pub heading: String,
    /// Its content.
    pub blocks: Vec<Block>,
}

/// A piece of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Sentences.
    Text(String),
    /// One thought an item.
    List(Vec<String>),
    /// Columns and rows; all but the first column are numbers.
    Table(Vec<String>, Vec<Vec<String>>),
}

impl Document {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", escaped(&self.title));
        for section in &self.sections {
            let _ = write!(text, "\n## {}\n", escaped(&section.heading));
            for block in &section.blocks {
                text.push('\n');
                match block {
                    Block::Text(sentences) => {
                        let _ = writeln!(text, "{}", escaped(sentences));
                    }
                    Block::List(items) => {
                        for item in items {
                            let _ = writeln!(text, "- {}", escaped(item));
                        }
                    }
                    Block::Table(header, rows) => table(&mut text, header, rows),
                }
            }
        }
        text
    }

    /// As plain text of at most so many bytes. Whole sections are left out from the end, and it is said.
    pub fn plain(&self, most_bytes: usize) -> String {
        const LEFT_OUT: &str = "\n[…]\n";
        let mut text = format!("{}\n", self.title);
        for section in &self.sections {
            let next = plain_section(section);
            if text.len() + next.len() + LEFT_OUT.len() > most_bytes {
                text.push_str(LEFT_OUT);
                break;
            }
            text.push_str(&next);
        }
        let mut end = text.len().min(most_bytes);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text
    }
}

fn table(text: &mut String, header: &[String], rows: &[Vec<String>]) {
    let line =
        |cells: &[String]| format!("| {} |\n", cells.iter().map(|cell| escaped(cell)).collect::<Vec<_>>().join(" | "));
    text.push_str(&line(header));
    let rule: Vec<&str> = (0..header.len()).map(|column| if column == 0 { "---" } else { "---:" }).collect();
    let _ = writeln!(text, "| {} |", rule.join(" | "));
    rows.iter().for_each(|row| text.push_str(&line(row)));
}

fn plain_section(section: &Section) -> String {
    let mut text = format!("\n{}\n", section.heading);
    for block in &section.blocks {
        match block {
            Block::Text(sentences) => {
                let _ = writeln!(text, "{sentences}");
            }
            Block::List(items) => items.iter().for_each(|item| {
                let _ = writeln!(text, "- {item}");
            }),
            Block::Table(header, rows) => {
                for row in rows {
                    let cells = header.iter().zip(row).skip(1).map(|(name, cell)| format!("{name} {cell}"));
                    let first = row.first().map_or("", String::as_str);
                    let _ = writeln!(text, "- {first}: {}", cells.collect::<Vec<_>>().join(", "));
                }
            }
        }
    }
    text
}

/// What Markdown or HTML within it would take for its own is taken at its word.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '#' | '\\' => {
                safe.push('\\');
                safe.push(character);
            }
            other => safe.push(other),
        }
    }
    safe
}
