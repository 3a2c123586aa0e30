//! Ids as names of files, and back.

use crate::DatasetError;

/// The longest name: leaves room for an ending within the 255 bytes that file systems allow.
const LONGEST: usize = 200;

/// An id as the name of a file, without an ending: what cannot stand in one becomes `%` and two
/// hexadecimal digits per byte.
///
/// # Errors
/// [`DatasetError::FileName`] for an id that is empty or too long.
pub fn escape(id: &str) -> Result<String, DatasetError> {
    let mut name = String::with_capacity(id.len());
    let last = id.chars().count().saturating_sub(1);
    for (place, c) in id.chars().enumerate() {
        let is_safe = match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%' => false,
            // A point in front hides a file; some systems drop points and spaces at the end.
            '.' | ' ' => place != 0 && place != last,
            _ => !c.is_control(),
        };
        if is_safe {
            name.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                name.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if name.is_empty() || name.len() > LONGEST {
        return Err(DatasetError::FileName { id: id.to_owned() });
    }
    Ok(name)
}

/// The id that [`escape`] made this name of; a name that it would not make is an id itself.
pub fn unescape(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut id = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        let digits = name.get(place + 1..place + 3).filter(|_| *byte == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                id.push(byte);
                place += 3;
            }
            None => {
                id.push(*byte);
                place += 1;
            }
        }
    }
    match String::from_utf8(id) {
        Ok(id) if escape(&id).is_ok_and(|escaped| escaped == name) => id,
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_name_a_file_is_escaped() {
        assert_eq!(escape("-a_b.c d").unwrap(), "-a_b.c d");
        assert_eq!(escape("../a/b").unwrap(), "%2E.%2Fa%2Fb");
        assert_eq!(escape("..").unwrap(), "%2E%2E");
        assert_eq!(escape("50% \u{7f}.").unwrap(), "50%25 %7F%2E");
        assert!(escape("").is_err());
        assert!(escape(&"x".repeat(300)).is_err());
        // Someone's own name, not one of ours.
        assert_eq!(unescape("a%41"), "a%41");
        assert_eq!(unescape("100%"), "100%");
    }

    proptest! {
        #[test]
        fn an_escaped_id_comes_back(id in "\\PC{1,20}|[./%\\\\ -:\0-\u{20}é]{1,20}") {
            let name = escape(&id).unwrap();
            prop_assert!(!name.contains('/') && !name.starts_with('.'));
            prop_assert_eq!(unescape(&name), id);
        }
    }
}
