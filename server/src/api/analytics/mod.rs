//! Analytics: totals over the leads of a period, never personal data.

pub(super) mod campaigns;
pub(super) mod funnel;
pub(super) mod summary;
