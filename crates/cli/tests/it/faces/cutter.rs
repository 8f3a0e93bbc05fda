//! A piece of network between clients and a server on which streams of events break off.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the head of a response with a stream has.
const STREAM: &[u8] = b"content-type: text/event-stream\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";
/// The end of a body in chunks. No event has a carriage return in it.
const BODY_END: &[u8] = b"\r\n0\r\n\r\n";

/// The piece of network.
pub(super) struct Cutter {
    port: u16,
    cuts: Arc<Mutex<Cuts>>,
}

/// What is to be cut.
struct Cuts {
    /// So many are allowed now.
    left: usize,
    done: usize,
    /// The longest stretch of a stream before a cut, in bytes.
    longest: u64,
    random: u64,
}

impl Cutter {
    /// Leads to a server. While cuts are allowed each stream is cut behind so many bytes at most.
    pub(super) fn start(server: &str, longest: u64, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::new(Mutex::new(Cuts {
            left: 0,
            done: 0,
            longest,
            random: seed,
        }));
        let (server, shared) = (server.to_owned(), Arc::clone(&cuts));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                // While the server is away nobody answers.
                if let Ok(server) = TcpStream::connect(&server) {
                    connect(client, server, &shared);
                }
            }
        });
        Self { port, cuts }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Allows so many cuts, whatever was allowed before.
    pub(super) fn allow(&self, cuts: usize) {
        self.cuts.lock().unwrap().left = cuts;
    }

    /// How many cuts there were.
    pub(super) fn done(&self) -> usize {
        self.cuts.lock().unwrap().done
    }
}

impl Cuts {
    /// A number that follows from the seed (splitmix64).
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// After how many bytes the next stream is to be cut.
    fn stretch(&mut self) -> usize {
        let stretch = self.draw() % self.longest;
        usize::try_from(stretch).unwrap()
    }

    /// Whether there is a cut left, which is taken.
    fn take(&mut self) -> bool {
        let is_left = self.left > 0;
        if is_left {
            self.left -= 1;
            self.done += 1;
        }
        is_left
    }
}

fn connect(client: TcpStream, server: TcpStream, cuts: &Arc<Mutex<Cuts>>) {
    let (mut asks, mut asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut asks, &mut asked);
        let _ = asked.shutdown(Shutdown::Write);
    });
    let cuts = Arc::clone(cuts);
    std::thread::spawn(move || {
        let _ = answer(&client, &server, &cuts);
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    });
}

/// Passes on what the server says, to the end or to a cut.
fn answer(
    mut client: &TcpStream,
    mut server: &TcpStream,
    cuts: &Mutex<Cuts>,
) -> std::io::Result<()> {
    let mut bytes = [0; 4096];
    let mut seen = Vec::new();
    // Bytes of a stream that may still pass.
    let mut room = None;
    loop {
        let n = server.read(&mut bytes)?;
        if n == 0 {
            return Ok(());
        }
        seen.extend_from_slice(&bytes[..n]);
        if room.is_none() {
            room = body_of_stream(&mut seen)
                .map(|body| n - body.min(n) + cuts.lock().unwrap().stretch());
        }
        let Some(left) = room else {
            client.write_all(&bytes[..n])?;
            continue;
        };
        if left < n && cuts.lock().unwrap().take() {
            return client.write_all(&bytes[..left]);
        }
        client.write_all(&bytes[..n])?;
        room = Some(left.saturating_sub(n));
        if find(&seen, BODY_END).is_some() {
            // The next answer on this connection.
            room = None;
            seen.clear();
        } else {
            let old = seen.len().saturating_sub(BODY_END.len());
            seen.drain(..old);
        }
    }
}

/// How many bytes of the body of a stream there are, if one has begun; what comes before it is taken away.
fn body_of_stream(seen: &mut Vec<u8>) -> Option<usize> {
    let head = find(seen, STREAM)?;
    let end = head + find(&seen[head..], HEAD_END)? + HEAD_END.len();
    seen.drain(..end);
    Some(seen.len())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
