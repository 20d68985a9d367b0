# Everyday commands. `just` lists them.

_default:
    @just --list

# Format, lint, documentation: what should be clean before a commit.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# All Rust tests.
test:
    cargo test --workspace

# The Rust tests that need strace and root, too.
test-system:
    cargo test --workspace --features keyferry-keystore/strace-tests,keyferry-transfer/root-tests

# Rewrite the golden files of the command line from what it prints now; read the diff.
golden:
    TRYCMD=overwrite cargo test -p keyferry

# boto3, the AWS CLI and rclone against the lab, and bad input: `just clients -k replication`.
clients *ARGS:
    cargo build -p keyferry
    test -x .venv/bin/pytest || python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt -r tests/documents/requirements.txt
    .venv/bin/pytest tests/clients {{ ARGS }}

# Real replication by servers that others wrote: Ceph's gateway, SeaweedFS; and moto. Needs what
# tests/servers/README.md names.
servers *ARGS:
    cargo build --workspace --bin keyferry
    test -x .venv/bin/pytest || python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt -r tests/documents/requirements.txt
    .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tests/servers/requirements.txt
    .venv/bin/pytest tests/servers -n 2 {{ ARGS }}

# Reports as a browser shows them; needs Chromium. Pictures of them are in target/reports then.
reports *ARGS:
    cargo test --workspace --lib pages_for_the_browser
    test -x .venv/bin/pytest || python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
    .venv/bin/pytest tests/reports -n 2 {{ ARGS }}

# Emitted policy documents through parliament, cfn-lint, Terraform, shellcheck, boto3 and moto.
documents *ARGS:
    cargo build -p keyferry
    test -x .venv/bin/pytest || python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r tests/documents/requirements.txt
    .venv/bin/pytest tests/documents -n 2 {{ ARGS }}

# Every opener of a key store against the real thing: SoftHSM, OpenBao, moto, GNOME Keyring. Needs
# what tests/openers/run names.
openers:
    test -x .venv/bin/pip || python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r tests/documents/requirements.txt
    .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tests/openers/requirements.txt
    tests/openers/run

# Policy decisions against those of iam-simulate; needs Node.
iam-simulate:
    npm ci --prefix tests/iam-simulate --no-audit --no-fund
    cargo test -p keyferry-policy --features iam-simulate-tests --test iam_simulate -- --nocapture

# Any bytes as policy documents, beginning with the emitted ones; finds go to fuzz/artifacts. Needs
# `cargo install cargo-fuzz --locked` and a C++ compiler; no sanitizer, so stable Rust will do.
fuzz SECONDS="600":
    mkdir -p fuzz/corpus/policy
    cargo fuzz run policy --sanitizer none fuzz/corpus/policy crates/keyferry-policy/tests/golden crates/keyferry-policy/tests/golden-special -- -max_total_time={{ SECONDS }} -dict=fuzz/policy.dict -timeout=60 -max_len=8192

# Transfers through a proxy that injects faults, by seed.
faults TRANSFERS="2000":
    KEYFERRY_TEST_TRANSFERS={{ TRANSFERS }} cargo test --workspace --test faults -- --nocapture

# Uploads and downloads that are killed at random moments, and continued.
kill-resume KILLS="50" SIZE_IN_MIB="1024":
    cargo build --release -p keyferry
    tests/kill-resume {{ KILLS }} {{ SIZE_IN_MIB }}

# Very many small objects, and whether memory grows with them.
many-objects COUNT="100000":
    cargo build --release --workspace --bin keyferry --bin bench-sink
    tests/many-objects {{ COUNT }}

# A large upload and download through the lab: rate and peak memory.
bench SIZE_IN_MIB="3072":
    cargo build --release -p keyferry
    tests/large-transfer {{ SIZE_IN_MIB }}

# keyferry and other clients of S3 against a fast sink on loopback: time, CPU, memory, and the ratios.
# Installs the others; the first time takes some ten minutes. `just bench-compare --only large-up --rounds 9`
bench-compare *ARGS:
    bench/compare {{ ARGS }}

# Verification of small objects in the lab beside a bare loop of HEAD requests on both sides.
bench-verify *ARGS:
    bench/verify {{ ARGS }}

# Part plans, checksums and reassembly, each by itself.
bench-pieces *ARGS:
    cargo bench -p keyferry-transfer --features benches --bench pieces -- {{ ARGS }}

# The whole job in the lab.
demo *ARGS:
    cargo run --release -- demo {{ ARGS }}

# What CI runs.
ci:
    bash .ci/run

# Licences, bans and sources of the dependencies. Needs `cargo install cargo-deny --locked`.
deny:
    cargo deny check licenses bans sources

# Known vulnerabilities; fetches the advisory database.
advisories:
    cargo deny check advisories
