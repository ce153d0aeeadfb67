//! HTML of the document's Markdown.

use minijinja::Value;
use pulldown_cmark::{Event, Parser, Tag, TagEnd, html};

/// Renders Markdown as safe HTML: HTML in it is escaped, links and images lose their targets.
pub(crate) fn to_html(markdown: &str) -> Value {
    let events = Parser::new(markdown).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::HtmlBlock)
        | Event::End(TagEnd::Link | TagEnd::Image | TagEnd::HtmlBlock) => None,
        event => Some(event),
    });
    let mut page = String::new();
    html::push_html(&mut page, events);
    Value::from_safe_string(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_its_emphasis_and_code() {
        let page = to_html("**Times** are `UTC`.").to_string();
        assert_eq!(
            page,
            "<p><strong>Times</strong> are <code>UTC</code>.</p>\n"
        );
    }

    #[test]
    fn html_and_links_become_text() {
        let page = to_html("a <script>x</script>\n\n<b>y</b>\n\n[z](javascript:w) ![i](http://t)")
            .to_string();
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert!(
            !page.contains("javascript") && !page.contains("http"),
            "{page}"
        );
        assert!(
            page.contains("&lt;script&gt;") && page.contains('z'),
            "{page}"
        );
    }
}
