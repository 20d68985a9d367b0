//! Secrets never show: the whole binary at the highest log level, well and badly used, and every
//! place where a key or a passphrase could be left.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests may fail by panicking, and say why"
)]

mod search;

use std::path::PathBuf;
use std::process::{Command, Output};

use base64::prelude::{BASE64_STANDARD, Engine};
use tempfile::TempDir;

use crate::running::{Running, text};
use search::{Print, Seen, forms};

const PASSPHRASE: &str = "xylophone quartz 83 vermilion";
const WRONG_PASSPHRASE: &str = "zeppelin marmalade 19 obsidian";
const RAW: [u8; 32] = *b"\x9d\x02r\xc4\xfe\x11\x80K\x0b\xa7\xd9\x33\xe8\x5a\x90\x06\xf1\x2c\xbe\x77\x44\xad\x18\xc9\x60\xef\x83\x3a\xd5\x0e\x96\xb1";
const HEX: [u8; 32] = *b"\x1f\xb8\x63\xca\x05\x9e\xf4\x27\x88\xd1\x3c\xe7\x50\xaa\x0d\x96\xc3\x7e\xbb\x14\xf9\x42\x8d\x36\xe0\x5b\xa4\x0f\xd8\x71\xcc\x29";
const BASE64: [u8; 32] = *b"\xe4\x3b\x90\x0c\xd7\x68\xaf\x15\xf2\x4d\xb6\x81\x2a\xc5\x7c\xe9\x08\x93\x5e\xba\x67\xd0\x1b\xfc\x86\x31\xee\x49\xa2\x7d\x04\xdf";
const IN_ENVIRONMENT: [u8; 32] = *b"\x72\xfd\x16\xa9\xc0\x5f\x8e\x33\xe4\x0b\xb8\x65\xd2\x97\x4c\xf1\x2e\x83\x58\xad\x0a\xd7\x64\xb9\xfe\x13\xc8\x7d\x92\x47\xec\x31";
const BY_DESCRIPTOR: [u8; 32] = *b"\xab\x54\xe1\x0e\x9b\xc8\x75\x22\xdf\x8c\x39\xf6\x43\xb0\x1d\xea\x67\x94\x51\xce\x0b\xd8\xa5\x72\xbf\x2c\x99\x46\xf3\x60\x8d\x1a";

/// What was done and seen so far.
struct Scene {
    user: Running,
    /// Where the user keeps keys and passphrases: the one place where they may be.
    given: TempDir,
    folders: Vec<PathBuf>,
    seen: Seen,
}

impl Scene {
    fn new() -> Self {
        let user = Running::start(Some("trace"));
        for folder in ["tmp", "config", "state", "cache"] {
            std::fs::create_dir(user.path(folder)).unwrap();
        }
        let folders = vec![user.path("")];
        Self {
            user,
            given: tempfile::tempdir().unwrap(),
            folders,
            seen: Seen::default(),
        }
    }

    fn given(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.given.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.user.command(&[]);
        command
            .arg("-vvv")
            .args(arguments)
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .env("TMPDIR", self.user.path("tmp"))
            .env("XDG_CONFIG_HOME", self.user.path("config"))
            .env("XDG_STATE_HOME", self.user.path("state"))
            .env("XDG_CACHE_HOME", self.user.path("cache"));
        command
    }

    fn run(&mut self, exit: i32, arguments: &[&str]) -> Output {
        let command = self.command(arguments);
        self.watched(exit, command, None, Print::Data)
    }

    fn watched(
        &mut self,
        exit: i32,
        mut command: Command,
        input: Option<&[u8]>,
        print: Print,
    ) -> Output {
        let name = format!("{:?}", command.get_args().collect::<Vec<_>>());
        let output = self
            .seen
            .run(&name, &mut command, input, &self.folders, print);
        let code = output.status.code();
        assert_eq!(code, Some(exit), "{name}: {}", text(&output.stderr));
        output
    }

