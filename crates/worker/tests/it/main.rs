//! Workers on a real store.

mod house;

mod answers;
mod budgets;
mod crash;
mod drain;
mod faults;
mod lanes;
mod stop;
