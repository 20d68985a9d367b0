//! One CloudFormation template for each account and region.
//!
//! Resource types: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html>.
//! S3 takes a replication configuration only when the other bucket is there, and a policy only when the
//! role it names is there, while stacks are made one after the other. So every template is deployed
//! first without, then with replication: the parameter `Replicate`.

mod bucket;
mod role;

use super::labels::Labels;
use super::tree::Tree;
use super::{EmittedFile, summary};
use crate::documents::{Document, Kind};
use crate::{AccountId, Documents, Region, ReplicationPlan, Site};

/// What the templates are made from.
struct Stacks<'a> {
    plan: &'a ReplicationPlan,
    documents: &'a Documents,
    labels: Labels,
}

/// The condition under which buckets replicate.
const REPLICATING: &str = "Replicating";
/// The condition under which there are policies for people.
const FOR_PEOPLE: &str = "WithUserPolicies";

pub(super) fn files(plan: &ReplicationPlan, documents: &Documents) -> Vec<EmittedFile> {
    let stacks = Stacks {
        plan,
        documents,
        labels: Labels::camel_case(plan),
    };
    let mut places: Vec<(&AccountId, &Region)> = Vec::new();
    for site in plan.sites() {
        if !places.contains(&(&site.account, &site.region)) {
            places.push((&site.account, &site.region));
        }
    }
    places
        .into_iter()
        .map(|(account, region)| {
            EmittedFile::new(
                format!("{account}-{region}.template.json"),
                stacks.template(account, region).to_json(),
            )
        })
        .collect()
}

impl<'a> Stacks<'a> {
    fn template(&self, account: &AccountId, region: &Region) -> Tree {
        let mut resources = Vec::new();
        let mut key_policies = Vec::new();
        for site in self.plan.sites() {
            if site.account != *account || site.region != *region {
                continue;
            }
            resources.extend(bucket::resources(self, site));
            resources.extend(role::resources(self, site));
            let key = site.encryption.kms_key();
            if let (Some(key), Some(policy)) = (key, self.document(Kind::KeyPolicy, site)) {
                key_policies.push((key.to_string(), Tree::of(&policy.content)));
            }
        }
        let resources = Tree::Map(resources);

        let mut template = Tree::map([
            ("AWSTemplateFormatVersion", "2010-09-09".into()),
            ("Description", description(account, region).into()),
        ]);
        template.insert("Metadata", metadata(self.plan, key_policies));
        let switches = Switch::used_by(&resources);
        if !switches.is_empty() {
            let all = |part: fn(&Switch) -> (String, Tree)| {
                Tree::Map(switches.iter().map(part).collect())
            };
            template.insert("Parameters", all(Switch::parameter));
            template.insert("Conditions", all(Switch::condition));
        }
        template.insert("Resources", resources);
        template
    }

    fn document(&self, kind: Kind, site: &Site) -> Option<&'a Document> {
        self.documents.find(kind, &site.bucket)
    }

    /// The name of a resource within its template.
    fn id(&self, site: &Site, what: &str) -> String {
        format!("{}{what}", self.labels.of(&site.bucket))
    }
}

fn description(account: &AccountId, region: &Region) -> String {
    format!(
        "S3 replication, the part in account {account} and {region}. Deploy all templates of the \
         plan, then update all with Replicate=true. Needs CAPABILITY_NAMED_IAM. Policies of KMS keys \
         stand under Metadata: CloudFormation cannot set those of keys it did not make. Made by \
         keyferry policy emit --format cloudformation."
    )
}

fn metadata(plan: &ReplicationPlan, key_policies: Vec<(String, Tree)>) -> Tree {
    let flows = summary(plan).into_iter().map(Tree::from).collect();
    let mut metadata = Tree::map([("Replication", Tree::List(flows))]);
    if !key_policies.is_empty() {
        metadata.insert("KeyPolicies", Tree::Map(key_policies));
    }
    metadata
}

/// A parameter that is true or false, and the condition of the resources that depend on it.
struct Switch {
    parameter: &'static str,
    default: &'static str,
    description: &'static str,
    condition: &'static str,
}

const SWITCHES: [Switch; 2] = [
    Switch {
        parameter: "Replicate",
        default: "false",
        description: "Whether replication is on: true once the stacks of all buckets are there",
        condition: REPLICATING,
    },
    Switch {
        parameter: "UserPolicies",
        default: "true",
        description: "Whether there are managed policies for those who upload and download, and for those who verify",
        condition: FOR_PEOPLE,
    },
];

impl Switch {
    /// A template may not have one that nothing depends on.
    fn used_by(resources: &Tree) -> Vec<Self> {
        let mut switches = Vec::from(SWITCHES);
        switches.retain(|switch| mentions(resources, switch.condition));
        switches
    }

    fn parameter(&self) -> (String, Tree) {
        let words = ["false", "true"].map(Tree::from).to_vec();
        let parameter = Tree::map([
            ("Type", "String".into()),
            ("Description", self.description.into()),
            ("AllowedValues", Tree::List(words)),
            ("Default", self.default.into()),
        ]);
        (self.parameter.to_owned(), parameter)
    }

    fn condition(&self) -> (String, Tree) {
        let parameter = Tree::map([("Ref", self.parameter.into())]);
        let equals = Tree::List(vec![parameter, "true".into()]);
        let condition = Tree::map([("Fn::Equals", equals)]);
        (self.condition.to_owned(), condition)
    }
}

fn mentions(tree: &Tree, condition: &str) -> bool {
    match tree {
        Tree::Text(text) => text == condition,
        Tree::List(items) => items.iter().any(|item| mentions(item, condition)),
        Tree::Map(members) => members.iter().any(|(_, value)| mentions(value, condition)),
        Tree::Bool(_) | Tree::Number(_) => false,
    }
}

/// A value that is there only while buckets replicate.
fn while_replicating(value: Tree) -> Tree {
    let nothing = Tree::map([("Ref", "AWS::NoValue".into())]);
    Tree::map([(
        "Fn::If",
        Tree::List(vec![REPLICATING.into(), value, nothing]),
    )])
}

fn resource(kind: &str, properties: Tree) -> Tree {
    Tree::map([("Type", kind.into()), ("Properties", properties)])
}
