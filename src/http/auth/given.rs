//! The credentials of a request: basic authentication (RFC 7617).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::header::{AUTHORIZATION, HeaderMap};

/// Clients are lenient with padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A name and a password that somebody gave.
pub struct Given {
    /// Bytes of any kind.
    pub user: Vec<u8>,
    /// Bytes of any kind.
    pub password: Vec<u8>,
}

impl Given {
    /// Those of a request; `None` where it has none, or something else. Only the first colon
    /// divides.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let mut user = BASE64.decode(encoded.trim()).ok()?;
        let colon = user.iter().position(|&byte| byte == b':')?;
        let password = user.split_off(colon + 1);
        user.pop();
        Some(Self { user, password })
    }
}
