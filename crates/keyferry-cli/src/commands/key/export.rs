//! `keyferry key export`: 32 raw bytes, and how other programs take them.

mod recipe;

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use keyferry_key::{CustomerKeyHeaders, KeyId};
use keyferry_keystore::{Error, Store};
use zeroize::Zeroizing;

use crate::args::{Client, ExportArgs, ExportTarget};
use crate::commands::Invocation;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::keys;
use recipe::Recipe;

pub(super) fn run(invocation: &Invocation, arguments: ExportArgs) -> Result<Exit, Failure> {
    let ExportArgs {
        key,
        target,
        client,
    } = arguments;
    match target {
        ExportTarget::File(path) => to_file(invocation, &key, &path, client),
        ExportTarget::Stdout if client.is_some() => Err(Failure::new(
            Exit::Usage,
            "--for prints how a program takes the key from a file, and no file is given",
        )
        .hint("name a new file instead of `-`")),
        ExportTarget::Stdout => to_stdout(invocation, &key),
    }
}

fn to_file(
    invocation: &Invocation,
    key: &str,
    path: &Path,
    client: Option<Client>,
) -> Result<Exit, Failure> {
    let recipe = client.map(|client| Recipe::new(client, path)).transpose()?;
    let headers_path = recipe.as_ref().and_then(|recipe| recipe.headers.clone());
    // Before the passphrase is asked for.
    for path in [Some(path), headers_path.as_deref()].into_iter().flatten() {
        if path.symlink_metadata().is_ok() {
            let path = path.to_owned();
            return Err(Error::ExportExists { path }.into());
        }
    }
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let id = keys::named_in(store.list(), key)?.id;
    let exported = store.export(&id, path)?;
    if let Some(path) = &headers_path {
        write_headers(&mut store, &id, path)?;
    }
    let terminal = invocation.terminal;
    let md5 = exported.entry.md5;
    if !terminal.is_text() {
        let mut document = serde_json::json!({"key": exported.entry, "file": exported.path});
        if let (Some(recipe), Some(fields)) = (&recipe, document.as_object_mut()) {
            fields.insert("instructions".to_owned(), recipe.text(&md5).into());
            if let Some(path) = &headers_path {
                let path = path.display().to_string();
                fields.insert("headers_file".to_owned(), path.into());
            }
        }
        terminal.json(&document)?;
    }
    let path = path.display();
    match &recipe {
        None => terminal.say(format!(
            "wrote the key to `{path}`, 32 raw bytes: `keyferry key export --for PROGRAM` also says how to use it"
        )),
        Some(recipe) => {
            terminal.say(format!("wrote the key to `{path}`, 32 raw bytes"));
            if let Some(headers) = &headers_path {
                terminal.say(format!(
                    "wrote the request headers, which hold the key, to `{}`",
                    headers.display()
                ));
            }
            if terminal.is_text() {
                terminal.print(recipe.text(&md5).trim_end())?;
            }
        }
    }
    Ok(Exit::Done)
}

fn to_stdout(invocation: &Invocation, key: &str) -> Result<Exit, Failure> {
    if std::io::stdout().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "the key is 32 raw bytes: it will not be written to a terminal",
        )
        .hint("give a file, or pipe it on"));
    }
    let mut store = keys::open_store(&invocation.settings, &invocation.terminal)?;
    let id = keys::named_in(store.list(), key)?.id;
    let key = store.hand_out(&id, "standard output")?;
    std::io::stdout()
        .write_all(key.expose())
        .context("write to", "standard output")?;
    Ok(Exit::Done)
}

/// Writes the request headers of a key to a new file that only its owner can read.
fn write_headers(store: &mut Store, id: &KeyId, path: &PathBuf) -> Result<(), Failure> {
    let key = store.hand_out(id, &format!("request headers in {}", path.display()))?;
    let headers = key.headers();
    let [algorithm, name, md5] = [
        CustomerKeyHeaders::ALGORITHM_HEADER,
        CustomerKeyHeaders::KEY_HEADER,
        CustomerKeyHeaders::MD5_HEADER,
    ];
    let text = Zeroizing::new(format!(
        "{algorithm}: {}\n{name}: {}\n{md5}: {}\n",
        headers.algorithm(),
        headers.expose_key(),
        headers.md5()
    ));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .context("create", path.display())?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.context("write", path.display()).inspect_err(|_| {
        // Half a header file is of no use, and half a key in it is.
        let _ = std::fs::remove_file(path);
    })
}
