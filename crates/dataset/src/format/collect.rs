//! Records out of files that mention a video wherever they like.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::record::Record;

/// Records by id, in the order in which the ids first appear.
#[derive(Default)]
pub(super) struct Collector {
    records: Vec<Record>,
    places: HashMap<String, usize>,
}

impl Collector {
    /// The record of this id; a new one if it has not been seen.
    pub(super) fn record(&mut self, id: &str) -> &mut Record {
        let place = match self.places.entry(id.to_owned()) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => {
                self.records.push(Record { id: id.to_owned(), ..Record::default() });
                *place.insert(self.records.len() - 1)
            }
        };
        &mut self.records[place]
    }

    pub(super) fn finish(self) -> Vec<Record> {
        self.records
    }
}
