//! Any path leads somewhere, without a panic, and an escape never leads elsewhere than the byte
//! it stands for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use supervisord::http::path::Route;

fuzz_target!(|path: &str| {
    let route = Route::of(path);
    let escaped: String = path.bytes().map(|byte| format!("%{byte:02x}")).collect();
    // A path's own escapes are not to be decoded twice.
    if !path.contains('%') {
        assert_eq!(route, Route::of(&escaped));
    }
});
