//! JSON Patch.
