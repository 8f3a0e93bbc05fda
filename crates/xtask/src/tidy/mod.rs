//! Rules of the repository that the compiler cannot see. Each file holds one kind of rule: a function from the tree to the
//! problems it finds, so that all of them are found at once. Also runs as a test.

mod all;
mod clippy;
mod codes;
mod dependencies;
mod golden;
mod length;
mod links;
mod names;
mod tree;
mod words;

pub(crate) use self::all::tidy;
pub(crate) use self::tree::Tree;
