//! The same values as JSON's, for faces that speak it.

use super::Value;

impl Value {
    /// As JSON. Bytes become text.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Nil => serde_json::Value::Null,
            Self::Bool(truth) => (*truth).into(),
            Self::Int(number) => (*number).into(),
            Self::Double(number) => (*number).into(),
            Self::String(text) | Self::DateTime(text) => text.as_str().into(),
            Self::Base64(bytes) => String::from_utf8_lossy(bytes).into(),
            Self::Array(items) => items.iter().map(Self::to_json).collect(),
            Self::Struct(members) => {
                let members = members.iter().map(|(name, value)| (name.clone(), value.to_json()));
                serde_json::Value::Object(members.collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_json() {
        let value = Value::Struct(vec![
            ("a".into(), Value::Array(vec![Value::Nil, Value::Int(1), true.into()])),
            ("b".into(), "x".into()),
        ]);
        assert_eq!(value.to_json().to_string(), r#"{"a":[null,1,true],"b":"x"}"#);
    }
}
