//! The XML of an annotation file, without sense being made of its times.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

use super::{DURATION, ID, LABELS, SUBSET, unheld};
use crate::DatasetError;
use crate::json::shortened;
use crate::record::Record;

/// How deep elements may lie; the format goes to 5.
const DEEPEST: usize = 32;

/// What an annotation file holds.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The first media file that is named.
    pub(super) media: Option<String>,
    /// Named values of the header.
    pub(super) properties: BTreeMap<String, String>,
    /// Time slots by id, in milliseconds where they have a time.
    pub(super) slots: BTreeMap<String, Option<i64>>,
    pub(super) tiers: Vec<Tier>,
    /// The annotations of all tiers, in the order of the file.
    pub(super) annotations: Vec<Annotation>,
}

#[derive(Debug)]
pub(super) struct Tier {
    pub(super) name: String,
}

#[derive(Debug)]
pub(super) struct Annotation {
    pub(super) id: String,
    /// Index of its tier.
    pub(super) tier: usize,
    pub(super) place: Place,
    pub(super) text: String,
    pub(super) line: usize,
}

/// Where an annotation is.
#[derive(Debug)]
pub(super) enum Place {
    /// From one time slot to another.
    Slots(String, String),
    /// Where another annotation is.
    Of(String),
}

impl Document {
    pub(super) fn parse(text: &str, file: &str) -> Result<Document, DatasetError> {
        let mut parser = Parser {
            text,
            file,
            at: 0,
            lines: (0, 1),
            path: Vec::new(),
            gathered: String::new(),
            property: None,
            document: Document::default(),
        };
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut saw_root = false;
        loop {
            parser.at = reader.buffer_position() as usize;
            let event = reader.read_event();
            let event =
                event.map_err(|error| parser.wrong("well-formed XML", error.to_string()))?;
            match event {
                Event::Start(start) => {
                    if parser.path.is_empty() {
                        let name = start.name();
                        if saw_root || name.as_ref() != "ANNOTATION_DOCUMENT" {
                            let found = format!("the element {}", shortened(name.as_ref()));
                            return Err(parser.wrong("one element ANNOTATION_DOCUMENT", found));
                        }
                        saw_root = true;
                    }
                    parser.open(&start)?;
                }
                Event::End(_) => parser.close()?,
                Event::Text(text) => parser.gathered.push_str(&text.xml10_content()),
                Event::CData(text) => parser.gathered.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let resolved = match reference.resolve_char_ref() {
                        Ok(Some(c)) => Some(c.to_string()),
                        Ok(None) => resolve_predefined_entity(&reference).map(str::to_owned),
                        Err(_) => None,
                    };
                    let resolved = resolved.ok_or_else(|| {
                        let found = format!("&{};", shortened(&reference));
                        parser.wrong("a character or one of XML's own entities", found)
                    })?;
                    parser.gathered.push_str(&resolved);
                }
                Event::DocType(_) => {
                    return Err(parser.wrong("a file without a document type", "<!DOCTYPE"));
                }
                Event::Eof if saw_root && parser.path.is_empty() => return Ok(parser.document),
                Event::Eof => {
                    return Err(parser.wrong("the end of ANNOTATION_DOCUMENT", "the file's end"));
                }
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    file: &'a str,
    /// Byte at which the current event starts.
    at: usize,
    /// A byte and its line, so that lines are counted once.
    lines: (usize, usize),
    /// Names of the open elements.
    path: Vec<String>,
    /// Text since the last element began.
    gathered: String,
    /// Name of the property whose value is being read.
    property: Option<String>,
    document: Document,
}

impl Parser<'_> {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), DatasetError> {
        self.gathered.clear();
        let name = start.name().as_ref().to_owned();
        match name.as_str() {
            "HEADER" => {
                if let Some(unit) = self.attribute(start, "TIME_UNITS")?
                    && unit != "milliseconds"
                {
                    let found = format!("{:?}", shortened(&unit));
                    return Err(self.wrong("times in milliseconds", found));
                }
            }
            "MEDIA_DESCRIPTOR" if self.document.media.is_none() => {
                self.document.media = self.attribute(start, "MEDIA_URL")?;
            }
            "PROPERTY" => self.property = self.attribute(start, "NAME")?,
            "TIME_SLOT" => {
                let id = self.needed(start, "TIME_SLOT_ID")?;
                let value = self.attribute(start, "TIME_VALUE")?;
                let millis = value.map(|value| {
                    let number = value.trim().parse::<u32>().ok().map(i64::from);
                    let found = || format!("{:?}", shortened(&value));
                    number.ok_or_else(|| self.wrong("a whole number of milliseconds", found()))
                });
                if self.document.slots.insert(id.clone(), millis.transpose()?).is_some() {
                    return Err(
                        self.wrong("each time slot once", format!("{} again", shortened(&id)))
                    );
                }
            }
            "TIER" => {
                let name = self.needed(start, "TIER_ID")?;
                self.document.tiers.push(Tier { name });
            }
            "ALIGNABLE_ANNOTATION" => {
                let first = self.needed(start, "TIME_SLOT_REF1")?;
                let last = self.needed(start, "TIME_SLOT_REF2")?;
                self.annotation(start, Place::Slots(first, last))?;
            }
            "REF_ANNOTATION" => {
                let parent = self.needed(start, "ANNOTATION_REF")?;
                self.annotation(start, Place::Of(parent))?;
            }
            _ => {}
        }
        if self.path.len() == DEEPEST {
            let found = format!("one inside {DEEPEST} others");
            return Err(self.wrong("elements less deep in each other", found));
        }
        self.path.push(name);
        Ok(())
    }

