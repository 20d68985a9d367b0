//! Surplus on KMS keys: other actions, other keys, and the needed actions without the conditions that
//! tie them to S3 and to one bucket.
//!
//! Conditions: <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service>.

use super::targets::Target;
use super::{Role, responsible};
use crate::calls::{Call, Gate};
use crate::check::applying::{self, Applying};
use crate::check::installed::{Known, Origin};
use crate::iam::{Caller, Context, PolicyDocument, Principals, Request, Statement};
use crate::{KmsKeyArn, actions};

const VIA: &str = "kms:ViaService";
const CONTEXT: &str = "kms:EncryptionContext:aws:s3:arn";

/// What keys of which nothing is known have for a policy: their account decides.
fn default_policy(role: &Role<'_>) -> Known<PolicyDocument> {
    let root = format!(
        "arn:{}:iam::{}:root",
        role.arn.partition(),
        role.arn.account()
    );
    let statement = Statement::allow("", &["kms:*"], vec!["*".to_owned()]);
    let document = PolicyDocument::new(vec![statement.about(Principals::aws(vec![root]))]);
    Known::present(document, Origin::default())
}

pub(super) fn probe(role: &mut Role<'_>, targets: &[Target<'_>]) {
    let Some(service) = actions::service("kms") else {
        return;
    };
    let calls: Vec<Call> = role
        .needed
        .iter()
        .map(|asked| &asked.call)
        .filter(|call| matches!(call.gate, Gate::SourceKey | Gate::ReplicaKey))
        .cloned()
        .collect();
    let known: Vec<(KmsKeyArn, String)> = keys(&calls);
    let other = other_keys(role, &known);
    let default = default_policy(role);
    for action in &service.actions {
        let name = format!("kms:{}", action.name);
        if !role.patterns.match_action(&name) {
            continue;
        }
        if !action.resources.contains(&"key") {
            for target in targets.iter().filter(|target| target.kind == "*") {
                let request = role.request(&name, target);
                role.ask_about(&request, None, &target.on, None);
            }
            continue;
        }
        for (key, on) in &known {
            let policy = || Some(applying::key(key, role.installed));
            let needed: Vec<&Call> = calls
                .iter()
                .filter(|call| call.request.resource == key.as_str())
                .collect();
            let of_action = |call: &&&Call| call.request.action.eq_ignore_ascii_case(&name);
            let own: Vec<&Call> = needed.iter().filter(of_action).copied().collect();
            if own.is_empty() {
                for context in contexts(&needed) {
                    let request = on_key(role, &name, key, context);
                    role.ask_about(&request, policy(), on, None);
                }
            } else if let Some((request, without)) = role.unconditioned(&name, key, &own) {
                role.ask_about(&request, policy(), on, Some(without));
            }
        }
        for key in &other {
            let mut contexts = contexts(&calls.iter().collect::<Vec<_>>());
            contexts.push(through_s3(key));
            for context in contexts {
                let request = on_key(role, &name, key, context);
                let policy = applying::given_key(key, &default);
                role.ask_about(&request, Some(policy), "any other key", None);
            }
        }
    }
}

/// The keys of calls, and how reports name them.
fn keys(calls: &[Call]) -> Vec<(KmsKeyArn, String)> {
    let mut keys: Vec<(KmsKeyArn, String)> = Vec::new();
    for call in calls {
        let Ok(key) = call.request.resource.parse::<KmsKeyArn>() else {
            continue;
        };
        if !keys.iter().any(|(known, _)| *known == key) {
            let on = format!("the key `{}` in {}", key.key_id(), key.region());
            keys.push((key, on));
        }
    }
    keys
}

/// A key that nobody uses in each region, and keys that documents name and the plan does not.
fn other_keys(role: &Role<'_>, known: &[(KmsKeyArn, String)]) -> Vec<KmsKeyArn> {
    let policies = role
        .installed
        .role(role.arn)
        .map_or(&[][..], |role| &role.policies);
    let named = policies
        .iter()
        .filter_map(|policy| policy.document.value())
        .flat_map(|document| &document.statements)
        .filter_map(|statement| statement.resource.as_ref())
        .flat_map(|resource| resource.patterns())
        .filter_map(|pattern| pattern.parse::<KmsKeyArn>().ok())
        .filter(|key| !known.iter().any(|(known, _)| known == key));
    let plan = role.directions.iter().flat_map(|direction| {
        [
            direction.flow.source.region.clone(),
            direction.flow.destination.region.clone(),
        ]
    });
    let mut regions: Vec<_> = known
        .iter()
        .map(|(key, _)| key.region().clone())
        .chain(plan)
        .collect();
    regions.sort();
    regions.dedup();
    let unused = regions.into_iter().filter_map(|region| {
        let (partition, account) = (role.arn.partition(), role.arn.account());
        let id = "00000000-0000-0000-0000-000000000000";
        format!("arn:{partition}:kms:{region}:{account}:key/{id}")
            .parse()
            .ok()
    });
    let mut keys: Vec<KmsKeyArn> = unused.chain(named).collect();
    keys.dedup();
    keys
}

