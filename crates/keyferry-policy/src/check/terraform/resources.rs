//! The resources of a plan, through all modules, and what they take from each other.

use serde_json::{Map, Value};

use crate::check::read::ReadError;

/// One resource as planned.
#[derive(Debug)]
pub(super) struct Resource {
    /// Its address, such as `module.tokyo.aws_s3_bucket.this[0]`.
    pub(super) address: String,
    /// Its type.
    pub(super) kind: String,
    /// Its values, as far as they are known.
    pub(super) values: Map<String, Value>,
    unknown: Map<String, Value>,
    /// Addresses that each attribute refers to, with the module in front.
    references: Vec<(String, Vec<String>)>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Resources(Vec<Resource>);

impl Resources {
    pub(super) fn read(text: &str) -> Result<Self, ReadError> {
        let shape = |line, column, message: String| ReadError::Shape {
            line,
            column,
            message,
        };
        let value: Value = serde_json::from_str(text)
            .map_err(|error| shape(error.line(), error.column(), error.to_string()))?;
        let Some(root) = value.pointer("/planned_values/root_module") else {
            let message =
                "it has no `planned_values`: give what `terraform show -json PLAN` prints";
            return Err(shape(1, 1, message.to_owned()));
        };
        let mut resources = Vec::new();
        modules(root, &mut resources);
        for resource in &mut resources {
            let changes = value.get("resource_changes").and_then(Value::as_array);
            let change = changes.into_iter().flatten().find(|change| {
                change.get("address").and_then(Value::as_str) == Some(&resource.address)
            });
            let unknown = change.and_then(|change| change.pointer("/change/after_unknown"));
            resource.unknown = unknown
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default();
        }
        if let Some(root) = value.pointer("/configuration/root_module") {
            references(root, "", &Vec::new(), &mut resources);
        }
        Ok(Self(resources))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Resource> {
        self.0.iter()
    }

    /// The resource of a kind that an attribute refers to: by reference, or by what identifies it.
    pub(super) fn behind(
        &self,
        resource: &Resource,
        attribute: &str,
        kind: &str,
    ) -> Option<&Resource> {
        let value = resource.text(attribute);
        let same = |other: &&Resource| {
            other.kind == kind
                && value.is_some_and(|value| {
                    ["arn", "id", "name", "bucket", "key_id"]
                        .iter()
                        .any(|name| other.text(name) == Some(value))
                })
        };
        self.0.iter().find(same).or_else(|| {
            let references = resource.references.iter();
            let mut targets = references
                .filter(|(name, _)| name == attribute)
                .flat_map(|(_, targets)| targets);
            targets.find_map(|target| {
                self.0.iter().find(|other| {
                    let address = unindexed(&other.address);
                    other.kind == kind
                        && (target == &address || target.starts_with(&format!("{address}.")))
                })
            })
        })
    }
}

impl Resource {
    /// An attribute that is known text.
    pub(super) fn text(&self, attribute: &str) -> Option<&str> {
        self.values.get(attribute).and_then(Value::as_str)
    }

    /// Whether an attribute is known after apply only.
    pub(super) fn is_unknown(&self, attribute: &str) -> bool {
        matches!(self.unknown.get(attribute), Some(unknown) if *unknown != Value::Bool(false))
            && !matches!(self.unknown.get(attribute), Some(Value::Array(list)) if list.is_empty())
    }

    /// Blocks of a name.
    pub(super) fn blocks(&self, name: &str) -> impl Iterator<Item = &Value> {
        blocks(&self.values, name)
    }
}

/// Nested blocks, which Terraform lists even where there is one.
pub(super) fn blocks<'a>(
    values: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a Value> + use<'a> {
    values
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn modules(module: &Value, resources: &mut Vec<Resource>) {
    let list = |name: &str| {
        module
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    for resource in list("resources") {
        let text = |name: &str| {
            resource
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        if text("mode") == "data" {
            continue;
        }
        resources.push(Resource {
            address: text("address").to_owned(),
            kind: text("type").to_owned(),
            values: resource
                .get("values")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            unknown: Map::new(),
            references: Vec::new(),
        });
    }
    for child in list("child_modules") {
        modules(child, resources);
    }
}

/// What a module's variables were given: name and the addresses behind it.
type Given = Vec<(String, Vec<String>)>;

fn references(module: &Value, prefix: &str, given: &Given, resources: &mut [Resource]) {
    let list = module.get("resources").and_then(Value::as_array);
    for resource in list.into_iter().flatten() {
        let address = resource.get("address").and_then(Value::as_str);
        let address = format!("{prefix}{}", address.unwrap_or_default());
        let expressions = resource.get("expressions").and_then(Value::as_object);
        let found: Vec<(String, Vec<String>)> = expressions
            .into_iter()
            .flatten()
            .map(|(name, expression)| (name.clone(), targets(expression, prefix, given)))
            .collect();
        for known in resources
            .iter_mut()
            .filter(|known| unindexed(&known.address) == address)
        {
            known.references.clone_from(&found);
        }
    }
    let calls = module.get("module_calls").and_then(Value::as_object);
    for (name, call) in calls.into_iter().flatten() {
        let expressions = call.get("expressions").and_then(Value::as_object);
        let inner: Given = expressions
            .into_iter()
            .flatten()
            .map(|(name, expression)| (name.clone(), targets(expression, prefix, given)))
            .collect();
        if let Some(child) = call.get("module") {
            references(child, &format!("{prefix}module.{name}."), &inner, resources);
        }
    }
}

/// The addresses that an expression refers to, through the module's variables.
fn targets(expression: &Value, prefix: &str, given: &Given) -> Vec<String> {
    let list = expression.get("references").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .flat_map(|reference| match reference.strip_prefix("var.") {
            Some(name) => {
                let known = given.iter().find(|(given, _)| given == name);
                known
                    .map(|(_, targets)| targets.clone())
                    .unwrap_or_default()
            }
            None => vec![unindexed(&format!("{prefix}{reference}"))],
        })
        .collect()
}

/// An address without `[0]` and `["key"]`.
fn unindexed(address: &str) -> String {
    let mut plain = String::with_capacity(address.len());
    let mut depth = 0_usize;
    for character in address.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    plain
}
