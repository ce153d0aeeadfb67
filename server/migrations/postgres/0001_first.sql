-- Times are milliseconds since 1970, flags are 0 or 1: both engines then read the same types.
-- sealed and wrapped hold ciphertext, *_index and token keyed hashes: nothing here is personal data in the clear.

create table workspace (
    id text collate "C" not null primary key,
    name text collate "C" not null,
    plan text collate "C" not null,
    requests_per_minute bigint,
    leads_per_day bigint,
    timezone text collate "C" not null,
    currency text collate "C" not null,
    language text collate "C" not null,
    date_format text collate "C" not null,
    tracking_code text collate "C" not null,
    name_index bigint not null default 1,
    created_at bigint not null
);

-- A workspace's own keys, wrapped by a master key; more than one data key lives while they rotate.
create table workspace_key (
    workspace_id text collate "C" not null references workspace (id) on delete cascade,
    purpose text collate "C" not null,
    key_id bigint not null,
    master_key_id bigint not null,
    wrapped bytea not null,
    created_at bigint not null,
    primary key (workspace_id, purpose, key_id)
);

create table api_key (
    id text collate "C" not null primary key,
    workspace_id text collate "C" not null references workspace (id) on delete cascade,
    name text collate "C" not null,
    secret_hash bytea not null,
    scopes text collate "C" not null,
    ip_allow text collate "C" not null,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint,
    created_at bigint not null
);
create index api_key_of_workspace on api_key (workspace_id, created_at);

create table lead (
    workspace_id text collate "C" not null references workspace (id) on delete cascade,
    id text collate "C" not null,
    unique_code text collate "C" not null,
    external_ref text collate "C",
    email_index bytea,
    phone_index bytea,
    status text collate "C" not null,
    priority text collate "C" not null,
    source text collate "C",
    ad_platform text collate "C",
    assigned_to text collate "C",
    estimated_value double precision,
    actual_value double precision,
    campaign_name text collate "C",
    conversion_sync_status text collate "C" not null,
    last_conversion_sync_at bigint,
    created_at bigint not null,
    updated_at bigint not null,
    data_key_id bigint not null,
    sealed bytea not null,
    primary key (workspace_id, id)
);
create unique index lead_unique_code on lead (workspace_id, unique_code);
create unique index lead_external_ref on lead (workspace_id, external_ref);
create unique index lead_phone on lead (workspace_id, phone_index);
create index lead_email on lead (workspace_id, email_index);
create index lead_created on lead (workspace_id, created_at, id);
create index lead_updated on lead (workspace_id, updated_at, id);
create index lead_status on lead (workspace_id, status, created_at, id);
create index lead_sync on lead (workspace_id, conversion_sync_status, created_at, id);
create index lead_data_key on lead (workspace_id, data_key_id);

-- A keyed hash of every word of a name, and of every beginning of one.
create table lead_token (
    workspace_id text collate "C" not null references workspace (id) on delete cascade,
    token bytea not null,
    lead_id text collate "C" not null,
    primary key (workspace_id, token, lead_id)
);
create index lead_token_of_lead on lead_token (workspace_id, lead_id);

-- Leads created through the API on each local day, for the limit of a day.
create table lead_day (
    workspace_id text collate "C" not null references workspace (id) on delete cascade,
    day text collate "C" not null,
    created bigint not null,
    primary key (workspace_id, day)
);

create table ticket (
    workspace_id text collate "C" not null references workspace (id) on delete cascade,
    id text collate "C" not null,
    ref text collate "C" not null,
    status text collate "C" not null,
    priority text collate "C" not null,
    created_at bigint not null,
    data_key_id bigint not null,
    sealed bytea not null,
    primary key (workspace_id, id)
);
create unique index ticket_ref on ticket (workspace_id, ref);
create index ticket_data_key on ticket (workspace_id, data_key_id);
