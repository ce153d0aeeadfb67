//! The values of a new lead, for every operation that creates one.

use crate::{
    api::call::Call,
    domain::{
        id,
        lead::{self, Lead, LeadChanges},
    },
    store::leads::NewLead,
};

/// A new lead with these fields; `None` if a required field is missing.
pub(super) fn new_lead(call: &Call, fields: LeadChanges) -> Option<NewLead> {
    let mut rng = call.state.randomness().rng();
    let new = lead::NewLead {
        id: id::lead(call.now, &mut rng),
        unique_code: id::unique_code(&mut rng),
        now: call.now,
    };
    Some(NewLead {
        has_drawn_code: fields.unique_code.is_none(),
        lead: Lead::create(new, fields)?,
    })
}
