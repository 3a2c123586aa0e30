//! The report of `dataset stats --html`.

use std::fmt::Write;

use super::cloud::cloud;
use super::{Results, facts, figures};
use crate::commands::dataset::figures::thousands;
use crate::commands::dataset::{markup, page};

/// Words in a cloud, as far as they fit.
const IN_CLOUD: usize = 90;
/// Words in the table beside it.
const IN_TABLE: usize = 30;

/// The page.
pub(super) fn page(results: &Results) -> String {
    let (columns, published) = (results.columns(), results.published_column());
    let names: Vec<&str> =
        results.collections.iter().map(|collection| collection.name.as_str()).collect();
    let about = match results.published {
        Some(published) => format!("Published figures: {}.", published.source),
        None => "Everything is counted from the annotations.".to_owned(),
    };
    let mut page =
        page::begin(&format!("Statistics of {}", names.join(" and ")), &about, &columns, published);
    let rows = facts::rows(results).into_iter().map(|row| (row.name.to_owned(), row.values));
    page::table(&columns, rows, &mut page);
    let _ = writeln!(page, "<p class=\"quiet\">{}</p>", facts::ABOUT_COVERAGE);
    for collection in results.collections.iter().filter(|collection| collection.left_out > 0) {
        let _ = writeln!(
            page,
            "<p class=\"quiet\">{} videos of {} are not among its annotations and not counted.</p>",
            thousands(collection.left_out),
            markup::escaped(&collection.name),
        );
    }
    page.push_str("<h2>Distributions</h2>\n<div class=\"charts\">\n");
    for figure in figures(results) {
        page::figure(&figure, &columns, published, &mut page);
    }
    page.push_str("</div>\n");
    words(results, &mut page);
    page::end(&mut page);
    page
}

fn words(results: &Results, page: &mut String) {
    if results.collections.iter().all(|collection| collection.counted.words.used() == 0) {
        return;
    }
    page.push_str(
        "<h2>Words</h2>\n<p class=\"quiet\">The size of a word shows how often captions use it; \
         function words are left out.</p>\n<div class=\"charts\">\n",
    );
    for (column, collection) in results.collections.iter().enumerate() {
        let counted = &collection.counted.words;
        let top = counted.top(IN_CLOUD);
        let _ = write!(
            page,
            "<figure><figcaption>{}: {} different words</figcaption>",
            markup::escaped(&collection.name),
            thousands(counted.distinct()),
        );
        cloud(&top, &markup::colour(column, None), page);
        page.push_str("<details><summary>Most frequent words</summary>");
        let rows = top
            .iter()
            .take(IN_TABLE)
            .map(|one| (one.word.clone(), vec![Some(thousands(one.count))]));
        page::table(&["times".to_owned()], rows, page);
        page.push_str("</details></figure>\n");
    }
    page.push_str("</div>\n");
}
