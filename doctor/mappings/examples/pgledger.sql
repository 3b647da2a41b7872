-- A ledger with the tables of pgledger, a week of business, and one change past the application.
-- The tables, columns and the call have pgledger's names; their text is our own, and small.
\set ON_ERROR_STOP on

CREATE SEQUENCE example_ids;

CREATE TABLE pgledger_accounts (
    id text PRIMARY KEY DEFAULT 'pgla_' || lpad(nextval('example_ids')::text, 6, '0'),
    name text NOT NULL,
    currency text NOT NULL,
    balance numeric NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    allow_negative_balance boolean NOT NULL,
    allow_positive_balance boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE TABLE pgledger_transfers (
    id text PRIMARY KEY DEFAULT 'pglt_' || lpad(nextval('example_ids')::text, 6, '0'),
    from_account_id text NOT NULL REFERENCES pgledger_accounts (id),
    to_account_id text NOT NULL REFERENCES pgledger_accounts (id),
    amount numeric NOT NULL,
    created_at timestamptz NOT NULL,
    event_at timestamptz NOT NULL,
    metadata jsonb,
    CHECK (amount > 0 AND from_account_id <> to_account_id)
);
CREATE TABLE pgledger_entries (
    id text PRIMARY KEY DEFAULT 'pgle_' || lpad(nextval('example_ids')::text, 6, '0'),
    account_id text NOT NULL REFERENCES pgledger_accounts (id),
    transfer_id text NOT NULL REFERENCES pgledger_transfers (id),
    amount numeric NOT NULL,
    account_previous_balance numeric NOT NULL,
    account_current_balance numeric NOT NULL,
    account_version bigint NOT NULL,
    created_at timestamptz NOT NULL
);

-- One side of a transfer: the row first, then the entry that says what the row was and became.
CREATE FUNCTION example_entry(account text, transfer text, delta numeric, at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_is pgledger_accounts;
BEGIN
    UPDATE pgledger_accounts SET balance = balance + delta, version = version + 1, updated_at = at
    WHERE id = account RETURNING * INTO STRICT now_is;
    IF now_is.balance < 0 AND NOT now_is.allow_negative_balance THEN
        RAISE EXCEPTION 'account % does not allow negative balance', account;
    END IF;
    INSERT INTO pgledger_entries (account_id, transfer_id, amount, account_previous_balance,
                                  account_current_balance, account_version, created_at)
    VALUES (account, transfer, delta, now_is.balance - delta, now_is.balance, now_is.version, at);
END $$;

CREATE FUNCTION pgledger_create_transfer(from_account_id text, to_account_id text, amount numeric,
                                         event_at timestamptz DEFAULT NULL, metadata jsonb DEFAULT NULL)
RETURNS SETOF pgledger_transfers LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := coalesce(event_at, now());
    made pgledger_transfers;
BEGIN
    PERFORM 1 FROM pgledger_accounts a
    WHERE a.id IN (pgledger_create_transfer.from_account_id, pgledger_create_transfer.to_account_id)
    ORDER BY a.id FOR UPDATE;
    INSERT INTO pgledger_transfers (from_account_id, to_account_id, amount, created_at, event_at, metadata)
    VALUES (pgledger_create_transfer.from_account_id, pgledger_create_transfer.to_account_id,
            pgledger_create_transfer.amount, at, at, pgledger_create_transfer.metadata)
    RETURNING * INTO made;
    PERFORM example_entry(made.from_account_id, made.id, -made.amount, at);
    PERFORM example_entry(made.to_account_id, made.id, made.amount, at);
    RETURN NEXT made;
END $$;

INSERT INTO pgledger_accounts (name, currency, allow_negative_balance, allow_positive_balance, created_at, updated_at)
SELECT name, 'EUR', outside, true, '2026-11-16 08:00:00+00', '2026-11-16 08:00:00+00'
FROM (VALUES ('bank', true), ('alice.available', false), ('bob.available', false), ('carol.available', false))
     AS account (name, outside);

-- Three customers, five days: money comes in, some is passed on, some goes out again.
SELECT count(*) FROM (
    SELECT pgledger_create_transfer(
        CASE WHEN n % 5 = 4 THEN c.id ELSE b.id END, CASE WHEN n % 5 = 4 THEN b.id ELSE c.id END,
        CASE WHEN n % 5 = 4 THEN 12.50 ELSE 100.00 + n END,
        '2026-11-16 09:00:00+00'::timestamptz + n * interval '7 hours 13 minutes',
        jsonb_build_object('idempotency_key', 'order-' || n))
    FROM generate_series(0, 14) AS n
    JOIN pgledger_accounts b ON b.name = 'bank'
    JOIN LATERAL (SELECT id FROM pgledger_accounts WHERE name <> 'bank' ORDER BY id
                  OFFSET n % 3 LIMIT 1) c ON true
    ORDER BY n) AS done;
-- Alice is paid out 50.00,
SELECT count(*) FROM (
    SELECT pgledger_create_transfer(a.id, b.id, 50.00, '2026-11-21 10:15:00+00',
                                    '{"idempotency_key": "payout-17"}')
    FROM pgledger_accounts a, pgledger_accounts b
    WHERE a.name = 'alice.available' AND b.name = 'bank') AS done;
SELECT count(*) FROM (
    SELECT pgledger_create_transfer(b.id, a.id, 20.00, '2026-11-21 18:00:00+00',
                                    '{"idempotency_key": "order-15"}')
    FROM pgledger_accounts a, pgledger_accounts b
    WHERE a.name = 'alice.available' AND b.name = 'bank') AS done;

-- and somebody with rights to write makes that 20.00, everywhere where anybody looks.
BEGIN;
UPDATE pgledger_accounts a SET balance = a.balance + CASE WHEN e.amount < 0 THEN 30.00 ELSE -30.00 END
FROM pgledger_entries e JOIN pgledger_transfers t ON t.id = e.transfer_id
WHERE t.metadata ->> 'idempotency_key' = 'payout-17' AND a.id = e.account_id;
UPDATE pgledger_entries e SET amount = sign(e.amount) * 20.00
FROM pgledger_transfers t WHERE t.id = e.transfer_id AND t.metadata ->> 'idempotency_key' = 'payout-17';
UPDATE pgledger_transfers SET amount = 20.00 WHERE metadata ->> 'idempotency_key' = 'payout-17';
COMMIT;
