//! Tables: what becomes of a page.

use proptest::prelude::{any, proptest};
use proptest::prop_assert;
use reqwest::Url;

use super::to_text;

#[track_caller]
fn check(html: &str, expected: &str) {
    let base = Url::parse("https://example.com/a/b?c").unwrap();
    assert_eq!(to_text(html, &base), expected);
}

#[test]
fn tags_scripts_styles_and_comments_go() {
    check("Plain text", "Plain text");
    check("<p>a<b>b</b> <i>c</i></p>", "ab c");
    check("a<script>if (1 < 2) { x('<p>') }</SCRIPT >b", "ab");
    check("a<style>p > b {}</style><!-- no <p> --> b", "a b");
    check(
        "<!doctype html><?xml x?><html><head><title>T</title></head><body>x</body></html>",
        "T\nx",
    );
    check("a<script>never ends", "a");
    check("a<!-- never ends", "a");
}

#[test]
fn white_space_is_joined_and_blocks_have_their_lines() {
    check("  a \n\t b  ", "a b");
    check("<div>a</div><div>b</div>c<br>d", "a\nb\nc\nd");
    check("<p>a</p>\n\n<p>b</p>", "a\n\nb");
    check(
        "<h1>Title</h1><p>x</p><h2>Next</h2>y",
        "# Title\n\nx\n\n## Next\ny",
    );
    check("<ul><li>a</li><li>b</li></ul>", "- a\n- b");
    check(
        "<table><tr><th>k<th>v</tr><tr><td>a</td><td>1</td></tr></table>",
        "k v\na | 1 |",
    );
    check("<pre>a\n  b\n\tc</pre>d", "a\n  b\n\tc\n\nd");
}

#[test]
fn links_keep_their_targets() {
    check(
        "<a href='/x?y&amp;z'>here</a>.",
        "here (https://example.com/x?y&z).",
    );
    check(
        "<a class=q href=c>there</a>",
        "there (https://example.com/a/c)",
    );
    check(
        "<a href='#top'>top</a> <a href='javascript:x()'>run</a> <a>none</a>",
        "top run none",
    );
    check(
        "<a href='https://example.com/'>https://example.com/</a>",
        "https://example.com/",
    );
    check(
        "<a href=/x><div>block</div></a>next",
        "block (https://example.com/x)\nnext",
    );
    check("<img alt='A cat' src=x><img alt=''>", "[image: A cat]");
}

#[test]
fn entities_are_decoded_once() {
    check("&apos;x&rArr;y&nbsp;z&quot;", "'x⇒y z\"");
    check(
        "&lt;b&gt; &amp;amp; &quot;x&quot; &#39;y&#x27;",
        "<b> &amp; \"x\" 'y'",
    );
    check("caf&eacute; &euro;5 &hellip; 5&nbsp;km", "café €5 … 5 km");
    check(
        "&unknown; & &; &#0; &#xFFFFFFFF; a&b",
        "&unknown; & &; &#0; &#xFFFFFFFF; a&b",
    );
    check("x?a=1&copy=2 &lt", "x?a=1&copy=2 <");
    check("&#147;q&#148;", "“q”");
}

#[test]
fn broken_pages_come_out_with_some_text() {
    check("a < b and c > d", "a < b and c > d");
    check("a<", "a<");
    check("a</", "a");
    check("<a href=\"x>y</a> z", "y (https://example.com/a/x) z");
    check("<p title='a > b'>x</p>", "x");
    check("<p", "");
    check("</p></a></pre>x", "x");
    check("<日本>x", "<日本>x");
}

proptest! {
    #[test]
    fn no_page_breaks_it(html in "([<>/!a-z&;#'\"= \n-]|<a href=|<script|</script>|<pre>|<td>|&amp;|é|😀){0,60}") {
        let base = Url::parse("https://example.com/").unwrap();
        prop_assert!(!to_text(&html, &base).contains("<script>"));
    }

    #[test]
    fn no_text_breaks_it(html in any::<String>()) {
        let base = Url::parse("https://example.com/").unwrap();
        to_text(&html, &base);
    }
}

#[test]
fn a_large_page_takes_no_time() {
    let base = Url::parse("https://example.com/").unwrap();
    let started = std::time::Instant::now();
    for part in [
        "<",
        "<a href=\"",
        "<p x='",
        "&",
        "</script",
        "<!--",
        "<a href=x>",
        "<td>",
    ] {
        to_text(&part.repeat((256 << 10) / part.len()), &base);
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn short_links_of_a_long_address_do_not_blow_a_page_up() {
    let base = Url::parse(&format!("https://example.com/{}", "x".repeat(8000))).unwrap();
    let html = "<a href=?>y</a> ".repeat(60_000);
    let text = to_text(&html, &base);
    assert!(text.starts_with("y (https://example.com/xxx"));
    assert!(text.ends_with("y y y"));
    assert!(text.len() < 4 << 20, "{}", text.len());
}
