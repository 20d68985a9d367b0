//! A shell script that installs a plan with the AWS CLI.
//!
//! Every call either sets something to a value or asks first what is there, so the script can be run
//! again. Commands: <https://docs.aws.amazon.com/cli/latest/reference/s3api/>.

mod functions;

use std::fmt::Write;

use super::{EmittedFile, INLINE_POLICY, summary, user_policy_name};
use crate::documents::{Document, Kind};
use crate::{AccountId, Documents, ReplicationPlan, Site};

pub(super) fn files(plan: &ReplicationPlan, documents: &Documents) -> Vec<EmittedFile> {
    let mut script = Script {
        plan,
        documents,
        text: String::new(),
    };
    script.head();
    script.functions();
    script.documents();
    script.accounts();
    script.buckets();
    script.roles();
    script.policies();
    script.replication();
    script.for_people();
    vec![EmittedFile {
        executable: true,
        ..EmittedFile::new("install-replication.sh", script.text)
    }]
}

struct Script<'a> {
    plan: &'a ReplicationPlan,
    documents: &'a Documents,
    text: String,
}

impl<'a> Script<'a> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.line("");
        self.line(format!("# {title}"));
    }

    fn has(&self, kind: Kind) -> bool {
        self.documents.iter().any(|document| document.kind == kind)
    }

    fn document(&self, kind: Kind, site: &Site) -> Option<&'a Document> {
        self.documents.find(kind, &site.bucket)
    }

    /// Accounts, each once, with the variable that names a profile for it.
    fn profiles(&self) -> Vec<(&'a AccountId, String)> {
        let mut profiles: Vec<(&AccountId, String)> = Vec::new();
        let flows = self.plan.flows();
        let flow_accounts = flows
            .first()
            .map(|flow| [&flow.source.account, &flow.destination.account]);
        let all = self.plan.sites().iter().map(|site| &site.account);
        for account in flow_accounts.into_iter().flatten().chain(all) {
            if profiles.iter().any(|(known, _)| *known == account) {
                continue;
            }
            let variable = match profiles.len() {
                0 => "SOURCE_PROFILE".to_owned(),
                1 => "DESTINATION_PROFILE".to_owned(),
                _ => format!("PROFILE_{account}"),
            };
            profiles.push((account, variable));
        }
        profiles
    }

    fn head(&mut self) {
        self.line("#!/usr/bin/env bash");
        self.line("#");
        self.line("# Sets up S3 replication:");
        for line in summary(self.plan) {
            self.line(format!("#   {line}"));
        }
        self.line("#");
        self.line("# It can be run again: what is there stays, or is put right. Buckets, roles and policies");
        self.line("# are made; KMS keys have to be there. Variables:");
        self.line("#");
        for (account, variable) in self.profiles() {
            let what = format!("profile of the AWS CLI for account {account}");
            self.line(format!("#   {variable:<20}  {what}"));
        }
        self.line("#   REPLACE=1             replace policies and replication rules that are not from here");
        self.line(
            "#   USER_POLICIES=0       make no managed policies for uploads and for verification",
        );
        self.line("#");
        self.line("# Made by `keyferry policy emit --format cli`.");
        self.line("");
        self.line("set -euo pipefail");
        self.line("export AWS_PAGER=\"\"");
        self.line("");
        self.line("folder=$(mktemp -d)");
        self.line("trap 'rm -rf \"$folder\"' EXIT");
    }

    fn functions(&mut self) {
        self.line("");
        self.line(functions::SAY);
        self.line("# in_account ACCOUNT WORD...: calls the AWS CLI.");
        self.line("in_account() {");
        self.line("  local account=$1");
        self.line("  shift");
        self.line("  case $account in");
        for (account, variable) in self.profiles() {
            self.line(format!(
                "    {account}) aws ${{{variable}:+--profile \"${variable}\"}} \"$@\" ;;"
            ));
        }
        self.line("    *)");
        self.line("      say \"no account of this plan: $account\"");
        self.line("      exit 1");
        self.line("      ;;");
        self.line("  esac");
        self.line("}");
        let (keys, buckets) = (self.has(Kind::KeyPolicy), self.has(Kind::BucketPolicy));
        let all = [
            (true, functions::EXPECT_ACCOUNT),
            (true, functions::MAKE_BUCKET),
            (true, functions::MAKE_ROLE),
            (true, functions::ABSENT),
            (keys || buckets, functions::KEEP_STATEMENTS),
            (keys || buckets, functions::PATIENTLY),
            (keys, functions::PUT_KEY_POLICY),
            (buckets, functions::PUT_BUCKET_POLICY),
            (true, functions::PUT_REPLICATION),
            (true, functions::MAKE_POLICY),
        ];
        for (_, text) in all.iter().filter(|(used, _)| *used) {
            self.line("");
            self.text
                .push_str(&text.replace("INLINE_POLICY", INLINE_POLICY));
        }
    }

    fn documents(&mut self) {
        self.section("The documents, in the shapes that the AWS CLI takes.");
        for document in self.documents {
            let name = document.file_name();
            self.line("");
            self.line(format!("cat >\"$folder/{name}\" <<'EOF'"));
            self.line(document.to_json());
            self.line("EOF");
        }
    }

    fn accounts(&mut self) {
        self.section("Whose credentials these are.");
        for (account, _) in self.profiles() {
            self.line(format!("expect_account {account}"));
        }
    }

    fn buckets(&mut self) {
        self.section(
            "Buckets. Ownership, versioning and encryption are set whether they are new or not.",
        );
        for site in self.plan.sites() {
            let (account, region, bucket) = (&site.account, &site.region, &site.bucket);
            let mut options = String::new();
            // The oldest region has no name here: it is where buckets go when nothing is said.
            if region.as_str() != "us-east-1" {
                let _ = write!(
                    options,
                    " \\\n  --create-bucket-configuration LocationConstraint={region}"
                );
            }
            if site.object_lock {
                options.push_str(" \\\n  --object-lock-enabled-for-bucket");
            }
            self.line("");
            self.line(format!("make_bucket {account} {region} {bucket}{options}"));
            let call = |operation: &str| {
                format!(
                    "in_account {account} s3api {operation} --region {region} --bucket {bucket}"
                )
            };
            self.line(format!(
                "{} \\\n  --ownership-controls 'Rules=[{{ObjectOwnership={}}}]'",
                call("put-bucket-ownership-controls"),
                site.ownership.as_str()
            ));
            self.line(format!(
                "{} \\\n  --versioning-configuration \"file://$folder/versioning-{bucket}.json\"",
                call("put-bucket-versioning")
            ));
            self.line(format!(
                "{} \\\n  --server-side-encryption-configuration \"file://$folder/encryption-{bucket}.json\"",
                call("put-bucket-encryption")
            ));
            if site.object_lock {
                self.line("# A retention that is set already is kept.");
                self.line(format!(
                    "if ! {} \\\n  >/dev/null 2>&1; then",
                    call("get-object-lock-configuration")
                ));
                self.line(format!(
                    "  {} \\\n    --object-lock-configuration ObjectLockEnabled=Enabled",
                    call("put-object-lock-configuration")
                ));
                self.line("fi");
            }
        }
    }

    fn roles(&mut self) {
        self.section("Roles that S3 acts as.");
        for (name, account, trust, permissions) in self.role_documents() {
            self.line(format!("make_role {account} {name} \\"));
            self.line(format!(
                "  \"$folder/{}\" \"$folder/{}\"",
                trust.file_name(),
                permissions.file_name()
            ));
        }
    }

    fn role_documents(&self) -> Vec<(String, &'a AccountId, &'a Document, &'a Document)> {
        let mut roles = Vec::new();
        for site in self.plan.sites() {
            let flows = self.plan.flows_from(&site.bucket);
            let Some(flow) = flows.first() else { continue };
            for (name, trust, permissions) in [
                (flow.role_name(), Kind::Trust, Kind::Role),
                (flow.batch_role_name(), Kind::BatchTrust, Kind::BatchRole),
            ] {
                if let (Some(trust), Some(permissions)) =
                    (self.document(trust, site), self.document(permissions, site))
                {
                    roles.push((name, &site.account, trust, permissions));
                }
            }
        }
        roles
    }

    fn policies(&mut self) {
        if !self.has(Kind::KeyPolicy) && !self.has(Kind::BucketPolicy) {
            return;
        }
        self.section("Policies of keys and buckets. They name the roles, so they come after them.");
        for site in self.plan.sites() {
            let key = site.encryption.kms_key();
            if let (Some(key), Some(policy)) = (key, self.document(Kind::KeyPolicy, site)) {
                let (account, region) = (key.account(), key.region());
                let account = self.caller_for(account, site);
                self.line(format!("put_key_policy {account} {region} \\\n  {key} \\"));
                self.line(format!("  \"$folder/{}\"", policy.file_name()));
            }
            if let Some(policy) = self.document(Kind::BucketPolicy, site) {
                let (account, region, bucket) = (&site.account, &site.region, &site.bucket);
                self.line(format!("put_bucket_policy {account} {region} {bucket} \\"));
                self.line(format!("  \"$folder/{}\"", policy.file_name()));
            }
        }
    }

    /// A key may belong to an account that has no bucket here; then its bucket's account must do.
    fn caller_for<'b>(&self, account: &'b AccountId, site: &'b Site) -> &'b AccountId {
        let sites = self.plan.sites();
        if sites.iter().any(|site| site.account == *account) {
            account
        } else {
            &site.account
        }
    }

    fn replication(&mut self) {
        self.section("Replication, last of all: S3 acts on it at once.");
        for site in self.plan.sites() {
            if let Some(document) = self.document(Kind::Replication, site) {
                let (account, region, bucket) = (&site.account, &site.region, &site.bucket);
                self.line(format!("put_replication {account} {region} {bucket} \\"));
                self.line(format!("  \"$folder/{}\"", document.file_name()));
            }
        }
    }

    fn for_people(&mut self) {
        self.section(
            "Managed policies to attach to those who upload and download, and to those who verify.",
        );
        self.line("if [[ ${USER_POLICIES:-1} != 0 ]]; then");
        for site in self.plan.sites() {
            for kind in [Kind::Uploader, Kind::Verifier] {
                let Some(document) = self.document(kind, site) else {
                    continue;
                };
                let (account, name) = (&site.account, user_policy_name(kind, site));
                let partition = site.partition();
                self.line(format!("  make_policy {account} {name} \\"));
                self.line(format!(
                    "    arn:{partition}:iam::{account}:policy/{name} \\"
                ));
                self.line(format!("    \"$folder/{}\"", document.file_name()));
            }
        }
        self.line("fi");
        self.section("Done.");
        self.line("say \"replication is set up\"");
    }
}
