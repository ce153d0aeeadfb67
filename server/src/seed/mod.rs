//! Synthetic leads for demos and benchmarks: plausible, fictitious, and the same for the same seed.
//!
//! Each lead depends only on the seed and its position, so that leads can be generated in any order. Its times also
//! depend on the clock, and its id on the workspace.

mod words;

use jiff::Timestamp;
use konektor_spec::Spec;
use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha8Rng};
use sha2::{Digest, Sha256};
use uuid::Builder;

use self::words::{
    CAMPAIGNS, EMAIL_DOMAINS, FIRST_NAMES, LAST_NAMES, MOBILE_PREFIXES, NOTES, PRODUCTS,
};
use crate::{
    domain::{
        amount::Amount,
        id,
        lead::{Lead, NOTHING_TO_SYNC},
        time::{from_millis, to_millis},
    },
    store::BulkLead,
};

/// The most leads of one seed. A unique code has 28 bits for the position of a lead.
pub const MAX_LEADS: u32 = 1 << 28;

/// The age of the oldest leads.
const HISTORY_DAYS: i64 = 90;
const MILLIS_IN_A_DAY: i64 = 86_400_000;
const MILLIS_IN_AN_HOUR: i64 = 3_600_000;
const TEAM_MEMBERS: u64 = 5;
/// The seed of the demo. It generates a lead `CRM-1024`, which the examples use.
const DEMO_SEED: u32 = 9;

/// Weights of the values of the API document, in its order. Further values get a small weight.
const STATUS_SHARES: [u32; 11] = [14, 22, 16, 12, 9, 6, 5, 4, 3, 5, 8];
const PRIORITY_SHARES: [u32; 4] = [20, 48, 24, 8];
const SOURCE_SHARES: [u32; 9] = [26, 30, 8, 6, 10, 12, 4, 6, 3];
const SYNC_SHARES: [u32; 4] = [14, 68, 8, 10];
const OTHER_SHARE: u32 = 3;

/// Values of the API document that have a meaning here. Without them the leads are only less plausible.
const WON: &str = "won";
const FROM_ADS: &str = "ads";
const NOT_YET_SYNCED: &str = "pending";

/// The leads of one seed in one workspace.
#[derive(Debug, Clone)]
pub struct SyntheticLeads {
    seed: u32,
    count: u32,
    end: Timestamp,
    reference_prefix: String,
    /// Makes ids differ between workspaces.
    ids: [u8; 32],
    values: Values,
}

/// The values that the API document allows.
#[derive(Debug, Clone)]
struct Values {
    statuses: Vec<String>,
    priorities: Vec<String>,
    sources: Vec<String>,
    ad_platforms: Vec<String>,
    /// Without the state of leads that have nothing to deliver.
    sync_states: Vec<String>,
}

/// The times of events of a lead, in milliseconds.
struct Times {
    created: i64,
    end: i64,
}

impl SyntheticLeads {
    /// The leads of `seed`. The last ones were created in the hour before the last full hour.
    ///
    /// ```
    /// use konektor_server::seed::SyntheticLeads;
    /// use konektor_spec::Spec;
    /// let now = "2025-01-15T10:30:00Z".parse()?;
    /// let leads = SyntheticLeads::new(Spec::builtin(), "ws_1", 7, 1_000, now);
    /// let again = SyntheticLeads::new(Spec::builtin(), "ws_1", 7, 1_000, now);
    /// assert!(leads.into_iter().eq(again));
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn new(spec: &Spec, workspace_id: &str, seed: u32, count: u32, now: Timestamp) -> Self {
        let hour = to_millis(now).div_euclid(MILLIS_IN_AN_HOUR) * MILLIS_IN_AN_HOUR;
        let reference_prefix = format!("CRM-{seed}-");
        Self::up_to(
            spec,
            workspace_id,
            seed,
            count,
            from_millis(hour),
            reference_prefix,
        )
    }

    /// The leads of a demo, up to now, with references such as `CRM-1024`.
    #[must_use]
    pub fn demo(spec: &Spec, workspace_id: &str, count: u32, now: Timestamp) -> Self {
        Self::up_to(spec, workspace_id, DEMO_SEED, count, now, "CRM-".to_owned())
    }

