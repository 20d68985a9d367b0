//! Who may ask what: access keys, session tokens, regions, virtual hosts.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, Region};
use aws_sdk_s3::presigning::PresigningConfig;

use crate::support::{World, answer, put, refusal, refused};

async fn list(client: &Client) -> (u16, Option<String>) {
    refused(client.list_buckets().send().await)
}

fn client(world: &World, id: &str, secret: &str, token: Option<&str>) -> Client {
    Client::from_conf(
        world
            .config(0, world.lab.credentials())
            .credentials_provider(Credentials::new(
                id,
                secret,
                token.map(str::to_owned),
                None,
                "t",
            ))
            .build(),
    )
}

/// S3-AUTH-1, S3-AUTH-7: unknown key, wrong secret.
#[tokio::test]
async fn access_keys() {
    let world = World::start().await;
    let known = world.lab.credentials();
    let wrong = client(&world, known.access_key_id(), "wrong", None);
    assert_eq!(list(&wrong).await, answer(403, "SignatureDoesNotMatch"));
    let unknown = client(&world, "AKIAIOSFODNN7EXAMPLE", "secret", None);
    assert_eq!(list(&unknown).await, answer(403, "InvalidAccessKeyId"));
}

/// S3-AUTH-2, S3-AUTH-3: session credentials.
#[tokio::test]
async fn session_tokens() {
    let world = World::start().await;
    let session = world.lab.session_credentials(Duration::from_secs(60));
    let good = Client::from_conf(world.config(0, &session).build());
    good.list_buckets().send().await.unwrap();
    let ended = world.lab.session_credentials(Duration::ZERO);
    let expired = Client::from_conf(world.config(0, &ended).build());
    assert_eq!(list(&expired).await, answer(400, "ExpiredToken"));
    let (id, secret) = (session.access_key_id(), session.secret_access_key());
    let other = client(&world, id, secret, Some("another token"));
    assert_eq!(list(&other).await, answer(400, "InvalidToken"));
    let without = client(&world, id, secret, None);
    assert_eq!(list(&without).await, answer(403, "InvalidAccessKeyId"));
    let account = world.lab.credentials();
    let superfluous = client(
        &world,
        account.access_key_id(),
        account.secret_access_key(),
        session.session_token(),
    );
    assert_eq!(list(&superfluous).await, answer(400, "InvalidToken"));
}

/// S3-AUTH-4: the endpoint's region is the one to sign for.
#[tokio::test]
async fn regions() {
    let world = World::start().await;
    let wrong = Client::from_conf(
        world
            .config(0, world.lab.credentials())
            .region(Region::new("us-east-1"))
            .build(),
    );
    let (status, code, message) = refusal(wrong.list_buckets().send().await);
    assert_eq!((status, &*code), (400, "AuthorizationHeaderMalformed"));
    assert_eq!(
        message,
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'ap-northeast-1'"
    );
}

/// S3-AUTH-8: presigned URLs, until they expire.
#[tokio::test]
async fn presigned_urls() {
    let world = World::start().await;
    world.bucket("presigned").await;
    let client = world.client();
    put(&client, "presigned", "a b+c", b"hello").await;
    let url = client
        .get_object()
        .bucket("presigned")
        .key("a b+c")
        .presigned(PresigningConfig::expires_in(Duration::from_secs(60)).unwrap())
        .await
        .unwrap();
    let (status, body) = crate::raw::get(&world, url.uri()).await;
    assert_eq!((status, &*body), (200, "hello"));
    let tampered = url.uri().replace("X-Amz-Expires=60", "X-Amz-Expires=61");
    let (status, body) = crate::raw::get(&world, &tampered).await;
    assert_eq!(status, 403);
    assert!(
        body.contains("<Code>SignatureDoesNotMatch</Code>"),
        "{body}"
    );
}

/// S3-HOST-1: buckets as virtual hosts, with certificates that fit.
#[tokio::test]
async fn virtual_hosts() {
    let world = World::start().await;
    world.bucket("virtual").await;
    world.bucket("with.dots").await;
    for bucket in ["virtual", "with.dots"] {
        put(&world.client(), bucket, "dir/key", b"hello").await;
        for host in [
            format!("{bucket}.localhost"),
            format!("{bucket}.s3.ap-northeast-1.localhost"),
        ] {
            // Anonymous: refused, but only after the bucket and the key were understood.
            let (status, body) = crate::raw::get_host(&world, &host, "/dir/key").await;
            assert_eq!(status, 403, "{host}: {body}");
            assert!(body.contains("<Code>AccessDenied</Code>"), "{body}");
        }
    }
    let client = Client::from_conf(
        world
            .config(0, world.lab.credentials())
            .force_path_style(false)
            .endpoint_url(format!(
                "https://s3.ap-northeast-1.localhost:{}",
                world.lab.regions()[0].port()
            ))
            .http_client(crate::support::https_to_loopback(world.lab.ca_pem()))
            .build(),
    );
    for key in ["dir/key", "new key"] {
        put(&client, "virtual", key, b"hello").await;
        assert_eq!(crate::support::get(&client, "virtual", key).await, b"hello");
    }
    // The route beside s3s understands virtual hosts as well.
    client
        .get_bucket_encryption()
        .bucket("virtual")
        .send()
        .await
        .unwrap();
}

/// S3-AUTH-7, S3-AUTH-8: clocks that are off, and URLs that have expired.
#[tokio::test]
async fn clocks() {
    let world = World::start().await;
    world.bucket("clocks").await;
    let client = world.client();
    let now = std::time::SystemTime::now();
    let hour = Duration::from_secs(3600);
    for (start, code) in [
        (now - hour, "AccessDenied"),
        (now + hour, "RequestTimeTooSkewed"),
    ] {
        let url = client
            .get_object()
            .bucket("clocks")
            .key("a")
            .presigned(
                PresigningConfig::builder()
                    .start_time(start)
                    .expires_in(Duration::from_secs(60))
                    .build()
                    .unwrap(),
            )
            .await
            .unwrap();
        let (status, body) = crate::raw::get(&world, url.uri()).await;
        assert_eq!(status, 403, "{body}");
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
    }
}
