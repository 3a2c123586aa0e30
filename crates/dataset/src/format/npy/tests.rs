use super::*;
use proptest::prelude::*;

fn file(descr: &str, fortran: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let head =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}      \n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((head.len() as u16).to_le_bytes());
    bytes.extend(head.as_bytes());
    bytes.extend(values);
    bytes
}

fn read_bytes(bytes: &[u8]) -> Result<Rows, DatasetError> {
    read(bytes, bytes.len() as u64, "x.npy")
}

#[test]
fn every_precision_and_byte_order_reads() {
    let little: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let big: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_be_bytes()).collect();
    let double: Vec<u8> = [1.5f64, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let half: Vec<u8> = [0x00, 0x3e, 0x00, 0xc0].to_vec();
    for (descr, bytes, dtype) in [
        ("<f4", &little, Dtype::F32),
        (">f4", &big, Dtype::F32),
        ("<f8", &double, Dtype::F64),
        ("<f2", &half, Dtype::F16),
    ] {
        let rows = read_bytes(&file(descr, "False", "(2, 1)", bytes)).unwrap();
        assert_eq!(rows.values, [1.5, -2.0], "{descr}");
        assert_eq!((rows.rows, rows.width, rows.dtype), (2, 1, dtype));
        assert_eq!(rows.row(1), Some(&[-2.0][..]));
        assert_eq!(rows.row(2), None);
    }
}

#[test]
fn one_dimension_is_one_row_in_whatever_order() {
    let bytes: Vec<u8> = [1.0f32, 2.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    for (fortran, shape) in [("False", "(3,)"), ("True", "(3L,)"), ("True", "(1, 3)")] {
        let rows = read_bytes(&file("<f4", fortran, shape, &bytes)).unwrap();
        assert_eq!((rows.rows, rows.width), (1, 3), "{shape}");
    }
}

#[test]
fn numpy_wrote_these_bytes() {
    // numpy.save of numpy.arange(3, dtype="float16").reshape(3, 1), as the format's description has it.
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(b"{'descr': '<f2', 'fortran_order': False, 'shape': (3, 1), }");
    bytes.resize(127, b' ');
    bytes.extend(b"\n\x00\x00\x00\x3c\x00\x40");
    let rows = read_bytes(&bytes).unwrap();
    assert_eq!(rows.values, [0.0, 1.0, 2.0]);
    let mut again = Vec::new();
    write(&mut again, &rows, Dtype::F16).unwrap();
    // NumPy leaves room for the shape to grow; the values are where the header says all the same.
    assert_eq!(again.len() % 64, 6);
    assert_eq!(read_bytes(&again).unwrap(), rows);
}

#[test]
fn errors_say_what_was_expected() {
    let error = |bytes: &[u8]| read_bytes(bytes).unwrap_err().to_string();
    let four = [0u8; 4];
    let errors = [
        error(b"PK\x03\x04 not a matrix"),
        error(b"\x93NUM"),
        error(b"\x93NUMPY\x09\x00"),
        error(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"),
        error(&file("|O", "False", "(1,)", &four)),
        error(&file("<i4", "False", "(1,)", &four)),
        error(&file("<f4", "True", "(2, 2)", &[0; 16])),
        error(&file("<f4", "False", "(2, 2)", &four)),
        error(&file("<f4", "False", "(1,)", &[0; 9])),
        error(&file("<f4", "False", "(1, 1, 1)", &four)),
        error(&file("<f4", "False", "()", &four)),
        error(&file("<f4", "False", "(99999999999, 99999999999)", &four)),
        error(&file("<f4", "False", "(99999999999, 0)", &[])),
        error(&file("<f4", "Maybe", "(1,)", &four)),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    x.npy: expected a .npy file, found a file that begins with the bytes [50, 4b, 03, 04, 20, 6e]
    x.npy: expected the header of a .npy file, found its end
    x.npy: expected version 1, 2 or 3 of the format, found 9
    x.npy: expected a header of at most 10000 bytes, found 4294967295
    x.npy: expected floating-point numbers, found Python objects, which are pickled and not safe to load; save them as float32
    x.npy: expected float16, float32 or float64 values (<f2, <f4, <f8), found "<i4"
    x.npy: expected rows in C order; save numpy.ascontiguousarray(x), found Fortran order
    x.npy: expected 16 bytes for 2 rows of 2 f32 values, found 4; the file is cut off
    x.npy: expected 4 bytes for 1 rows of 1 f32 values, found 9; the file is longer than its shape
    x.npy: expected a shape (rows, width) or (width,), found [1, 1, 1]
    x.npy: expected a shape (rows, width) or (width,), found []
    x.npy: expected a shape that fits in memory, found [99999999999, 99999999999]
    x.npy: expected rows of at least one value, found 99999999999 rows of none
    x.npy: expected a header {'descr': ..., 'fortran_order': ..., 'shape': (...)}, found "{'descr': '<f4', 'fortran_order': Maybe,..."
    "#);
}

#[test]
fn the_shape_alone_reads_without_the_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let rows = Rows { rows: 2, width: 3, dtype: Dtype::F32, values: vec![0.25; 6] };
    write_file(&path, &rows, Dtype::F16).unwrap();
    assert_eq!(read_header_file(&path).unwrap(), Header { rows: 2, width: 3, dtype: Dtype::F16 });
    assert_eq!(read_file(&path).unwrap().values, rows.values);
    assert!(write_file(&path, &rows, Dtype::F64).is_err());
    assert!(write_file(&path, &Rows { rows: 3, ..rows }, Dtype::F32).is_err());
}

/// Every byte of a small file changed in a few ways, and every length it can be cut to.
#[test]
fn no_mutated_file_panics() {
    let rows = Rows { rows: 2, width: 3, dtype: Dtype::F32, values: vec![0.25; 6] };
    let mut sound = Vec::new();
    write(&mut sound, &rows, Dtype::F32).unwrap();
    for at in 0..sound.len() {
        for change in [0x01, 0x20, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[at] ^= change;
            if let Ok(rows) = read_bytes(&bytes) {
                assert_eq!(rows.values.len(), rows.rows * rows.width);
            }
        }
        assert!(read_bytes(&sound[..at]).is_err(), "cut at {at}");
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        width in 1usize..6,
        values in prop::collection::vec(-60_000f32..60_000.0, 0..40),
    ) {
        let rows = values.len() / width;
        let values = values[..rows * width].to_vec();
        let rows = Rows { rows, width, dtype: Dtype::F32, values };
        let mut bytes = Vec::new();
        write(&mut bytes, &rows, Dtype::F32).unwrap();
        prop_assert_eq!(&read_bytes(&bytes).unwrap(), &rows);

        let mut bytes = Vec::new();
        write(&mut bytes, &rows, Dtype::F16).unwrap();
        let half = read_bytes(&bytes).unwrap();
        prop_assert_eq!(half.dtype, Dtype::F16);
        for (half, single) in half.values.iter().zip(&rows.values) {
            prop_assert!((half - single).abs() <= single.abs() / 2048.0 + 3e-8);
        }
    }

    #[test]
    fn no_input_panics(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = read_bytes(&bytes);
        let _ = read_bytes(&[b"\x93NUMPY\x01\x00".to_vec(), bytes].concat());
    }
}
