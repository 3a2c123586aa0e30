//! Products of bf16 by AMX: tiles of 16 rows of 64 bytes, and an instruction that multiplies two of them.
//!
//! Stable Rust has no functions for these instructions, so they are written in assembly. They are tried on any x86-64
//! Linux by a test that carries them out one by one as they are refused.

mod product;
mod tiles;

#[cfg(all(test, target_os = "linux"))]
mod emulator;
#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::arch::asm;
use std::arch::x86_64::_xgetbv;
use std::sync::OnceLock;

pub(crate) use product::product;
pub(crate) use tiles::{INPUTS, OUTPUTS, spin};

/// Bits of CPUID's leaf 7, register EDX.
const AMX_BF16: u32 = 1 << 22;
const AMX_TILE: u32 = 1 << 24;
/// Bit of CPUID's leaf 1, register ECX: the system has switched on XGETBV.
const OSXSAVE: u32 = 1 << 27;
/// Bits of XCR0: the system keeps the configuration of tiles and their data for each thread.
const TILE_STATES: u64 = 1 << 17 | 1 << 18;

/// What this machine lacks for AMX. The first call asks the system for the tiles, on behalf of the whole process.
pub(crate) fn missing() -> Option<String> {
    #[cfg(all(test, target_os = "linux"))]
    if emulator::installed() {
        return None;
    }
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    MISSING.get_or_init(|| lacking(features(), states()).map(str::to_owned).or_else(ask)).clone()
}

/// Registers EAX, ECX and EDX of a leaf of CPUID, part 0.
fn cpuid(leaf: u32) -> [u32; 3] {
    let (mut eax, mut ecx) = (leaf, 0);
    let edx;
    // SAFETY: every x86-64 processor has the instruction; the compiler's own register RBX is put back.
    unsafe {
        asm!(
            "mov {kept}, rbx",
            "cpuid",
            "mov rbx, {kept}",
            kept = out(reg) _,
            inout("eax") eax,
            inout("ecx") ecx,
            out("edx") edx,
            options(nostack, preserves_flags, nomem),
        );
    }
    [eax, ecx, edx]
}

/// Register EDX of CPUID's leaf 7.
fn features() -> u32 {
    let [most, ..] = cpuid(0);
    if most < 7 { 0 } else { cpuid(7)[2] }
}

/// The states that the system keeps for each thread: XCR0.
fn states() -> u64 {
    #[target_feature(enable = "xsave")]
    fn read() -> u64 {
        // SAFETY: register 0 is there wherever XGETBV is.
        unsafe { _xgetbv(0) }
    }
    let [_, flags, _] = cpuid(1);
    if flags & OSXSAVE == 0 {
        return 0;
    }
    // SAFETY: the bit says that the processor has XGETBV and that the system has switched it on.
    unsafe { read() }
}

fn lacking(features: u32, states: u64) -> Option<&'static str> {
    if features & AMX_TILE == 0 {
        Some("the processor has no AMX")
    } else if features & AMX_BF16 == 0 {
        Some("the processor's AMX has no products of bf16")
    } else if states & TILE_STATES != TILE_STATES {
        Some("the system does not keep the tiles of AMX for its threads (Linux does from 5.16 on)")
    } else {
        None
    }
}

/// Asks Linux to let the process, with all its threads, use the tiles' data.
#[cfg(target_os = "linux")]
fn ask() -> Option<String> {
    const ARCH_PRCTL: u64 = 158;
    const ARCH_REQ_XCOMP_PERM: u64 = 0x1023;
    const TILE_DATA: u64 = 18;
    let answer: i64;
    // SAFETY: a system call that takes two numbers and touches no memory; RCX and R11 are what such calls spoil.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => answer,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    (answer != 0).then(|| {
        let error = std::io::Error::from_raw_os_error(i32::try_from(-answer).unwrap_or(0));
        format!("Linux does not let this process use the tiles of AMX: {error}")
    })
}

/// Other systems have ways of their own, which are not known here.
#[cfg(not(target_os = "linux"))]
fn ask() -> Option<String> {
    Some("AMX is used on Linux alone".to_owned())
}
