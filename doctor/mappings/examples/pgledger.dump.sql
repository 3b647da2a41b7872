--
-- PostgreSQL database dump
--

\restrict BdSezGmPvjD070hHcoyH8Ni70gpEUarDcDOIchPWMOoUZnVxXIhcCL43DczgBkT

-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: example_entry(text, text, numeric, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.example_entry(account text, transfer text, delta numeric, at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
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


ALTER FUNCTION public.example_entry(account text, transfer text, delta numeric, at timestamp with time zone) OWNER TO postgres;

--
-- Name: example_ids; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.example_ids
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.example_ids OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: pgledger_transfers; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.pgledger_transfers (
    id text DEFAULT ('pglt_'::text || lpad((nextval('public.example_ids'::regclass))::text, 6, '0'::text)) NOT NULL,
    from_account_id text NOT NULL,
    to_account_id text NOT NULL,
    amount numeric NOT NULL,
    created_at timestamp with time zone NOT NULL,
    event_at timestamp with time zone NOT NULL,
    metadata jsonb,
    CONSTRAINT pgledger_transfers_check CHECK (((amount > (0)::numeric) AND (from_account_id <> to_account_id)))
);


ALTER TABLE public.pgledger_transfers OWNER TO postgres;

--
-- Name: pgledger_create_transfer(text, text, numeric, timestamp with time zone, jsonb); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.pgledger_create_transfer(from_account_id text, to_account_id text, amount numeric, event_at timestamp with time zone DEFAULT NULL::timestamp with time zone, metadata jsonb DEFAULT NULL::jsonb) RETURNS SETOF public.pgledger_transfers
    LANGUAGE plpgsql
    AS $$
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


ALTER FUNCTION public.pgledger_create_transfer(from_account_id text, to_account_id text, amount numeric, event_at timestamp with time zone, metadata jsonb) OWNER TO postgres;

--
-- Name: pgledger_accounts; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.pgledger_accounts (
    id text DEFAULT ('pgla_'::text || lpad((nextval('public.example_ids'::regclass))::text, 6, '0'::text)) NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    balance numeric DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    allow_negative_balance boolean NOT NULL,
    allow_positive_balance boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);


ALTER TABLE public.pgledger_accounts OWNER TO postgres;

--
-- Name: pgledger_entries; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.pgledger_entries (
    id text DEFAULT ('pgle_'::text || lpad((nextval('public.example_ids'::regclass))::text, 6, '0'::text)) NOT NULL,
    account_id text NOT NULL,
    transfer_id text NOT NULL,
    amount numeric NOT NULL,
    account_previous_balance numeric NOT NULL,
    account_current_balance numeric NOT NULL,
    account_version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL
);


ALTER TABLE public.pgledger_entries OWNER TO postgres;

--
-- Data for Name: pgledger_accounts; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.pgledger_accounts (id, name, currency, balance, version, allow_negative_balance, allow_positive_balance, created_at, updated_at) FROM stdin;
pgla_000003	bob.available	EUR	418.50	5	f	t	2026-11-16 08:00:00+00	2026-11-20 06:49:00+00
pgla_000004	carol.available	EUR	413.50	5	f	t	2026-11-16 08:00:00+00	2026-11-20 14:02:00+00
pgla_000002	alice.available	EUR	408.50	7	f	t	2026-11-16 08:00:00+00	2026-11-21 18:00:00+00
pgla_000001	bank	EUR	-1240.50	17	t	t	2026-11-16 08:00:00+00	2026-11-21 18:00:00+00
\.


--
-- Data for Name: pgledger_entries; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.pgledger_entries (id, account_id, transfer_id, amount, account_previous_balance, account_current_balance, account_version, created_at) FROM stdin;
pgle_000006	pgla_000001	pglt_000005	-100.00	0.00	-100.00	1	2026-11-16 09:00:00+00
pgle_000007	pgla_000002	pglt_000005	100.00	0.00	100.00	1	2026-11-16 09:00:00+00
pgle_000009	pgla_000001	pglt_000008	-101.00	-100.00	-201.00	2	2026-11-16 16:13:00+00
pgle_000010	pgla_000003	pglt_000008	101.00	0.00	101.00	1	2026-11-16 16:13:00+00
pgle_000012	pgla_000001	pglt_000011	-102.00	-201.00	-303.00	3	2026-11-16 23:26:00+00
pgle_000013	pgla_000004	pglt_000011	102.00	0.00	102.00	1	2026-11-16 23:26:00+00
pgle_000015	pgla_000001	pglt_000014	-103.00	-303.00	-406.00	4	2026-11-17 06:39:00+00
pgle_000016	pgla_000002	pglt_000014	103.00	100.00	203.00	2	2026-11-17 06:39:00+00
pgle_000018	pgla_000003	pglt_000017	-12.50	101.00	88.50	2	2026-11-17 13:52:00+00
pgle_000019	pgla_000001	pglt_000017	12.50	-406.00	-393.50	5	2026-11-17 13:52:00+00
pgle_000021	pgla_000001	pglt_000020	-105.00	-393.50	-498.50	6	2026-11-17 21:05:00+00
pgle_000022	pgla_000004	pglt_000020	105.00	102.00	207.00	2	2026-11-17 21:05:00+00
pgle_000024	pgla_000001	pglt_000023	-106.00	-498.50	-604.50	7	2026-11-18 04:18:00+00
pgle_000025	pgla_000002	pglt_000023	106.00	203.00	309.00	3	2026-11-18 04:18:00+00
pgle_000027	pgla_000001	pglt_000026	-107.00	-604.50	-711.50	8	2026-11-18 11:31:00+00
pgle_000028	pgla_000003	pglt_000026	107.00	88.50	195.50	3	2026-11-18 11:31:00+00
pgle_000030	pgla_000001	pglt_000029	-108.00	-711.50	-819.50	9	2026-11-18 18:44:00+00
pgle_000031	pgla_000004	pglt_000029	108.00	207.00	315.00	3	2026-11-18 18:44:00+00
pgle_000033	pgla_000002	pglt_000032	-12.50	309.00	296.50	4	2026-11-19 01:57:00+00
pgle_000034	pgla_000001	pglt_000032	12.50	-819.50	-807.00	10	2026-11-19 01:57:00+00
pgle_000036	pgla_000001	pglt_000035	-110.00	-807.00	-917.00	11	2026-11-19 09:10:00+00
pgle_000037	pgla_000003	pglt_000035	110.00	195.50	305.50	4	2026-11-19 09:10:00+00
pgle_000039	pgla_000001	pglt_000038	-111.00	-917.00	-1028.00	12	2026-11-19 16:23:00+00
pgle_000040	pgla_000004	pglt_000038	111.00	315.00	426.00	4	2026-11-19 16:23:00+00
pgle_000042	pgla_000001	pglt_000041	-112.00	-1028.00	-1140.00	13	2026-11-19 23:36:00+00
pgle_000043	pgla_000002	pglt_000041	112.00	296.50	408.50	5	2026-11-19 23:36:00+00
pgle_000045	pgla_000001	pglt_000044	-113.00	-1140.00	-1253.00	14	2026-11-20 06:49:00+00
pgle_000046	pgla_000003	pglt_000044	113.00	305.50	418.50	5	2026-11-20 06:49:00+00
pgle_000048	pgla_000004	pglt_000047	-12.50	426.00	413.50	5	2026-11-20 14:02:00+00
pgle_000049	pgla_000001	pglt_000047	12.50	-1253.00	-1240.50	15	2026-11-20 14:02:00+00
pgle_000054	pgla_000001	pglt_000053	-20.00	-1190.50	-1210.50	17	2026-11-21 18:00:00+00
pgle_000055	pgla_000002	pglt_000053	20.00	358.50	378.50	7	2026-11-21 18:00:00+00
pgle_000051	pgla_000002	pglt_000050	-20.00	408.50	358.50	6	2026-11-21 10:15:00+00
pgle_000052	pgla_000001	pglt_000050	20.00	-1240.50	-1190.50	16	2026-11-21 10:15:00+00
\.


--
-- Data for Name: pgledger_transfers; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.pgledger_transfers (id, from_account_id, to_account_id, amount, created_at, event_at, metadata) FROM stdin;
pglt_000005	pgla_000001	pgla_000002	100.00	2026-11-16 09:00:00+00	2026-11-16 09:00:00+00	{"idempotency_key": "order-0"}
pglt_000008	pgla_000001	pgla_000003	101.00	2026-11-16 16:13:00+00	2026-11-16 16:13:00+00	{"idempotency_key": "order-1"}
pglt_000011	pgla_000001	pgla_000004	102.00	2026-11-16 23:26:00+00	2026-11-16 23:26:00+00	{"idempotency_key": "order-2"}
pglt_000014	pgla_000001	pgla_000002	103.00	2026-11-17 06:39:00+00	2026-11-17 06:39:00+00	{"idempotency_key": "order-3"}
pglt_000017	pgla_000003	pgla_000001	12.50	2026-11-17 13:52:00+00	2026-11-17 13:52:00+00	{"idempotency_key": "order-4"}
pglt_000020	pgla_000001	pgla_000004	105.00	2026-11-17 21:05:00+00	2026-11-17 21:05:00+00	{"idempotency_key": "order-5"}
pglt_000023	pgla_000001	pgla_000002	106.00	2026-11-18 04:18:00+00	2026-11-18 04:18:00+00	{"idempotency_key": "order-6"}
pglt_000026	pgla_000001	pgla_000003	107.00	2026-11-18 11:31:00+00	2026-11-18 11:31:00+00	{"idempotency_key": "order-7"}
pglt_000029	pgla_000001	pgla_000004	108.00	2026-11-18 18:44:00+00	2026-11-18 18:44:00+00	{"idempotency_key": "order-8"}
pglt_000032	pgla_000002	pgla_000001	12.50	2026-11-19 01:57:00+00	2026-11-19 01:57:00+00	{"idempotency_key": "order-9"}
pglt_000035	pgla_000001	pgla_000003	110.00	2026-11-19 09:10:00+00	2026-11-19 09:10:00+00	{"idempotency_key": "order-10"}
pglt_000038	pgla_000001	pgla_000004	111.00	2026-11-19 16:23:00+00	2026-11-19 16:23:00+00	{"idempotency_key": "order-11"}
pglt_000041	pgla_000001	pgla_000002	112.00	2026-11-19 23:36:00+00	2026-11-19 23:36:00+00	{"idempotency_key": "order-12"}
pglt_000044	pgla_000001	pgla_000003	113.00	2026-11-20 06:49:00+00	2026-11-20 06:49:00+00	{"idempotency_key": "order-13"}
pglt_000047	pgla_000004	pgla_000001	12.50	2026-11-20 14:02:00+00	2026-11-20 14:02:00+00	{"idempotency_key": "order-14"}
pglt_000053	pgla_000001	pgla_000002	20.00	2026-11-21 18:00:00+00	2026-11-21 18:00:00+00	{"idempotency_key": "order-15"}
pglt_000050	pgla_000002	pgla_000001	20.00	2026-11-21 10:15:00+00	2026-11-21 10:15:00+00	{"idempotency_key": "payout-17"}
\.


--
-- Name: example_ids; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.example_ids', 55, true);


--
-- Name: pgledger_accounts pgledger_accounts_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.pgledger_accounts
    ADD CONSTRAINT pgledger_accounts_pkey PRIMARY KEY (id);


--
-- Name: pgledger_entries pgledger_entries_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.pgledger_entries
    ADD CONSTRAINT pgledger_entries_pkey PRIMARY KEY (id);


--
-- Name: pgledger_transfers pgledger_transfers_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.pgledger_transfers
    ADD CONSTRAINT pgledger_transfers_pkey PRIMARY KEY (id);


--
-- Name: pgledger_entries pgledger_entries_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.pgledger_entries
    ADD CONSTRAINT pgledger_entries_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.pgledger_accounts(id);


--
-- Name: pgledger_entries pgledger_entries_transfer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.pgledger_entries
    ADD CONSTRAINT pgledger_entries_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES public.pgledger_transfers(id);


--
-- Name: pgledger_transfers pgledger_transfers_from_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.pgledger_transfers
    ADD CONSTRAINT pgledger_transfers_from_account_id_fkey FOREIGN KEY (from_account_id) REFERENCES public.pgledger_accounts(id);


--
-- Name: pgledger_transfers pgledger_transfers_to_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.pgledger_transfers
    ADD CONSTRAINT pgledger_transfers_to_account_id_fkey FOREIGN KEY (to_account_id) REFERENCES public.pgledger_accounts(id);


--
-- PostgreSQL database dump complete
--

\unrestrict BdSezGmPvjD070hHcoyH8Ni70gpEUarDcDOIchPWMOoUZnVxXIhcCL43DczgBkT

