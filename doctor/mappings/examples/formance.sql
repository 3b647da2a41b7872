-- A ledger with the tables of Formance Ledger v2, a week of business, and an import that ended half way.
-- The tables and columns have Formance's names; their text is our own, and small.
\set ON_ERROR_STOP on

CREATE SCHEMA _system;
CREATE TABLE _system.ledgers (
    name varchar(63) PRIMARY KEY,
    id bigint,
    bucket varchar(63),
    added_at timestamp,
    metadata jsonb DEFAULT '{}',
    features jsonb,
    state varchar(255) DEFAULT 'initializing',
    deleted_at timestamp
);
CREATE SCHEMA _default;
SET search_path = _default;
CREATE TYPE volumes AS (inputs numeric, outputs numeric);
CREATE TYPE log_type AS ENUM ('NEW_TRANSACTION', 'REVERTED_TRANSACTION', 'SET_METADATA', 'DELETE_METADATA');
CREATE TABLE transactions (
    ledger varchar NOT NULL,
    id bigint NOT NULL,
    timestamp timestamp without time zone NOT NULL,
    reference varchar,
    reverted_at timestamp without time zone,
    updated_at timestamp without time zone,
    postings varchar NOT NULL,
    sources jsonb,
    destinations jsonb,
    metadata jsonb NOT NULL DEFAULT '{}',
    post_commit_volumes jsonb,
    inserted_at timestamp without time zone
);
CREATE UNIQUE INDEX transactions_ledger ON transactions (ledger, id);
CREATE TABLE accounts (
    ledger varchar NOT NULL,
    address varchar NOT NULL,
    address_array jsonb,
    insertion_date timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    first_usage timestamp,
    metadata jsonb NOT NULL DEFAULT '{}',
    UNIQUE (ledger, address)
);
CREATE TABLE moves (
    seq bigserial PRIMARY KEY,
    ledger varchar NOT NULL,
    transactions_id bigint,
    accounts_address varchar NOT NULL,
    asset varchar NOT NULL,
    amount numeric NOT NULL,
    insertion_date timestamp NOT NULL,
    effective_date timestamp NOT NULL,
    post_commit_volumes volumes,
    post_commit_effective_volumes volumes,
    is_source boolean NOT NULL
);
CREATE TABLE accounts_volumes (
    ledger varchar NOT NULL,
    accounts_address varchar NOT NULL,
    asset varchar NOT NULL,
    input numeric NOT NULL,
    output numeric NOT NULL,
    PRIMARY KEY (ledger, accounts_address, asset)
);
CREATE TABLE logs (
    ledger varchar NOT NULL,
    id bigint NOT NULL,
    type log_type NOT NULL,
    hash bytea,
    date timestamp NOT NULL,
    data jsonb NOT NULL,
    memento bytea,
    idempotency_key varchar(255),
    idempotency_hash bytea,
    UNIQUE (ledger, id)
);

-- One side of a posting.
CREATE FUNCTION example_move(tx bigint, account varchar, what varchar, units numeric, source boolean, at timestamp)
RETURNS void LANGUAGE plpgsql SET search_path = _default AS $$
DECLARE
    after accounts_volumes;
BEGIN
    INSERT INTO accounts (ledger, address, insertion_date, updated_at, first_usage)
    VALUES ('main', account, at, at, at) ON CONFLICT DO NOTHING;
    INSERT INTO accounts_volumes AS v (ledger, accounts_address, asset, input, output)
    VALUES ('main', account, what, CASE WHEN source THEN 0 ELSE units END, CASE WHEN source THEN units ELSE 0 END)
    ON CONFLICT (ledger, accounts_address, asset) DO UPDATE
    SET input = v.input + excluded.input, output = v.output + excluded.output RETURNING * INTO after;
    INSERT INTO moves (ledger, transactions_id, accounts_address, asset, amount, insertion_date, effective_date,
                       post_commit_volumes, post_commit_effective_volumes, is_source)
    VALUES ('main', tx, account, what, units, at, at, (after.input, after.output), (after.input, after.output), source);
END $$;
CREATE FUNCTION example_header(tx bigint, from_account varchar, to_account varchar, what varchar, units numeric, at timestamp)
RETURNS void LANGUAGE plpgsql SET search_path = _default AS $$
DECLARE
    posted jsonb := jsonb_build_array(jsonb_build_object('source', from_account, 'destination', to_account,
                                                         'asset', what, 'amount', units));
BEGIN
    INSERT INTO transactions (ledger, id, timestamp, updated_at, postings, sources, destinations, inserted_at)
    VALUES ('main', tx, at, at, posted::varchar, jsonb_build_array(from_account), jsonb_build_array(to_account), at);
    INSERT INTO logs (ledger, id, type, date, data, idempotency_key)
    VALUES ('main', tx, 'NEW_TRANSACTION', at,
            jsonb_build_object('transaction', jsonb_build_object('id', tx, 'postings', posted)), 'import-' || tx);
END $$;
-- The ledger's own way: all of it in one transaction.
CREATE FUNCTION example_commit(tx bigint, from_account varchar, to_account varchar, what varchar, units numeric, at timestamp)
RETURNS void LANGUAGE plpgsql SET search_path = _default AS $$
BEGIN
    PERFORM example_header(tx, from_account, to_account, what, units, at);
    PERFORM example_move(tx, from_account, what, units, true, at);
    PERFORM example_move(tx, to_account, what, units, false, at);
END $$;

INSERT INTO _system.ledgers (name, id, bucket, added_at, state)
VALUES ('main', 1, '_default', '2026-11-16 08:00:00', 'in-use');

SELECT count(*) FROM (
    SELECT example_commit(n, CASE n % 4 WHEN 3 THEN 'users:alice' ELSE 'world' END,
                          CASE n % 4 WHEN 0 THEN 'users:alice' WHEN 1 THEN 'users:bob' WHEN 2 THEN 'users:carol' ELSE 'merchants:shop' END,
                          'EUR/2', CASE n % 4 WHEN 3 THEN 1999 ELSE 10000 + n END,
                          '2026-11-16 09:00:00'::timestamp + n * interval '6 hours')
    FROM generate_series(1, 18) AS n ORDER BY n) AS done;

-- Bob's deposits of another system are brought in by a script that commits each statement by itself.
-- In the second one its connection is cut.
\set ON_ERROR_STOP off
DO $$
BEGIN
    PERFORM _default.example_header(19, 'world', 'users:bob', 'EUR/2', 25000, '2026-11-21 11:00:00');
    COMMIT;
    PERFORM _default.example_move(19, 'world', 'EUR/2', 25000, true, '2026-11-21 11:00:00');
    COMMIT;
    PERFORM _default.example_move(19, 'users:bob', 'EUR/2', 25000, false, '2026-11-21 11:00:00');
    COMMIT;
    PERFORM _default.example_header(20, 'world', 'users:bob', 'EUR/2', 7550, '2026-11-21 11:00:02');
    COMMIT;
    PERFORM _default.example_move(20, 'world', 'EUR/2', 7550, true, '2026-11-21 11:00:02');
    COMMIT;
    RAISE EXCEPTION 'connection reset by peer';
END $$;
\set ON_ERROR_STOP on
-- Business goes on.
SELECT count(*) FROM (
    SELECT example_commit(n, 'world', 'users:bob', 'EUR/2', 5000, '2026-11-21 15:00:00'::timestamp + n * interval '1 minute')
    FROM generate_series(21, 22) AS n ORDER BY n) AS done;
