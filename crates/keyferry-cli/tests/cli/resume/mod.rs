//! Transfers that are killed, interrupted, and continued.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and say why"
)]

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use aws_sdk_s3::Client;
use keyferry_tests::buckets::make_for_customer_keys;
use rustix::process::{Pid, Signal, kill_process};

use crate::running::{Running, names};
use proxy::Proxy;

mod interrupted;
mod killed;
mod proxy;

const REGION: &str = "ap-northeast-1";
const BUCKET: &str = "not-replicated";

/// A user with a key, a large file, and a bucket behind a proxy.
struct Scene {
    user: Running,
    proxy: Proxy,
    endpoint: String,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn start(size: u64, seed: u64) -> Self {
        let user = Running::start(None);
        user.done(&["key", "new", "ring"]);
        write_random(&user.path("film"), size, seed);
        let endpoints = user.export("KEYFERRY_ENDPOINT_URL");
        let server = endpoints
            .split(',')
            .find_map(|endpoint| endpoint.strip_prefix(&format!("{REGION}=")))
            .unwrap();
        let port = server.rsplit(':').next().unwrap().parse().unwrap();
        let proxy = Proxy::start(port);
        let endpoint = format!("{REGION}=https://127.0.0.1:{}", proxy.port);
        let client = user.client(REGION);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime
            .block_on(make_for_customer_keys(&client, BUCKET))
            .unwrap();
        Self {
            user,
            proxy,
            endpoint,
            client,
            runtime,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.user.command(arguments);
        command
            .env("KEYFERRY_ENDPOINT_URL", &self.endpoint)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn open_uploads(&self) -> usize {
        let list = self.client.list_multipart_uploads().bucket(BUCKET);
        self.runtime.block_on(list.send()).unwrap().uploads().len()
    }

    fn delete(&self, key: &str) {
        let delete = self.client.delete_object().bucket(BUCKET).key(key);
        self.runtime.block_on(delete.send()).unwrap();
    }

    /// The names of the state files of uploads.
    fn remembered(&self) -> Vec<String> {
        let folder = self.user.path(".local/state/keyferry/transfers");
        match folder.exists() {
            true => names(&folder),
            false => Vec::new(),
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// A generator that is quick in unoptimised builds, too.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn write_random(path: &Path, size: u64, seed: u64) {
    let mut random = Random(seed);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    for _ in 0..size / 8 {
        file.write_all(&random.next().to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

fn same_content(one: &Path, other: &Path) -> bool {
    let (mut one, mut other) = (File::open(one).unwrap(), File::open(other).unwrap());
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let count = one.read(&mut left).unwrap();
        if count == 0 {
            return other.read(&mut right).unwrap() == 0;
        }
        if other.read_exact(&mut right[..count]).is_err() || left[..count] != right[..count] {
            return false;
        }
    }
}
