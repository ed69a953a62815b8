//! Any bytes: no call or answer makes the decoder panic, and what it read is written so that it
//! is read the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use supervisord::xmlrpc::{decode_call, decode_response, encode_fault, encode_response};

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_call(bytes);
    if let Some(once) = written_again(bytes) {
        if let Some(twice) = written_again(&once) {
            assert_eq!(once, twice);
        }
    }
});

fn written_again(body: &[u8]) -> Option<Vec<u8>> {
    Some(match decode_response(body).ok()? {
        Ok(value) => encode_response(&value),
        Err(fault) => encode_fault(&fault),
    })
}
