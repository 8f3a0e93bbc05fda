//! Prints docs/API.md.

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn main() {
    print!("{}", http::api_markdown());
}
