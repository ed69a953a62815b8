//! What real clients send, what must be refused, and round trips of generated values.

use proptest::prelude::*;

use super::*;

fn call(method: &str, params: Vec<Value>) -> MethodCall {
    MethodCall { method: method.to_owned(), params }
}

fn array(items: &[Value]) -> Value {
    Value::Array(items.to_vec())
}

#[test]
fn calls_of_real_clients_are_read() {
    let check = |body: &str, expected: MethodCall| {
        assert_eq!(decode_call(body.as_bytes()), Ok(expected), "{body}");
    };
    // xmlrpc.client and SupervisorTransport of Python.
    check(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.startProcess</methodName>\n\
         <params>\n<param>\n<value><string>a &amp; b</string></value>\n</param>\n<param>\n\
         <value><boolean>1</boolean></value>\n</param>\n</params>\n</methodCall>\n",
        call("supervisor.startProcess", vec!["a & b".into(), true.into()]),
    );
    check(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.getState</methodName>\n\
         <params>\n</params>\n</methodCall>\n",
        call("supervisor.getState", vec![]),
    );
    // RPC::XML of Perl.
    check(
        "<?xml version=\"1.0\" encoding=\"us-ascii\"?><methodCall><methodName>m.n</methodName>\
         <params><param><value><i4>-7</i4></value></param><param><value><double>0.5</double></value>\
         </param><param><value><dateTime.iso8601>20260101T00:00:00</dateTime.iso8601></value>\
         </param></params></methodCall>",
        call(
            "m.n",
            vec![Value::Int(-7), Value::Double(0.5), Value::DateTime("20260101T00:00:00".into())],
        ),
    );
    // By hand: no params, no types, white space, a comment, CDATA, references, UTF-8.
    check(" \n<methodCall><methodName> m.n </methodName></methodCall>", call("m.n", vec![]));
    check(
        "<methodCall><params><param><value> a<!-- b --><![CDATA[<c>&]]>&lt;&#x41;&#66;é\r\nd</value>\
         </param><param><value>\n<int> 5 </int>\n</value></param><param><value/></param><param>\
         <value><string/></value></param><param><value><nil/></value></param></params>\
         <methodName>m.n</methodName></methodCall>",
        call("m.n", vec![" a<c>&<ABé\nd".into(), Value::Int(5), "".into(), "".into(), Value::Nil]),
    );
    check(
        "<methodCall><methodName>m.n</methodName><params><param><value><array><data><value><struct>\
         <member><name>k</name><value><i8>9000000000</i8></value></member></struct></value></data>\
         </array></value></param><param><value><base64>\nAAH/\n</base64></value></param></params>\
         </methodCall>",
        call(
            "m.n",
            vec![
                array(&[Value::Struct(vec![("k".into(), Value::Int(9_000_000_000))])]),
                Value::Base64(vec![0, 1, 255]),
            ],
        ),
    );
}

#[test]
fn what_is_no_call_is_refused_with_a_reason() {
    let param = |value: &str| {
        format!(
            "<methodCall><methodName>m</methodName><params><param>{value}</param></params>\
             </methodCall>"
        )
    };
    let check = |body: &str, reason: &str| {
        let error = decode_call(body.as_bytes()).expect_err(body);
        assert!(error.to_string().contains(reason), "{body}: {error}");
    };
    check("", "too early");
    check("hello", "wrong place");
    check("<methodCall>", "too early");
    check("<methodCall></methodCall>", "no method name");
    check("<methodCall><methodName/></methodCall>", "no method name");
    check("<methodResponse/>", "wrong place");
    check("<methodCall><methodName>m</methodName></methodCall><a/>", "not have");
    check("<methodCall><methodName>m</methodName></methodCall>x", "after the end");
    check("<methodCall><methodName>m</methodCall></methodName>", "expected");
    check("<!DOCTYPE x [<!ENTITY a 'b'>]><methodCall/>", "document type");
    check(&param("<value>&a;</value>"), "unknown entity");
    check(&param("<value><int>x</int></value>"), "not an integer");
    check(&param("<value><int>99999999999999999999</int></value>"), "not an integer");
    check(&param("<value><boolean>2</boolean></value>"), "not a boolean");
    check(&param("<value><base64>*</base64></value>"), "not base64");
    check(&param("<value>a<int>1</int></value>"), "text beside");
    check(&param("<value><int>1</int><int>1</int></value>"), "wrong place");
    check(&param("<value><struct><name/></struct></value>"), "wrong place");
    check(&param("<value><array></array></value>"), "no <data>");
    check(&param("<value><foo/></value>"), "not have");
    check(&param(""), "no <value>");
    assert_eq!(decode_call(b"<methodCall>\xff").expect_err("not UTF-8").at, 12);
}

