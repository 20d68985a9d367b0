//! Functions of the script, each there only in scripts that call it. `INLINE_POLICY` stands for the
//! name of that policy.

pub(super) const SAY: &str = r#"say() {
  printf '%s\n' "$*" >&2
}
"#;

pub(super) const EXPECT_ACCOUNT: &str = r#"# Stops when the credentials belong to another account.
expect_account() {
  local account
  account=$(in_account "$1" sts get-caller-identity --query Account --output text)
  if [[ $account =~ ^[0-9]{12}$ && $account != "$1" ]]; then
    say "these are credentials of account $account, where those of $1 are needed"
    exit 1
  fi
}
"#;

pub(super) const MAKE_BUCKET: &str = r#"# make_bucket ACCOUNT REGION BUCKET [OPTION...]: makes a bucket unless it is there.
make_bucket() {
  local account=$1 region=$2 bucket=$3
  shift 3
  if in_account "$account" s3api head-bucket --region "$region" --bucket "$bucket" \
    --expected-bucket-owner "$account" >/dev/null 2>&1; then
    say "bucket $bucket is there"
    return
  fi
  say "making bucket $bucket"
  in_account "$account" s3api create-bucket --region "$region" --bucket "$bucket" "$@" >/dev/null
  in_account "$account" s3api wait bucket-exists --region "$region" --bucket "$bucket"
}
"#;

pub(super) const MAKE_ROLE: &str = r#"# make_role ACCOUNT ROLE TRUST PERMISSIONS: makes a role, or gives it these policies.
make_role() {
  if in_account "$1" iam get-role --role-name "$2" >/dev/null 2>&1; then
    say "role $2 is there"
    in_account "$1" iam update-assume-role-policy --role-name "$2" --policy-document "file://$3"
  else
    say "making role $2"
    in_account "$1" iam create-role --role-name "$2" --assume-role-policy-document "file://$3" \
      >/dev/null
    in_account "$1" iam wait role-exists --role-name "$2"
  fi
  in_account "$1" iam put-role-policy --role-name "$2" --policy-name INLINE_POLICY \
    --policy-document "file://$4"
}
"#;

pub(super) const ABSENT: &str = r#"# Whether the last read failed because there is nothing to read. Any other failure ends the script.
expect_absent() {
  if ! grep -Eq 'NoSuch|NotFound|404' "$folder/error"; then
    cat "$folder/error" >&2
    exit 1
  fi
}
"#;

pub(super) const KEEP_STATEMENTS: &str = r#"# keep_statements WHAT CURRENT NEW: AWS replaces a policy as a whole. Stops when the current one has
# statements that the new one, a file, has not; statements are known by their Sid. The first statement
# of KMS's own default policy says what the new policy says, too.
keep_statements() {
  local all known=0 sid
  all=$(grep -o '"Effect"' <<<"$2" | wc -l || true)
  while read -r sid; do
    if [[ $sid == 'Enable IAM User Permissions' ]] || grep -Fq "\"Sid\": \"$sid\"" "$3"; then
      known=$((known + 1))
    fi
  done < <(grep -Eo '"Sid"[[:space:]]*:[[:space:]]*"[^"]*"' <<<"$2" | sed -E 's/.*"([^"]*)"$/\1/')
  if [[ $((all)) -gt $known && ${REPLACE:-0} != 1 ]]; then
    say "$1 has $((all - known)) statement(s) that are not from here; they would be lost."
    say "Add them to the document in this script, or run it with REPLACE=1."
    exit 1
  fi
}
"#;

pub(super) const PATIENTLY: &str = r#"# Runs a command again while AWS refuses a policy: a role that was just made takes a while to be
# known everywhere, and a policy that names it is malformed until then.
patiently() {
  local seconds
  for seconds in 2 4 8 16 30 0; do
    if "$@" 2>"$folder/error"; then
      return
    fi
    if [[ $seconds == 0 ]] || ! grep -q MalformedPolicy "$folder/error"; then
      break
    fi
    say "not accepted yet; trying again in $seconds seconds"
    sleep "$seconds"
  done
  cat "$folder/error" >&2
  exit 1
}
"#;

pub(super) const PUT_KEY_POLICY: &str = r#"# put_key_policy ACCOUNT REGION KEY POLICY
put_key_policy() {
  local current
  current=$(in_account "$1" kms get-key-policy --region "$2" --key-id "$3" --policy-name default \
    --query Policy --output text)
  keep_statements "the policy of key $3" "$current" "$4"
  patiently in_account "$1" kms put-key-policy --region "$2" --key-id "$3" --policy-name default \
    --policy "file://$4"
}
"#;

pub(super) const PUT_BUCKET_POLICY: &str = r#"# put_bucket_policy ACCOUNT REGION BUCKET POLICY
put_bucket_policy() {
  local current
  if current=$(in_account "$1" s3api get-bucket-policy --region "$2" --bucket "$3" \
    --query Policy --output text 2>"$folder/error"); then
    keep_statements "the policy of bucket $3" "$current" "$4"
  else
    expect_absent
  fi
  patiently in_account "$1" s3api put-bucket-policy --region "$2" --bucket "$3" \
    --policy "file://$4"
}
"#;

pub(super) const PUT_REPLICATION: &str = r#"# put_replication ACCOUNT REGION BUCKET CONFIGURATION: stops when there are other rules, which S3 would
# drop.
put_replication() {
  local rules rule
  if rules=$(in_account "$1" s3api get-bucket-replication --region "$2" --bucket "$3" \
    --query 'ReplicationConfiguration.Rules[].ID' --output text 2>"$folder/error"); then
    while IFS= read -r rule; do
      if [[ ${REPLACE:-0} != 1 ]] && ! grep -Fq "\"ID\": \"$rule\"" "$4"; then
        say "bucket $3 has the replication rule '$rule', which is not from here; it would be lost."
        say "Add it to the document in this script, or run it with REPLACE=1."
        exit 1
      fi
    done < <(tr '\t' '\n' <<<"$rules")
  else
    expect_absent
  fi
  in_account "$1" s3api put-bucket-replication --region "$2" --bucket "$3" \
    --replication-configuration "file://$4"
}
"#;

pub(super) const MAKE_POLICY: &str = r#"# make_policy ACCOUNT NAME ARN DOCUMENT: makes a managed policy, or a new version of it.
make_policy() {
  local version current spare
  if ! version=$(in_account "$1" iam get-policy --policy-arn "$3" \
    --query Policy.DefaultVersionId --output text 2>/dev/null); then
    say "making policy $2"
    in_account "$1" iam create-policy --policy-name "$2" --policy-document "file://$4" >/dev/null
    return
  fi
  current=$(in_account "$1" iam get-policy-version --policy-arn "$3" --version-id "$version" \
    --query PolicyVersion.Document --output json | tr -d '[:space:]')
  if [[ $current == "$(tr -d '[:space:]' <"$4")" ]]; then
    say "policy $2 is there"
    return
  fi
  # IAM keeps five versions.
  spare=$(in_account "$1" iam list-policy-versions --policy-arn "$3" \
    --query 'Versions[?!IsDefaultVersion] | [3].VersionId' --output text)
  if [[ $spare == v* ]]; then
    in_account "$1" iam delete-policy-version --policy-arn "$3" --version-id "$spare"
  fi
  say "a new version of policy $2"
  in_account "$1" iam create-policy-version --policy-arn "$3" --policy-document "file://$4" \
    --set-as-default >/dev/null
}
"#;
