//! What the tests against METEOR need and may be missing: the tables and the fixtures.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use omnivale_metrics::text::meteor::{MeteorError, Tables, cache_path};
use serde::de::DeserializeOwned;

/// The tables of the user's data folder; `None`, said on standard error, if they were not imported.
pub(crate) fn tables() -> Option<Tables> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = set("OMNIVALE_DATA")
        .or_else(|| Some(set("XDG_DATA_HOME")?.join("omnivale")))
        .or_else(|| Some(set("HOME")?.join(".local/share/omnivale")));
    let Some(data) = data else {
        eprintln!("skipped: neither OMNIVALE_DATA nor HOME is set");
        return None;
    };
    match Tables::open(&cache_path(&data)) {
        Ok(tables) => Some(tables),
        Err(error @ MeteorError::Unavailable { .. }) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A fixture of the shared folder; `None`, said on standard error, if the folder is not there.
pub(crate) fn read_shared<T: DeserializeOwned>(name: &str) -> Option<T> {
    let shared = env::var_os("OMNIVALE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join(name);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    let file = File::open(&path).expect("a fixture that is there can be opened");
    let text = std::io::BufReader::new(GzDecoder::new(file));
    Some(serde_json::from_reader(text).expect("the fixture has its published shape"))
}
