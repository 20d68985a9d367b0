//! What the command line prints, as golden files: `TRYCMD=overwrite` writes them anew.

#[test]
fn golden_files() {
    prints("tests/golden/*.toml", "100");
}

#[test]
fn golden_files_of_narrow_terminals() {
    prints("tests/golden/narrow/*.toml", "60");
}

#[test]
fn golden_files_of_wide_terminals() {
    prints("tests/golden/wide/*.toml", "140");
}

fn prints(files: &str, columns: &str) {
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .env("COLUMNS", columns)
        .case(files);
}
