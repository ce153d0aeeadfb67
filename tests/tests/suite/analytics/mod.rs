//! `/analytics`: totals, and the periods they are of.

mod campaigns;
mod funnel;
mod period;
mod summary;
