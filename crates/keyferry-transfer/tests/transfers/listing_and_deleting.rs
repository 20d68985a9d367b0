//! What a bucket holds, page by page, and removing many objects at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::TryStreamExt;
use keyferry_transfer::{Deletion, Entry, Listing, Removed, Scope, TransferError, buckets, delete};

use crate::fake_server::{Answer, FakeServer};
use crate::setup::Setup;

/// In the order in which S3 lists them.
const NAMES: [&str; 9] = [
    "a b",
    "a+b",
    "a-b",
    "a/1",
    "a/2",
    "a/b/\u{1}",
    "a0",
    "é",
    "𝄞",
];

async fn put_all(setup: &Setup) {
    for name in NAMES {
        let put = setup.client.put_object().bucket("tokyo").key(name);
        put.body(b"x".to_vec().into()).send().await.unwrap();
    }
}

fn listing(setup: &Setup, scope: Scope) -> Listing {
    Listing::new(&setup.client, &"tokyo".parse().unwrap(), scope).page_size(2)
}

fn prefix(text: &str) -> Scope {
    Scope::Prefix(text.to_owned())
}

/// S3-LIST-1, S3-LIST-2, S3-LIST-4, S3-LIST-5
#[tokio::test]
async fn all_pages_come_in_order() {
    let setup = Setup::start().await;
    put_all(&setup).await;
    let keys = async |scope| {
        let objects: Vec<_> = listing(&setup, scope)
            .objects()
            .try_collect()
            .await
            .unwrap();
        objects
            .into_iter()
            .map(|object| object.key)
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(prefix("")).await, NAMES);
    assert_eq!(keys(prefix("a/")).await, &NAMES[3..6]);
    assert_eq!(keys(Scope::Object("a".to_owned())).await, [""; 0]);
    assert_eq!(keys(Scope::Object("a/1".to_owned())).await, ["a/1"]);

    let level: Vec<Entry> = listing(&setup, prefix(""))
        .by_level()
        .current()
        .try_collect()
        .await
        .unwrap();
    let level: Vec<&str> = level.iter().map(Entry::name).collect();
    assert_eq!(level, ["a b", "a+b", "a-b", "a/", "a0", "é", "𝄞"]);

    // Two more versions of one object, and a delete marker between them.
    for _ in 0..2 {
        let bucket = "tokyo".parse().unwrap();
        let gone = Deletion {
            key: "a/1".to_owned(),
            version_id: None,
        };
        let deleted = delete(&setup.client, &bucket, vec![gone], false)
            .await
            .unwrap();
        assert!(matches!(deleted[0].result, Ok(Removed::Marked(Some(_)))));
        let put = setup.client.put_object().bucket("tokyo").key("a/1");
        put.body(b"x".to_vec().into()).send().await.unwrap();
    }
    let entries: Vec<Entry> = listing(&setup, Scope::Object("a/1".to_owned()))
        .entries()
        .try_collect()
        .await
        .unwrap();
    let kinds: String = entries
        .iter()
        .map(|entry| match entry {
            Entry::Version(version) if version.is_latest => 'V',
            Entry::Version(_) => 'v',
            Entry::DeleteMarker(_) => 'd',
            Entry::Prefix(_) => 'p',
        })
        .collect();
    assert_eq!(kinds, "Vdvdv");
    assert!(
        Scope::Object("a/1".to_owned())
            .is_in_use(&setup.client, &"tokyo".parse().unwrap())
            .await
            .unwrap()
    );

    for name in ["x", "x", "y"] {
        let create = setup.client.create_multipart_upload().bucket("tokyo");
        create.key(name).send().await.unwrap();
    }
    let uploads: Vec<_> = listing(&setup, prefix(""))
        .uploads()
        .try_collect()
        .await
        .unwrap();
    let uploads: Vec<_> = uploads.iter().map(|upload| &*upload.address.key).collect();
    assert_eq!(uploads, ["x", "x", "y"]);

    let all: Vec<_> = buckets(&setup.client).try_collect().await.unwrap();
    assert_eq!(
        all.iter().map(|bucket| &*bucket.name).collect::<Vec<_>>(),
        ["tokyo"]
    );
    let missing = Listing::new(&setup.client, &"kyoto".parse().unwrap(), prefix(""));
    let missing = missing.objects().try_collect::<Vec<_>>().await;
    assert!(matches!(missing, Err(TransferError::NoSuchBucket { .. })));
}

