//! Times MFCC on one 16-bit mono WAV file: `mfcc_speed FILE.wav` prints the CPU seconds of one
//! extraction (after a short one to warm up, file reading left out) as JSON. The peer is
//! `scripts/bench/mfcc_librosa.py`, which does the same.

use std::fs;
use std::io;

use omnivale_signal::mfcc::mfcc;

const COEFFICIENTS: usize = 20;

fn main() -> io::Result<()> {
    let path =
        std::env::args().nth(1).ok_or_else(|| io::Error::other("usage: mfcc_speed FILE.wav"))?;
    let (samples, sample_rate) =
        read_wav(&fs::read(path)?).ok_or_else(|| io::Error::other("not a 16-bit mono WAV file"))?;
    let warm_up = samples.len().min(2 * sample_rate as usize);
    // The results are used, so that the work cannot be optimised away.
    std::hint::black_box(mfcc(&samples[..warm_up], sample_rate, COEFFICIENTS));
    let before = cpu_seconds()?;
    std::hint::black_box(mfcc(&samples, sample_rate, COEFFICIENTS));
    let spent = cpu_seconds()? - before;
    let audio_seconds = samples.len() as f64 / f64::from(sample_rate);
    println!("{{\"cpu_seconds\": {spent}, \"audio_seconds\": {audio_seconds}}}");
    Ok(())
}

/// Time this thread has spent on a processor, as Linux counts it in nanoseconds.
fn cpu_seconds() -> io::Result<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().and_then(|field| field.parse::<f64>().ok());
    nanos.map(|nanos| nanos / 1e9).ok_or_else(|| io::Error::other("no schedstat"))
}

/// Samples in [-1, 1] and the rate; chunks other than `fmt ` and `data` are passed over.
fn read_wav(bytes: &[u8]) -> Option<(Vec<f32>, u32)> {
    let mut rest = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut sample_rate = None;
    loop {
        let (name, size) = (rest.get(..4)?, rest.get(4..8)?);
        let size = u32::from_le_bytes(size.try_into().ok()?) as usize;
        let end = (8 + size).min(rest.len());
        let chunk = &rest[8..end];
        match name {
            b"fmt " => {
                let field =
                    |at: usize| Some(u16::from_le_bytes(chunk.get(at..at + 2)?.try_into().ok()?));
                let is_mono_16_bit = field(2)? == 1 && field(14)? == 16;
                let rate = u32::from_le_bytes(chunk.get(4..8)?.try_into().ok()?);
                sample_rate = is_mono_16_bit.then_some(rate);
            }
            b"data" => {
                let samples = chunk.as_chunks::<2>().0.iter();
                let samples = samples.map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32768.0);
                return Some((samples.collect(), sample_rate?));
            }
            _ => {}
        }
        rest = rest.get(end + size % 2..)?;
    }
}
