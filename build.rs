//! Packs the web page: compresses each of its files, and gives all of them one name that changes
//! with any of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha1::{Digest, Sha1};

/// Where the page's files are.
const DIRECTORY: &str = "src/http/web";

/// What the document says in place of the assets' path, and of the hints to load the modules.
const ASSETS: &str = "{{assets}}";
const MODULES: &str = "<!-- {{modules}} -->";

/// The document, whose own name does not change.
const DOCUMENT: &str = "index.html";

/// What the path is long: hexadecimal digits of a hash.
const HASH_DIGITS: usize = 16;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={DIRECTORY}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let mut names = Vec::new();
    for entry in fs::read_dir(DIRECTORY)? {
        let name = entry?.file_name();
        names.extend(name.to_str().map(str::to_owned));
    }
    names.retain(|name| name != DOCUMENT && media_type(name).is_some());
    names.sort();

    let mut files = Vec::new();
    let mut hash = Sha1::new();
    for name in &names {
        let content = fs::read(Path::new(DIRECTORY).join(name))?;
        hash.update(name.as_bytes());
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(&content);
        files.push((name.as_str(), content));
    }
    let hash = digits(&hash.finalize());
    let document = document(&names, &hash)?;

    let mut code = String::new();
    let _ = writeln!(code, "/// The assets' part of a path.\npub const HASH: &str = \"{hash}\";");
    let tag = digits(&Sha1::digest(&document));
    let _ = writeln!(code, "/// The document's tag.\npub const TAG: &str = \"\\\"{tag}\\\"\";");
    let packed = pack(&out, DOCUMENT, document.as_bytes())?;
    let _ = writeln!(code, "/// The document.\npub static PAGE: Asset = {packed};");
    let _ = writeln!(code, "/// All else.\npub static ASSETS: &[Asset] = &[");
    for (name, content) in files {
        let _ = writeln!(code, "    {},", pack(&out, name, &content)?);
    }
    code.push_str("];\n");
    fs::write(out.join("web_assets.rs"), code)
}

/// The document, which names the other files by the path they have now.
fn document(names: &[String], hash: &str) -> io::Result<String> {
    let modules: Vec<_> = names
        .iter()
        .filter(|name| name.ends_with(".js"))
        .map(|name| format!("<link rel=\"modulepreload\" href=\"{ASSETS}/{name}\">"))
        .collect();
    let text = fs::read_to_string(Path::new(DIRECTORY).join(DOCUMENT))?;
    let text = text.replace(MODULES, &modules.join("\n"));
    Ok(text.replace(ASSETS, &format!("web/{hash}")))
}

/// Compresses a file, and answers the code that names it.
fn pack(out: &Path, name: &str, content: &[u8]) -> io::Result<String> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    io::Write::write_all(&mut packed, content)?;
    let path = out.join(format!("{name}.gz"));
    fs::write(&path, packed.finish()?)?;
    let media_type = media_type(name).unwrap_or_default();
    Ok(format!(
        "Asset {{ name: {name:?}, media_type: {media_type:?}, gzip: include_bytes!({path:?}) }}"
    ))
}

/// What a file is; none of any other kind is served.
fn media_type(name: &str) -> Option<&'static str> {
    let (_, kind) = name.rsplit_once('.')?;
    match kind {
        "html" => Some("text/html;charset=utf-8"),
        "css" => Some("text/css;charset=utf-8"),
        "js" => Some("text/javascript;charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

fn digits(hash: &[u8]) -> String {
    let mut digits = String::new();
    for byte in hash {
        let _ = write!(digits, "{byte:02x}");
    }
    digits.truncate(HASH_DIGITS);
    digits
}
