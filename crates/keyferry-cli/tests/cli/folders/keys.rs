//! The key of each object is found by itself; where that fails for some, the others arrive.

use super::{files, keys, user, write};
use crate::running::text;

#[test]
fn each_object_is_opened_by_its_own_key() {
    let user = user();
    user.done(&["key", "new", "other"]);
    for (folder, ring) in [("a", "ring"), ("b", "other"), ("c", "ring")] {
        for number in 0..6 {
            write(
                &user.path(folder).join(number.to_string()),
                format!("{folder}{number}"),
            );
        }
        let to = format!("s3://lab-tokyo/all/{folder}");
        user.done(&["upload", "-r", folder, &to, "--key", ring, "--no-wait"]);
    }
    let everything = |folder: &str| {
        let got = files(&user.path(folder));
        assert_eq!(got.len(), 18);
        for (name, content) in got {
            let name = name.to_string_lossy().replace('/', "");
            assert_eq!(content, name.as_bytes());
        }
    };
    user.done(&["download", "-r", "s3://lab-tokyo/all", "out"]);
    everything("out");

    // Without what was recorded, the objects' tags tell.
    std::fs::rename(user.path(".local/share/keyferry/store"), user.path("store")).unwrap();
    user.done(&["key", "init", "--no-passphrase"]);
    for ring in ["ring", "other"] {
        let exported = format!("{ring}.key");
        let store = user.path("store");
        let from = ["--store", store.to_str().unwrap()];
        user.done(&[&["key", "export", ring, &exported][..], &from].concat());
        user.done(&["key", "import", ring, &exported]);
    }
    user.done(&["download", "-r", "s3://lab-tokyo/all", "again"]);
    everything("again");

    // With one ring alone, the others' objects fail, for their key and nothing else.
    let output = user.run(&[
        "download",
        "-r",
        "s3://lab-tokyo/all",
        "some",
        "--key",
        "ring",
    ]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    assert_eq!(
        stderr
            .matches("none of the keys of ring `ring` opens `s3://lab-tokyo/all/b/")
            .count(),
        6
    );
    assert_eq!(
        stderr.matches("hint: leave out --key").count(),
        1,
        "{stderr}"
    );
    assert_eq!(files(&user.path("some")).len(), 12);
    assert_eq!(keys(&user, "lab-tokyo").len(), 18);
}
