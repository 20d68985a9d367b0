//! Any bytes as a policy document: read, written and read again, linted, split, and asked for decisions
//! in every place a document can stand.

#![no_main]

use keyferry_policy::iam::{
    Attached, Caller, Policies, PolicyDocument, Request, ResourceKind, ResourcePolicy, evaluate,
};
use keyferry_policy::lint::{DocumentKind, LintFinding, LintRule, lint, recognise, size, split};
use libfuzzer_sys::fuzz_target;

const KINDS: [DocumentKind; 7] = [
    DocumentKind::Identity,
    DocumentKind::Trust,
    DocumentKind::Bucket,
    DocumentKind::Key,
    DocumentKind::ServiceControl,
    DocumentKind::ResourceControl,
    DocumentKind::Boundary,
];

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let document = match PolicyDocument::parse(text) {
        Ok(document) => document,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let again = PolicyDocument::parse(&document.to_json()).expect("what is written can be read");
    assert_eq!(again, document);
    if let Some(kind) = recognise(&document) {
        let wrong = |finding: &LintFinding| finding.rule == LintRule::WrongKind;
        assert!(
            !lint(&document, kind).iter().any(wrong),
            "it is what it looks like"
        );
    }
    for kind in KINDS {
        for finding in lint(&document, kind) {
            assert!(!finding.to_string().is_empty());
        }
    }
    if let Ok(pieces) = split(&document, 400) {
        assert!(pieces.iter().all(|piece| size(piece) <= 400));
    }
    for request in requests() {
        for policies in places(&document) {
            assert!(!evaluate(&request, &policies).to_string().is_empty());
        }
    }
});

fn requests() -> Vec<Request> {
    let account = || "111122223333".parse().expect("an account");
    let role = |session: Option<&str>| Caller::Role {
        arn: "arn:aws:iam::111122223333:role/replication".to_owned(),
        session: session.map(str::to_owned),
    };
    let key = "arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555";
    vec![
        Request::new(role(None), "s3:ReplicateObject", "arn:aws:s3:::tokyo/a")
            .owned_by(account())
            .with("aws:SourceIp", "203.0.113.9")
            .with("aws:CurrentTime", "2026-11-23T00:00:00Z")
            .with("s3:max-keys", "10"),
        Request::new(role(Some("s3")), "kms:Decrypt", key)
            .owned_by(account())
            .with("kms:ViaService", "s3.ap-northeast-1.amazonaws.com")
            .with("kms:EncryptionContext:aws:s3:arn", "arn:aws:s3:::tokyo/a"),
        Request::new(
            Caller::Service("s3.amazonaws.com".to_owned()),
            "sts:AssumeRole",
            "arn:aws:iam::111122223333:role/replication",
        )
        .owned_by(account()),
        Request::new(
            Caller::User {
                arn: "arn:aws:iam::444455556666:user/alice".to_owned(),
            },
            "s3:ListBucket",
            "arn:aws:s3:::tokyo",
        )
        .owned_by(account())
        .with("aws:username", "alice"),
    ]
}

fn places(document: &PolicyDocument) -> Vec<Policies<'_>> {
    let attached = || Attached {
        name: "the document",
        document,
    };
    let resource = |kind| Policies {
        identity: vec![attached()],
        resource: Some(ResourcePolicy {
            kind,
            name: "the document",
            document,
        }),
        ..Policies::default()
    };
    vec![
        Policies {
            identity: vec![attached()],
            ..Policies::default()
        },
        Policies {
            identity: vec![attached()],
            boundary: Some(attached()),
            service_control: vec![vec![attached()]],
            resource_control: vec![vec![attached()]],
            resource: None,
        },
        resource(ResourceKind::Bucket),
        resource(ResourceKind::KmsKey),
        resource(ResourceKind::RoleTrust),
        resource(ResourceKind::Other),
    ]
}