    /// The raw key of a ring or an id, told to nobody else.
    fn key(&self, store: &str, key: &str) -> Vec<u8> {
        let mut command = self
            .user
            .command(&["--store", store, "key", "export", key, "-"]);
        let output = command
            .env("KEYFERRY_PASSPHRASE", PASSPHRASE)
            .output()
            .unwrap();
        assert_eq!(output.stdout.len(), 32, "{}", text(&output.stderr));
        output.stdout
    }
}

#[test]
fn no_secret_shows_anywhere() {
    let mut scene = Scene::new();
    import_in_every_way(&mut scene);
    let locked = use_a_passphrase(&mut scene);
    move_objects(&mut scene);
    let keys = ["raw", "hex", "base64", "env", "fd", "photos", "films"]
        .map(|ring| (ring, scene.key(&home(&scene, "store"), ring)));
    let locked_key = scene.key(&locked, "photos");
    go_wrong(&mut scene, &locked);

    for folder in scene.folders.clone() {
        scene.seen.files_in("nothing more", &folder, u64::MAX);
    }
    let aws_secret = scene.user.export("AWS_SECRET_ACCESS_KEY").to_owned();
    let Scene { user, mut seen, .. } = scene;
    seen.add("the log of the lab", user.stop());

    // Had nothing been captured, nothing could be found.
    for (place, text) in [
        ("errors", "TRACE"),
        ("errors", "aws_"),
        ("errors", "s3://lab-tokyo/large"),
        ("arguments", "upload"),
        ("environment", "KEYFERRY_INHERITED"),
        (".age", "age-encryption.org"),
        ("journal.jsonl", "key-exported"),
        ("log of the lab", "lab-tokyo"),
    ] {
        assert!(
            seen.holds(place, text),
            "`{text}` is not in what was captured of {place}"
        );
    }
    assert!(seen.len() > 200, "{}", seen.len());

    let mut needles = Vec::new();
    for (ring, key) in &keys {
        needles.extend(forms(&format!("the key of {ring}"), key));
    }
    needles.extend(forms("the key of the locked store", &locked_key));
    needles.extend(forms("the passphrase", PASSPHRASE.as_bytes()));
    needles.extend(forms("the wrong passphrase", WRONG_PASSPHRASE.as_bytes()));
    let found = seen.find(&needles);
    assert!(found.is_empty(), "{found:#?}");
    // The credentials are in the environment, where the AWS CLI wants them; in no output and no file.
    let credentials = forms("the secret access key", aws_secret.as_bytes());
    let found: Vec<String> = seen
        .find(&credentials)
        .into_iter()
        .filter(|place| {
            !place.contains("the environment of") && !place.contains("the log of the lab")
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

fn home(scene: &Scene, name: &str) -> String {
    scene.user.path(name).to_str().unwrap().to_owned()
}

/// Raw, hex and base64; from a file, standard input, a descriptor and the environment.
fn import_in_every_way(scene: &mut Scene) {
    let store = home(scene, "store");
    scene.run(0, &["--store", &store, "key", "init", "--no-passphrase"]);
    let at = |command: &mut Command| {
        command.env("KEYFERRY_STORE", &store);
    };
    let raw = scene.given("raw", RAW);
    let base64 = scene.given("base64", format!("{}\n", BASE64_STANDARD.encode(BASE64)));
    scene.run(0, &["--store", &store, "key", "import", "raw", &raw]);
    scene.run(0, &["--store", &store, "key", "import", "base64", &base64]);
    let mut command = scene.command(&["key", "import", "hex", "-"]);
    at(&mut command);
    let digits = format!("{}\r\n", hex::encode(HEX));
    scene.watched(0, command, Some(digits.as_bytes()), Print::Data);
    let mut command = scene.command(&["key", "import", "env", "--env", "MY_KEY"]);
    at(&mut command);
    command.env("MY_KEY", hex::encode(IN_ENVIRONMENT));
    scene.watched(0, command, None, Print::Data);

    let path = scene.given("fd", BY_DESCRIPTOR);
    let inner = scene.command(&["--store", &store, "key", "import", "fd", "--fd", "7"]);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "exec 7< \"$0\"; exec \"$@\"", &path])
        .arg(inner.get_program())
        .args(inner.get_args())
        .envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(scene.user.path(""));
    scene.watched(0, shell, None, Print::Data);
    for ring in ["photos", "films"] {
        scene.run(0, &["--store", &store, "key", "new", ring]);
    }
    scene.run(0, &["--store", &store, "key", "rotate", "films"]);
    for arguments in [
        &["key", "list"][..],
        &["key", "show", "photos", "--output", "json"],
        &["key", "log"],
        &["key", "log", "verify"],
    ] {
        let mut command = scene.command(arguments);
        at(&mut command);
        scene.watched(0, command, None, Print::Data);
    }
    for (number, client) in ["awscli", "rclone", "boto3", "s3sync", "curl"]
        .iter()
        .enumerate()
    {
        let path = scene.given.path().join(format!("exported {number}"));
        let path = path.to_str().unwrap();
        scene.run(
            0,
            &[
                "--store", &store, "key", "export", "photos", path, "--for", client,
            ],
        );
    }
    for arguments in [
        &["key", "headers", "photos"][..],
        &["key", "export", "photos", "-"],
    ] {
        let mut command = scene.command(arguments);
        at(&mut command);
        scene.watched(0, command, None, Print::TheKey);
    }
}

/// A store behind a passphrase, which is given in every way; its folder.
fn use_a_passphrase(scene: &mut Scene) -> String {
    let store = home(scene, "locked");
    let file = scene.given("passphrase", format!("{PASSPHRASE}\n"));
    let mut command = scene.command(&["--store", &store, "key", "init"]);
    command.env("KEYFERRY_PASSPHRASE", PASSPHRASE);
    scene.watched(0, command, None, Print::Data);
    scene.run(
        0,
        &[
            "--store",
            &store,
            "--passphrase-file",
            &file,
            "key",
            "new",
            "photos",
        ],
    );
    std::fs::write(scene.user.path("small"), "content").unwrap();
    let mut command = scene.command(&[
        "--store",
        &store,
        "upload",
        "small",
        "s3://lab-tokyo/locked",
        "--key",
        "photos",
    ]);
    command.env("KEYFERRY_PASSPHRASE", PASSPHRASE);
    scene.watched(0, command, None, Print::Data);
    let command = scene.command(&[
        "--store",
        &store,
        "--passphrase-fd",
        "0",
        "download",
        "s3://lab-tokyo/locked",
        "back",
    ]);
    scene.watched(0, command, Some(PASSPHRASE.as_bytes()), Print::Data);
    store
}

/// Up and down, in one piece and in parts, and verified.
fn move_objects(scene: &mut Scene) {
    let store = home(scene, "store");
    let large: Vec<u8> = (0..12_u32 << 20).map(|n| (n >> 10) as u8).collect();
    std::fs::write(scene.user.path("large"), large).unwrap();
    for (file, key) in [("small", "photos"), ("large", "photos")] {
        let address = format!("s3://lab-tokyo/{file}");
        scene.run(
            0,
            &[
                "--store", &store, "upload", file, &address, "--key", key, "--deep",
            ],
        );
        scene.run(
            0,
            &[
                "--store", &store, "download", &address, "copy", "--from", "replica",
            ],
        );
        scene.run(
            0,
            &[
                "--store", &store, "verify", &address, "--deep", "--output", "json",
            ],
        );
    }
    let raw = scene.given("raw", RAW);
    let key = format!("file:{raw}");
    scene.run(
        0,
        &[
            "upload",
            "small",
            "s3://lab-tokyo/by-file",
            "--key",
            &key,
            "--no-wait",
        ],
    );
    let mut command = scene.command(&[
        "download",
        "s3://lab-tokyo/by-env",
        "copy",
        "--key",
        "env:MY_KEY",
    ]);
    command.env("MY_KEY", BASE64_STANDARD.encode(IN_ENVIRONMENT));
    scene.watched(1, command, None, Print::Data);
}

/// Whatever goes wrong is told without a secret.
fn go_wrong(scene: &mut Scene, locked: &str) {
    let store = home(scene, "store");
    let mut command = scene.command(&["--store", locked, "key", "export", "photos", "never"]);
    command.env("KEYFERRY_PASSPHRASE", WRONG_PASSPHRASE);
    scene.watched(7, command, None, Print::Data);
    // The wrong key, an unreachable server, one that is none, and one without TLS.
    scene.run(
        5,
        &[
            "--store",
            &store,
            "download",
            "s3://lab-tokyo/small",
            "copy",
            "--key",
            "films",
        ],
    );
    scene.run(
        5,
        &[
            "--store",
            &store,
            "verify",
            "s3://lab-tokyo/large",
            "--key",
            "films",
        ],
    );
    for endpoint in [
        "https://127.0.0.1:1",
        "http://127.0.0.1:1",
        "https://localhost:1/path",
    ] {
        let mut command = scene.command(&[
            "--store",
            &store,
            "--endpoint-url",
            endpoint,
            "--region",
            "ap-northeast-1",
            "upload",
            "small",
            "s3://lab-tokyo/never",
            "--key",
            "photos",
            "--no-wait",
        ]);
        command.env("AWS_MAX_ATTEMPTS", "1");
        let name = format!("an upload to {endpoint}");
        let output = scene
            .seen
            .run(&name, &mut command, None, &scene.folders, Print::Data);
        assert_ne!(output.status.code(), Some(0));
    }
    // Keys that are none, and keys in place of their names: those are in the arguments, by fault of
    // the user, and in no answer.
    let bad = scene.given("bad", format!("\"{}\"", BASE64_STANDARD.encode(BASE64)));
    scene.run(5, &["--store", &store, "key", "import", "bad", &bad]);
    let half = scene.given("half", &RAW[..16]);
    scene.run(5, &["--store", &store, "key", "import", "bad", &half]);
    for arguments in [
        vec!["upload", "small", "s3://lab-tokyo/never", "--key"],
        vec!["key", "import", "bad"],
        vec!["key", "import", "bad", "--env"],
    ] {
        let mut command = scene.command(&arguments);
        let output = command.arg(hex::encode(HEX)).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let name = format!("the errors of {arguments:?} with a key");
        scene
            .seen
            .add(name, [output.stdout, output.stderr].concat());
    }
    // A store that is damaged in each of its parts.
    for file in [
        "keys/photos",
        "journal.jsonl",
        "journal.head",
        "identity.age",
        "store.toml",
    ] {
        let path = PathBuf::from(&store).join(file);
        let path = match path.is_dir() {
            true => std::fs::read_dir(&path)
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .path(),
            false => path,
        };
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        let mut command = scene.command(&[
            "--store",
            &store,
            "upload",
            "small",
            "s3://lab-tokyo/never",
            "--key",
            "photos",
        ]);
        let name = format!("an upload without the end of {file}");
        let output = scene
            .seen
            .run(&name, &mut command, None, &scene.folders, Print::Data);
        assert_ne!(output.status.code(), Some(0), "{name}");
        std::fs::write(&path, whole).unwrap();
    }
}

/// Were the search blind, the test above would pass all the same.
#[test]
fn what_is_planted_is_found_in_every_form_and_place() {
    let secrets = [
        ("key", RAW.as_slice()),
        ("passphrase", PASSPHRASE.as_bytes()),
    ];
    for (name, secret) in secrets {
        for needle in forms(name, secret) {
            let planted = [b"before ", needle.bytes.as_slice(), b" after"].concat();
            let mut seen = Seen::default();
            seen.add("somewhere", planted);
            assert_eq!(seen.find(&[needle]).len(), 1);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let digits = hex::encode(RAW);
    let script = "echo \"$0\"; echo \"$0\" >&2; echo \"$0\" > kept; echo \"$0\" > gone; sleep 1; rm gone; sleep 1";
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script, &digits])
        .env("SECRET", &digits)
        .current_dir(folder.path());
    let mut seen = Seen::default();
    let folders = [folder.path().to_owned()];
    seen.run("a leaking shell", &mut command, None, &folders, Print::Data);
    let found = seen.find(&forms("key", &RAW)).join("\n");
    for place in [
        "the output of a leaking shell",
        "the errors of a leaking shell",
        "the arguments of a leaking shell",
        "the environment of a leaking shell",
        "/kept, while",
        "/gone, while",
    ] {
        assert!(found.contains(place), "nothing in {place}: {found}");
    }
}
