//! Arguments of `keyferry policy explain`.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use keyferry_policy::documents::Kind;

use super::PlanArgs;

/// `keyferry policy explain`
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Only documents of this kind.
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    pub(crate) document: Option<Kind>,
    /// Only statements of this name.
    #[arg(long, value_name = "SID")]
    pub(crate) statement: Option<String>,
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::as_str)).try_map(|name| {
        let mut all = Kind::ALL.into_iter();
        all.find(|kind| kind.as_str() == name)
            .ok_or("no kind of document")
    })
}
