//! What is live against a plan: what to change, or what speaks against it. Talks to nobody.

mod policies;
mod public;
mod refusal;
mod rules;

pub use refusal::Refusal;

use keyferry_policy::check::{Given, Installed, InstalledBucket, KeyState, Known};
use keyferry_policy::documents::{Content as Emitted, EncryptionConfiguration, Kind};
use keyferry_policy::iam::PolicyDocument;
use keyferry_policy::{
    AccountId, BucketKey, Documents, KmsKeyArn, Region, ReplicationPlan, RoleArn, Site,
};

use crate::INLINE_POLICY;
use crate::change::{Change, ChangeKind, Subject};
use crate::content::{BucketContent, Content};
use crate::read::{self, Live};

/// What a comparison may suggest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompareOptions {
    /// Whether buckets that do not exist are made.
    pub create_buckets: bool,
    /// Whether a replication configuration may get another role: there is one for all of its rules.
    pub replace_role: bool,
}

/// The changes that bring what is live to the plan, in the order in which to make them. None are left
/// when all is as planned.
///
/// # Errors
/// Everything that speaks against touching what is live.
pub fn compare(
    plan: &ReplicationPlan,
    live: &Live,
    options: CompareOptions,
) -> Result<Vec<Change>, Vec<Refusal>> {
    let roles: Vec<String> = read::roles(plan).keys().map(ToString::to_string).collect();
    let mut comparison = Comparison {
        plan,
        documents: Documents::of(plan),
        live,
        options,
        roles,
        changes: Vec::new(),
        refusals: Vec::new(),
    };
    for site in plan.sites() {
        comparison.bucket(site);
    }
    comparison.roles();
    for key in read::keys(plan) {
        comparison.key(&key);
    }
    if comparison.refusals.is_empty() {
        comparison.changes.sort_by_key(|change| change.kind);
        Ok(comparison.changes)
    } else {
        Err(comparison.refusals)
    }
}

struct Comparison<'a> {
    plan: &'a ReplicationPlan,
    documents: Documents,
    live: &'a Live,
    options: CompareOptions,
    /// ARNs of the plan's roles.
    roles: Vec<String>,
    changes: Vec<Change>,
    refusals: Vec<Refusal>,
}

/// Where a change belongs.
#[derive(Clone)]
struct Place {
    subject: Subject,
    account: AccountId,
    region: Region,
    on_new: bool,
}

