//! What `lint` says about documents, and what `split` makes of long ones.
#![expect(
    clippy::expect_used,
    reason = "also in what is shared by the tests of this file"
)]

#[path = "plans/cells.rs"]
mod cells;

use keyferry_policy::documents::{Documents, Kind};
use keyferry_policy::iam::{
    ActionElement, Effect, PolicyDocument, PrincipalElement, Principals, ResourceElement, Statement,
};
use keyferry_policy::lint::{
    DocumentKind, LintRule, MANAGED_POLICY, Severity, lint, recognise, size, split,
};

use keyferry_policy::Profile;

const BUCKET: &str = "arn:aws:s3:::tokyo";
const OBJECTS: &str = "arn:aws:s3:::tokyo/*";
const KEY: &str =
    "arn:aws:kms:ap-northeast-1:111122223333:key/11111111-2222-3333-4444-555555555555";
const ROLE: &str = "arn:aws:iam::111122223333:role/replication";

fn allow(actions: &[&str], resources: &[&str]) -> Statement {
    let resources = resources.iter().map(ToString::to_string).collect();
    Statement::allow("One", actions, resources)
}

fn document(statements: Vec<Statement>) -> PolicyDocument {
    PolicyDocument::new(statements)
}

/// `rule: message; fix` of everything found in a permission policy of one statement.
fn found(statement: Statement) -> Vec<String> {
    told(&document(vec![statement]), DocumentKind::Identity)
}

fn told(document: &PolicyDocument, kind: DocumentKind) -> Vec<String> {
    lint(document, kind)
        .into_iter()
        .map(|finding| {
            format!(
                "{}: {}; {}",
                finding.rule.name(),
                finding.message,
                finding.fix
            )
        })
        .collect()
}

fn trust() -> PolicyDocument {
    let statement = Statement::allow("Trust", &["sts:AssumeRole"], Vec::new());
    document(vec![
        statement.about(Principals::service("s3.amazonaws.com")),
    ])
}

