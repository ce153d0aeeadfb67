-- The lead that an answer shows. When personal data of it changes, sealed is emptied, and a replay shows the lead as it
-- is then.
alter table idempotency add column lead_id text collate "C";
-- Which lead the answers of before show is not known, and requests are told apart in another way now, so that none of
-- them can be replayed: their bodies go, their keys stay taken.
update idempotency set sealed = ''::bytea;
create index idempotency_lead on idempotency (workspace_id, lead_id) where lead_id is not null;

-- A row for each lead created through the API that lead_day does not count yet: writers of one workspace share no row.
create table lead_day_entry (
    workspace_id text collate "C" not null references workspace (id) on delete cascade,
    day text collate "C" not null,
    lead_id text collate "C" not null,
    primary key (workspace_id, day, lead_id)
);
