//! The tests' server as a process of its own, over its standard pipes. `silent` reads and never answers.

#[path = "../tests/it/handler.rs"]
mod handler;

use rmcp::ServiceExt as _;
use rmcp::transport::stdio;
use tokio::io::{AsyncReadExt as _, stdin};

#[tokio::main]
async fn main() {
    if std::env::args().nth(1).as_deref() == Some("silent") {
        let mut all = Vec::new();
        stdin().read_to_end(&mut all).await.expect("input");
        return;
    }
    // Many servers print to where only messages belong.
    #[expect(clippy::print_stdout, reason = "what real servers do")]
    {
        println!("Faulty server, running on stdio");
    }
    let running = handler::Faulty::default().serve(stdio()).await;
    running.expect("a client").waiting().await.expect("an end");
}