impl Comparison<'_> {
    fn installed(&self) -> &Installed {
        &self.live.installed
    }

    fn change(&mut self, kind: ChangeKind, place: &Place, before: Option<Content>, after: Content) {
        self.changes.push(Change {
            kind,
            subject: place.subject.clone(),
            account: place.account.clone(),
            region: place.region.clone(),
            before,
            after,
            on_new: place.on_new,
        });
    }

    /// What is there; `Err` when nobody knows, which is told.
    fn look<T: Clone>(
        &mut self,
        kind: ChangeKind,
        place: &Place,
        known: &Known<T>,
    ) -> Result<Option<T>, ()> {
        match known {
            Known::Present(Given { value, .. }) => Ok(Some(value.clone())),
            Known::Absent => Ok(None),
            Known::Unknown(why) => {
                self.refusals.push(Refusal::Unreadable {
                    what: format!("the {} of {}", kind.title(), place.subject),
                    why: why.clone(),
                });
                Err(())
            }
        }
    }

    /// A change unless the thing is as wanted.
    fn want(&mut self, kind: ChangeKind, place: &Place, before: Option<Content>, after: Content) {
        let is_so = before
            .as_ref()
            .is_some_and(|before| before.says_the_same(&after));
        if !is_so {
            self.change(kind, place, before, after);
        }
    }

    fn bucket(&mut self, site: &Site) {
        let mut place = Place {
            subject: Subject::Bucket(site.bucket.clone()),
            account: site.account.clone(),
            region: site.region.clone(),
            on_new: false,
        };
        let Some(bucket) = self.installed().bucket(&site.bucket).cloned() else {
            self.refusals.push(Refusal::Unreadable {
                what: format!("bucket {}", site.bucket),
                why: "nobody has looked at it".to_owned(),
            });
            return;
        };
        if !bucket.exists {
            if !self.options.create_buckets {
                self.refusals.push(Refusal::NoBucket {
                    bucket: site.bucket.clone(),
                });
                return;
            }
            place.on_new = true;
            let made = BucketContent {
                region: site.region.clone(),
                ownership: site.ownership,
                object_lock: site.object_lock,
            };
            self.change(ChangeKind::Bucket, &place, None, Content::Bucket(made));
        } else if let Err(refusal) = is_where_planned(site, &bucket) {
            self.refusals.push(refusal);
            return;
        }
        self.versioning(site, &bucket, &place);
        self.encryption(site, &bucket, &place);
        self.ownership(site, &bucket, &place);
        self.bucket_policy(site, &bucket, &place);
        self.replication(site, &bucket, &place);
    }

    fn versioning(&mut self, site: &Site, bucket: &InstalledBucket, place: &Place) {
        let kind = ChangeKind::Versioning;
        let Ok(before) = self.look(kind, place, &bucket.versioning) else {
            return;
        };
        let wanted = self.documents.find(Kind::Versioning, &site.bucket);
        if let Some(Emitted::Versioning(wanted)) = wanted.map(|found| found.content.clone()) {
            let before = before.map(Content::Versioning);
            self.want(kind, place, before, Content::Versioning(wanted));
        }
    }

    fn encryption(&mut self, site: &Site, bucket: &InstalledBucket, place: &Place) {
        let kind = ChangeKind::Encryption;
        let Ok(before) = self.look(kind, place, &bucket.encryption) else {
            return;
        };
        let mut wanted = EncryptionConfiguration::of(site);
        let live_rule = before.as_ref().and_then(|live| live.rules.first());
        if let (Some(live), Some(rule)) = (live_rule, wanted.rules.first_mut())
            && site.encryption.bucket_key() == BucketKey::Mixed
        {
            // Whether new objects use a Bucket Key is as good either way.
            rule.bucket_key_enabled = live.bucket_key_enabled;
        }
        // Where nothing is said about SSE-C, S3 decides by the age of bucket and account.
        let unsaid = live_rule.is_some_and(|live| live.blocked_encryption_types.is_none());
        let (before, after) = (before.map(Content::Encryption), Content::Encryption(wanted));
        if unsaid {
            self.change(kind, place, before, after);
        } else {
            self.want(kind, place, before, after);
        }
    }

    fn ownership(&mut self, site: &Site, bucket: &InstalledBucket, place: &Place) {
        // A new bucket is made with it.
        if place.on_new {
            return;
        }
        let kind = ChangeKind::Ownership;
        let Ok(before) = self.look(kind, place, &bucket.ownership) else {
            return;
        };
        let before = before.map(Content::Ownership);
        self.want(kind, place, before, Content::Ownership(site.ownership));
    }

    fn bucket_policy(&mut self, site: &Site, bucket: &InstalledBucket, place: &Place) {
        let kind = ChangeKind::BucketPolicy;
        let Ok(before) = self.look(kind, place, &bucket.policy) else {
            return;
        };
        let opening = before.as_ref().and_then(public::opening);
        let is_public = match self.live.public.get(&site.bucket) {
            Some(&said) => said,
            None => opening.is_some(),
        };
        if is_public {
            self.refusals.push(Refusal::Public {
                bucket: site.bucket.clone(),
                statement: opening,
            });
            return;
        }
        let wanted = self.documents.policy(Kind::BucketPolicy, &site.bucket);
        let merged = policies::merged(before.as_ref(), wanted, &self.roles);
        let Some(merged) = merged else { return };
        if let Some(statement) = public::opening(&merged).filter(|_| opening.is_none()) {
            self.refusals.push(Refusal::WouldBePublic {
                bucket: site.bucket.clone(),
                statement,
            });
            return;
        }
        let before = before.map(Content::Policy);
        self.want(kind, place, before, Content::Policy(merged));
    }

    fn replication(&mut self, site: &Site, bucket: &InstalledBucket, place: &Place) {
        let kind = ChangeKind::Replication;
        let Ok(before) = self.look(kind, place, &bucket.replication) else {
            return;
        };
        let wanted = self.documents.find(Kind::Replication, &site.bucket);
        let Some(Emitted::Replication(wanted)) = wanted.map(|found| found.content.clone()) else {
            return;
        };
        match rules::merged(site, before.as_ref(), wanted, self.options.replace_role) {
            Ok(merged) => {
                let before = before.map(Content::Replication);
                self.want(kind, place, before, Content::Replication(merged));
            }
            Err(refusal) => self.refusals.push(refusal),
        }
    }

    fn roles(&mut self) {
        for site in self.plan.sites() {
            let flows = self.plan.flows_from(&site.bucket);
            let Some(flow) = flows.first() else { continue };
            let document = |kind| self.documents.policy(kind, &site.bucket).cloned();
            let (trust, role) = (document(Kind::Trust), document(Kind::Role));
            let (batch_trust, batch_role) = (document(Kind::BatchTrust), document(Kind::BatchRole));
            let batch_arn = RoleArn::new(
                site.partition(),
                site.account.clone(),
                &flow.batch_role_name(),
            );
            self.role(site, flow.role_arn(), trust, role);
            self.role(site, batch_arn, batch_trust, batch_role);
        }
    }

    fn role(
        &mut self,
        site: &Site,
        arn: RoleArn,
        trust: Option<PolicyDocument>,
        permissions: Option<PolicyDocument>,
    ) {
        let (Some(trust), Some(permissions)) = (trust, permissions) else {
            return;
        };
        let place = Place {
            subject: Subject::Role(arn.clone()),
            account: site.account.clone(),
            region: site.region.clone(),
            on_new: false,
        };
        let Some(role) = self.installed().role(&arn).cloned() else {
            self.refusals.push(Refusal::Unreadable {
                what: format!("{}", place.subject),
                why: "nobody has looked at it".to_owned(),
            });
            return;
        };
        let Ok(before) = self.look(ChangeKind::Trust, &place, &role.trust) else {
            return;
        };
        if let Some(merged) = policies::merged(before.as_ref(), Some(&trust), &self.roles) {
            let before = before.map(Content::Policy);
            self.want(ChangeKind::Trust, &place, before, Content::Policy(merged));
        }
        if let Some(why) = role.unread_policies {
            self.refusals.push(Refusal::Unreadable {
                what: format!("the policies of {}", place.subject),
                why,
            });
            return;
        }
        let ours = role
            .policies
            .iter()
            .find(|policy| policy.name == INLINE_POLICY)
            .map_or(Known::Absent, |policy| policy.document.clone());
        if let Ok(before) = self.look(ChangeKind::RolePolicy, &place, &ours) {
            let before = before.map(Content::Policy);
            let after = Content::Policy(permissions);
            self.want(ChangeKind::RolePolicy, &place, before, after);
        }
    }

    fn key(&mut self, arn: &KmsKeyArn) {
        let place = Place {
            subject: Subject::Key(arn.clone()),
            account: arn.account().clone(),
            region: arn.region().clone(),
            on_new: false,
        };
        let Some(key) = self.installed().key(arn).cloned() else {
            self.refusals.push(Refusal::Unreadable {
                what: place.subject.to_string(),
                why: "nobody has looked at it".to_owned(),
            });
            return;
        };
        if !key.exists {
            self.refusals.push(Refusal::NoKey { key: arn.clone() });
            return;
        }
        if let Some(state) = key
            .state
            .value()
            .filter(|state| **state != KeyState::Enabled)
        {
            self.refusals.push(Refusal::KeyUnusable {
                key: arn.clone(),
                state: *state,
            });
            return;
        }
        let Ok(Some(before)) = self.look(ChangeKind::KeyPolicy, &place, &key.policy) else {
            return;
        };
        let wanted = self.documents.key_policy(self.plan, arn);
        let Some(merged) = policies::merged(Some(&before), wanted, &self.roles) else {
            return;
        };
        if !policies::keeps_account(&merged, arn) {
            self.refusals.push(Refusal::LockOut { key: arn.clone() });
            return;
        }
        let (before, after) = (Content::Policy(before), Content::Policy(merged));
        self.want(ChangeKind::KeyPolicy, &place, Some(before), after);
    }
}

fn is_where_planned(site: &Site, bucket: &InstalledBucket) -> Result<(), Refusal> {
    match &bucket.region {
        Known::Present(Given { value, .. }) if *value == site.region => Ok(()),
        Known::Present(Given { value, .. }) => Err(Refusal::Elsewhere {
            bucket: site.bucket.clone(),
            planned: site.region.clone(),
            region: value.clone(),
        }),
        Known::Absent => Err(Refusal::NoBucket {
            bucket: site.bucket.clone(),
        }),
        Known::Unknown(why) => Err(Refusal::Unreadable {
            what: format!("bucket {}", site.bucket),
            why: why.clone(),
        }),
    }
}

#[cfg(test)]
mod tests;
