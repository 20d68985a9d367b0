//! Cases of AWS's documentation; each names its page.

mod accounts;
mod resources;
mod statements;

use super::*;
use crate::iam::{Attached, Mismatch, PolicyDocument, ResourcePolicy};
use crate::names::Partition;

const ROLE: &str = "arn:aws:iam::111122223333:role/replication";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/replication/s3";
const OBJECT: &str = "arn:aws:s3:::data/a";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

/// Everything that may apply, as JSON of statements; an empty text is no policy.
#[derive(Default)]
struct Given {
    identity: &'static str,
    boundary: &'static str,
    scp: Vec<&'static str>,
    rcp: Vec<&'static str>,
    resource: String,
}

fn document(statements: &str) -> PolicyDocument {
    let json = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    PolicyDocument::parse(&json).unwrap()
}

fn decide(request: &Request, kind: ResourceKind, given: &Given) -> Decision {
    let read = |text: &str| (!text.is_empty()).then(|| document(text));
    let identity = read(given.identity);
    let boundary = read(given.boundary);
    let resource = read(&given.resource);
    let scp: Vec<_> = given.scp.iter().map(|text| document(text)).collect();
    let rcp: Vec<_> = given.rcp.iter().map(|text| document(text)).collect();
    fn attached<'a>(name: &'a str, document: &'a PolicyDocument) -> Attached<'a> {
        Attached { name, document }
    }
    let policies = Policies {
        identity: identity
            .iter()
            .map(|document| attached("identity", document))
            .collect(),
        boundary: boundary
            .as_ref()
            .map(|document| attached("boundary", document)),
        service_control: scp
            .iter()
            .map(|document| vec![attached("scp", document)])
            .collect(),
        resource_control: rcp
            .iter()
            .map(|document| vec![attached("rcp", document)])
            .collect(),
        resource: resource.as_ref().map(|document| ResourcePolicy {
            kind,
            name: "resource",
            document,
        }),
    };
    evaluate(request, &policies)
}

fn role() -> Caller {
    Caller::Role {
        arn: ROLE.to_owned(),
        session: Some("s3".to_owned()),
    }
}

fn user() -> Caller {
    Caller::User {
        arn: "arn:aws:iam::111122223333:user/alice".to_owned(),
    }
}

fn root() -> Caller {
    Caller::Root {
        account: "111122223333".parse().unwrap(),
        partition: Partition::Standard,
    }
}

fn get(caller: Caller) -> Request {
    Request::new(caller, "s3:GetObject", OBJECT).owned_by("111122223333".parse().unwrap())
}

fn get_across(caller: Caller) -> Request {
    Request::new(caller, "s3:GetObject", OBJECT).owned_by("444455556666".parse().unwrap())
}

fn decrypt(caller: Caller) -> Request {
    Request::new(caller, "kms:Decrypt", KEY)
}

fn to(principal: &str, action: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"*"}}"#)
}

fn to_aws(arn: &str, action: &str) -> String {
    to(&format!(r#"{{"AWS":"{arn}"}}"#), action)
}

fn lacking(decision: &Decision) -> Vec<Lacking> {
    match decision {
        Decision::Denied(Denial::Implicit { lacking, also, .. }) => {
            [*lacking].into_iter().chain(also.iter().copied()).collect()
        }
        other => panic!("{other}"),
    }
}

const ALLOW: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
const NOTHING: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
const DENY: &str = r#"{"Sid":"No","Effect":"Deny","Action":"s3:Get*","Resource":"*"}"#;
