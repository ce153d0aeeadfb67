//! Writes answers: as tables for people, in other formats for programs.

mod amount;
mod answer;
mod bar;
mod columns;
pub(crate) mod csv_injection;
mod detail_view;
mod display_context;
mod fit;
mod jq;
mod json;
mod json_rows;
mod options;
mod output;
mod phone;
mod row_writer;
mod spool;
mod table;
pub(crate) mod tsv;
mod yaml;

pub(crate) use amount::{Currency, count, share};
pub(crate) use answer::{Answer, ListEnd, ListPart, Note, View};
pub(crate) use bar::{share_of, sparkline};
pub(crate) use detail_view::{DetailLine, DetailView};
pub(crate) use display_context::DisplayContext;
pub(crate) use jq::Filter;
pub(crate) use options::OutputOptions;
pub(crate) use output::{INCOMPLETE, Output, readable_json};
pub(crate) use row_writer::{RowWriter, WriterOptions};
pub(crate) use spool::Spool;
pub(crate) use table::{Cell, Column, ListColumn, NOTHING, Table, Tone};
