//! Files that the tests write, whole and damaged.

use candle_core::DType;
use candle_core::quantized::{GgmlDType, QTensor};
use proptest::prelude::*;

use super::*;

fn plan(name: &str, shape: &[usize], kind: BlockKind) -> Plan {
    Plan { name: name.to_owned(), shape: shape.to_vec(), kind }
}

/// A file of these facts and of tensors whose bytes count up.
fn file(facts: &[(String, Fact)], plans: &[Plan]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file for the test");
    write::<WeightsError>(file.path(), facts, plans, |plan| {
        let bytes = plan.kind.bytes_of(&plan.shape).expect("a shape of whole blocks");
        Ok((0..bytes).map(|at| at as u8).collect())
    })
    .expect("the plan can be written");
    file
}

fn opened(bytes: &[u8]) -> Result<Gguf, String> {
    let file = tempfile::NamedTempFile::new().expect("a file for the test");
    std::fs::write(file.path(), bytes).expect("the file takes it");
    Gguf::open(file.path()).map_err(|error| error.to_string())
}

fn facts() -> impl Strategy<Value = Vec<(String, Fact)>> {
    let fact = prop_oneof![
        any::<u8>().prop_map(Fact::U8),
        any::<i16>().prop_map(Fact::I16),
        any::<u64>().prop_map(Fact::U64),
        any::<bool>().prop_map(Fact::Bool),
        (-1e3..1e3f32).prop_map(Fact::F32),
        "[a-zé▁]{0,9}".prop_map(Fact::Text),
        prop::collection::vec(any::<i32>(), 0..5).prop_map(|it| Fact::List(List::I32(it))),
        prop::collection::vec(any::<bool>(), 0..5).prop_map(|it| Fact::List(List::Bool(it))),
        prop::collection::vec("[a-z]{0,5}", 0..5).prop_map(|it| Fact::List(List::Text(it))),
        prop::collection::vec(-1e3..1e3f64, 0..5).prop_map(|it| Fact::List(List::F64(it))),
    ];
    prop::collection::btree_map("[a-z.]{1,8}", fact, 0..6).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        facts in facts(),
        shapes in prop::collection::vec((0_usize..4, 1_usize..4, 0_usize..4), 0..5),
    ) {
        let kinds = [BlockKind::F32, BlockKind::F16, BlockKind::Q8_0, BlockKind::Q4K];
        let plans: Vec<Plan> = shapes
            .iter()
            .enumerate()
            .map(|(at, &(kind, rows, blocks))| {
                let shape = [rows, blocks * kinds[kind].block()];
                plan(&format!("t{at}"), &shape, kinds[kind])
            })
            .collect();
        let file = file(&facts, &plans);
        let read = Gguf::open(file.path()).unwrap();
        prop_assert_eq!(read.facts().clone(), facts.into_iter().collect::<BTreeMap<_, _>>());
        prop_assert_eq!(read.tensors().len(), plans.len());
        for plan in &plans {
            let entry = read.entry(&plan.name).unwrap();
            prop_assert_eq!((&entry.shape, entry.kind), (&plan.shape, plan.kind));
            let expected: Vec<u8> = (0..entry.bytes()).map(|at| at as u8).collect();
            prop_assert_eq!(read.bytes(&plan.name).unwrap(), expected);
            let tensor = read.tensor(&plan.name).unwrap();
            prop_assert_eq!(tensor.dims(), &plan.shape[..]);
        }
    }

    #[test]
    fn a_damaged_file_is_refused_or_read_never_more(
        at in 0_usize..400,
        byte in any::<u8>(),
        cut in 0_usize..800,
    ) {
        let facts = [
            ("general.architecture".to_owned(), Fact::Text("llama".to_owned())),
            ("list".to_owned(), Fact::List(List::U32(vec![1, 2, 3]))),
        ];
        let plans = [plan("a", &[2, 64], BlockKind::Q8_0), plan("b", &[3], BlockKind::F32)];
        let mut bytes = std::fs::read(file(&facts, &plans).path()).unwrap();
        bytes.truncate(bytes.len().saturating_sub(cut / 4));
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        if let Ok(read) = Gguf::open(file.path()) {
            for name in read.tensors().keys() {
                read.tensor(name).unwrap();
            }
        }
    }
}

