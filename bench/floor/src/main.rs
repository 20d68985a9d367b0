//! The least that transfers can cost with hyper and rustls.
//!
//! Requests as S3 wants them, on as many connections as asked for, from files and into files; nothing is
//! signed, summed, retried or verified. What a client of S3 costs more than this is its own.

mod connection;
mod download;
mod upload;

use std::error::Error;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Parser, Subcommand};
use tokio::task::JoinSet;

use connection::{Connection, Server};

type Failure = Box<dyn Error + Send + Sync>;

/// Uploads and downloads at the least cost that hyper and rustls have.
#[derive(Parser)]
struct Arguments {
    /// `https://HOST:PORT`.
    #[arg(long)]
    endpoint: http::Uri,
    /// Certificate of the authority to trust.
    #[arg(long)]
    ca: PathBuf,
    /// How many connections work side by side.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sends a file in parts, or each file of a folder whole.
    Up {
        /// File or folder.
        source: PathBuf,
        /// `/bucket/key`, or `/bucket/prefix` for a folder.
        target: String,
    },
    /// Fetches the objects of a `COUNTxSIZE` folder: one in ranges into a file, several whole into a
    /// folder.
    Down {
        /// `/bucket/COUNTxSIZE`.
        source: String,
        /// File or folder.
        target: PathBuf,
        /// How many objects there are.
        #[arg(long)]
        count: u64,
        /// How large each is.
        #[arg(long)]
        size: u64,
    },
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let server = Server::new(&arguments.endpoint, &arguments.ca)?;
    let connections = arguments.connections;
    match arguments.command {
        Command::Up { source, target } if source.is_dir() => {
            upload::folder(&server, &source, &target, connections).await
        }
        Command::Up { source, target } => {
            upload::file(&server, &source, &target, connections).await
        }
        Command::Down {
            source,
            target,
            count: 1,
            size,
        } => {
            let source = format!("{source}/00000000.bin");
            download::file(&server, &source, &target, size, connections).await
        }
        Command::Down {
            source,
            target,
            count,
            size,
        } => download::folder(&server, &source, &target, (count, size), connections).await,
    }
}

/// Does jobs, each connection the next one that nobody has begun.
async fn share<J, F>(
    server: &Server,
    jobs: Vec<J>,
    connections: usize,
    work: impl Fn(Arc<Vec<J>>, usize, Connection) -> F,
) -> Result<(), Failure>
where
    J: Send + Sync + 'static,
    F: Future<Output = Result<Connection, Failure>> + Send + 'static,
{
    let jobs = Arc::new(jobs);
    let next = Arc::new(AtomicUsize::new(0));
    let mut idle = JoinSet::new();
    for _ in 0..connections.min(jobs.len()) {
        let server = server.clone();
        idle.spawn(async move { server.connect().await });
    }
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            Some(connected) = idle.join_next(), if !idle.is_empty() => {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number < jobs.len() {
                    running.spawn(work(Arc::clone(&jobs), number, connected??));
                }
            }
            Some(done) = running.join_next(), if !running.is_empty() => {
                let connection = done??;
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number < jobs.len() {
                    running.spawn(work(Arc::clone(&jobs), number, connection));
                }
            }
            else => return Ok(()),
        }
    }
}