fn replication_role() -> PolicyDocument {
    document(vec![
        Statement::allow(
            "Source",
            &["s3:GetReplicationConfiguration", "s3:ListBucket"],
            vec![BUCKET.to_owned()],
        ),
        Statement::allow(
            "SourceObjects",
            &[
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
                "s3:GetObjectRetention",
                "s3:GetObjectLegalHold",
            ],
            vec![OBJECTS.to_owned()],
        ),
        Statement::allow(
            "Destination",
            &[
                "s3:ReplicateObject",
                "s3:ReplicateDelete",
                "s3:ReplicateTags",
                "s3:ObjectOwnerOverrideToBucketOwner",
            ],
            vec![OBJECTS.to_owned()],
        ),
        Statement::allow(
            "Key",
            &["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            vec![KEY.to_owned()],
        )
        .when(
            "StringEquals",
            "kms:ViaService",
            vec!["s3.ap-northeast-1.amazonaws.com".to_owned()],
        )
        .when(
            "StringLike",
            "kms:EncryptionContext:aws:s3:arn",
            vec![OBJECTS.to_owned()],
        ),
    ])
}

#[test]
fn documents_of_replication_are_clean() {
    assert_eq!(lint(&replication_role(), DocumentKind::Identity), []);
    assert_eq!(lint(&trust(), DocumentKind::Trust), []);
    let bucket = allow(&["s3:ReplicateObject", "s3:ReplicateDelete"], &[OBJECTS])
        .about(Principals::aws(vec![ROLE.to_owned()]));
    assert_eq!(lint(&document(vec![bucket]), DocumentKind::Bucket), []);
    let mut guard = Statement::deny("RequireKey", &["s3:PutObject"], vec![OBJECTS.to_owned()])
        .about(Principals::Everyone)
        .when(
            "Null",
            "s3:x-amz-server-side-encryption-customer-algorithm",
            vec!["true".to_owned()],
        );
    guard.sid = Some("Require a key".to_owned());
    assert_eq!(lint(&document(vec![guard]), DocumentKind::Bucket), []);
    let key = allow(&["kms:*"], &["*"]).about(Principals::aws(vec![
        "arn:aws:iam::111122223333:root".to_owned(),
    ]));
    assert_eq!(lint(&document(vec![key]), DocumentKind::Key), []);
}

#[test]
fn everything_emitted_is_clean() {
    let mut checked = 0;
    for profile in [Profile::Minimal, Profile::Compatible] {
        for (cell, plan) in cells::cells(profile) {
            for document in Documents::of(&plan).iter() {
                let kind = match document.kind {
                    Kind::Trust | Kind::BatchTrust => DocumentKind::Trust,
                    Kind::BucketPolicy => DocumentKind::Bucket,
                    Kind::KeyPolicy => DocumentKind::Key,
                    _ => DocumentKind::Identity,
                };
                if let Some(policy) = document.policy() {
                    assert_eq!(
                        lint(policy.document(), kind),
                        [],
                        "{cell}: {}",
                        document.file_name()
                    );
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn actions_that_do_not_exist() {
    assert_eq!(
        found(allow(&["s3:GetObjct"], &[OBJECTS])),
        [
            "unknown-action: there is no action `s3:GetObjct`; the nearest that exists is `s3:GetObject`"
        ]
    );
    assert_eq!(
        found(allow(&["s4:GetObject"], &[OBJECTS])),
        [
            "unknown-action: no service has the prefix `s4` of `s4:GetObject`; the nearest that exists is `s3:GetObject`"
        ]
    );
    let wildcard = found(allow(&["s3:Replicatte*"], &[OBJECTS]));
    assert_eq!(wildcard.len(), 1, "{wildcard:?}");
    assert!(
        wildcard[0].contains("no action matches `s3:Replicatte*`"),
        "{wildcard:?}"
    );
    assert!(wildcard[0].contains("`s3:Replicate"), "{wildcard:?}");
    let deny = found(Statement::deny(
        "One",
        &["s3:PutObjects"],
        vec![OBJECTS.to_owned()],
    ));
    assert!(deny[0].contains("so nothing is denied"), "{deny:?}");
    assert_eq!(
        found(allow(&["S3:getobject", "ec2:RunInstances"], &["*"])),
        [""; 0]
    );
}

#[test]
fn actions_on_resources_they_do_not_take() {
    assert_eq!(
        found(allow(&["s3:GetObject"], &[BUCKET])),
        [format!(
            "action-without-resource: `s3:GetObject` works on `accesspointobject` and `object`, and the \
             statement names none: `{BUCKET}`; for the objects of the bucket, write `{OBJECTS}`"
        )]
    );
    assert_eq!(
        found(allow(&["s3:ListBucket"], &[OBJECTS])),
        [format!(
            "action-without-resource: `s3:ListBucket` works on `accesspoint` and `bucket`, and the \
             statement names none: `{OBJECTS}`; for the bucket itself, write `{BUCKET}`"
        )]
    );
    assert_eq!(
        found(allow(&["s3:GetObject"], &[BUCKET, OBJECTS])),
        [format!(
            "resource-not-taken: no action of the statement works on `{BUCKET}`; leave it out"
        )]
    );
    assert_eq!(
        found(allow(
            &["s3:GetObject", "s3:ListBucket"],
            &[BUCKET, OBJECTS]
        )),
        [""; 0]
    );
    assert_eq!(found(allow(&["s3:GetObject"], &["*"])), [""; 0]);
    assert_eq!(
        found(allow(&["s3:ListAllMyBuckets"], &["arn:aws:s3:::*"])),
        [""; 0]
    );
    assert_eq!(
        found(allow(&["ec2:RunInstances"], &[BUCKET])),
        [""; 0],
        "not described"
    );
    let key = found(allow(&["kms:Decrypt"], &[OBJECTS]));
    assert!(
        key[0].starts_with("action-without-resource: `kms:Decrypt` works on `key`"),
        "{key:?}"
    );
    let name = found(allow(&["s3:GetObject"], &["tokyo/*"]));
    assert!(
        name.iter().any(|finding| finding.starts_with("not-an-arn")),
        "{name:?}"
    );
}

#[test]
fn conditions_that_cannot_hold() {
    let decrypt = |operator: &str, key: &str, value: &str| {
        found(allow(&["kms:Decrypt"], &[KEY]).when(operator, key, vec![value.to_owned()]))
    };
    let context = "kms:EncryptionContext:aws:s3:arn";
    assert_eq!(
        decrypt("ArnLike", context, OBJECTS),
        [format!(
            "operator-type: `ArnLike` on `{context}`: an encryption context is text to KMS, even where \
             it holds an ARN; use `StringLike`"
        )]
    );
    assert!(
        decrypt("ForAnyValue:ArnNotEqualsIfExists", context, OBJECTS)[0]
            .ends_with("use `ForAnyValue:StringNotEqualsIfExists`")
    );
    assert_eq!(
        decrypt("StringLikes", context, OBJECTS),
        [
            "unknown-operator: there is no condition operator `StringLikes`; the nearest that exists is `StringLike`"
        ]
    );
    assert!(decrypt("NullIfExists", context, "true")[0].starts_with("unknown-operator"));
    assert_eq!(
        decrypt(
            "StringEquals",
            "kms:ViaServices",
            "s3.ap-northeast-1.amazonaws.com"
        ),
        [
            "unknown-condition-key: there is no condition key `kms:ViaServices`; the nearest that exists is `kms:ViaService`"
        ]
    );
    assert!(
        decrypt("StringEquals", "aws:SourceAcount", "111122223333")[0]
            .contains("`aws:SourceAccount`")
    );
    assert_eq!(
        decrypt("StringEquals", "ec2:Whatever", "x"),
        [""; 0],
        "not described"
    );
    assert!(decrypt("StringEquals", "s3:prefix", "x")[0].starts_with(
        "condition-key-not-taken: `kms:Decrypt` does not have the condition key `s3:prefix`, so the statement never applies"
    ));
    let mixed = found(
        allow(&["s3:ListBucket", "s3:GetObject"], &[BUCKET, OBJECTS]).when(
            "StringLike",
            "s3:prefix",
            vec!["a/*".to_owned()],
        ),
    );
    assert!(mixed[0].contains("`s3:GetObject` does not have the condition key `s3:prefix`, so the statement never applies to it"), "{mixed:?}");
    assert!(
        decrypt("Bool", "aws:SecureTransport", "yes")[0]
            .contains("takes `true` or `false`, not `yes`")
    );
    assert!(decrypt("IpAddress", "aws:SourceIp", "203.0.113.0/33")[0].contains("takes an address"));
    assert_eq!(
        decrypt("IpAddress", "aws:SourceIp", "2001:db8::/32"),
        [""; 0]
    );
    assert!(decrypt("StringEquals", "aws:SourceIp", "203.0.113.0/24")[0].contains("`IpAddress`"));
    assert!(
        decrypt("StringEquals", "aws:CalledVia", "s3.amazonaws.com")[0].starts_with("set-operator")
    );
    assert!(
        decrypt(
            "ForAllValues:StringEquals",
            "aws:CalledVia",
            "s3.amazonaws.com"
        )[0]
        .contains("also allows requests that do not have the key")
    );
}

#[test]
fn documents_of_another_kind_are_told_apart() {
    assert_eq!(recognise(&trust()), Some(DocumentKind::Trust));
    assert_eq!(recognise(&replication_role()), Some(DocumentKind::Identity));
    assert_eq!(
        told(&trust(), DocumentKind::Identity),
        [
            "wrong-kind: this looks like a trust policy, not a permission policy: it has a Principal, \
          `sts:AssumeRole` and no Resource; give it to a role as its trust policy (`AssumeRolePolicyDocument`)"
        ]
    );
    assert_eq!(
        told(&replication_role(), DocumentKind::Trust),
        [
            "wrong-kind: this looks like a permission policy, not a trust policy: it has no Principal; \
          give it to a user, group or role (`PutRolePolicy`)"
        ]
    );
    let key = document(vec![
        allow(&["kms:*"], &["*"]).about(Principals::aws(vec![ROLE.to_owned()])),
    ]);
    assert!(
        told(&key, DocumentKind::Bucket)[0]
            .contains("looks like a key policy, not a bucket policy")
    );
}

#[test]
fn elements_of_each_kind() {
    let half = document(vec![
        allow(&["s3:GetObject"], &[OBJECTS]).about(Principals::aws(vec![ROLE.to_owned()])),
        Statement::allow("Two", &["s3:GetObject"], vec![OBJECTS.to_owned()]),
    ]);
    let findings = lint(&half, DocumentKind::Bucket);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        findings[0].statement.as_ref().map(|place| place.index),
        Some(1)
    );
    assert_eq!(
        findings[0].to_string(),
        "error: statement 2 (`Two`): a statement of a bucket policy needs a `Principal`; say whom it is about"
    );

    let mut not_principal = allow(&["s3:GetObject"], &[OBJECTS]);
    not_principal.principal = Some(PrincipalElement::NotPrincipal(Principals::aws(vec![
        ROLE.to_owned(),
    ])));
    assert!(
        told(&document(vec![not_principal]), DocumentKind::Bucket)[0].contains("everyone else")
    );

    let wildcard = allow(&["s3:GetObject"], &[OBJECTS]).about(Principals::aws(vec![
        "arn:aws:iam::111122223333:role/*".to_owned(),
    ]));
    assert!(told(&document(vec![wildcard]), DocumentKind::Bucket)[0].contains("is no principal"));

    let control = allow(&["s3:*"], &["*"]).about(Principals::aws(vec![ROLE.to_owned()]));
    let control = told(&document(vec![control]), DocumentKind::ResourceControl);
    assert!(control[0].contains("can only deny"), "{control:?}");
    assert!(control[1].contains("can only be `*`"), "{control:?}");

    let empty = lint(&document(Vec::new()), DocumentKind::Identity);
    assert_eq!(empty[0].rule, LintRule::Empty);
}

#[test]
fn names_of_statements() {
    let mut spaced = allow(&["s3:GetObject"], &[OBJECTS]);
    spaced.sid = Some("read all".to_owned());
    let twice = document(vec![
        spaced.clone(),
        allow(&["s3:GetObject"], &[OBJECTS]),
        allow(&["s3:GetObject"], &[OBJECTS]),
    ]);
    let findings = told(&twice, DocumentKind::Identity);
    assert_eq!(
        findings,
        [
            "sid: the `Sid` `read all` has other characters than letters and digits; call it `readall`",
            "sid: the `Sid` `One` is that of statement 2 already; call it `One3`",
        ]
    );
    spaced.principal = Some(PrincipalElement::Principal(Principals::aws(vec![
        ROLE.to_owned(),
    ])));
    assert_eq!(told(&document(vec![spaced]), DocumentKind::Bucket), [""; 0]);
}

fn long(statements: usize, actions: usize) -> PolicyDocument {
    let names: Vec<String> = keyferry_policy::actions::matching("s3:*")
        .into_iter()
        .take(actions)
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    document(
        (0..statements)
            .map(|at| Statement::allow(&format!("S{at}"), &names, vec!["*".to_owned()]))
            .collect(),
    )
}

#[test]
fn documents_over_the_limit() {
    let severities = |document: &PolicyDocument, kind| {
        let of_size = lint(document, kind)
            .into_iter()
            .filter(|finding| finding.rule == LintRule::Size);
        of_size.map(|finding| finding.severity).collect::<Vec<_>>()
    };
    let inline_only = long(30, 5);
    assert!(
        (6_144..10_240).contains(&size(&inline_only)),
        "{}",
        size(&inline_only)
    );
    assert_eq!(
        severities(&inline_only, DocumentKind::Identity),
        [Severity::Warning]
    );
    assert_eq!(
        severities(&inline_only, DocumentKind::Boundary),
        [Severity::Error]
    );
    let too_long = long(50, 5);
    assert!(size(&too_long) > 10_240);
    assert_eq!(
        severities(&too_long, DocumentKind::Identity),
        [Severity::Error]
    );
    assert_eq!(severities(&long(1, 5), DocumentKind::Identity), []);
    let spaced = document(vec![allow(&["s3:GetObject"], &[OBJECTS])]);
    assert_eq!(
        size(&spaced),
        serde_json::to_string(&spaced)
            .map(|text| text.len())
            .unwrap_or(0)
    );
}

/// Every (effect, action, resource) that a document is about.
fn combinations(
    documents: &[PolicyDocument],
) -> std::collections::BTreeSet<(bool, String, String)> {
    let mut all = std::collections::BTreeSet::new();
    for statement in documents.iter().flat_map(|document| &document.statements) {
        let Some(resources) = &statement.resource else {
            continue;
        };
        for action in statement.action.patterns() {
            for resource in resources.patterns() {
                all.insert((
                    statement.effect == Effect::Allow,
                    action.clone(),
                    resource.clone(),
                ));
            }
        }
    }
    all
}

#[test]
fn long_documents_are_split_without_loss() {
    let many = long(60, 5);
    let pieces = split(&many, MANAGED_POLICY).expect("statements can be moved apart");
    assert!(pieces.len() > 1);
    assert!(pieces.iter().all(|piece| size(piece) <= MANAGED_POLICY));
    let order: Vec<_> = pieces
        .iter()
        .flat_map(|piece| piece.statements.clone())
        .collect();
    assert_eq!(
        order.len(),
        many.statements.len(),
        "no statement was cut that fits"
    );
    assert_eq!(combinations(&pieces), combinations(&[many]));

    // One statement that is too long by itself, in both directions.
    let mut huge = long(1, 150);
    huge.statements[0].resource = Some(ResourceElement::Resource(
        (0..200)
            .map(|at| format!("arn:aws:s3:::bucket-number-{at}/prefix/*"))
            .collect(),
    ));
    let pieces = split(&huge, 2_000).expect("it has many actions and resources");
    assert!(pieces.iter().all(|piece| size(piece) <= 2_000));
    assert_eq!(combinations(&pieces), combinations(&[huge]));
    for piece in &pieces {
        let rules: Vec<_> = lint(piece, DocumentKind::Identity)
            .into_iter()
            .map(|finding| finding.rule)
            .collect();
        assert!(!rules.contains(&LintRule::Sid), "names stay unique");
    }

    let short = long(1, 2);
    assert_eq!(split(&short, MANAGED_POLICY), Ok(vec![short]));
}

#[test]
fn what_cannot_be_split_says_so() {
    let mut exceptions = long(1, 150);
    let ActionElement::Action(names) = exceptions.statements[0].action.clone() else {
        unreachable!("made with Action")
    };
    exceptions.statements[0].action = ActionElement::NotAction(names);
    let error = split(&exceptions, 1_000).expect_err("a list of exceptions is one");
    assert_eq!(error.index, 0);
    assert!(error.to_string().starts_with("statement 1 has "), "{error}");
}
