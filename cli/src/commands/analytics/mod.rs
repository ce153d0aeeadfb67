//! `konektor analytics`

pub(crate) mod campaigns;
pub(crate) mod funnel;
pub(crate) mod summary;
