//! Any path leads somewhere or nowhere, without a panic, and an escape never leads elsewhere than
//! the byte it stands for. (A slash that is written as an escape divides nothing, and so is left.)
#![no_main]

use libfuzzer_sys::fuzz_target;
use supervisord::http::path::{Fields, decode, encode};
use supervisord::http::routes::Route;

fuzz_target!(|path: &str| {
    let seen = |path: &str| Route::of(path).map(|route| (route.spec.at, route.captures));
    let route = seen(path);
    let escaped: String = path
        .bytes()
        .map(|byte| if byte == b'/' { "/".to_owned() } else { format!("%{byte:02x}") })
        .collect();
    // A path's own escapes are not to be decoded twice.
    if !path.contains('%') {
        assert_eq!(route, seen(&escaped));
    }
    assert_eq!(decode(&encode(path)), path);
    let _ = Fields::read(path).number::<u64>("offset");
});
