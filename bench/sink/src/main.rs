//! A fast S3 on loopback, to measure clients with.
//!
//! Uploads are thrown away; what is downloaded is a pattern. It speaks TLS and as much of S3 as clients
//! need to send and fetch objects. Signatures are not looked at. It must cost well under the clients, so
//! that they are what is measured: nothing is copied or summed that need not be, and the socket is read
//! in large pieces.
//!
//! Objects to download have their size in their key: `COUNTxSIZE/` holds `COUNT` objects of `SIZE`
//! bytes. Whatever is uploaded is remembered by size and entity tag, for clients that ask afterwards.

mod answer;
mod catalog;
mod listing;
mod pattern;
mod relay;
mod service;
mod tls;
mod uploads;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use service::Service;

/// How much is read from a socket at a time. rustls by itself asks for 4 KiB.
const READ: usize = 256 << 10;

/// A fast S3 on loopback: throws uploads away, serves a pattern. Ends when its standard input does.
#[derive(Parser)]
struct Arguments {
    /// Where to put the certificate of the authority that clients have to trust.
    #[arg(long)]
    ca: PathBuf,
    /// Milliseconds that bytes take to a client and back, on a second port.
    #[arg(long, default_value_t = 20)]
    round_trip: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let acceptor = tls::acceptor(&arguments.ca)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let near = listener.local_addr()?;
    let round_trip = Duration::from_millis(arguments.round_trip);
    let far = relay::start(near, round_trip).await?;
    let service = Arc::new(Service::default());
    tokio::spawn(accept(listener, acceptor, service));

    let ready = serde_json::json!({
        "endpoint": format!("https://{near}"),
        "far_endpoint": format!("https://{far}"),
    });
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    // Whoever started this holds the other end: it must not outlive them.
    let mut byte = [0];
    while tokio::io::stdin().read(&mut byte).await? > 0 {}
    std::process::exit(0)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, service: Arc<Service>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Out of descriptors, say; a moment later there may be some.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (acceptor, service) = (acceptor.clone(), Arc::clone(&service));
        tokio::spawn(async move {
            service.counts.connection();
            // Clients may leave at any time, and what they complain of they tell themselves.
            let _ = serve(socket, acceptor, service).await;
        });
    }
}

async fn serve(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    service: Arc<Service>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    socket.set_nodelay(true)?;
    let mut stream = acceptor
        .accept(BufReader::with_capacity(READ, socket))
        .await?;
    stream.get_mut().1.set_buffer_limit(Some(READ));
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { service.answer(request).await }
    });
    http1::Builder::new()
        .writev(true)
        .serve_connection(TokioIo::new(stream), answer)
        .await?;
    Ok(())
}
