//! A proxy that counts what goes through it, and can be slow.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Passes bytes on to a server on this machine.
pub(super) struct Proxy {
    pub(super) port: u16,
    counts: Arc<Counts>,
}

/// Bytes in both directions, TLS and all.
#[derive(Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
    /// Bytes per second of each connection and direction; 0 for as many as there come.
    rate: AtomicU64,
}

impl Proxy {
    pub(super) fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server)))
                else {
                    continue;
                };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let up = Arc::clone(&counted);
                thread::spawn(move || pass(from, to, &up.up, &up.rate));
                let down = Arc::clone(&counted);
                thread::spawn(move || pass(server, client, &down.down, &down.rate));
            }
        });
        Self { port, counts }
    }

    /// Bytes to the server since the last reset.
    pub(super) fn up(&self) -> u64 {
        self.counts.up.load(Ordering::Relaxed)
    }

    /// Bytes from the server since the last reset.
    pub(super) fn down(&self) -> u64 {
        self.counts.down.load(Ordering::Relaxed)
    }

    pub(super) fn reset(&self) {
        self.counts.up.store(0, Ordering::Relaxed);
        self.counts.down.store(0, Ordering::Relaxed);
    }

    pub(super) fn slow_down_to(&self, bytes_per_second: u64) {
        self.counts.rate.store(bytes_per_second, Ordering::Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64, rate: &AtomicU64) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length) = from.read(&mut buffer)
        && length > 0
        && to.write_all(&buffer[..length]).is_ok()
    {
        count.fetch_add(length as u64, Ordering::Relaxed);
        if let Some(micros) = (length as u64 * 1_000_000).checked_div(rate.load(Ordering::Relaxed))
        {
            thread::sleep(Duration::from_micros(micros));
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