    fn up_to(
        spec: &Spec,
        workspace_id: &str,
        seed: u32,
        count: u32,
        end: Timestamp,
        reference_prefix: String,
    ) -> Self {
        let of_ids = Sha256::new()
            .chain_update(seed.to_be_bytes())
            .chain_update(workspace_id);
        Self {
            seed,
            count: count.min(MAX_LEADS),
            end,
            reference_prefix,
            ids: of_ids.finalize().into(),
            values: Values::from_spec(spec),
        }
    }

    /// The unique code of the first lead. A workspace that has it was seeded with this seed.
    #[must_use]
    pub fn first_code(&self) -> String {
        self.unique_code(0)
    }

    /// One lead. A later position has later times.
    fn lead(&self, place: u32) -> BulkLead {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed.into());
        rng.set_stream(place.into());
        let rng = &mut rng;

        let times = self.times(place, rng);
        let (stage, status) = self.status(&times, rng);
        let updated = if stage == 0 {
            times.created
        } else {
            times.later(times.created, rng)
        };
        let campaign = campaign(rng);
        let ad_platform = campaign.and_then(|campaign| self.ad_platform(campaign, rng));
        let source = self.source(ad_platform.is_some(), rng);
        let sync = self.sync_state(ad_platform.is_some(), rng);
        let synced_at = times.synced(sync, updated, rng);
        let estimated = chance(rng, if stage < 3 { 30 } else { 85 }).then(|| estimate(rng));
        let actual = (status == WON).then(|| paid(estimated, rng));
        let first_name = pick(rng, &FIRST_NAMES);
        let last_name = chance(rng, 92).then(|| pick(rng, &LAST_NAMES));

