//! Starting, stopping and opening a lab again.

use aws_sdk_s3::primitives::ByteStream;
use keyferry_lab::{Lab, LabError, LabOptions};

use crate::support::{Key, World, get, put};
use crate::with_key;

fn options(dir: &std::path::Path) -> LabOptions {
    LabOptions {
        dir: Some(dir.to_owned()),
        ..Default::default()
    }
}

/// LAB-1: a lab opened again has the same authority, access key and content.
#[tokio::test]
async fn nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let world = World {
        lab: Lab::start(options(dir.path())).await.unwrap(),
    };
    world.versioned_bucket("kept").await;
    put(&world.client(), "kept", "a", b"first").await;
    put(&world.client(), "kept", "a", b"second").await;
    let key = Key::new(9);
    with_key!(
        world.client().put_object().bucket("kept").key("sealed"),
        key
    )
    .body(ByteStream::from_static(b"sealed"))
    .send()
    .await
    .unwrap();
    let (id, pem) = (
        world.lab.credentials().access_key_id().to_owned(),
        world.lab.ca_pem().to_owned(),
    );
    world.lab.shutdown().await;

    let world = World {
        lab: Lab::start(options(dir.path())).await.unwrap(),
    };
    assert_eq!(world.lab.credentials().access_key_id(), id);
    assert_eq!(world.lab.ca_pem(), pem);
    assert_eq!(std::fs::read_to_string(world.lab.ca_path()).unwrap(), pem);
    let client = world.client();
    assert_eq!(get(&client, "kept", "a").await, b"second");
    let versions = client
        .list_object_versions()
        .bucket("kept")
        .send()
        .await
        .unwrap();
    assert_eq!(versions.versions().len(), 3);
    let sealed = with_key!(client.get_object().bucket("kept").key("sealed"), key)
        .send()
        .await
        .unwrap();
    assert_eq!(sealed.body.collect().await.unwrap().to_vec(), b"sealed");
    world.lab.shutdown().await;
}

/// LAB-2: a temporary lab leaves nothing behind.
#[tokio::test]
async fn a_temporary_folder_goes_with_the_lab() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let dir = lab.dir().to_owned();
    assert!(dir.is_dir());
    lab.shutdown().await;
    assert!(!dir.exists());
}

/// LAB-3: options that make no sense, ports that are taken.
#[tokio::test]
async fn what_does_not_start() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let taken = Lab::start(LabOptions {
        ports: [lab.regions()[0].port(), 0],
        ..Default::default()
    })
    .await;
    assert!(matches!(taken, Err(LabError::Bind { .. })), "{taken:?}");
    for options in [
        LabOptions {
            regions: ["a".to_owned(), "a".to_owned()],
            ..Default::default()
        },
        LabOptions {
            account_id: "1".to_owned(),
            ..Default::default()
        },
    ] {
        let refused = Lab::start(options).await;
        assert!(
            matches!(refused, Err(LabError::InvalidOption(_))),
            "{refused:?}"
        );
    }
    assert!(lab.put_role("a role", "{}", "{}").is_err());
    assert!(lab.put_role("role", "[]", "{}").is_err());
    assert_eq!(
        lab.put_role("role", "{}", "{}").unwrap(),
        "arn:aws:iam::111122223333:role/role"
    );
    assert!(matches!(
        lab.create_kms_key("nowhere"),
        Err(LabError::NoSuchRegion(_))
    ));
    let debug = format!("{lab:?} {:?}", lab.credentials());
    assert!(!debug.contains(lab.credentials().secret_access_key()));
}
