//! Memory of megabytes and more, from the system.
//!
//! A page of memory is cleared by the system when it is first touched, in a fault each; pages of two megabytes take one
//! fault where small ones take 512, and a product that reads a weight from the first byte to the last then waits less
//! for addresses. Linux gives them where it is asked to (`madvise` in `/sys/kernel/mm/transparent_hugepage/enabled`) and
//! has some; where it does not, pages are small and nothing else changes.

use std::ptr::NonNull;

/// Bytes of a large page, and the least that is worth asking for.
#[cfg(target_os = "linux")]
const PAGE: usize = 2 << 20;

/// As many bytes of zeros; `None` where they are few, or the system is another: then they are allocated as usual.
#[cfg(target_os = "linux")]
pub(super) fn zeroed(bytes: usize) -> Option<NonNull<u8>> {
    if bytes < PAGE {
        return None;
    }
    // With room to begin at a large page. What is not touched takes addresses but no memory.
    let room = mapped(bytes)?.checked_add(PAGE)?;
    // SAFETY: memory of its own, at an address that the system chooses.
    let begin = unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        libc::mmap(std::ptr::null_mut(), room, access, kind, -1, 0)
    };
    if begin == libc::MAP_FAILED {
        return None;
    }
    let begin: *mut u8 = begin.cast();
    let before = begin.addr().wrapping_neg() % PAGE;
    let after = PAGE - before;
    // SAFETY: all of this lies within what was given. What fails leaves small pages, or addresses that nobody uses.
    unsafe {
        let at = begin.add(before);
        if before > 0 {
            libc::munmap(begin.cast(), before);
        }
        libc::munmap(begin.add(room - after).cast(), after);
        // Whole large pages only: a weight's last one would be mostly empty, and is memory all the same.
        libc::madvise(at.cast(), bytes / PAGE * PAGE, libc::MADV_HUGEPAGE);
        NonNull::new(at)
    }
}

/// Gives back what [`zeroed`] gave for as many bytes.
///
/// # Safety
/// Nobody uses it any more.
#[cfg(target_os = "linux")]
pub(super) unsafe fn free(begin: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's promise; the length is that which was kept.
    unsafe { libc::munmap(begin.as_ptr().cast(), mapped(bytes).unwrap_or(bytes)) };
}

/// Bytes that are mapped for as many: whole pages, of which the largest that any Linux of today has as its usual ones
/// take 64 KiB.
#[cfg(target_os = "linux")]
fn mapped(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(64 << 10)
}

/// Here everything is allocated as usual.
#[cfg(not(target_os = "linux"))]
pub(super) fn zeroed(_: usize) -> Option<NonNull<u8>> {
    None
}

/// Never called: [`zeroed`] gave nothing.
///
/// # Safety
/// None is needed.
#[cfg(not(target_os = "linux"))]
pub(super) unsafe fn free(_: NonNull<u8>, _: usize) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn large_memory_begins_at_a_large_page_and_is_zero() {
        assert!(zeroed(PAGE - 1).is_none());
        for bytes in [PAGE, PAGE + 1, 3 * PAGE - 64, 5 * PAGE + 4096] {
            let begin = zeroed(bytes).unwrap();
            assert!(begin.cast::<u8>().as_ptr().addr().is_multiple_of(PAGE));
            // SAFETY: as many bytes are there, zero at first, and given back once.
            unsafe {
                let all = std::slice::from_raw_parts_mut(begin.as_ptr(), bytes);
                assert!(all.iter().all(|byte| *byte == 0));
                all.fill(1);
                free(begin, bytes);
            }
        }
    }
}
