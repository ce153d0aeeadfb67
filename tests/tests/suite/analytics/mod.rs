//! `/analytics`

mod campaigns;
mod funnel;
mod period;
mod summary;
