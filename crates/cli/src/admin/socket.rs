//! The socket of a server: one order per connection, a line of JSON each way.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use store::Store;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::order::{Order, Reply};

/// Its name in the data directory.
const FILE: &str = "control.sock";
/// Bytes of an order.
const ORDER_BYTES: u64 = 64 * 1024;
/// Bytes of a reply: a list of keys is the longest.
const REPLY_BYTES: u64 = 16 * 1024 * 1024;
/// For an order to arrive.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes orders for a store that this process holds, until the task is aborted.
pub(crate) fn listen(store: Store, file: &Path) -> io::Result<JoinHandle<()>> {
    use std::os::unix::fs::PermissionsExt;
    let path = socket(file);
    // Whoever holds the store is the only one who may speak for it, so what is there is a leftover.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(tokio::spawn(async move {
        loop {
            match listener.accept().await {
                // One after the other: orders are rare, and a copy is work for the whole disk.
                Ok((connection, _)) => {
                    if let Err(error) = serve(connection, &store).await {
                        tracing::info!("an order was not carried out: {error}");
                    }
                }
                Err(error) => {
                    tracing::warn!("the control socket failed: {error}");
                    tokio::time::sleep(PATIENCE).await;
                }
            }
        }
    }))
}

/// Removes the socket of a store that this process held.
pub(crate) fn remove(file: &Path) {
    // A leftover only says later that nobody listens.
    let _ = std::fs::remove_file(socket(file));
}

async fn serve(connection: UnixStream, store: &Store) -> io::Result<()> {
    let (reader, mut writer) = connection.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(ORDER_BYTES));
    timeout(PATIENCE, reader.read_line(&mut line)).await??;
    let reply = match serde_json::from_str::<Order>(&line) {
        Ok(order) => order.perform(store).await,
        Err(error) => Reply::Refused {
            why: format!("the order cannot be read: {error}"),
        },
    };
    let mut reply = serde_json::to_vec(&reply)?;
    reply.push(b'\n');
    timeout(PATIENCE, writer.write_all(&reply)).await?
}

/// Gives an order to the server that holds a store; `None` when there is none.
pub(super) async fn order(file: &Path, order: &Order) -> io::Result<Option<Reply>> {
    let mut connection = match UnixStream::connect(socket(file)).await {
        Ok(connection) => connection,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(error),
            };
        }
    };
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    connection.write_all(&line).await?;
    let mut reply = Vec::new();
    connection.take(REPLY_BYTES).read_to_end(&mut reply).await?;
    Ok(Some(serde_json::from_slice(&reply)?))
}

fn socket(file: &Path) -> PathBuf {
    file.with_file_name(FILE)
}