    fn close(&mut self) -> Result<(), DatasetError> {
        let text = std::mem::take(&mut self.gathered);
        let Some(name) = self.path.pop() else {
            return Err(self.wrong("an element's beginning", "the end of one"));
        };
        match (name.as_str(), self.path.last().map(String::as_str)) {
            ("ANNOTATION_VALUE", Some("ALIGNABLE_ANNOTATION" | "REF_ANNOTATION")) => {
                if let Some(annotation) = self.document.annotations.last_mut() {
                    annotation.text = text;
                }
            }
            ("PROPERTY", _) => {
                if let Some(name) = self.property.take() {
                    self.document.properties.insert(name, text);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn annotation(&mut self, start: &BytesStart<'_>, place: Place) -> Result<(), DatasetError> {
        let id = self.needed(start, "ANNOTATION_ID")?;
        let Some(tier) = self.document.tiers.len().checked_sub(1) else {
            return Err(self.wrong("annotations inside a TIER", "one before any"));
        };
        let line = self.line();
        self.document.annotations.push(Annotation { id, tier, place, text: String::new(), line });
        Ok(())
    }

    fn attribute(
        &mut self,
        start: &BytesStart<'_>,
        name: &str,
    ) -> Result<Option<String>, DatasetError> {
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| self.wrong("sound attributes", e.to_string()))?;
            if attribute.key.as_ref() == name {
                let value = unescape(&attribute.value);
                let value = value.map_err(|e| self.wrong("a sound attribute", e.to_string()))?;
                return Ok(Some(value.into_owned()));
            }
        }
        Ok(None)
    }

    fn needed(&mut self, start: &BytesStart<'_>, name: &str) -> Result<String, DatasetError> {
        let found = || format!("none in {}", shortened(start.name().as_ref()));
        match self.attribute(start, name)? {
            Some(value) => Ok(value),
            None => Err(self.wrong(&format!("the attribute {name}"), found())),
        }
    }

    /// The line of the current event.
    fn line(&mut self) -> usize {
        let (from, line) = self.lines;
        let passed = self.text.as_bytes().get(from..self.at).unwrap_or_default();
        let line = line + passed.iter().filter(|byte| **byte == b'\n').count();
        self.lines = (self.at.max(from), line);
        line
    }

    fn wrong(&mut self, expected: &str, found: impl Into<String>) -> DatasetError {
        let line = self.line();
        wrong(self.file, line, expected, found)
    }
}

/// The error for something else than what the format has at a line.
pub(super) fn wrong(
    file: &str,
    line: usize,
    expected: &str,
    found: impl Into<String>,
) -> DatasetError {
    DatasetError::Shape {
        file: file.to_owned(),
        at: format!("line {line}"),
        expected: expected.to_owned(),
        found: found.into(),
    }
}

/// A tier to write.
pub(super) struct WrittenTier<'a> {
    pub(super) name: &'a str,
    pub(super) annotations: Vec<Written<'a>>,
}

/// An annotation to write.
pub(super) struct Written<'a> {
    /// Start and end, milliseconds.
    pub(super) span: (i64, i64),
    pub(super) text: &'a str,
    pub(super) label: Option<&'a str>,
}

