//! What `dataset stats --json` prints.

use serde_json::{Value, json};

use super::{Collection, Results};

/// Words that are listed.
const LISTED: usize = 200;

/// The whole document: shares 0 to 1, lengths in seconds; what cannot be known is null.
pub(super) fn document(results: &Results) -> Value {
    let datasets: Vec<Value> = results.collections.iter().map(collection).collect();
    json!({"datasets": datasets, "reference": results.published})
}

fn collection(collection: &Collection) -> Value {
    let (statistics, words) = (&collection.counted.statistics, &collection.counted.words);
    let mut value = json!({"name": collection.name, "left_out": collection.left_out});
    if let (Some(into), Value::Object(fields)) = (value.as_object_mut(), json!(statistics)) {
        into.extend(fields);
    }
    value["event_length_shares"] = json!(statistics.event_length_shares());
    value["words"] = json!({
        "distinct": words.distinct(),
        "used": words.used(),
        "top": words.top(LISTED),
    });
    value["mrsd"] = json!({"visual": collection.seen, "audio": collection.heard});
    value
}
