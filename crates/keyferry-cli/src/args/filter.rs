//! `--include` and `--exclude`, in the order in which they were typed: the last one that matches
//! decides.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, FromArgMatches};
use keyferry_transfer::{BadPattern, Filter, Rule};

use crate::exit::Exit;
use crate::failure::Failure;

/// What was typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct FilterArgs(Vec<Rule>);

/// As clap describes the options.
#[derive(Debug, Args)]
struct Options {
    /// Take what matches this pattern, of names below the prefix or folder; `*` matches `/`, too. The
    /// last of --include and --exclude that matches a name decides; an --include in front leaves out
    /// all else.
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Leave out what matches this pattern.
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
}

impl FilterArgs {
    /// The filter.
    pub(crate) fn filter(&self) -> Result<Filter, Failure> {
        Filter::new(self.0.iter().cloned()).map_err(|error: BadPattern| {
            Failure::from_error(Exit::Usage, &error).hint(
                "`*` and `?` match anything, `[ab]` and `{one,other}` choices; `\\` takes the next character literally",
            )
        })
    }

    /// As they were typed.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.0
    }
}

impl FromArgMatches for FilterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let options = Options::from_arg_matches(matches)?;
        let of = |id: &str, patterns: Vec<String>, rule: fn(String) -> Rule| {
            // What comes from a variable comes before all that is typed.
            let is_typed = matches.value_source(id) == Some(ValueSource::CommandLine);
            let places: Vec<usize> = matches.indices_of(id).into_iter().flatten().collect();
            patterns
                .into_iter()
                .enumerate()
                .map(|(index, pattern)| {
                    let place = places.get(index).copied().unwrap_or_default();
                    ((is_typed, place), rule(pattern))
                })
                .collect::<Vec<_>>()
        };
        let mut rules = of("include", options.include, Rule::Include);
        rules.extend(of("exclude", options.exclude, Rule::Exclude));
        rules.sort_by_key(|(place, _)| *place);
        Ok(Self(rules.into_iter().map(|(_, rule)| rule).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for FilterArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        Options::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Options::augment_args_for_update(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(typed: &[&str]) -> Vec<Rule> {
        let command = FilterArgs::augment_args(clap::Command::new("test"));
        let arguments = std::iter::once("test").chain(typed.iter().copied());
        let matches = command.try_get_matches_from(arguments).unwrap();
        FilterArgs::from_arg_matches(&matches).unwrap().0
    }

    #[test]
    fn the_order_is_as_typed() {
        let include = |pattern: &str| Rule::Include(pattern.to_owned());
        let exclude = |pattern: &str| Rule::Exclude(pattern.to_owned());
        assert_eq!(rules(&[]), []);
        assert_eq!(
            rules(&[
                "--exclude",
                "*",
                "--include",
                "a",
                "--exclude",
                "b",
                "--include=c"
            ]),
            [exclude("*"), include("a"), exclude("b"), include("c")]
        );
    }
}
