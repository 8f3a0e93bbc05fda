//! What a person or a pipe sees of a run.

mod clean;
mod style;
mod words;

mod page;
mod table;

mod call;
mod one_line;
mod requests;
mod status_line;
mod tools;

mod live;
mod plain;

mod output;

#[cfg(test)]
mod screen;
#[cfg(test)]
mod tests;

pub(crate) use call::{CallLine, Printed, answer_of};
pub(crate) use clean::{clean, clean_line};
pub(crate) use output::{Format, Output, columns, no_color};
pub(crate) use requests::laid_out;
pub(crate) use style::{Colour, Tone, paint};
pub(crate) use table::table;
pub(crate) use words::{count, counted, duration, whole};
