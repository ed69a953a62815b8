//! Passwords that a service manager hands over.

use super::*;

const SECRET: &str = "/run/credentials/supervisord.service/secret";

fn server(keys: &str, secret: &str) -> Result<Loaded, Vec<ConfigError>> {
    let text = format!("[supervisord]\n[inet_http_server]\nport=*:1\n{keys}\n");
    load_files(&[("/etc/s.conf", &text), (SECRET, secret)])
}

#[test]
fn a_password_can_be_a_credential() {
    let loaded = server("username=u\npassword_credential=secret", "p:q \n").unwrap();
    let credentials = loaded.config.inet.unwrap().access.credentials.unwrap();
    assert_eq!((credentials.username.as_str(), credentials.password.as_str()), ("u", "p:q "));
}

#[test]
fn a_credential_that_cannot_be_had_is_told_once_and_opens_nothing() {
    for (keys, secret, says) in [
        ("username=u\npassword_credential=other", "p", "LoadCredential=other:PATH"),
        ("username=u\npassword_credential=../secret", "p", "no credential's name"),
        ("username=u\npassword_credential=secret", "\n", "is empty"),
        ("username=u\npassword=p\npassword_credential=secret", "p", "expected one of them"),
        ("password_credential=secret", "p", "without username"),
    ] {
        let told = shown(&server(keys, secret).unwrap_err());
        assert!(told.len() == 1 && told[0].contains(says), "{keys}: {told:?}");
    }
}
