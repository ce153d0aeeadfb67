-- Answers of writes under an Idempotency-Key, for whoever sends the same request again within a day. The id is a keyed
-- hash of the key, the fingerprint one of the request: clients put emails into either.
create table idempotency (
    workspace_id text not null references workspace (id) on delete cascade,
    id text not null,
    fingerprint blob not null,
    status bigint not null,
    created_at bigint not null,
    data_key_id bigint not null,
    sealed blob not null,
    primary key (workspace_id, id)
);
create index idempotency_created on idempotency (created_at);
create index idempotency_data_key on idempotency (workspace_id, data_key_id);
