//! libav's messages go to `tracing`, never to stderr.

use std::sync::Once;

use super::ffi;
use crate::limits;

/// Once per process: takes over libav's messages and bounds its allocations.
pub(crate) fn route_messages() {
    static ROUTED: Once = Once::new();
    ROUTED.call_once(|| {
        // SAFETY: both set process-wide values; the callback is safe to call from any thread.
        unsafe {
            ffi::av_max_alloc(limits::MAX_ALLOCATION);
            // The type of a variable argument list differs between machines; elsewhere libav is
            // simply silenced.
            #[cfg(all(target_arch = "x86_64", unix))]
            ffi::av_log_set_callback(Some(callback::pass_on));
            #[cfg(not(all(target_arch = "x86_64", unix)))]
            ffi::av_log_set_level(ffi::AV_LOG_QUIET as _);
        }
    });
}

#[cfg(all(target_arch = "x86_64", unix))]
mod callback {
    use std::ffi::{CStr, c_char, c_int, c_void};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::ffi;

    /// Messages passed on per second; a damaged file can cause thousands.
    const MESSAGES_PER_SECOND: u64 = 50;

    pub(super) unsafe extern "C" fn pass_on(
        context: *mut c_void,
        level: c_int,
        format: *const c_char,
        arguments: *mut ffi::__va_list_tag,
    ) {
        if level > ffi::AV_LOG_WARNING as c_int
            || !tracing::enabled!(target: "libav", tracing::Level::DEBUG)
            || !within_rate()
        {
            return;
        }
        let mut line = [0 as c_char; 512];
        let mut prefix: c_int = 1;
        // SAFETY: the arguments are libav's own, passed on unchanged; the line is valid for its
        // length and always terminated.
        let line = unsafe {
            ffi::av_log_format_line2(
                context,
                level,
                format,
                arguments,
                line.as_mut_ptr(),
                line.len() as c_int,
                &mut prefix,
            );
            CStr::from_ptr(line.as_ptr())
        };
        tracing::debug!(target: "libav", "{}", line.to_string_lossy().trim_end());
    }

    /// Counts this message; false once this second has had enough.
    fn within_rate() -> bool {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        // Two threads may count as one, which lets a message more through.
        let (pass, count) = admit(COUNT.load(Ordering::Relaxed), second);
        COUNT.store(count, Ordering::Relaxed);
        pass
    }

    /// Whether a message in this second passes, and the new count: the second in the upper bits,
    /// its messages so far in the lower 16.
    fn admit(count: u64, second: u64) -> (bool, u64) {
        let so_far = if count >> 16 == second { count & 0xffff } else { 0 };
        (so_far < MESSAGES_PER_SECOND, (second << 16) | (so_far + 1).min(0xffff))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn each_second_has_its_share() {
            let mut count = 0;
            for second in [7, 8] {
                let passed = (0..70_000).filter(|_| {
                    let (pass, next) = admit(count, second);
                    count = next;
                    pass
                });
                assert_eq!(passed.count() as u64, MESSAGES_PER_SECOND);
            }
        }
    }
}
