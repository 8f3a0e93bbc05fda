//! From HTML to text that reads well: no tags, scripts and styles, a line per block, links with their targets.
//!
//! This is no parser of documents. It goes over the page once, from left to right, and whatever it meets, it comes out
//! at the end with some text.

use reqwest::Url;

use super::entity::entities;

/// Elements whose content nobody reads.
const SILENT: &[&str] = &[
    "script", "style", "noscript", "template", "svg", "iframe", "object", "canvas",
];

/// Elements that begin and end a line.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "select",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// Bytes of targets, resolved, that one page may have. A short link becomes as long as the page's own address, so that
/// without a bound a page could grow a thousandfold; the links behind it have their text alone.
const LINK_BYTES: usize = 2 << 20;

/// The text of a page. Links are resolved against `base`.
pub(super) fn to_text(html: &str, base: &Url) -> String {
    let mut page = Page {
        link_budget: LINK_BYTES,
        ..Page::default()
    };
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        page.text(&rest[..at]);
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
        } else if let Some((tag, behind)) = Tag::read(rest) {
            rest = behind;
            if !tag.is_end && SILENT.contains(&&*tag.name) {
                rest = behind_end(rest, &tag.name);
            } else {
                page.tag(&tag, base);
            }
        } else if rest[1..].starts_with(['!', '?', '/']) {
            rest = rest.find('>').map_or("", |end| &rest[end + 1..]);
        } else {
            page.text("<");
            rest = &rest[1..];
        }
    }
    page.text(rest);
    page.finish()
}

/// What comes after `</name …>`, in any case of letters; nothing if it never ends.
fn behind_end<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        let is_end = rest
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name));
        if is_end {
            return rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
    }
    ""
}

struct Tag<'a> {
    /// In lower case.
    name: String,
    is_end: bool,
    attributes: &'a str,
}

impl<'a> Tag<'a> {
    /// Reads a tag at the beginning of the text, which is `<`; gives what comes behind it, too.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let inner = &text[1..];
        let (inner, is_end) = match inner.strip_prefix('/') {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        if !inner.starts_with(|it: char| it.is_ascii_alphabetic()) {
            return None;
        }
        let name_end = inner
            .find(|it: char| it.is_ascii_whitespace() || it == '>' || it == '/')
            .unwrap_or(inner.len());
        let name = inner[..name_end].to_ascii_lowercase();
        // A `>` inside quotes does not end a tag.
        let mut quote = None;
        let mut end = None;
        for (at, byte) in inner.bytes().enumerate().skip(name_end) {
            match (quote, byte) {
                (None, b'>') => {
                    end = Some(at);
                    break;
                }
                (None, b'"' | b'\'') if inner[..at].trim_end().ends_with('=') => quote = Some(byte),
                (Some(open), byte) if open == byte => quote = None,
                (None | Some(_), _) => {}
            }
        }
        // A quote that nobody closes ends with the next `>`.
        let end = end
            .or_else(|| inner[name_end..].find('>').map(|at| name_end + at))
            .unwrap_or(inner.len());
        let tag = Self {
            name,
            is_end,
            attributes: &inner[name_end..end],
        };
        Some((tag, inner.get(end + 1..).unwrap_or("")))
    }

    fn attribute(&self, wanted: &str) -> Option<String> {
        let mut rest = self.attributes;
        loop {
            rest = rest.trim_start_matches(|it: char| it.is_ascii_whitespace() || it == '/');
            if rest.is_empty() {
                return None;
            }
            let end = rest
                .find(|it: char| it.is_ascii_whitespace() || it == '=')
                .unwrap_or(rest.len());
            let name = &rest[..end];
            rest = rest[end..].trim_start();
            let mut value = "";
            if let Some(given) = rest.strip_prefix('=') {
                let given = given.trim_start();
                let quoted = given
                    .strip_prefix(['"', '\''])
                    .and_then(|inner| inner.split_once(&given[..1]));
                (value, rest) = quoted.unwrap_or_else(|| {
                    let given = given.trim_start_matches(['"', '\'']);
                    let end = given
                        .find(|it: char| it.is_ascii_whitespace())
                        .unwrap_or(given.len());
                    given.split_at(end)
                });
            }
            if name.eq_ignore_ascii_case(wanted) {
                return Some(entities(value));
            }
        }
    }
}