/// The contexts that needed calls have, and none at all.
fn contexts(calls: &[&Call]) -> Vec<Context> {
    let mut contexts = vec![Context::new()];
    for call in calls {
        if !contexts.contains(&call.request.context) {
            contexts.push(call.request.context.clone());
        }
    }
    contexts
}

/// What S3 would say for an object of a bucket that nobody planned.
fn through_s3(key: &KmsKeyArn) -> Context {
    let partition = key.partition();
    let via = format!("s3.{}.{}", key.region(), partition.dns_suffix());
    let object = format!("arn:{partition}:s3:::keyferry-looks-for-surplus/example");
    let mut context = Context::new();
    context.insert(VIA, vec![via]);
    context.insert(CONTEXT, vec![object]);
    context
}

fn on_key(role: &Role<'_>, action: &str, key: &KmsKeyArn, context: Context) -> Request {
    let caller = Caller::Role {
        arn: role.arn.to_string(),
        session: None,
    };
    let mut request = Request::new(caller, action, key.as_str()).owned_by(key.account().clone());
    request.context = context;
    request
}

impl<'a> Role<'a> {
    fn ask_about(
        &mut self,
        request: &Request,
        policy: Option<(crate::iam::ResourceKind, String, applying::Applied<'_>)>,
        on: &str,
        without: Option<&str>,
    ) {
        let applying = Applying::of_role(self.arn, policy, self.installed);
        if let Some(by) = applying.allowed_by_what_is_known(request) {
            for statement in responsible(&applying, by) {
                self.note(statement, on, &request.action, without);
            }
        }
    }

    /// A needed action on its key, asked for as S3 would not: the first way in which it is allowed.
    fn unconditioned(
        &self,
        action: &str,
        key: &KmsKeyArn,
        own: &[&Call],
    ) -> Option<(Request, &'static str)> {
        let with = |via: Option<&[String]>, arn: Option<&[String]>| {
            let mut context = Context::new();
            for (name, values) in [(VIA, via), (CONTEXT, arn)] {
                if let Some(values) = values {
                    context.insert(name, values.to_vec());
                }
            }
            on_key(self, action, key, context)
        };
        let other_service = [format!("ec2.{}.amazonaws.com", key.region())];
        let partition = key.partition();
        let elsewhere = [
            [format!("arn:{partition}:s3:::keyferry-looks-for-surplus")],
            [format!(
                "arn:{partition}:s3:::keyferry-looks-for-surplus/example"
            )],
        ];
        let mut ways = vec![(with(None, None), "without any condition")];
        for call in own {
            let via = call.request.context.get(VIA);
            let arn = call.request.context.get(CONTEXT);
            ways.push((
                with(Some(&other_service), arn),
                "without a condition on `kms:ViaService`",
            ));
            ways.push((with(None, arn), "without a condition on `kms:ViaService`"));
            for other in &elsewhere {
                ways.push((
                    with(via, Some(other)),
                    "without a condition on the bucket (`kms:EncryptionContext:aws:s3:arn`)",
                ));
            }
            if let Some(outside) = self.outside(arn) {
                ways.push((
                    with(via, Some(&[outside])),
                    "for objects outside the prefix, too",
                ));
            }
        }
        let policy = applying::key(key, self.installed);
        let applying = Applying::of_role(self.arn, Some(policy), self.installed);
        ways.into_iter()
            .find(|(request, _)| applying.allowed_by_what_is_known(request).is_some())
    }

    /// An object beside the prefix, where there is one.
    fn outside(&self, arn: Option<&[String]>) -> Option<String> {
        let arn = arn?.first()?;
        let (bucket, key) = arn.split_once('/')?;
        let covered = self.directions.iter().any(|direction| {
            let prefix = &direction.flow.settings.prefix;
            prefix.is_empty() || !key.starts_with(prefix.as_str())
        });
        (!covered).then(|| format!("{bucket}/keyferry-looks-for-surplus"))
    }
}
