//! `--columns` and `--wide`: which fields of an answer are shown.

use std::marker::PhantomData;

use clap::{Args, builder::TypedValueParser as _};

use super::{operation::OperationArgs, parsers::word};
use crate::base::ColumnSelection;

// `--columns`, for the fields of an operation's answer.
#[derive(Args)]
pub(crate) struct Columns<O: OperationArgs> {
    #[arg(
        long,
        value_name = "FIELDS",
        value_delimiter = ',',
        value_parser = word(O::FIELDS).map(|field| field.name.to_owned()),
        ignore_case = true,
        help = "Show only these fields, in this order"
    )]
    columns: Vec<String>,
    #[arg(skip)]
    operation: PhantomData<O>,
}

// The same for a list, which has more columns than fit most terminals.
#[derive(Args)]
pub(crate) struct ListColumns<O: OperationArgs> {
    #[command(flatten)]
    columns: Columns<O>,
    #[arg(
        long,
        help = "Show every column in full, however wide the table becomes"
    )]
    wide: bool,
}

// For an answer without fields.
#[derive(Args)]
pub(crate) struct NoColumns {}

/// Flags that select columns.
pub(crate) trait ColumnArgs: Args {
    fn selection(&self) -> ColumnSelection;
}

impl<O: OperationArgs> ColumnArgs for Columns<O> {
    fn selection(&self) -> ColumnSelection {
        ColumnSelection {
            names: self.columns.clone(),
            wide: false,
        }
    }
}

impl<O: OperationArgs> ColumnArgs for ListColumns<O> {
    fn selection(&self) -> ColumnSelection {
        ColumnSelection {
            wide: self.wide,
            ..self.columns.selection()
        }
    }
}

impl ColumnArgs for NoColumns {
    fn selection(&self) -> ColumnSelection {
        ColumnSelection::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{
        AnalyticsFunnelArgs, LeadsGetArgs, LeadsListArgs, LeadsUpsertArgs, SkillShowArgs,
        WorkspaceShowArgs,
    };

    fn names<O: OperationArgs>() -> Vec<&'static str> {
        O::FIELDS.iter().map(|field| field.name).collect()
    }

    #[test]
    fn fields_are_those_of_the_rows() {
        assert_eq!(
            names::<AnalyticsFunnelArgs>(),
            ["status", "count", "percentage"]
        );
        assert_eq!(names::<LeadsListArgs>(), names::<LeadsGetArgs>());
        assert!(names::<WorkspaceShowArgs>().contains(&"usage.leadsPerDay.limit"));
        assert_eq!(names::<SkillShowArgs>(), [""; 0]);
    }

    #[test]
    fn what_comes_beside_one_row_is_a_field_of_it() {
        assert_eq!(names::<LeadsUpsertArgs>().last(), Some(&"created"));
    }
}