/// The text so far.
#[derive(Default)]
struct Page {
    out: String,
    /// White space is due before the next word.
    space: bool,
    /// Inside `<pre>`, where white space counts.
    pre: usize,
    /// Where the text of the open link begins, and its target.
    link: Option<(usize, String)>,
    /// Bytes of targets that may still be resolved.
    link_budget: usize,
}

impl Page {
    fn text(&mut self, raw: &str) {
        let text = entities(raw);
        if self.pre > 0 {
            self.flush_space();
            self.out.push_str(&text.replace('\r', ""));
            return;
        }
        for (n, word) in text.split(char::is_whitespace).enumerate() {
            self.space |= n > 0;
            if !word.is_empty() {
                self.flush_space();
                self.out.push_str(word);
            }
        }
    }

    fn flush_space(&mut self) {
        if self.space && !self.out.is_empty() && !self.out.ends_with(['\n', ' ']) {
            self.out.push(' ');
        }
        self.space = false;
    }

    fn line(&mut self) {
        self.space = false;
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn tag(&mut self, tag: &Tag<'_>, base: &Url) {
        match (&*tag.name, tag.is_end) {
            ("a", false) => {
                self.close_link();
                self.flush_space();
                let target = tag.attribute("href").and_then(|href| {
                    let bytes = href.len() + base.as_str().len();
                    self.link_budget = self.link_budget.checked_sub(bytes)?;
                    target(&href, base)
                });
                self.link = target.map(|target| (self.out.len(), target));
            }
            ("a", true) => self.close_link(),
            ("img", false) => {
                if let Some(alt) = tag.attribute("alt").filter(|alt| !alt.trim().is_empty()) {
                    self.text(&format!(" [image: {}] ", alt.trim()));
                }
            }
            // Cells of a row stay in it.
            ("td" | "th", is_end) => {
                if is_end && !self.out.ends_with('\n') {
                    self.out.push_str(" |");
                }
                self.space = true;
            }
            ("li", false) => {
                self.line();
                self.out.push_str("- ");
            }
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", false) => {
                self.line();
                if !self.out.is_empty() {
                    self.out.push('\n');
                }
                let level = usize::from(tag.name.as_bytes()[1] - b'0');
                self.out.push_str(&"#".repeat(level));
                self.out.push(' ');
            }
            ("p" | "pre" | "table" | "ul" | "ol" | "dl" | "blockquote", is_end) => {
                if tag.name == "pre" {
                    self.pre = if is_end {
                        self.pre.saturating_sub(1)
                    } else {
                        self.pre + 1
                    };
                }
                self.line();
                if !self.out.is_empty() && !self.out.ends_with("\n\n") {
                    self.out.push('\n');
                }
            }
            (name, _) if BLOCKS.contains(&name) => self.line(),
            (_, _) => {}
        }
    }

    /// Writes the target behind the text of the open link.
    fn close_link(&mut self) {
        let Some((from, target)) = self.link.take() else {
            return;
        };
        let text = self.out.get(from..).unwrap_or_default().trim();
        if text.is_empty() || text == target {
            return;
        }
        // Lines that ended inside the link stay behind it.
        let end = self.out.trim_end().len().max(from);
        let lines = self.out.split_off(end);
        self.out.push_str(" (");
        self.out.push_str(&target);
        self.out.push(')');
        self.out.push_str(&lines);
    }

    fn finish(mut self) -> String {
        self.close_link();
        let mut text = String::with_capacity(self.out.len());
        let mut blank = 0;
        for line in self.out.lines().map(str::trim_end) {
            blank = if line.is_empty() { blank + 1 } else { 0 };
            if blank < 2 && !(text.is_empty() && line.is_empty()) {
                text.push_str(line);
                text.push('\n');
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Where a link leads, unless that is this page or a script.
fn target(href: &str, base: &Url) -> Option<String> {
    let href = href.trim();
    if href.is_empty() || href.starts_with('#') {
        return None;
    }
    let url = base.join(href).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| url.into())
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
