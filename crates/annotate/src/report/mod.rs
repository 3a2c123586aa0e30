//! The pages a person looks at: one report per video, and an index over a workspace.
//!
//! Both are single HTML files that ask the network for nothing and work from `file://`: style,
//! script, drawings and pictures are inside. They are pure functions of their input, so the same
//! annotation always gives the same bytes. Everything an annotation carries (names, paths, cue
//! text, captions) is untrusted: the templates escape every value for HTML, `escape` holds
//! the two other contexts (JSON in a script element, paths in a URL).
//!
//! The markup is in `templates/`, hand-written, without a build step; Rust computes what is drawn
//! and where, never how it looks.

mod curves;
mod escape;
mod facts;
mod hints;
mod index;
mod lanes;
mod statistics;
mod strip;
mod table;
mod thumbnails;
mod video;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment};
use serde::{Deserialize, Serialize};

pub use curves::Waveform;
pub use index::{Failure, IndexEntry, IndexReport, index};
pub use statistics::{Bar, Histogram, Statistics, Total};
pub use thumbnails::Thumbnail;
pub use video::{VideoReport, video};

/// How much the pages may hold: the `[report]` table of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportConfig {
    /// Most columns of the waveform, and of the content-score curve, in one report.
    pub curve_points: usize,
    /// Length of video that one line of the timeline shows at least, in seconds.
    pub line_seconds: u64,
    /// Most lines of the timeline; a longer video gets longer lines.
    pub lines: u64,
    /// Most bytes of JPEG in one report; the longest events keep their keyframes.
    pub thumbnail_bytes: usize,
    /// Most videos listed on the index page; totals and statistics are over all.
    pub index_videos: usize,
    /// Most bytes of JPEG on the index page; the first videos keep their picture.
    pub index_thumbnail_bytes: usize,
}

const TEMPLATES: [(&str, &str); 4] = [
    ("report.html", include_str!("templates/report.html")),
    ("timeline.html", include_str!("templates/timeline.html")),
    ("events.html", include_str!("templates/events.html")),
    ("index.html", include_str!("templates/index.html")),
];

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_trim_blocks(true);
    pages.set_lstrip_blocks(true);
    for (name, text) in TEMPLATES {
        pages.add_template(name, text).expect("the embedded templates parse; tests render each");
    }
    pages
});

fn render(template: &str, page: impl Serialize) -> String {
    PAGES
        .get_template(template)
        .and_then(|template| template.render(page))
        .expect("a page of plain structs renders; tests render each template with every part")
}