/// The whole file.
pub(super) fn written(record: &Record, tiers: &[WrittenTier<'_>]) -> Result<String, DatasetError> {
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ANNOTATION_DOCUMENT AUTHOR=\"\" DATE=\"1970-01-01T00:00:00+00:00\" FORMAT=\"3.0\" VERSION=\"3.0\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:noNamespaceSchemaLocation=\"http://www.mpi.nl/tools/elan/EAFv3.0.xsd\">\n    \
         <HEADER MEDIA_FILE=\"\" TIME_UNITS=\"milliseconds\">\n",
    );
    // Writing into a string cannot fail.
    if let Some(media) = &record.media {
        let _ = writeln!(
            xml,
            "        <MEDIA_DESCRIPTOR MEDIA_URL=\"{}\" MIME_TYPE=\"{}\"/>",
            escaped(media)?,
            mime_type(media)
        );
    }
    let duration = record.duration.map(|duration| duration.seconds_to_millis().to_string());
    let properties =
        [(ID, Some(&record.id)), (DURATION, duration.as_ref()), (SUBSET, record.subset.as_ref())];
    for (name, value) in properties {
        if let Some(value) = value {
            let _ =
                writeln!(xml, "        <PROPERTY NAME=\"{name}\">{}</PROPERTY>", escaped(value)?);
        }
    }
    xml.push_str("    </HEADER>\n    <TIME_ORDER>\n");
    let spans = tiers.iter().flat_map(|tier| &tier.annotations).map(|one| one.span);
    // ELAN wants the slots in the order of time; two for each annotation.
    let mut slots: Vec<(i64, usize)> = spans
        .enumerate()
        .flat_map(|(index, (start, end))| [(start, 2 * index), (end, 2 * index + 1)])
        .collect();
    slots.sort_unstable();
    for (millis, slot) in slots {
        let _ = writeln!(
            xml,
            "        <TIME_SLOT TIME_SLOT_ID=\"ts{}\" TIME_VALUE=\"{millis}\"/>",
            slot + 1
        );
    }
    xml.push_str("    </TIME_ORDER>\n");
    let mut count = 0;
    for tier in tiers {
        write_tier(&mut xml, tier, &mut count)?;
    }
    xml.push_str(
        "    <LINGUISTIC_TYPE GRAPHIC_REFERENCES=\"false\" LINGUISTIC_TYPE_ID=\"default-lt\" \
         TIME_ALIGNABLE=\"true\"/>\n    \
         <LINGUISTIC_TYPE CONSTRAINTS=\"Symbolic_Association\" GRAPHIC_REFERENCES=\"false\" \
         LINGUISTIC_TYPE_ID=\"label-lt\" TIME_ALIGNABLE=\"false\"/>\n    \
         <CONSTRAINT DESCRIPTION=\"1-1 association with a parent annotation\" \
         STEREOTYPE=\"Symbolic_Association\"/>\n</ANNOTATION_DOCUMENT>\n",
    );
    Ok(xml)
}

/// A tier and the tier of its labels, if there are any; `count` annotations lie before it.
fn write_tier(
    xml: &mut String,
    tier: &WrittenTier<'_>,
    count: &mut usize,
) -> Result<(), DatasetError> {
    let name = escaped(tier.name)?;
    let _ = writeln!(xml, "    <TIER LINGUISTIC_TYPE_REF=\"default-lt\" TIER_ID=\"{name}\">");
    let mut labels = String::new();
    for one in &tier.annotations {
        *count += 1;
        let (id, start, end) = (*count, 2 * *count - 1, 2 * *count);
        let _ = writeln!(
            xml,
            "        <ANNOTATION>\n            <ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a{id}\" \
             TIME_SLOT_REF1=\"ts{start}\" TIME_SLOT_REF2=\"ts{end}\">\n                \
             <ANNOTATION_VALUE>{}</ANNOTATION_VALUE>\n            </ALIGNABLE_ANNOTATION>\n        \
             </ANNOTATION>",
            escaped(one.text)?
        );
        if let Some(label) = one.label {
            let _ = writeln!(
                labels,
                "        <ANNOTATION>\n            <REF_ANNOTATION ANNOTATION_ID=\"a{id}l\" \
                 ANNOTATION_REF=\"a{id}\">\n                \
                 <ANNOTATION_VALUE>{}</ANNOTATION_VALUE>\n            </REF_ANNOTATION>\n        \
                 </ANNOTATION>",
                escaped(label)?
            );
        }
    }
    xml.push_str("    </TIER>\n");
    if !labels.is_empty() {
        let _ = writeln!(
            xml,
            "    <TIER LINGUISTIC_TYPE_REF=\"label-lt\" PARENT_REF=\"{name}\" \
             TIER_ID=\"{name}{LABELS}\">\n{labels}    </TIER>"
        );
    }
    Ok(())
}

/// Text for an element or an attribute: what XML would normalise away is written as a reference.
fn escaped(text: &str) -> Result<String, DatasetError> {
    let barred = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{7f}'..='\u{9f}'))
            || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    if let Some(c) = text.chars().find(|c| barred(*c)) {
        return Err(unheld(
            format!("the character U+{:04X} of {:?}", c as u32, shortened(text)),
            "take it out of the text",
        ));
    }
    // XML readers also take U+0085 and U+2028 for an end of line in one version of XML or the other.
    let references = |c: char| match c {
        '\n' => "&#10;".to_owned(),
        '\r' => "&#13;".to_owned(),
        '\t' => "&#9;".to_owned(),
        other => other.to_string(),
    };
    Ok(escape(text).chars().map(references).collect())
}

/// By extension, as ELAN expects it; what is not known is left open.
fn mime_type(media: &str) -> &'static str {
    let extension = media.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "mp4" | "m4v" => "video/mp4",
        "mpg" | "mpeg" => "video/mpeg",
        "mov" => "video/quicktime",
        "wav" => "audio/x-wav",
        _ => "unknown",
    }
}
