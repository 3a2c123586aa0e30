//! AMX for processors without it: a handler of SIGILL that carries out the refused instruction and goes on after it.
//!
//! So the kernel's own machine code runs in tests on any x86-64 Linux. What is carried out is what Intel's manual says
//! of each instruction ("Instruction Set Reference", volume 2), faults included; what is not known aborts the process.

#[cfg(test)]
mod tests;

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// One of the instructions, its addresses worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instruction {
    /// LDTILECFG from an address.
    Configure(u64),
    /// TILERELEASE.
    Release,
    /// TILEZERO.
    Zero(usize),
    /// TILELOADD: tile, address of the first row, distance to the next.
    Load(usize, u64, u64),
    /// TILESTORED, the same way.
    Store(usize, u64, u64),
    /// TDPBF16PS: sums, left and right.
    Dot(usize, usize, usize),
}

/// Reads the instruction at `byte(0)` and its length; `register` is a general register by the processor's number.
fn decode(
    byte: impl Fn(usize) -> u8,
    register: impl Fn(usize) -> u64,
) -> Result<(Instruction, usize), &'static str> {
    // VEX of three bytes, map 0F38, W 0, vectors of 128.
    let (first, second) = (byte(1), byte(2));
    if byte(0) != 0xc4 || first & 0x1f != 2 || second & 0x84 != 0 {
        return Err("no instruction of AMX");
    }
    let extended = |bit: u8| usize::from(!first >> bit & 1) << 3;
    let (prefix, operation, modrm) = (second & 3, byte(3), byte(4));
    let third = usize::from(!second >> 3 & 15);
    let (mode, middle, low) = (modrm >> 6, usize::from(modrm >> 3 & 7), usize::from(modrm & 7));
    let tile = extended(7) + middle;
    let direct = mode == 3;
    if direct {
        if extended(7) + extended(5) + (third & 8) != 0 {
            return Err("a tile above 7");
        }
        let found = match (operation, prefix) {
            (0x49, 0) if modrm == 0xc0 && third == 0 => Instruction::Release,
            (0x49, 3) if low == 0 && third == 0 => Instruction::Zero(tile),
            (0x5c, 2) if tile != low && tile != third && low != third => {
                Instruction::Dot(tile, low, third)
            }
            _ => return Err("an instruction of AMX between tiles that is not known"),
        };
        return Ok((found, 5));
    }
    if third != 0 {
        return Err("a third operand where there is none");
    }
    let with_index = low == 4;
    let mut length = 5 + usize::from(with_index);
    let (base, index, scale) = if with_index {
        let sib = byte(5);
        let index = extended(6) + usize::from(sib >> 3 & 7);
        let index = if index == 4 { 0 } else { register(index) };
        (usize::from(sib & 7), index, sib >> 6)
    } else {
        (low, 0, 0)
    };
    if mode == 0 && base == 5 {
        return Err("an address without a base");
    }
    let away = match mode {
        0 => 0,
        1 => i64::from(byte(length) as i8),
        _ => i64::from(i32::from_le_bytes([0, 1, 2, 3].map(|at| byte(length + at)))),
    };
    length += [0, 1, 4][usize::from(mode)];
    let address = register(extended(5) + base).wrapping_add_signed(away);
    let stride = index << scale;
    let found = match (operation, prefix) {
        (0x49, 0) if tile == 0 => Instruction::Configure(address.wrapping_add(stride)),
        (0x4b, 1 | 3) if with_index && tile < 8 => Instruction::Load(tile, address, stride),
        (0x4b, 2) if with_index && tile < 8 => Instruction::Store(tile, address, stride),
        _ => return Err("an instruction of AMX with memory that is not known"),
    };
    Ok((found, length))
}

/// A tile's 16 rows of 64 bytes, as words.
type Tile = [[u32; 16]; 16];