#[test]
fn past_a_limit_is_an_error() {
    let nested = |depth: usize| {
        let value = (1..depth).fold(Value::Nil, |inner, _| array(&[inner]));
        decode_call(&encode_call("m", &[value])).map(|_| ())
    };
    assert_eq!(nested(DEPTH_MAX), Ok(()));
    assert!(nested(DEPTH_MAX + 1).expect_err("depth").reason.contains("deep"));
    assert!(decode_call("<value>".repeat(1 << 20).as_bytes()).is_err());

    let many = |count: usize| decode_call(&encode_call("m", &[array(&vec![Value::Nil; count])]));
    assert!(many(CALL_ELEMENTS_MAX / 2 - 10).is_ok());
    assert!(many(CALL_ELEMENTS_MAX / 2).expect_err("elements").reason.contains("too many"));

    assert!(decode_call(&encode_call(&"m".repeat(NAME_BYTES_MAX), &[])).is_ok());
    assert!(decode_call(&encode_call(&"m".repeat(NAME_BYTES_MAX + 1), &[])).is_err());
}

#[test]
fn every_byte_of_a_log_survives_or_is_shown() {
    let every: Vec<u8> = (0..=255).collect();
    let body = encode_response(&Value::text(&every));
    let allowed = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\u{7f}'..='\u{9f}');
    let body_text = String::from_utf8(body.clone()).expect("UTF-8");
    assert!(body_text.chars().all(allowed), "{body_text:?}");
    let Ok(Ok(Value::String(text))) = decode_response(&body) else { panic!("a string") };
    assert!(text.starts_with("␀␁␂␃␄␅␆␇␈\t\n␋␌\r␎"), "{text:?}");
    assert!(text.contains(" !\"#$%&'()") && text.contains(";<=>?"), "{text:?}");
}

#[test]
fn numbers_travel_in_the_narrowest_type_python_takes() {
    let body = |number| String::from_utf8(encode_response(&Value::Int(number))).expect("UTF-8");
    assert!(body(i32::MAX.into()).contains("<int>2147483647</int>"));
    assert!(body(i64::from(i32::MAX) + 1).contains("<i8>2147483648</i8>"));
}

#[test]
fn a_fault_travels() {
    let fault = Fault { code: 10, string: "BAD_NAME: <x>".to_owned() };
    assert_eq!(decode_response(&encode_fault(&fault)), Ok(Err(fault)));
    assert!(decode_response(b"<methodResponse><fault><value/></fault></methodResponse>").is_err());
    assert!(decode_response(b"<methodResponse/>").is_err());
}

/// Text that XML can carry as it is.
fn text() -> impl Strategy<Value = String> {
    "[\\t\\n\\r -\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]{0,20}"
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_filter("equal to itself", |n| !n.is_nan()).prop_map(Value::Double),
        text().prop_map(Value::String),
        any::<Vec<u8>>().prop_map(Value::Base64),
        "[0-9T:]{0,17}".prop_map(Value::DateTime),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((text(), inner), 0..6).prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(method in "[a-zA-Z.]{1,40}", params in proptest::collection::vec(value(), 0..4)) {
        prop_assert_eq!(decode_call(&encode_call(&method, &params)), Ok(call(&method, params.clone())));
        for value in params {
            prop_assert_eq!(decode_response(&encode_response(&value)), Ok(Ok(value)));
        }
    }

    #[test]
    fn any_string_gives_a_document_of_legal_characters(text: String) {
        let body = String::from_utf8(encode_response(&Value::String(text))).expect("UTF-8");
        let legal = |c| !matches!(c, '\0'..='\x08' | '\x0b'..='\x1f' | '\u{fffe}' | '\u{ffff}');
        prop_assert!(body.chars().all(legal));
        prop_assert!(decode_response(body.as_bytes()).is_ok());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = (decode_call(&bytes), decode_response(&bytes));
    }

    /// As `fuzz/fuzz_targets/xmlrpc.rs` asks, nearer to real answers.
    #[test]
    fn what_was_read_from_damage_is_written_the_same_again(
        value in value(), at: prop::sample::Index, byte: u8
    ) {
        let mut body = encode_response(&value);
        let at = at.index(body.len());
        body[at] = byte;
        let again = |body: &[u8]| match decode_response(body).ok()? {
            Ok(value) => Some(encode_response(&value)),
            Err(fault) => Some(encode_fault(&fault)),
        };
        if let Some(once) = again(&body) {
            prop_assert_eq!(again(&once), Some(once));
        }
    }
}
