-- One row that is written to learn whether writes are possible again after one was not.
create table write_probe (
    id bigint not null primary key,
    writes bigint not null
);
