use aws_sdk_s3::types::{
    Destination, ReplicationRuleAndOperator, ReplicationRuleFilter, SourceSelectionCriteria,
    SseKmsEncryptedObjects,
};
use proptest::prelude::*;

use super::*;

/// A rule as a person would describe it.
#[derive(Debug, Clone)]
struct Described {
    id: String,
    enabled: bool,
    prefix: Option<String>,
    tags: Vec<(String, String)>,
    priority: Option<i32>,
    destination: String,
}

fn described(id: &str) -> Described {
    Described {
        id: id.to_owned(),
        enabled: true,
        prefix: None,
        tags: vec![],
        priority: Some(1),
        destination: "one".to_owned(),
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().unwrap()
}

/// Writes the rule the way S3 wants it: `Prefix` (V1), or a `Filter` with one term or `And`.
fn rule(described: &Described, version_1: bool) -> ReplicationRule {
    let mut rule = ReplicationRule::builder()
        .id(&described.id)
        .set_priority(described.priority)
        .status(if described.enabled {
            ReplicationRuleStatus::Enabled
        } else {
            ReplicationRuleStatus::Disabled
        })
        .destination(
            Destination::builder()
                .bucket(&described.destination)
                .build()
                .unwrap(),
        );
    let filter = match (&described.prefix, described.tags.as_slice()) {
        (prefix, []) if version_1 => {
            #[expect(deprecated, reason = "V1")]
            {
                rule = rule.prefix(prefix.clone().unwrap_or_default());
            }
            None
        }
        (prefix, []) => Some(
            ReplicationRuleFilter::builder()
                .set_prefix(prefix.clone())
                .build(),
        ),
        (None, [(key, value)]) => Some(
            ReplicationRuleFilter::builder()
                .tag(tag(key, value))
                .build(),
        ),
        (prefix, tags) => Some(
            ReplicationRuleFilter::builder()
                .and(
                    ReplicationRuleAndOperator::builder()
                        .set_prefix(prefix.clone())
                        .set_tags(Some(
                            tags.iter().map(|(key, value)| tag(key, value)).collect(),
                        ))
                        .build(),
                )
                .build(),
        ),
    };
    rule.set_filter(filter).build().unwrap()
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn matched(rules: &[ReplicationRule], key: &str, object_tags: &[(&str, &str)]) -> Vec<String> {
    Coverage::of(rules, key, &tags(object_tags))
        .matched
        .into_iter()
        .filter_map(|rule| rule.id)
        .collect()
}

#[test]
fn filters_match_by_prefix_and_all_tags() {
    let prefix = Described {
        prefix: Some("logs/".to_owned()),
        ..described("prefix")
    };
    let one_tag = Described {
        tags: vec![("class".to_owned(), "gold".to_owned())],
        ..described("tag")
    };
    let both = Described {
        prefix: Some("logs/".to_owned()),
        tags: vec![
            ("class".to_owned(), "gold".to_owned()),
            ("team".to_owned(), String::new()),
        ],
        ..described("both")
    };
    type Case<'a> = (&'a Described, &'a str, &'a [(&'a str, &'a str)], bool);
    let cases: &[Case<'_>] = &[
        (&described("all"), "anything", &[], true),
        (&prefix, "logs/1", &[], true),
        (&prefix, "logs/", &[("x", "y")], true),
        (&prefix, "Logs/1", &[], false),
        (&prefix, "log", &[], false),
        (&one_tag, "x", &[("class", "gold"), ("more", "1")], true),
        (&one_tag, "x", &[("class", "Gold")], false),
        (&one_tag, "x", &[("gold", "class")], false),
        (&one_tag, "x", &[], false),
        (&both, "logs/1", &[("class", "gold"), ("team", "")], true),
        (&both, "logs/1", &[("class", "gold")], false),
        (&both, "data/1", &[("class", "gold"), ("team", "")], false),
    ];
    for (described, key, object_tags, expected) in cases {
        let rules = [rule(described, false)];
        let found = !matched(&rules, key, object_tags).is_empty();
        assert_eq!(found, *expected, "{} {key} {object_tags:?}", described.id);
    }
    let version_1 = [rule(&prefix, true)];
    assert_eq!(matched(&version_1, "logs/1", &[]), ["prefix"]);
    assert!(matched(&version_1, "data/1", &[]).is_empty());
}

#[test]
fn the_highest_priority_acts_for_each_destination() {
    let with = |id: &str, priority, destination: &str| {
        rule(
            &Described {
                priority: Some(priority),
                destination: destination.to_owned(),
                ..described(id)
            },
            false,
        )
    };
    let rules = [
        with("low", 1, "one"),
        with("other", 0, "two"),
        with("high", 7, "one"),
        with("middle", 3, "one"),
    ];
    assert_eq!(matched(&rules, "k", &[]), ["high", "other"]);
}

#[test]
fn a_miss_says_why() {
    let disabled = Described {
        enabled: false,
        ..described("disabled")
    };
    let elsewhere = Described {
        enabled: false,
        prefix: Some("else/".to_owned()),
        ..described("elsewhere")
    };
    let gold = Described {
        tags: vec![("class".to_owned(), "gold".to_owned())],
        ..described("gold")
    };
    let rules = [
        rule(&disabled, false),
        rule(&elsewhere, true),
        rule(&gold, false),
    ];
    let coverage = Coverage::of(&rules, "k", &tags(&[]));
    let why: Vec<_> = coverage.missed.iter().map(|miss| &miss.why).collect();
    assert_eq!(
        why,
        [
            &WhyMissed::Disabled,
            &WhyMissed::Prefix {
                prefix: "else/".to_owned()
            },
            &WhyMissed::Tag {
                key: "class".to_owned(),
                value: "gold".to_owned()
            },
        ]
    );
    assert_eq!(coverage.disabled(), [Some("disabled".to_owned())]);
    assert!(any_selects_by_tag(&rules));
    assert!(!any_selects_by_tag(&rules[..2]));
}

#[test]
fn the_opt_in_for_kms_is_read() {
    let objects = SseKmsEncryptedObjects::builder()
        .status(SseKmsEncryptedObjectsStatus::Enabled)
        .build()
        .unwrap();
    let mut opted = rule(&described("opted"), false);
    opted.source_selection_criteria = Some(
        SourceSelectionCriteria::builder()
            .sse_kms_encrypted_objects(objects)
            .build(),
    );
    assert!(rule_match(&opted).kms_opt_in);
    assert!(!rule_match(&rule(&described("plain"), false)).kms_opt_in);
}

#[test]
fn a_sole_destination_is_found_without_matching() {
    let two = Described {
        destination: "two".to_owned(),
        ..described("two")
    };
    let one = [rule(&described("a"), false), rule(&described("b"), true)];
    assert_eq!(
        sole_destination(&one).map(|rule| rule.destination),
        Some("one".to_owned())
    );
    assert_eq!(
        sole_destination(&[rule(&described("a"), false), rule(&two, false)]),
        None
    );
    assert_eq!(sole_destination(&[]), None);
}

/// The naive model: every destination of which some enabled rule's every term holds, and of those
/// rules the one that no other beats.
fn expected(
    rules: &[Described],
    key: &str,
    object_tags: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let covers = |rule: &&Described| {
        rule.enabled
            && key
                .as_bytes()
                .starts_with(rule.prefix.as_deref().unwrap_or("").as_bytes())
            && rule.tags.iter().all(|(name, value)| {
                object_tags
                    .iter()
                    .any(|(known, content)| known == name && content == value)
            })
    };
    let mut best = BTreeMap::new();
    let mut sorted: Vec<_> = rules.iter().filter(covers).collect();
    sorted.sort_by_key(|rule| rule.priority);
    for rule in sorted {
        best.insert(rule.destination.clone(), rule.id.clone());
    }
    best
}

fn any_rules() -> impl Strategy<Value = Vec<(Described, bool)>> {
    let tag = ("[ab]", "[xy]?");
    let one = (
        any::<bool>(),
        proptest::option::of("[kl]{0,2}/?"),
        proptest::collection::vec(tag, 0..3),
        prop_oneof!["one", "two"],
        any::<bool>(),
    );
    proptest::collection::vec(one, 0..8).prop_map(|rules| {
        rules
            .into_iter()
            .enumerate()
            .map(|(index, (enabled, prefix, tags, destination, version_1))| {
                let described = Described {
                    id: format!("rule-{index}"),
                    enabled,
                    prefix,
                    tags,
                    // S3 demands distinct priorities; these come in no order.
                    priority: Some((index as i32 * 5) % 8),
                    destination,
                };
                (described, version_1)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn coverage_agrees_with_the_naive_model(
        rules in any_rules(),
        key in "[kl/]{1,3}",
        object_tags in proptest::collection::btree_map("[ab]", "[xy]?", 0..3),
    ) {
        let written: Vec<_> = rules.iter().map(|(described, version_1)| rule(described, *version_1)).collect();
        let described: Vec<_> = rules.into_iter().map(|(described, _)| described).collect();
        let coverage = Coverage::of(&written, &key, &object_tags);
        let found: BTreeMap<_, _> = coverage
            .matched
            .into_iter()
            .map(|rule| (rule.destination, rule.id.unwrap()))
            .collect();
        prop_assert_eq!(found, expected(&described, &key, &object_tags));
    }
}