/// The tiles of one thread.
struct State {
    configured: bool,
    /// Bytes of a row.
    bytes: [u16; 8],
    rows: [u8; 8],
    tiles: [Tile; 8],
    /// Instructions carried out for the thread.
    count: usize,
}

impl State {
    const fn new() -> Self {
        Self { configured: false, bytes: [0; 8], rows: [0; 8], tiles: [[[0; 16]; 16]; 8], count: 0 }
    }

    /// Carries out an instruction; the message is of what the processor would refuse.
    ///
    /// # Safety
    /// The addresses are good for what the instruction reads and writes.
    unsafe fn run(&mut self, instruction: Instruction) -> Result<(), &'static str> {
        match instruction {
            Instruction::Configure(from) => {
                self.release();
                // SAFETY: the caller's promise.
                self.configure(&unsafe { (from as *const [u8; 64]).read_unaligned() })?;
            }
            Instruction::Release => self.release(),
            Instruction::Zero(tile) => {
                self.shape(tile)?;
                self.tiles[tile] = [[0; 16]; 16];
            }
            Instruction::Load(tile, from, stride) => {
                let (rows, bytes) = self.shape(tile)?;
                let mut loaded = [[0u32; 16]; 16];
                for (row, to) in loaded[..rows].iter_mut().enumerate() {
                    let from = from.wrapping_add(stride.wrapping_mul(row as u64)) as *const u8;
                    // SAFETY: the caller's promise; a row of a tile has room for 64 bytes.
                    unsafe { from.copy_to_nonoverlapping(to.as_mut_ptr().cast(), bytes) };
                }
                self.tiles[tile] = loaded;
            }
            Instruction::Store(tile, to, stride) => {
                let (rows, bytes) = self.shape(tile)?;
                for (row, from) in self.tiles[tile][..rows].iter().enumerate() {
                    let to = to.wrapping_add(stride.wrapping_mul(row as u64)) as *mut u8;
                    // SAFETY: as above.
                    unsafe { to.copy_from_nonoverlapping(from.as_ptr().cast(), bytes) };
                }
            }
            Instruction::Dot(sums, left, right) => self.dot(sums, left, right)?,
        }
        self.count += 1;
        Ok(())
    }

    fn release(&mut self) {
        *self = Self { count: self.count, ..Self::new() };
    }

    fn configure(&mut self, from: &[u8; 64]) -> Result<(), &'static str> {
        // A palette of 0 is a release; a start row is for tiles that were interrupted.
        if from[0] != 1 || from[1] != 0 {
            return Err("a configuration that is not of palette 1 from row 0");
        }
        let spare = from[2..16].iter().chain(&from[32..48]).chain(&from[56..64]);
        if spare.into_iter().any(|byte| *byte != 0) {
            return Err("a configuration whose reserved bytes are not 0");
        }
        for tile in 0..8 {
            let bytes = u16::from_le_bytes([from[16 + 2 * tile], from[17 + 2 * tile]]);
            let rows = from[48 + tile];
            if bytes > 64 || rows > 16 || (bytes == 0) != (rows == 0) {
                return Err("a configuration of a tile larger than 16 rows of 64 bytes");
            }
            (self.bytes[tile], self.rows[tile]) = (bytes, rows);
        }
        self.configured = true;
        Ok(())
    }

    /// Rows and bytes of a row.
    fn shape(&self, tile: usize) -> Result<(usize, usize), &'static str> {
        if !self.configured || self.rows[tile] == 0 {
            return Err("a tile that is not configured");
        }
        Ok((usize::from(self.rows[tile]), usize::from(self.bytes[tile])))
    }

    /// Even and odd products are summed apart over all pairs, and both added to the sum in the end.
    fn dot(&mut self, sums: usize, left: usize, right: usize) -> Result<(), &'static str> {
        let (rows, bytes) = self.shape(sums)?;
        let (left_rows, left_bytes) = self.shape(left)?;
        let (pairs, right_bytes) = self.shape(right)?;
        let fits = left_rows == rows && right_bytes == bytes && left_bytes == 4 * pairs;
        if !fits || bytes % 4 != 0 {
            return Err("a product of tiles that do not fit each other");
        }
        let mut made = [[0u32; 16]; 16];
        for (row, made) in made[..rows].iter_mut().enumerate() {
            let (mut even, mut odd) = ([0f32; 16], [0f32; 16]);
            for pair in 0..pairs {
                let (low, high) = halves(self.tiles[left][row][pair]);
                for column in 0..bytes / 4 {
                    let (right_low, right_high) = halves(self.tiles[right][pair][column]);
                    even[column] = flushed(low.mul_add(right_low, even[column]));
                    odd[column] = flushed(high.mul_add(right_high, odd[column]));
                }
            }
            for column in 0..bytes / 4 {
                let before = flushed(f32::from_bits(self.tiles[sums][row][column]));
                let after = flushed(before + flushed(even[column] + odd[column]));
                made[column] = after.to_bits();
            }
        }
        self.tiles[sums] = made;
        Ok(())
    }
}