fn xml(body: &str) -> Answer {
    Answer::new(200)
        .header("content-type", "application/xml")
        .body(format!("<?xml version=\"1.0\"?>{body}"))
}

/// A page that leads nowhere must neither be asked for again and again, nor be taken for the end.
#[tokio::test]
async fn pages_that_lead_nowhere_are_errors() {
    for next in ["", "<NextContinuationToken>t</NextContinuationToken>"] {
        let asked = AtomicU32::new(0);
        let server = FakeServer::start(move |_, _| {
            assert!(asked.fetch_add(1, Ordering::Relaxed) < 3);
            Some(xml(&format!(
                "<ListBucketResult><IsTruncated>true</IsTruncated>{next}<EncodingType>url</EncodingType>\
                 <Contents><Key>a+b%2Bc</Key><Size>1</Size></Contents></ListBucketResult>"
            )))
        })
        .await;
        let listing = Listing::new(&server.client, &"bucket".parse().unwrap(), prefix(""));
        let mut objects = std::pin::pin!(listing.objects());
        let mut seen = Vec::new();
        let error = loop {
            match objects.try_next().await {
                Ok(Some(object)) => seen.push(object.key),
                Ok(None) => panic!("the listing came to an end"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("the list is cut"), "{error}");
        // A plus is a space, as in forms.
        assert!(seen.iter().all(|key| key == "a b+c"), "{seen:?}");
    }
}

/// S3 answers for each object on its own: what it puts off is tried again, alone, and what it refuses
/// keeps nothing else from being removed.
#[tokio::test]
async fn each_object_has_an_answer_of_its_own() {
    let bodies = std::sync::Arc::new(Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&bodies);
    let server = FakeServer::start(move |request, _| {
        let mut seen = seen.lock().unwrap();
        seen.push(String::from_utf8_lossy(&request.body).into_owned());
        let error = |key: &str, code: &str, message: &str| {
            format!(
                "<Error><Key>{key}</Key><Code>{code}</Code><Message>{message}</Message></Error>"
            )
        };
        let answer = match seen.len() {
            1 => {
                "<Deleted><Key>gone</Key></Deleted>".to_owned()
                    + &error("busy", "SlowDown", "Please reduce your request rate.")
                    + &error("denied", "AccessDenied", "Access Denied")
                    + &error(
                        "locked",
                        "AccessDenied",
                        "Access Denied because object protected by object lock.",
                    )
            }
            _ => "<Deleted><Key>busy</Key></Deleted>".to_owned(),
        };
        Some(xml(&format!("<DeleteResult>{answer}</DeleteResult>")))
    })
    .await;
    let names = ["gone", "busy", "denied", "locked", "forgotten"];
    let deletions = names.map(|name| Deletion {
        key: name.to_owned(),
        version_id: None,
    });
    let bucket = "bucket".parse().unwrap();
    let deleted = delete(&server.client, &bucket, deletions.to_vec(), false)
        .await
        .unwrap();
    let mut results: Vec<_> = deleted
        .iter()
        .map(|deleted| {
            let result = match &deleted.result {
                Ok(Removed::Gone) => "gone",
                Err(TransferError::AccessDenied { .. }) => "denied",
                Err(TransferError::ObjectLocked { .. }) => "locked",
                Err(TransferError::UnexpectedAnswer { .. }) => "not mentioned",
                other => panic!("{other:?}"),
            };
            (deleted.deletion.key.as_str(), result)
        })
        .collect();
    results.sort_unstable();
    assert_eq!(
        results,
        [
            ("busy", "gone"),
            ("denied", "denied"),
            ("forgotten", "not mentioned"),
            ("gone", "gone"),
            ("locked", "locked"),
        ]
    );
    let bodies = bodies.lock().unwrap();
    assert_eq!(bodies.len(), 2);
    assert!(bodies[1].contains("<Key>busy</Key>") && !bodies[1].contains("denied"));
}
