//! All statements that could matter, each compared with the request once.

use super::decision::{Mismatch, NearMiss, StatementId};
use super::document::{Effect, PolicyDocument};
use super::evaluate::Reading;
use super::policies::{Attached, Policies, ResourceKind};
use super::principal::Directness;
use super::request::{Caller, Request};
use super::statement::{Asked, Outcome, Role, outcome};

/// What the policies say about a request.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) identity: Granting,
    pub(crate) boundary: Option<Granting>,
    pub(crate) service_control: Vec<Granting>,
    pub(crate) resource_control: Vec<Granting>,
    pub(crate) resource: Granting,
}

/// What policies that are attached to one place say about a request.
#[derive(Debug, Default)]
pub(crate) struct Granting {
    allowing: Vec<Applying>,
    denying: Vec<Applying>,
    near: Vec<NearMiss>,
}

#[derive(Debug)]
struct Applying {
    statement: StatementId,
    directness: Directness,
    /// What it depends on, if it is not sure to apply.
    unsure: Option<String>,
}

impl Gathered {
    pub(crate) fn new(request: &Request, policies: &Policies<'_>) -> Self {
        let context = request.complete_context();
        let asked = Asked {
            request,
            context: &context,
            has_boundary: policies.boundary.is_some(),
        };
        let of = |attached: &[Attached<'_>], role| {
            let mut granting = Granting::default();
            for Attached { name, document } in attached {
                granting.gather(name, document, role, &asked);
            }
            granting
        };
        let mut resource = Granting::default();
        if let Some(policy) = &policies.resource {
            let role = match policy.kind {
                ResourceKind::RoleTrust => Role::Trust,
                ResourceKind::Bucket | ResourceKind::KmsKey | ResourceKind::Other => Role::Resource,
            };
            resource.gather(policy.name, policy.document, role, &asked);
        }
        let caller = &request.caller;
        let entity = matches!(caller, Caller::User { .. } | Caller::Role { .. });
        let levels = |levels: &[Vec<Attached<'_>>], applies: bool, role| -> Vec<Granting> {
            let levels = if applies { levels } else { &[] };
            levels.iter().map(|level| of(level, role)).collect()
        };
        let linked = caller.is_service_linked_role();
        Self {
            identity: of(if entity { &policies.identity } else { &[] }, Role::Holder),
            boundary: policies
                .boundary
                .filter(|_| entity)
                .map(|boundary| of(&[boundary], Role::Holder)),
            // These limit the principals of an account: neither services nor strangers.
            service_control: levels(
                &policies.service_control,
                caller.account().is_some() && !linked,
                Role::Holder,
            ),
            resource_control: levels(&policies.resource_control, !linked, Role::ResourceControl),
            resource,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Granting> {
        self.service_control
            .iter()
            .chain(&self.resource_control)
            .chain([&self.resource, &self.identity])
            .chain(&self.boundary)
    }

    /// The first statement that denies.
    pub(crate) fn denial(&self, reading: Reading, but_for_resource: bool) -> Option<StatementId> {
        self.all()
            .filter(|granting| {
                !(but_for_resource && std::ptr::eq(*granting, &raw const self.resource))
            })
            .flat_map(|granting| &granting.denying)
            // A sure denial says more than one that only may apply.
            .filter(|denying| denying.unsure.is_none() || reading == Reading::Against)
            .min_by_key(|denying| denying.unsure.is_some())
            .map(|denying| denying.statement.clone())
    }

    /// What the statements depend on that are not sure to apply.
    pub(crate) fn unsure(&self) -> Vec<String> {
        self.all()
            .flat_map(|granting| granting.denying.iter().chain(&granting.allowing))
            .filter_map(|applying| {
                let why = applying.unsure.as_ref()?;
                Some(format!("{}: {why}", applying.statement))
            })
            .collect()
    }
}

impl Granting {
    fn gather(&mut self, name: &str, document: &PolicyDocument, role: Role, asked: &Asked<'_>) {
        for (index, statement) in document.statements.iter().enumerate() {
            let id = || StatementId {
                document: name.to_owned(),
                index,
                sid: statement.sid.clone(),
            };
            let (directness, unsure) = match outcome(statement, document.version, role, asked) {
                Outcome::Applies(directness) => (directness, None),
                Outcome::Unsure(directness, why) => (directness, Some(why)),
                Outcome::Not(mismatches) => {
                    if let (Effect::Allow, Ok([but])) =
                        (statement.effect, <[Mismatch; 1]>::try_from(mismatches))
                        && is_near(&but)
                    {
                        let statement = id();
                        self.near.push(NearMiss { statement, but });
                    }
                    continue;
                }
            };
            let applying = Applying {
                statement: id(),
                directness,
                unsure,
            };
            match statement.effect {
                Effect::Allow => self.allowing.push(applying),
                Effect::Deny => self.denying.push(applying),
            }
        }
    }

    fn granting(&self, reading: Reading) -> impl Iterator<Item = &Applying> {
        self.allowing
            .iter()
            .filter(move |allowing| allowing.unsure.is_none() || reading == Reading::For)
    }

    pub(crate) fn grants(&self, reading: Reading) -> bool {
        self.granting(reading).next().is_some()
    }

    /// How directly the caller is granted it, at best.
    pub(crate) fn directness(&self, reading: Reading) -> Option<Directness> {
        self.granting(reading)
            .map(|allowing| allowing.directness)
            .max()
    }

    /// The statements that grant it at least so directly.
    pub(crate) fn statements(&self, reading: Reading, least: Directness) -> Vec<StatementId> {
        self.granting(reading)
            .filter(|allowing| allowing.directness >= least)
            .map(|allowing| allowing.statement.clone())
            .collect()
    }

    pub(crate) fn near(&self) -> &Vec<NearMiss> {
        &self.near
    }
}

/// A statement about another service's actions did not nearly allow.
fn is_near(mismatch: &Mismatch) -> bool {
    let Mismatch::Action { wanted, given } = mismatch else {
        return true;
    };
    let service = |action: &str| {
        let service = action.split(':').next().unwrap_or_default();
        service.to_ascii_lowercase()
    };
    wanted
        .iter()
        .any(|pattern| service(pattern) == service(given))
}
