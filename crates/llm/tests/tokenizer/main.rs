//! The tokeniser on a small vocabulary made here: against another implementation, and on broken files.

mod agreement;
mod hostile;
mod rules;
mod toy;
mod toy_json;
