use serde_json::json;

use super::parse::{Queue, queue};
use super::*;

fn record(name: &str, key: &str, reason: &str) -> serde_json::Value {
    json!({
        "eventVersion": "2.2",
        "eventSource": "aws:s3",
        "awsRegion": "ap-northeast-1",
        "eventTime": "2026-11-25T21:50:20.000Z",
        "eventName": name,
        "s3": {
            "bucket": {"name": "tokyo", "arn": "arn:aws:s3:::tokyo"},
            "object": {"key": key, "size": 520080, "versionId": "v1"},
        },
        "replicationEventData": {
            "replicationRuleId": "to-osaka",
            "destinationBucket": "arn:aws:s3:::osaka",
            "s3Operation": "OBJECT_PUT",
            "requestTime": "2026-11-25T21:49:00.000Z",
            "failureReason": reason,
        },
    })
}

fn reasons(events: &FailureEvents, key: &str) -> Vec<String> {
    events
        .of(&"tokyo".parse().unwrap(), key, Some("v1"))
        .map(ToString::to_string)
        .collect()
}

#[test]
fn failures_are_found_by_bucket_key_and_version() {
    let failed = "Replication:OperationFailedReplication";
    let mut events = FailureEvents::default();
    let body = json!({"Records": [record(failed, "a+b%2Fc%20d", "DstPutObjectNotPermitted")]});
    events.take_in(&body.to_string());
    events.take_in(&body.to_string());
    let said = "`DstPutObjectNotPermitted` for `osaka` at 2026-11-25T21:50:20.000Z";
    assert_eq!(reasons(&events, "a b/c d"), [said]);
    assert!(reasons(&events, "other").is_empty());
    let tokyo = "tokyo".parse().unwrap();
    assert_eq!(events.of(&tokyo, "a b/c d", Some("v2")).count(), 0);
    assert_eq!((events.read(), events.failures()), ((2, 0), 1));
}

#[test]
fn topics_wrap_and_other_messages_are_passed_over() {
    let mut events = FailureEvents::default();
    let failed = json!({"Records": [
        record("s3:Replication:OperationFailedReplication", "k", "SrcGetObjectNotPermitted"),
        record("ObjectCreated:Put", "other", "none"),
    ]});
    let wrapped = json!({"Type": "Notification", "Message": failed.to_string()});
    events.take_in(&wrapped.to_string());
    for other in [
        "",
        "{}",
        "[]",
        "text",
        r#"{"Message": "hello"}"#,
        r#"{"Records": 1}"#,
    ] {
        events.take_in(other);
    }
    events.take_in(r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Records": []}"#);
    assert_eq!(reasons(&events, "k").len(), 1);
    assert!(reasons(&events, "other").is_empty());
    assert_eq!(events.read(), (8, 6));
}

#[test]
fn queues_are_named_by_url() {
    let at = |url| queue(url);
    assert_eq!(
        at("https://sqs.ap-northeast-1.amazonaws.com/111122223333/failures"),
        Some(Queue {
            endpoint: "https://sqs.ap-northeast-1.amazonaws.com".to_owned(),
            region: Some("ap-northeast-1".to_owned()),
        })
    );
    assert_eq!(
        at("http://127.0.0.1:4000/123/q").map(|queue| queue.endpoint),
        Some("http://127.0.0.1:4000".to_owned())
    );
    for bad in [
        "failures",
        "https://sqs.eu-west-1.amazonaws.com",
        "https://sqs.eu-west-1.amazonaws.com/111122223333",
        "http://example.com/1/q",
        "ftp://localhost/1/q",
        "https://user@host/1/q",
    ] {
        assert_eq!(at(bad), None, "{bad}");
    }
}
