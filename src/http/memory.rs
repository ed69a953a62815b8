//! Memory that nobody needs any more.

/// Gives back to the system what was allocated in many small pieces and is free by now: after a
/// large answer, or a crowd of clients.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) takes a number and gives back what nobody has.
    unsafe {
        libc::malloc_trim(0);
    }
}