        let made_by_server = Lead {
            id: self.id(place, times.created),
            unique_code: self.unique_code(place),
            conversion_sync_status: sync.to_owned(),
            created_at: from_millis(times.created),
            updated_at: from_millis(updated),
            ..Lead::default()
        };
        let lead = Lead {
            external_ref: chance(rng, 45)
                .then(|| format!("{}{}", self.reference_prefix, u64::from(place) + 1_000)),
            first_name: first_name.to_owned(),
            last_name: last_name.map(str::to_owned),
            email: chance(rng, 70).then(|| email(first_name, last_name, rng)),
            phone: chance(rng, 88).then(|| self.phone(place)),
            status: status.to_owned(),
            priority: weighted(rng, &self.values.priorities, &PRIORITY_SHARES).to_owned(),
            source: source.map(str::to_owned),
            ad_platform: ad_platform.map(str::to_owned),
            assigned_to: chance(rng, 60).then(|| self.team_member(rng)),
            estimated_value: estimated.map(Amount::from),
            actual_value: actual.map(Amount::from),
            notes: chance(rng, 45).then(|| pick(rng, &NOTES).replace("{}", pick(rng, &PRODUCTS))),
            campaign_name: campaign
                .filter(|_| chance(rng, 96))
                .map(|campaign| CAMPAIGNS[campaign].0.to_owned()),
            ..made_by_server
        };
        BulkLead {
            lead,
            last_conversion_sync_at: synced_at.map(from_millis),
        }
    }

    /// Evenly spread, with a few more towards the end, because business grows.
    fn times(&self, place: u32, rng: &mut impl Rng) -> Times {
        let left = 1.0 - (f64::from(place) + rng.random::<f64>()) / f64::from(self.count);
        let age = left * (4.0 + left) / 5.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "90 days have few milliseconds"
        )]
        let age = (age * (HISTORY_DAYS * MILLIS_IN_A_DAY) as f64) as i64;
        let end = to_millis(self.end);
        Times {
            created: end - age,
            end,
        }
    }

    /// The status, as a position and a value. Recent leads are still in early statuses.
    fn status(&self, times: &Times, rng: &mut impl Rng) -> (usize, &str) {
        let statuses = &self.values.statuses;
        let (one, other) = (
            weighted_place(rng, statuses.len(), &STATUS_SHARES),
            weighted_place(rng, statuses.len(), &STATUS_SHARES),
        );
        let is_recent = times.end - times.created < 3 * MILLIS_IN_A_DAY;
        let stage = if is_recent { one.min(other) } else { one };
        (stage, value(statuses, stage))
    }

    /// Most campaigns run mainly on one platform.
    fn ad_platform(&self, campaign: usize, rng: &mut impl Rng) -> Option<&str> {
        let platforms = &self.values.ad_platforms;
        let place = if chance(rng, 75) {
            campaign % platforms.len().max(1)
        } else {
            weighted_place(rng, platforms.len(), &[])
        };
        chance(rng, 94).then(|| value(platforms, place))
    }

    fn source(&self, advertised: bool, rng: &mut impl Rng) -> Option<&str> {
        let sources = &self.values.sources;
        let from_ads = sources.iter().find(|source| *source == FROM_ADS);
        match from_ads {
            Some(ads) if advertised && chance(rng, 65) => Some(ads),
            _ => chance(rng, 96).then(|| weighted(rng, sources, &SOURCE_SHARES)),
        }
    }

    fn sync_state(&self, advertised: bool, rng: &mut impl Rng) -> &str {
        if advertised && chance(rng, 92) {
            weighted(rng, &self.values.sync_states, &SYNC_SHARES)
        } else {
            NOTHING_TO_SYNC
        }
    }

    fn id(&self, place: u32, created: i64) -> String {
        let mut rng = ChaCha8Rng::from_seed(self.ids);
        rng.set_stream(place.into());
        id::lead(from_millis(created), &mut rng)
    }

    fn unique_code(&self, place: u32) -> String {
        id::synthetic_unique_code(mixed_60(u64::from(self.seed) << 28 | u64::from(place)))
    }

    /// No two leads of a seed share a number, and neither do leads of two seeds below 4,096 with up to a million leads
    /// each.
    fn phone(&self, place: u32) -> String {
        const NUMBERS_OF_A_PREFIX: u32 = 100_000_000;
        let of_seed = self.seed << 20 ^ mixed_32(self.seed >> 12);
        let number = mixed_32(place ^ of_seed);
        let prefix = MOBILE_PREFIXES[(number / NUMBERS_OF_A_PREFIX) as usize];
        format!("+62{prefix}{:08}", number % NUMBERS_OF_A_PREFIX)
    }

    fn team_member(&self, rng: &mut impl Rng) -> String {
        let member = rng.random_range(0..TEAM_MEMBERS);
        let mut bytes = [0; 16];
        ChaCha8Rng::seed_from_u64(u64::from(self.seed) * TEAM_MEMBERS + member)
            .fill_bytes(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

impl IntoIterator for SyntheticLeads {
    type Item = BulkLead;
    type IntoIter = Box<dyn ExactSizeIterator<Item = BulkLead> + Send>;

    /// All leads, oldest first.
    fn into_iter(self) -> Self::IntoIter {
        Box::new((0..self.count as usize).map(move |place| {
            // The count is a u32.
            self.lead(u32::try_from(place).unwrap_or(u32::MAX))
        }))
    }
}

impl Values {
    fn from_spec(spec: &Spec) -> Self {
        let values = |schema| -> Vec<String> {
            spec.enum_values(schema)
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        let mut sync_states = values("ConversionSyncStatus");
        sync_states.retain(|state| state != NOTHING_TO_SYNC);
        Self {
            statuses: values("LeadStatus"),
            priorities: values("LeadPriority"),
            sources: values("LeadSource"),
            ad_platforms: values("AdPlatform"),
            sync_states,
        }
    }
}

impl Times {
    /// A moment after another one, more likely soon than late.
    fn later(&self, after: i64, rng: &mut impl Rng) -> i64 {
        let wait: f64 = rng.random();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "90 days have few milliseconds"
        )]
        let wait = (wait * wait * (self.end - after) as f64) as i64;
        after + wait
    }

    /// When the conversions of a lead were last sent. A pending lead may have been tried before.
    fn synced(&self, state: &str, updated: i64, rng: &mut impl Rng) -> Option<i64> {
        let tried = state != NOTHING_TO_SYNC && (state != NOT_YET_SYNCED || chance(rng, 35));
        let soon = updated + rng.random_range(500..20 * 60_000);
        tried.then(|| soon.min(self.end))
    }
}

fn campaign(rng: &mut impl Rng) -> Option<usize> {
    let shares = CAMPAIGNS.map(|(_, share)| share);
    chance(rng, 72).then(|| weighted_place(rng, CAMPAIGNS.len(), &shares))
}

/// Rupiah, in steps of 50,000; small orders are more common than large ones.
fn estimate(rng: &mut impl Rng) -> f64 {
    const STEP: f64 = 50_000.0;
    let size: f64 = rng.random();
    (3.0 + 400.0 * size * size * size).round() * STEP
}

/// The final price, in steps of 1,000.
fn paid(estimated: Option<f64>, rng: &mut impl Rng) -> f64 {
    const STEP: f64 = 1_000.0;
    let estimated = estimated.unwrap_or_else(|| estimate(rng));
    (estimated * rng.random_range(0.85..1.1) / STEP).round() * STEP
}

fn email(first_name: &str, last_name: Option<&str>, rng: &mut impl Rng) -> String {
    let domain = pick(rng, &EMAIL_DOMAINS);
    let number = rng.random_range(1..1_000);
    let name = match last_name {
        Some(last_name) => format!("{first_name}.{last_name}"),
        None => first_name.to_owned(),
    };
    format!("{}{number}@{domain}", name.to_lowercase())
}

fn chance(rng: &mut impl Rng, percent: u32) -> bool {
    rng.random_range(0..100) < percent
}

fn pick<const N: usize>(rng: &mut impl Rng, from: &[&'static str; N]) -> &'static str {
    from[rng.random_range(0..N)]
}

fn weighted<'a>(rng: &mut impl Rng, values: &'a [String], shares: &[u32]) -> &'a str {
    value(values, weighted_place(rng, values.len(), shares))
}

/// A value of the document; empty only if the document has no values.
fn value(values: &[String], place: usize) -> &str {
    values.get(place).map_or("", String::as_str)
}

fn weighted_place(rng: &mut impl Rng, places: usize, shares: &[u32]) -> usize {
    let share = |place: usize| shares.get(place).copied().unwrap_or(OTHER_SHARE);
    let total: u32 = (0..places).map(share).sum();
    let mut drawn = rng.random_range(0..total.max(1));
    for place in 0..places {
        if drawn < share(place) {
            return place;
        }
        drawn -= share(place);
    }
    0
}

/// A bijection on numbers of 32 bits: the finalizer of `MurmurHash3`
/// (<https://github.com/aappleby/smhasher/wiki/MurmurHash3>), each step of which can be undone.
fn mixed_32(mut number: u32) -> u32 {
    number ^= number >> 16;
    number = number.wrapping_mul(0x85eb_ca6b);
    number ^= number >> 13;
    number = number.wrapping_mul(0xc2b2_ae35);
    number ^ (number >> 16)
}

/// A bijection on numbers of 60 bits: the same steps, wider. Odd factors have inverses.
fn mixed_60(mut number: u64) -> u64 {
    const MASK: u64 = (1 << 60) - 1;
    number ^= number >> 31;
    number = number.wrapping_mul(0x7fb5_d329_728e_a185) & MASK;
    number ^= number >> 27;
    number = number.wrapping_mul(0x81da_def4_bc2d_d44d) & MASK;
    number ^ (number >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use jiff::SignedDuration;

    use super::*;
    use crate::domain::{phone::Phone, time};

    const COUNT: u32 = 2_000;

    fn now() -> Timestamp {
        "2025-01-15T10:30:00Z".parse().unwrap()
    }

    fn leads(workspace_id: &str, seed: u32, now: Timestamp) -> Vec<BulkLead> {
        SyntheticLeads::new(Spec::builtin(), workspace_id, seed, COUNT, now)
            .into_iter()
            .collect()
    }

    #[test]
    fn one_seed_makes_the_same_leads_in_every_workspace_and_only_ids_differ() {
        let mut other = leads("ws_2", 7, now());
        for (lead, other) in leads("ws_1", 7, now()).into_iter().zip(&mut other) {
            assert_ne!(lead.lead.id, other.lead.id);
            other.lead.id.clone_from(&lead.lead.id);
            assert!(lead == *other);
        }
    }

    #[test]
    fn a_later_hour_moves_all_times_and_nothing_else() {
        let hour = SignedDuration::from_hours(1);
        let later = leads("ws_1", 7, now() + hour);
        for (lead, mut later) in leads("ws_1", 7, now()).into_iter().zip(later) {
            assert_eq!(later.lead.created_at, lead.lead.created_at + hour);
            later.lead.id.clone_from(&lead.lead.id);
            later.lead.created_at = lead.lead.created_at;
            later.lead.updated_at = lead.lead.updated_at;
            later.last_conversion_sync_at = lead.last_conversion_sync_at;
            assert!(lead == later);
        }
    }

    #[test]
    fn no_two_leads_share_a_unique_value_whatever_their_seed() {
        let all: Vec<_> = (1..=20)
            .flat_map(|seed| leads("ws_1", seed, now()))
            .collect();
        let unique = |values: Vec<&str>| {
            assert!(!values.is_empty());
            assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len());
        };
        unique(all.iter().map(|lead| lead.lead.id.as_str()).collect());
        unique(
            all.iter()
                .map(|lead| lead.lead.unique_code.as_str())
                .collect(),
        );
        unique(
            all.iter()
                .filter_map(|lead| lead.lead.phone.as_deref())
                .collect(),
        );
        unique(
            all.iter()
                .filter_map(|lead| lead.lead.external_ref.as_deref())
                .collect(),
        );
    }

    #[test]
    fn the_largest_seed_and_place_still_make_a_lead() {
        let most = SyntheticLeads::new(Spec::builtin(), "ws_1", u32::MAX, u32::MAX, now());
        let last = most.lead(MAX_LEADS - 1).lead;
        assert_eq!(last.unique_code.len(), "KNK-".len() + 12);
        assert!(last.created_at < now());
    }

    #[test]
    fn leads_are_what_the_api_would_accept() {
        let spec = Spec::builtin();
        let schema = spec.schema("LeadCreate").unwrap();
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema.to_json())
            .unwrap();
        let accepted: BTreeSet<_> = schema.properties().map(|(name, _)| name).collect();
        for BulkLead { lead, .. } in leads("ws_1", 7, now()) {
            let mut json = serde_json::to_value(&lead).unwrap();
            json.as_object_mut()
                .unwrap()
                .retain(|field, _| accepted.contains(field.as_str()));
            assert!(validator.is_valid(&json), "{json}");
            let phone = lead.phone.as_deref();
            assert_eq!(
                phone.and_then(Phone::parse).as_ref().map(Phone::as_str),
                phone
            );
        }
    }

    #[test]
    fn leads_cover_ninety_days_and_every_value_of_the_document() {
        let (spec, leads) = (Spec::builtin(), leads("ws_1", 7, now()));
        let seen = |of: fn(&Lead) -> Option<&str>| -> BTreeSet<String> {
            leads
                .iter()
                .filter_map(|lead| of(&lead.lead))
                .map(str::to_owned)
                .collect()
        };
        let all = |schema| -> BTreeSet<String> {
            spec.enum_values(schema)
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(seen(|lead| Some(&lead.status)), all("LeadStatus"));
        assert_eq!(seen(|lead| Some(&lead.priority)), all("LeadPriority"));
        assert_eq!(seen(|lead| lead.source.as_deref()), all("LeadSource"));
        assert_eq!(seen(|lead| lead.ad_platform.as_deref()), all("AdPlatform"));
        assert_eq!(
            seen(|lead| Some(&lead.conversion_sync_status)),
            all("ConversionSyncStatus")
        );
        assert!(seen(|lead| lead.campaign_name.as_deref()).len() >= 5);

        let (first, last) = (&leads[0].lead, &leads[leads.len() - 1].lead);
        let age = |lead: &Lead| now().duration_since(lead.created_at);
        let day = SignedDuration::from_hours(24);
        assert!(age(first) > 89 * day && age(first) < 91 * day);
        assert!(age(last) < day / 4);
    }

    #[test]
    fn times_follow_each_other_and_end_in_the_past() {
        let leads = leads("ws_1", 7, now());
        assert!(leads.is_sorted_by_key(|lead| lead.lead.created_at));
        for BulkLead {
            lead,
            last_conversion_sync_at: synced,
        } in leads
        {
            assert!(lead.created_at <= lead.updated_at && lead.updated_at <= now());
            assert_eq!(time::whole_millis(lead.updated_at), lead.updated_at);
            assert!(synced.is_none_or(|synced| synced >= lead.created_at && synced <= now()));
            assert!(synced.is_none() || lead.conversion_sync_status != NOTHING_TO_SYNC);
        }
    }

    #[test]
    fn the_funnel_narrows_and_only_won_leads_have_paid() {
        let mut by_status = BTreeMap::<String, u32>::new();
        for BulkLead { lead, .. } in leads("ws_1", 7, now()) {
            assert_eq!(lead.actual_value.is_some(), lead.status == WON);
            *by_status.entry(lead.status).or_default() += 1;
        }
        assert!(by_status["new"] > by_status["qualified"]);
        assert!(by_status["qualified"] > by_status["invoice"]);
    }

    #[test]
    fn the_demo_has_the_lead_of_the_examples() {
        let demo = SyntheticLeads::demo(Spec::builtin(), "ws_1", COUNT, now());
        let example = demo
            .into_iter()
            .find(|lead| lead.lead.external_ref.as_deref() == Some("CRM-1024"));
        assert!(example.is_some_and(|lead| lead.lead.status != "qualified"));
    }
}
