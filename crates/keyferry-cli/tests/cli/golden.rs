//! What the command line prints, as golden files: `TRYCMD=overwrite` writes them anew.

#[test]
fn golden_files() {
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .case("tests/golden/*.toml");
}
