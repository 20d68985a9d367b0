//! Nothing that the binary prints, at any log level, holds a key.

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, Engine};

use crate::running::Running;

#[test]
fn no_output_at_trace_holds_a_key() {
    let user = Running::start(Some("trace"));
    let mut printed = Vec::new();
    let mut run = |arguments: &[&str]| {
        let output = user.run(arguments);
        printed.extend(output.stdout);
        printed.extend(&output.stderr);
        let logged = ["TRACE", "DEBUG"].map(|level| contains(&output.stderr, level.as_bytes()));
        assert!(
            !arguments.contains(&"-vvv") || logged != [false; 2],
            "{arguments:?} logged nothing, so this proves nothing"
        );
    };
    std::fs::write(user.path("file"), vec![7; 12 * 1024 * 1024]).unwrap();
    run(&["key", "new", "ring"]);
    run(&["key", "new", "other"]);
    run(&["key", "export", "ring", "ring.key"]);
    run(&[
        "-vvv",
        "upload",
        "file",
        "s3://lab-tokyo/file",
        "--key",
        "ring",
        "--deep",
    ]);
    run(&["-vvv", "download", "s3://lab-tokyo/file", "copy"]);
    run(&[
        "-vvv",
        "download",
        "s3://lab-tokyo/file",
        "copy",
        "--key",
        "other",
    ]);
    run(&[
        "-vvv",
        "verify",
        "s3://lab-tokyo/file",
        "--deep",
        "--output",
        "json",
    ]);
    let key = std::fs::read(user.path("ring.key")).unwrap();
    printed.extend(user.stop());

    assert!(contains(&printed, b"lab-tokyo"), "the log was not captured");
    let forms = [
        key.clone(),
        hex::encode(&key).into_bytes(),
        hex::encode_upper(&key).into_bytes(),
        BASE64_STANDARD.encode(&key).into_bytes(),
        BASE64_STANDARD_NO_PAD.encode(&key).into_bytes(),
        format!("{key:?}").into_bytes(),
    ];
    for form in forms {
        assert!(
            !contains(&printed, &form),
            "a form of the key of {} bytes was printed",
            form.len()
        );
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}
