//! Looks for secrets wherever a process could leave them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine};

/// Larger files are read only when nobody writes to them any more.
const SMALL: u64 = 1 << 20;

/// What is looked for, and what to call it.
pub(super) struct Needle {
    pub(super) what: String,
    pub(super) bytes: Vec<u8>,
}

/// The ways in which the bytes of a secret could be written. Half of them is a find: whoever has that
/// much has a leak.
pub(super) fn forms(name: &str, secret: &[u8]) -> Vec<Needle> {
    let half = &secret[..secret.len().div_ceil(2)];
    let list = |text: String| text.trim_matches(['[', ']']).trim().as_bytes().to_vec();
    let base64 = |text: String| text.as_bytes()[..text.len() / 2].to_vec();
    let percent = BASE64_STANDARD
        .encode(secret)
        .replace('+', "%2B")
        .replace('/', "%2F");
    let pretty = format!("{half:#?}")
        .replace("[\n    ", "")
        .replace(",\n]", "");
    [
        ("raw", half.to_vec()),
        ("in hex", hex::encode(half).into()),
        ("in upper-case hex", hex::encode_upper(half).into()),
        ("in base64", base64(BASE64_STANDARD_NO_PAD.encode(secret))),
        (
            "in URL-safe base64",
            base64(BASE64_URL_SAFE_NO_PAD.encode(secret)),
        ),
        ("in base64 for a URL", base64(percent)),
        (
            "in base64 twice",
            base64(BASE64_STANDARD.encode(BASE64_STANDARD.encode(secret))),
        ),
        ("as a list", list(format!("{half:?}"))),
        ("as a list in hex", list(format!("{half:02x?}"))),
        ("as a list in lines", pretty.into_bytes()),
    ]
    .into_iter()
    .map(|(form, bytes)| Needle {
        what: format!("{name} {form}"),
        bytes,
    })
    .collect()
}

/// Everything that was seen of some processes, by where it was.
#[derive(Default)]
pub(super) struct Seen {
    places: Vec<(String, Vec<u8>)>,
    files: BTreeMap<PathBuf, (u64, Option<SystemTime>)>,
    arguments: BTreeSet<Vec<u8>>,
}

impl Seen {
    pub(super) fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.places.push((place.into(), bytes.into()));
    }

    /// Every secret that was seen, and where.
    pub(super) fn find(&self, needles: &[Needle]) -> Vec<String> {
        let mut found = Vec::new();
        for Needle { what, bytes } in needles {
            assert!(
                bytes.len() >= 12,
                "{what} is too short to be told from chance"
            );
            let finder = memchr::memmem::Finder::new(bytes);
            for (place, content) in &self.places {
                if finder.find(content).is_some() {
                    found.push(format!("{what} in {place}"));
                }
            }
        }
        found
    }

    /// Whether something was captured at all.
    pub(super) fn holds(&self, place: &str, text: &str) -> bool {
        self.places.iter().any(|(other, content)| {
            other.contains(place) && memchr::memmem::find(content, text.as_bytes()).is_some()
        })
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Runs a command and watches it: what it prints, its arguments, its environment and that of
    /// every process it starts, and all files in these folders, over and over while it runs.
    pub(super) fn run(
        &mut self,
        name: &str,
        command: &mut Command,
        input: Option<&[u8]>,
        folders: &[PathBuf],
        print: Print,
    ) -> Output {
        let stdin = if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if let Some(input) = input {
            use std::io::Write;
            child.stdin.take().unwrap().write_all(input).unwrap();
        }
        let output = self.watch(name, child, folders);
        self.add(format!("the errors of {name}"), output.stderr.clone());
        if print == Print::Data {
            self.add(format!("the output of {name}"), output.stdout.clone());
        }
        output
    }

    fn watch(&mut self, name: &str, child: Child, folders: &[PathBuf]) -> Output {
        let ended = AtomicBool::new(false);
        let pid = child.id();
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut environments = BTreeMap::new();
                loop {
                    let last = ended.load(Ordering::Acquire);
                    for pid in processes_below(pid) {
                        let read = |what: &str| std::fs::read(format!("/proc/{pid}/{what}"));
                        if let Ok(arguments) = read("cmdline")
                            && self.arguments.insert(arguments.clone())
                        {
                            self.add(format!("the arguments of {name}"), arguments);
                        }
                        // The last that is seen: keyferry begins again without its secrets.
                        if let Ok(environment) = read("environ")
                            && !environment.is_empty()
                        {
                            environments.insert(pid, environment);
                        }
                    }
                    for folder in folders {
                        self.files_in(name, folder, if last { u64::MAX } else { SMALL });
                    }
                    if last {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(3));
                }
                for environment in environments.into_values() {
                    self.add(format!("the environment of {name}"), environment);
                }
            });
            let output = child.wait_with_output().unwrap();
            ended.store(true, Ordering::Release);
            watcher.join().unwrap();
            output
        })
    }

    /// Keeps every version that was not kept yet of every file up to a size.
    pub(super) fn files_in(&mut self, name: &str, folder: &Path, most: u64) {
        // Names come and go while keyferry runs.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(metadata) = path.symlink_metadata() else {
                continue;
            };
            if metadata.is_dir() {
                self.files_in(name, &path, most);
                continue;
            }
            if metadata.len() > most {
                continue;
            }
            let version = (metadata.len(), metadata.modified().ok());
            if self.files.insert(path.clone(), version) != Some(version)
                && let Ok(content) = std::fs::read(&path)
            {
                let place = format!("{}, while {name} ran", path.display());
                self.add(place, path.to_string_lossy().into_owned());
                self.add(format!("{}, while {name} ran", path.display()), content);
            }
        }
    }
}

/// Whether what a command prints is the key, on purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Print {
    Data,
    TheKey,
}

/// A process and those that it started.
fn processes_below(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(pid) = found.get(at).copied() {
        at += 1;
        for task in std::fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let children = std::fs::read_to_string(task.path().join("children"));
            let children = children.unwrap_or_default();
            found.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
        }
    }
    found
}
