//! The emulator against Intel's manual, and against encodings that binutils reads the same way.

use std::arch::asm;

use super::*;

/// Registers whose values tell them apart.
fn read(bytes: &[u8]) -> Result<(Instruction, usize), &'static str> {
    decode(|at| bytes[at], |number| 0x1000 * (number as u64 + 1))
}

#[test]
fn encodings_are_read_as_a_disassembler_reads_them() {
    use Instruction::{Configure, Dot, Load, Release, Store, Zero};
    let (rcx, rsi, rdi) = (0x2000, 0x7000, 0x8000);
    let (r9, r12, r13, r15) = (0xa000, 0xd000, 0xe000, 0x10000);
    let cases: [(&[u8], Instruction); 16] = [
        // ldtilecfg [rdi], [rdi+rsi*2+64], [r12], [rcx]
        (&[0xc4, 0xe2, 0x78, 0x49, 0x07], Configure(rdi)),
        (&[0xc4, 0xe2, 0x78, 0x49, 0x44, 0x77, 0x40], Configure(rdi + 2 * rsi + 64)),
        (&[0xc4, 0xc2, 0x78, 0x49, 0x04, 0x24], Configure(r12)),
        (&[0xc4, 0xe2, 0x78, 0x49, 0x01], Configure(rcx)),
        // tilezero tmm0, tmm3, tmm7
        (&[0xc4, 0xe2, 0x7b, 0x49, 0xc0], Zero(0)),
        (&[0xc4, 0xe2, 0x7b, 0x49, 0xd8], Zero(3)),
        (&[0xc4, 0xe2, 0x7b, 0x49, 0xf8], Zero(7)),
        // tileloadd tmm4, [rdi+rsi]; tmm6, [rdi+rsi+64]; tmm7, [r12+r9*4+1024]; tmm1, [r13+r15]
        (&[0xc4, 0xe2, 0x7b, 0x4b, 0x24, 0x37], Load(4, rdi, rsi)),
        (&[0xc4, 0xe2, 0x7b, 0x4b, 0x74, 0x37, 0x40], Load(6, rdi + 64, rsi)),
        (&[0xc4, 0x82, 0x7b, 0x4b, 0xbc, 0x8c, 0, 4, 0, 0], Load(7, r12 + 1024, 4 * r9)),
        (&[0xc4, 0x82, 0x7b, 0x4b, 0x4c, 0x3d, 0], Load(1, r13, r15)),
        // tileloaddt1 tmm1, [r13+r15]
        (&[0xc4, 0x82, 0x79, 0x4b, 0x4c, 0x3d, 0], Load(1, r13, r15)),
        // tdpbf16ps tmm0, tmm4, tmm6; tmm3, tmm5, tmm7
        (&[0xc4, 0xe2, 0x4a, 0x5c, 0xc4], Dot(0, 4, 6)),
        (&[0xc4, 0xe2, 0x42, 0x5c, 0xdd], Dot(3, 5, 7)),
        // tilestored [rdi+rsi+64], tmm3
        (&[0xc4, 0xe2, 0x7a, 0x4b, 0x5c, 0x37, 0x40], Store(3, rdi + 64, rsi)),
        // tilerelease
        (&[0xc4, 0xe2, 0x78, 0x49, 0xc0], Release),
    ];
    for (bytes, instruction) in cases {
        assert_eq!(read(bytes), Ok((instruction, bytes.len())), "{bytes:02x?}");
    }
}

#[test]
fn what_is_not_known_is_refused() {
    let cases: [&[u8]; 9] = [
        // ud2, and vpdpbusd, which has the same map
        &[0x0f, 0x0b, 0, 0, 0],
        &[0xc4, 0xe2, 0x75, 0x50, 0xc2],
        // tdpbssd and tdpfp16ps
        &[0xc4, 0xe2, 0x4b, 0x5e, 0xc4],
        &[0xc4, 0xe2, 0x4b, 0x5c, 0xc4],
        // sttilecfg [rdi]
        &[0xc4, 0xe2, 0x79, 0x49, 0x07],
        // a product whose sums are one of its sides, and one of tile 8
        &[0xc4, 0xe2, 0x4a, 0x5c, 0xe4],
        &[0xc4, 0xe2, 0x3a, 0x5c, 0xc4],
        // a load without SIB, and ldtilecfg [rip]
        &[0xc4, 0xe2, 0x7b, 0x4b, 0x07],
        &[0xc4, 0xe2, 0x78, 0x49, 0x05, 0, 0, 0, 0],
    ];
    for bytes in cases {
        assert!(read(bytes).is_err(), "{bytes:02x?}");
    }
}

/// Tiles of 2 rows of 2 sums, 2 rows of 2 pairs, and 2 pairs of 2 outputs.
fn small() -> State {
    let mut state = State::new();
    let mut from = [0u8; 64];
    from[0] = 1;
    for tile in 0..3 {
        (from[16 + 2 * tile], from[48 + tile]) = (8, 2);
    }
    state.configure(&from).expect("a configuration as the manual has it");
    state
}

