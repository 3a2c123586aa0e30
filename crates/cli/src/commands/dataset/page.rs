//! What the HTML reports of the dataset commands share: one file that loads nothing, light and dark,
//! on screen and on paper.

use std::fmt::Write;

use super::figures::Figure;
use super::markup::{colour, escaped};
use super::{charts, figures};

const STYLE: &str = include_str!("page.css");

/// A page with a heading and a line about what it shows. The names of the collections come with
/// their colours; those of `published` figures are told apart.
pub(super) fn begin(
    title: &str,
    about: &str,
    columns: &[String],
    published: Option<usize>,
) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>\n{STYLE}</style></head><body>\n<h1>{title}</h1>\n<p class=\"quiet\">{about}</p>\n",
        title = escaped(title),
        about = escaped(about),
    );
    if columns.len() > 1 {
        page.push_str("<ul class=\"legend\">");
        for (index, name) in columns.iter().enumerate() {
            let class = colour(index, published);
            let _ = write!(page, "<li><i class=\"{class}\"></i>{}</li>", escaped(name));
        }
        page.push_str("</ul>\n");
    }
    page
}

pub(super) fn end(page: &mut String) {
    let _ = writeln!(
        page,
        "<footer>Made by omnivale {}. Hold the pointer over a bar for its exact value.</footer>\n\
         </body></html>",
        env!("CARGO_PKG_VERSION")
    );
}

/// The figure, drawn, with its values as a table for whoever cannot see it.
pub(super) fn figure(
    figure: &Figure,
    columns: &[String],
    published: Option<usize>,
    page: &mut String,
) {
    let _ = write!(page, "<figure><figcaption>{}</figcaption>", escaped(&figure.title));
    charts::draw(figure, columns, published, page);
    if let Some(note) = &figure.note {
        let _ = write!(page, "<p class=\"quiet\">{}</p>", escaped(note));
    }
    page.push_str("<details><summary>Values</summary>");
    let rows = figure.rows.iter().enumerate().map(|(row, name)| {
        let cells = figure.series.iter().map(|series| Some(series.value(row))).collect();
        (name.clone(), cells)
    });
    let heads: Vec<String> =
        figure.series.iter().map(|series| columns[series.column].clone()).collect();
    table(&heads, rows, page);
    page.push_str("</details></figure>\n");
}

/// Rows with a name and a value per column; what a column does not have is a dash.
pub(super) fn table(
    heads: &[String],
    rows: impl Iterator<Item = (String, Vec<Option<String>>)>,
    page: &mut String,
) {
    page.push_str("<table><thead><tr><th></th>");
    for head in heads {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(head));
    }
    page.push_str("</tr></thead><tbody>\n");
    for (name, cells) in rows {
        let _ = write!(page, "<tr><th scope=\"row\">{}</th>", escaped(&name));
        for cell in cells {
            let cell = cell.map_or_else(|| "–".to_owned(), |cell| escaped(&cell));
            let _ = write!(page, "<td>{cell}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
}

/// A column's name, short enough for a table.
pub(super) fn name_of(path: &std::path::Path) -> String {
    let whole = path.canonicalize();
    let path = whole.as_deref().unwrap_or(path);
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    figures::shortened(&name, 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_mark_up() {
        assert_eq!(
            escaped("<a href=\"x\" o='y'>&\u{1}"),
            "&lt;a href=&quot;x&quot; o=&#39;y&#39;&gt;&amp; "
        );
    }
}
