//! Tests of the D-Bus face.
