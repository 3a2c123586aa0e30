//! Pieces of the pages' HTML.

/// The class that gives the collection in this place its colour.
pub(super) fn colour(column: usize, published: Option<usize>) -> String {
    if published == Some(column) { "published".to_owned() } else { format!("c{}", column % 6) }
}

/// Text as HTML has it, in elements and in quoted attributes. Control characters, which XML forbids
/// inside SVG, become spaces.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