/// The two bf16 of a word, the low one first.
fn halves(word: u32) -> (f32, f32) {
    (flushed(f32::from_bits(word << 16)), flushed(f32::from_bits(word & 0xffff_0000)))
}

/// What is too small for a full mantissa counts as 0 of its sign.
fn flushed(x: f32) -> f32 {
    if x.is_subnormal() { 0f32.copysign(x) } else { x }
}

thread_local! {
    /// Zero from the start and without a destructor, it is plain memory of the thread: good for a handler of signals.
    static STATE: UnsafeCell<State> = const { UnsafeCell::new(State::new()) };
}

static INSTALLED: AtomicBool = AtomicBool::new(false);

/// Whether the handler is there.
pub(super) fn installed() -> bool {
    INSTALLED.load(Ordering::Acquire)
}

/// Whether tiles of the calling thread are configured, and how many instructions were carried out for it.
pub(super) fn of_thread() -> (bool, usize) {
    // SAFETY: only this thread and its handler use its state, and the handler does not run between these.
    STATE.with(|state| unsafe { ((*state.get()).configured, (*state.get()).count) })
}

/// Sees that there is AMX: the processor's, or this.
pub(super) fn provide() {
    static PROVIDED: OnceLock<()> = OnceLock::new();
    PROVIDED.get_or_init(|| {
        if super::missing().is_none() {
            return;
        }
        // SAFETY: an action of zeros is one without flags and an empty mask, and the handler has the signature that
        // SA_SIGINFO asks for.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction =
                handle as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(libc::sigaction(libc::SIGILL, &raw const action, std::ptr::null_mut()), 0);
        }
        INSTALLED.store(true, Ordering::Release);
    });
}

/// The general registers by the processor's numbers.
const REGISTERS: [c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

extern "C" fn handle(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: with SA_SIGINFO the context is that of the interrupted thread, whose next instruction was refused: it can
    // be read as far as it goes, and its addresses are what the kernel vouches for.
    unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let at = registers[libc::REG_RIP as usize] as *const u8;
        let found = decode(
            |byte| at.add(byte).read(),
            |number| registers[REGISTERS[number] as usize] as u64,
        );
        let done = found.and_then(|(instruction, length)| {
            STATE.with(|state| (*state.get()).run(instruction)).map(|()| length)
        });
        match done {
            Ok(length) => registers[libc::REG_RIP as usize] += length as i64,
            Err(reason) => fail(reason),
        }
    }
}

/// Says why and ends the process, by what a handler of signals may call.
fn fail(reason: &str) -> ! {
    for part in ["an instruction was refused that is not carried out for AMX: ", reason, "\n"] {
        // SAFETY: the text is there.
        unsafe { libc::write(2, part.as_ptr().cast(), part.len()) };
    }
    // SAFETY: nothing is left to do.
    unsafe { libc::abort() }
}
