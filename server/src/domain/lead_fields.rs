//! The list of the fields of a lead that callers can set.
//!
//! The types of [`super::lead`] and the columns of the store are made from it: a new field is one line here, beside the
//! API document and a migration.

/// Calls a macro with the list, in the order of the API document.
///
/// A line states the type that a caller sends, after `as` the type that a lead stores if it is another one, and where
/// it is stored: in a column of the same name, or `sealed` with the lead's personal data under a short name. The short
/// names are stored and must never change.
macro_rules! lead_fields {
    ($($make:tt)*) => {
        $($make)*! {
            external_ref: Option<String>, column;
            first_name: String, sealed "f";
            last_name: Option<String>, sealed "l";
            email: Option<String>, sealed "e";
            phone: Option<Phone> as Option<String>, sealed "p";
            status: String, column;
            priority: String, column;
            source: Option<String>, column;
            ad_platform: Option<String>, column;
            assigned_to: Option<String>, column;
            estimated_value: Option<Amount>, column;
            actual_value: Option<Amount>, column;
            notes: Option<String>, sealed "n";
            campaign_name: Option<String>, column;
        }
    };
}

pub(crate) use lead_fields;
