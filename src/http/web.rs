//! The web page: one document, and its assets under a path that changes with any of them.
//!
//! `build.rs` compresses them; they stay compressed in memory, and who cannot read that gets them
//! unpacked.

use std::io::Read;

use flate2::read::GzDecoder;
use hyper::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderName, HeaderValue,
    REFERRER_POLICY, VARY, X_FRAME_OPTIONS,
};
use hyper::{Response, StatusCode};

use super::body::{Body, answer};

/// A file of the page.
pub struct Asset {
    name: &'static str,
    media_type: &'static str,
    gzip: &'static [u8],
}

mod packed {
    use super::Asset;
    include!(concat!(env!("OUT_DIR"), "/web_assets.rs"));
}

use packed::{ASSETS, HASH, PAGE, TAG};

/// Nothing from elsewhere, nothing written into the document, and no other page around it.
const POLICY: &str = "default-src 'self'; style-src 'self'; img-src 'self' data:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The document. `if_none_match` is the request's header of that name.
#[must_use]
pub fn page(if_none_match: Option<&str>, accepts_gzip: bool) -> Response<Body> {
    let known = if_none_match.is_some_and(|tags| {
        tags.split(',').any(|tag| matches!(tag.trim().trim_start_matches("W/"), "*" | TAG))
    });
    let mut response = if known {
        let mut response = Response::new(Body::from(""));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        protect(&mut response);
        response
    } else {
        PAGE.answer(accepts_gzip)
    };
    set(&mut response, CACHE_CONTROL, "no-cache");
    set(&mut response, ETAG, TAG);
    response
}

/// The asset of a path `/web/{hash}/{file}`. `None` for what does not exist, and for the files of
/// another version's page.
#[must_use]
pub fn asset(path: &str, accepts_gzip: bool) -> Option<Response<Body>> {
    let (hash, name) = path.strip_prefix("/web/")?.split_once('/')?;
    let asset = ASSETS.iter().find(|asset| hash == HASH && asset.name == name)?;
    let mut response = asset.answer(accepts_gzip);
    set(&mut response, CACHE_CONTROL, "public, max-age=31536000, immutable");
    Some(response)
}

impl Asset {
    fn answer(&self, accepts_gzip: bool) -> Response<Body> {
        let body = if accepts_gzip { self.gzip.into() } else { self.unpacked().into() };
        let mut response = answer(StatusCode::OK, self.media_type, body);
        if accepts_gzip {
            set(&mut response, CONTENT_ENCODING, "gzip");
        }
        protect(&mut response);
        response
    }

    /// What was packed when this program was built, so it cannot fail or be large.
    fn unpacked(&self) -> Vec<u8> {
        let mut content = Vec::new();
        let _ = GzDecoder::new(self.gzip).read_to_end(&mut content);
        content
    }
}

/// What belongs to every answer: a browser puts the headers of a 304 in place of those it kept.
fn protect(response: &mut Response<Body>) {
    set(response, VARY, "accept-encoding");
    set(response, CONTENT_SECURITY_POLICY, POLICY);
    set(response, X_FRAME_OPTIONS, "DENY");
    set(response, REFERRER_POLICY, "same-origin");
}

fn set(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn header(response: &Response<Body>, name: HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    async fn text(response: Response<Body>) -> String {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_page_names_assets_that_exist() {
        let response = page(None, false);
        assert_eq!(header(&response, CACHE_CONTROL), "no-cache");
        assert!(header(&response, CONTENT_SECURITY_POLICY).contains("default-src 'self'"));
        let document = text(response).await;
        assert!(!document.contains("{{"), "a placeholder is left");
        let named: Vec<_> = document
            .split('"')
            .filter(|part| part.starts_with("web/"))
            .map(|part| format!("/{part}"))
            .collect();
        assert!(named.iter().any(|path| path.ends_with(".css")), "{named:?}");
        for path in named {
            let response = asset(&path, false).unwrap_or_else(|| panic!("no {path}"));
            assert!(header(&response, CACHE_CONTROL).contains("immutable"));
            assert!(!text(response).await.is_empty());
        }
    }

    /// A relative import of a file that was renamed would leave a blank page.
    #[tokio::test]
    async fn every_import_leads_to_an_asset() {
        for module in ASSETS.iter().filter(|asset| asset.name.ends_with(".js")) {
            let code = text(module.answer(false)).await;
            // Those of types, in comments, are for the type checker only.
            let imports = code.lines().filter(|line| line.ends_with("\";"));
            for (_, name) in imports.filter_map(|line| line.split_once(" from \"./")) {
                let name = name.trim_end_matches("\";");
                assert!(ASSETS.iter().any(|asset| asset.name == name), "{}: {name}", module.name);
            }
        }
    }

    #[test]
    fn who_has_it_is_told_so() {
        for (tags, status) in [
            (None, 200),
            (Some("\"another\""), 200),
            (Some(TAG), 304),
            (Some("*"), 304),
            (Some(&*format!("\"another\", W/{TAG}")), 304),
        ] {
            let response = page(tags, true);
            assert_eq!(response.status(), status, "{tags:?}");
            assert_eq!(header(&response, CONTENT_SECURITY_POLICY), POLICY, "{tags:?}");
        }
    }

    #[tokio::test]
    async fn compressed_is_the_same() {
        let response = page(None, true);
        assert_eq!(header(&response, CONTENT_ENCODING), "gzip");
        let packed = response.into_body().collect().await.unwrap().to_bytes();
        let mut unpacked = String::new();
        GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, text(page(None, false)).await);
    }

    #[test]
    fn nothing_else_is_served() {
        for path in [
            "/web/0000000000000000/style.css".to_owned(),
            format!("/web/{HASH}/"),
            format!("/web/{HASH}/index.html"),
            format!("/web/{HASH}/../style.css"),
            format!("/web/{HASH}/none.js"),
            "/web/".to_owned(),
        ] {
            assert!(asset(&path, true).is_none(), "{path}");
        }
    }
}
