-- Names are folded in another way now, and tokens of before would miss some: every name index is built again. `serve`
-- does so before it listens.
truncate lead_token;
update workspace set name_index = 2 where name_index <> 0;

-- UUIDs are the same in either case, and kept as they were sent.
create index lead_assigned on lead (workspace_id, lower(assigned_to), created_at, id)
    where lower(assigned_to) is not null;