#[test]
fn quantised_blocks_come_back_as_near_as_they_were_made() {
    let values: Vec<f32> = (0..512).map(|at| (at as f32 * 0.37).sin()).collect();
    let tensor = Tensor::from_vec(values, (2, 256), &Device::Cpu).unwrap();
    for (kind, candle, most) in
        [(BlockKind::Q8_0, GgmlDType::Q8_0, 0.006), (BlockKind::Q4K, GgmlDType::Q4K, 0.1)]
    {
        let blocks = QTensor::quantize(&tensor, candle).unwrap().data().unwrap().into_owned();
        let path = tempfile::NamedTempFile::new().unwrap();
        let plans = [plan("w", &[2, 256], kind)];
        write::<WeightsError>(path.path(), &[], &plans, |_| Ok(blocks.clone())).unwrap();
        let read = Gguf::open(path.path()).unwrap();
        let again = quantised(kind, &read.bytes("w").unwrap(), &[2, 256]).unwrap();
        assert_eq!(again.data().unwrap().into_owned(), blocks);
        let plain = read.tensor("w").unwrap();
        assert_eq!(plain.dtype(), DType::F32);
        let worst = (plain - &tensor).unwrap().abs().unwrap().max_all().unwrap();
        let worst = worst.to_scalar::<f32>().unwrap();
        assert!(worst < most, "{kind}: {worst}");
    }
}

#[test]
fn a_small_file_that_claims_much_is_refused() {
    let begin = [&MAGIC[..], &3_u32.to_le_bytes()].concat();
    let huge = 10_u64 << 30;
    let with = |more: &[&[u8]]| opened(&[&begin[..], &more.concat()].concat()).err().unwrap();
    let one = 1_u64.to_le_bytes();
    let none = 0_u64.to_le_bytes();
    let name = [&1_u64.to_le_bytes()[..], b"a"].concat();
    let zeros = vec![0; 1024];
    let cases = [
        with(&[&huge.to_le_bytes(), &none, &zeros]),
        with(&[&none, &huge.to_le_bytes(), &zeros]),
        with(&[&none, &one, &huge.to_le_bytes(), &zeros]),
        with(&[&none, &one, &name, &8_u32.to_le_bytes(), &huge.to_le_bytes(), &zeros]),
        with(&[
            &none,
            &one,
            &name,
            &9_u32.to_le_bytes(),
            &0_u32.to_le_bytes(),
            &huge.to_le_bytes(),
            &zeros,
        ]),
    ];
    for message in cases {
        assert!(message.contains("claims 10737418240"), "{message}");
    }
    let tensor = |axis: u64, kind: u32, offset: u64| {
        let parts = [
            &one[..],
            &none,
            &name,
            &1_u32.to_le_bytes(),
            &axis.to_le_bytes(),
            &kind.to_le_bytes(),
            &offset.to_le_bytes(),
            &zeros,
        ];
        with(&parts)
    };
    assert!(tensor(huge, 0, 0).contains("cut off"));
    assert!(tensor(u64::MAX, 0, 0).contains("none that F32"));
    assert!(tensor(1, 0, huge).contains("cut off"));
    assert!(tensor(1, 0, u64::MAX - 31).contains("beyond any file"));
    assert!(tensor(1, 0, 7).contains("no multiple of 32"));
    assert!(tensor(1, 99, 0).contains("kind 99"));
    assert!(tensor(31, 8, 0).contains("none that Q8_0"));
}

#[test]
fn an_empty_tensor_is_read_wherever_it_is_said_to_begin() {
    let plans = [plan("a", &[0, 4], BlockKind::F32)];
    let mut bytes = std::fs::read(file(&[], &plans).path()).unwrap();
    let offset = 4 + 4 + 8 + 8 + 8 + 1 + 4 + 16 + 4;
    bytes[offset..offset + 8].copy_from_slice(&(u64::MAX - 4095).to_le_bytes());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    let read = Gguf::open(file.path()).unwrap();
    assert!(read.bytes("a").unwrap().is_empty());
    assert_eq!(read.tensor("a").unwrap().dims(), [0, 4]);
}

#[test]
fn what_is_not_gguf_says_so() {
    assert!(opened(b"not that").unwrap_err().contains("another format"));
    assert!(opened(b"").unwrap_err().contains("claims 4 bytes"));
    assert!(opened(b"GGUF\x01\0\0\0").unwrap_err().contains("version 1"));
}

#[test]
fn a_file_that_cannot_be_finished_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.gguf");
    let plans = [plan("a", &[8], BlockKind::F32)];
    let short = write::<WeightsError>(&path, &[], &plans, |_| Ok(vec![0; 3]));
    assert!(short.unwrap_err().to_string().contains("3 bytes were given where 32 are needed"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
