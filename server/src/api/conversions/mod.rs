//! Conversions: how leads reach the ad platforms.

pub(super) mod pending;
pub(super) mod status;
