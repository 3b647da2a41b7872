-- A ledger with the tables of Blnk, a week of business, and a job of the queue that ran twice.
-- The tables and columns have Blnk's names; their text is our own, and small.
\set ON_ERROR_STOP on

CREATE SCHEMA blnk;
CREATE TABLE blnk.ledgers (
    id serial PRIMARY KEY,
    name text,
    ledger_id text NOT NULL UNIQUE,
    created_at timestamp NOT NULL,
    meta_data jsonb
);
CREATE TABLE blnk.balances (
    id serial PRIMARY KEY,
    balance_id text NOT NULL UNIQUE,
    indicator text,
    balance numeric NOT NULL,
    credit_balance numeric NOT NULL,
    debit_balance numeric NOT NULL,
    inflight_balance numeric NOT NULL DEFAULT 0,
    inflight_credit_balance numeric NOT NULL DEFAULT 0,
    inflight_debit_balance numeric NOT NULL DEFAULT 0,
    currency text NOT NULL,
    ledger_id text NOT NULL REFERENCES blnk.ledgers (ledger_id),
    identity_id text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamp NOT NULL,
    meta_data jsonb
);
CREATE TABLE blnk.transactions (
    id serial PRIMARY KEY,
    transaction_id text NOT NULL UNIQUE,
    parent_transaction text,
    source text REFERENCES blnk.balances (balance_id),
    destination text REFERENCES blnk.balances (balance_id),
    description text,
    reference text,
    amount numeric,
    precise_amount numeric,
    precision bigint DEFAULT 1,
    currency text,
    status text,
    hash text,
    allow_overdraft boolean NOT NULL DEFAULT false,
    created_at timestamp NOT NULL,
    effective_date timestamp,
    scheduled_for timestamp,
    meta_data jsonb
);

CREATE SEQUENCE example_ids;

-- What the worker does with one transaction: the row, and both balances.
CREATE FUNCTION example_apply(parent text, from_balance text, to_balance text, ref text, units numeric, at timestamp)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    made text := 'txn_' || lpad(nextval('example_ids')::text, 6, '0');
BEGIN
    INSERT INTO blnk.transactions (transaction_id, parent_transaction, source, destination, reference, amount,
        precise_amount, precision, currency, status, hash, allow_overdraft, created_at, effective_date, meta_data)
    VALUES (made, parent, from_balance, to_balance, ref, units / 100, units, 100, 'EUR', 'APPLIED',
        encode(sha256(convert_to(units || ref || from_balance || to_balance, 'UTF8')), 'hex'), false, at, at, '{}');
    UPDATE blnk.balances SET debit_balance = debit_balance + units, balance = balance - units, version = version + 1
    WHERE balance_id = from_balance;
    UPDATE blnk.balances SET credit_balance = credit_balance + units, balance = balance + units, version = version + 1
    WHERE balance_id = to_balance;
    RETURN made;
END $$;

INSERT INTO blnk.ledgers (name, ledger_id, created_at) VALUES ('wallets', 'ldg_wallets', '2026-11-16 08:00:00');
INSERT INTO blnk.balances (balance_id, indicator, balance, credit_balance, debit_balance, currency, ledger_id, created_at)
VALUES ('bln_world', '@World', 0, 0, 0, 'EUR', 'ldg_wallets', '2026-11-16 08:00:00'),
       ('bln_shop', '@Shop', 0, 0, 0, 'EUR', 'ldg_wallets', '2026-11-16 08:00:00'),
       ('bln_alice', NULL, 0, 0, 0, 'EUR', 'ldg_wallets', '2026-11-16 08:00:00'),
       ('bln_bob', NULL, 0, 0, 0, 'EUR', 'ldg_wallets', '2026-11-16 08:00:00');

-- Money comes in, and is spent at the shop; everything goes through the queue.
INSERT INTO blnk.transactions (transaction_id, source, destination, reference, amount, precise_amount, precision,
                               currency, status, created_at, effective_date, meta_data)
SELECT 'txn_q' || n, CASE n % 3 WHEN 0 THEN 'bln_world' WHEN 1 THEN 'bln_alice' ELSE 'bln_bob' END,
       CASE n % 3 WHEN 0 THEN CASE n % 2 WHEN 0 THEN 'bln_alice' ELSE 'bln_bob' END ELSE 'bln_shop' END, 'order-' || n,
       CASE n % 3 WHEN 0 THEN 300 ELSE 25 END, CASE n % 3 WHEN 0 THEN 30000 ELSE 2500 END, 100, 'EUR', 'QUEUED',
       '2026-11-16 09:00:00'::timestamp + n * interval '5 hours', '2026-11-16 09:00:00'::timestamp + n * interval '5 hours', '{}'
FROM generate_series(0, 20) AS n WHERE n NOT IN (1, 2);
SELECT count(*) FROM (
    SELECT example_apply(transaction_id, source, destination, reference || '_q', precise_amount, created_at + interval '1 second')
    FROM blnk.transactions WHERE status = 'QUEUED' ORDER BY id) AS done;

-- A hold of Bob's, captured in part and given back.
INSERT INTO blnk.transactions (transaction_id, source, destination, reference, amount, precise_amount, precision,
                               currency, status, created_at, effective_date, meta_data)
VALUES ('txn_inflight', 'bln_bob', 'bln_shop', 'hold-1', 40, 4000, 100, 'EUR', 'INFLIGHT', '2026-11-20 12:00:00', '2026-11-20 12:00:00', '{}'),
       ('txn_void', 'bln_bob', 'bln_shop', 'hold-1-void', 10, 1000, 100, 'EUR', 'VOID', '2026-11-20 13:00:00', '2026-11-20 13:00:00', '{}');
UPDATE blnk.transactions SET parent_transaction = 'txn_inflight' WHERE transaction_id = 'txn_void';
SELECT example_apply('txn_inflight', 'bln_bob', 'bln_shop', 'hold-1-commit', 3000, '2026-11-20 12:59:00');

-- Alice's order 13 is refunded. The job is delivered a second time while the first one still runs; each
-- looks whether there is a refund of it, sees none, and makes one, with a reference of its own.
CREATE TEMP TABLE worker AS
SELECT n, NOT EXISTS (SELECT 1 FROM blnk.transactions r WHERE r.parent_transaction = t.transaction_id) AS sees_none,
       t.transaction_id, t.source, t.destination, t.precise_amount
FROM generate_series(1, 2) AS n, blnk.transactions t WHERE t.reference = 'order-13_q';
SELECT count(*) FROM (
    SELECT example_apply(transaction_id, destination, source, 'ref_refund' || n, precise_amount,
                         '2026-11-21 14:00:00'::timestamp + n * interval '40 milliseconds')
    FROM worker WHERE sees_none ORDER BY n) AS done;
