//! The reference server for files, from the registry of its authors, as `cargo xtask setup` installs it.

use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;
use tool::mcp::{Names, Origin, Server};

use crate::call;
use crate::process::{Running, command, started};

fn script() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script =
        root.join("tests/npm/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js");
    assert!(
        script.exists(),
        "run `cargo xtask setup` first: {} is missing",
        script.display()
    );
    script
}

async fn files(root: &TempDir) -> Running {
    let mut command = command("node".into());
    command.arg(script()).arg(root.path());
    started(command).await
}

async fn text(server: &Server, tool: &str, args: serde_json::Value) -> (String, bool) {
    let output = server.call(call(tool, args)).await.unwrap();
    (output.text, output.is_error)
}

#[tokio::test]
async fn files_are_listed_read_and_written_inside_the_root_and_nowhere_else() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a.txt"), "first").unwrap();
    std::fs::write(outside.path().join("secret.txt"), "hidden").unwrap();
    let running = files(&root).await;
    let server = &running.server;
    let at = |name: &str| root.path().join(name).display().to_string();

    let list = server.tools().await.unwrap();
    let hints = |name: &str| {
        list.tools
            .iter()
            .find(|tool| tool.name == name)
            .expect(name)
            .hints
    };
    assert_eq!(hints("read_text_file").read_only, Some(true));
    assert_eq!(hints("write_file").destructive, Some(true));
    let origins = list.tools.iter().map(|tool| Origin {
        server: "files".into(),
        tool: tool.name.clone(),
    });
    let names = Names::new([], origins);
    assert_eq!(
        names.get("files__read_text_file").unwrap().tool,
        "read_text_file"
    );

    let listed = text(server, "list_directory", json!({"path": root.path()})).await;
    assert_eq!(listed, ("[FILE] a.txt".into(), false));
    let read = text(server, "read_file", json!({"path": at("a.txt")})).await;
    assert_eq!(read, ("first".into(), false));
    let (said, is_error) = text(
        server,
        "write_file",
        json!({"path": at("b.txt"), "content": "sécond"}),
    )
    .await;
    assert!(!is_error, "{said}");
    assert_eq!(
        std::fs::read_to_string(root.path().join("b.txt")).unwrap(),
        "sécond"
    );

    let (said, is_error) = text(
        server,
        "read_file",
        json!({"path": outside.path().join("secret.txt")}),
    )
    .await;
    assert!(is_error && said.starts_with("Access denied"), "{said}");
}

#[tokio::test]
async fn a_killed_server_fails_its_calls() {
    let root = tempfile::tempdir().unwrap();
    let mut running = files(&root).await;
    running.child.kill().await.unwrap();
    let error = running
        .server
        .call(call("list_allowed_directories", json!({})))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "mcp_gone");
}