/// Two bf16 as a word.
fn pair(low: f32, high: f32) -> u32 {
    low.to_bits() >> 16 | high.to_bits() & 0xffff_0000
}

#[test]
fn products_are_summed_as_the_manual_says() {
    let mut state = small();
    let tiny = f32::from_bits(1 << 16);
    // 2^24 holds no 1 more: even products alone, then odd ones, then both, then what was there.
    state.tiles[1][0][..2].copy_from_slice(&[pair(4096.0, 1.0), pair(1.0, 1.0)]);
    state.tiles[2][0][0] = pair(4096.0, 1.0);
    state.tiles[2][1][0] = pair(1.0, 1.0);
    state.tiles[0][0][0] = 1f32.to_bits();
    // What is too small counts as 0, on the way in and on the way out, and keeps its sign.
    state.tiles[1][1][..2].copy_from_slice(&[pair(tiny, 0.0), pair(-1e-20, 0.0)]);
    state.tiles[2][0][1] = pair(1e30, 0.0);
    state.tiles[2][1][1] = pair(1e-20, 0.0);
    state.tiles[0][1][1] = (-1e-40f32).to_bits();
    state.tiles[0][1][2] = 7;
    state.tiles[0][2][0] = 7;
    state.dot(0, 1, 2).expect("tiles that fit");
    let sums = |row: usize, column: usize| f32::from_bits(state.tiles[0][row][column]);
    // 2^24 + 1 is 2^24 again, 1 + 1 is 2, together 2^24 + 2; one more is a tie, which goes to the even 2^24 + 4.
    assert_eq!(sums(0, 0), 16_777_220.0);
    assert_eq!(sums(1, 1), 0.0);
    // Words beyond the tile's shape become 0.
    assert_eq!((state.tiles[0][1][2], state.tiles[0][2][0]), (0, 0));
}

#[test]
fn every_sum_is_rounded_as_it_would_be_of_exact_numbers() {
    let mut state = small();
    let mut bits = 12_345u32;
    let mut next = || {
        bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let exponent = 120 + (bits >> 8 & 15);
        f32::from_bits(exponent << 23 | bits >> 9 & 0x7f_0000 | bits & 0x8000_0000)
    };
    // Numbers from 2^-7 to 2^9: their products and sums are exact in f64, and rounded once to f32.
    let fused = |sum: f32, a: f32, b: f32| (f64::from(sum) + f64::from(a) * f64::from(b)) as f32;
    for _ in 0..1000 {
        let [a, b, c, d, e, f, g, h, start] = std::array::from_fn(|_| next());
        let start = start / 3.0;
        state.tiles[1][0][..2].copy_from_slice(&[pair(a, b), pair(c, d)]);
        state.tiles[2][0][0] = pair(e, f);
        state.tiles[2][1][0] = pair(g, h);
        state.tiles[0][0][0] = start.to_bits();
        state.dot(0, 1, 2).expect("tiles that fit");
        let even = fused(fused(0.0, a, e), c, g);
        let odd = fused(fused(0.0, b, f), d, h);
        assert_eq!(f32::from_bits(state.tiles[0][0][0]), start + (even + odd));
    }
}

#[test]
fn what_a_processor_refuses_is_refused() {
    let fresh = || State::new();
    // SAFETY: none of these comes to its address.
    let run = |mut state: State, instruction| unsafe { state.run(instruction) };
    assert!(run(fresh(), Instruction::Zero(0)).is_err());
    assert!(run(fresh(), Instruction::Load(0, 0, 64)).is_err());
    assert!(run(fresh(), Instruction::Dot(0, 1, 2)).is_err());
    assert!(run(small(), Instruction::Store(3, 0, 64)).is_err());
    let mut wrong = small();
    wrong.rows[1] = 1;
    assert!(run(wrong, Instruction::Dot(0, 1, 2)).is_err());
    for (at, value) in [(0, 2), (1, 1), (5, 1), (40, 1), (60, 1), (16, 65), (48, 17), (48, 0)] {
        let mut from = [0u8; 64];
        (from[0], from[16], from[48]) = (1, 64, 16);
        assert!(fresh().configure(&from).is_ok());
        from[at] = value;
        assert!(fresh().configure(&from).is_err(), "byte {at}");
    }
}

#[test]
fn another_refused_instruction_ends_the_process_with_a_word() {
    const CHILD: &str = "OMNIVALE_TEST_UD2";
    if std::env::var_os(CHILD).is_some() {
        provide();
        // SAFETY: the instruction does nothing but fail.
        unsafe { asm!("ud2", options(nomem, nostack)) };
        return;
    }
    provide();
    if !installed() {
        return;
    }
    let this = std::env::current_exe().expect("the path of the tests");
    let name = "amx::emulator::tests::another_refused_instruction_ends_the_process_with_a_word";
    let mut child = std::process::Command::new(this);
    let child = child.args(["--exact", "--nocapture", name]).env(CHILD, "1").output();
    let child = child.expect("the tests run once more");
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(!child.status.success() && said.contains("no instruction of AMX"), "{said}");
}
