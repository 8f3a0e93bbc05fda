//! Faces: protocols that clients speak already. Each is a translation of the one log, without state of its own.

pub mod aisdk;
