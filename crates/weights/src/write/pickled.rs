//! The few operations of pickle's protocol 2 that a checkpoint needs.

use serde_json::Value;

use super::Announced;
use crate::Kind;

/// Begins a pickle.
pub(super) const BEGIN: &[u8] = b"\x80\x02";
/// Ends it: the value on top of the stack is what it stands for.
pub(super) const END: u8 = b'.';
/// An empty dictionary, and the mark before its keys and values.
pub(super) const DICT: &[u8] = b"}(";
/// An empty ordered dictionary, as a state dict is, and the mark.
pub(super) const ORDERED_DICT: &[u8] = b"ccollections\nOrderedDict\n)R(";
/// Puts all since the mark into the dictionary.
pub(super) const SET_ITEMS: u8 = b'u';

/// A text.
pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

/// A whole number.
pub(super) fn whole(number: i64, out: &mut Vec<u8>) {
    match i32::try_from(number) {
        Ok(small) => {
            out.push(b'J');
            out.extend(small.to_le_bytes());
        }
        Err(_) => {
            out.extend([0x8a, 8]);
            out.extend(number.to_le_bytes());
        }
    }
}

fn count(number: u64, out: &mut Vec<u8>) {
    // Longer than any file is refused before.
    whole(i64::try_from(number).unwrap_or(i64::MAX), out);
}

fn tuple(items: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    out.push(b'(');
    items.for_each(|item| count(item, out));
    out.push(b't');
}

/// What a JSON value says, as Python has it.
pub(super) fn value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(b'N'),
        Value::Bool(true) => out.push(0x88),
        Value::Bool(false) => out.push(0x89),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => whole(number, out),
            (None, number) => {
                out.push(b'G');
                out.extend(number.unwrap_or(f64::NAN).to_be_bytes());
            }
        },
        Value::String(string) => text(string, out),
        Value::Array(items) => {
            out.extend(b"](");
            items.iter().for_each(|item| self::value(item, out));
            out.push(b'e');
        }
        Value::Object(map) => {
            out.extend(DICT);
            for (key, item) in map {
                text(key, out);
                self::value(item, out);
            }
            out.push(SET_ITEMS);
        }
    }
}

/// A tensor that fills the storage `key` row by row; `values` is how many there are.
pub(super) fn tensor(tensor: &Announced, key: usize, values: u64, out: &mut Vec<u8>) {
    out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
    text("storage", out);
    out.extend(format!("ctorch\n{}\n", storage(tensor.kind)).as_bytes());
    text(&key.to_string(), out);
    text("cpu", out);
    count(values, out);
    // The tuple names the storage, which is not in the pickle; offset, shape and strides follow.
    out.extend(b"tQ");
    whole(0, out);
    tuple(tensor.shape.iter().map(|axis| *axis as u64), out);
    let mut strides = vec![1u64; tensor.shape.len()];
    for axis in (1..strides.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(tensor.shape[axis] as u64);
    }
    tuple(strides.into_iter(), out);
    // Needs no gradient, has no hooks.
    out.extend(b"\x89ccollections\nOrderedDict\n)RtR");
}

/// The name of PyTorch's storage class.
fn storage(kind: Kind) -> &'static str {
    match kind {
        Kind::F64 => "DoubleStorage",
        Kind::F32 => "FloatStorage",
        Kind::F16 => "HalfStorage",
        Kind::Bf16 => "BFloat16Storage",
        Kind::I64 => "LongStorage",
        Kind::I32 => "IntStorage",
        Kind::I16 => "ShortStorage",
        Kind::I8 => "CharStorage",
        Kind::U8 => "ByteStorage",
        Kind::Bool => "BoolStorage",
    }
}
