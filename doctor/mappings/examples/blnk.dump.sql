--
-- PostgreSQL database dump
--

\restrict OrCodVHb2Pps6I9tBZZcwcSzbRTZAk4Myy8W5Hds0itr6WhRdF3pOwGGCsWR8qH

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
-- Name: blnk; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA blnk;


ALTER SCHEMA blnk OWNER TO postgres;

--
-- Name: example_apply(text, text, text, text, numeric, timestamp without time zone); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.example_apply(parent text, from_balance text, to_balance text, ref text, units numeric, at timestamp without time zone) RETURNS text
    LANGUAGE plpgsql
    AS $$
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


ALTER FUNCTION public.example_apply(parent text, from_balance text, to_balance text, ref text, units numeric, at timestamp without time zone) OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: balances; Type: TABLE; Schema: blnk; Owner: postgres
--

CREATE TABLE blnk.balances (
    id integer NOT NULL,
    balance_id text NOT NULL,
    indicator text,
    balance numeric NOT NULL,
    credit_balance numeric NOT NULL,
    debit_balance numeric NOT NULL,
    inflight_balance numeric DEFAULT 0 NOT NULL,
    inflight_credit_balance numeric DEFAULT 0 NOT NULL,
    inflight_debit_balance numeric DEFAULT 0 NOT NULL,
    currency text NOT NULL,
    ledger_id text NOT NULL,
    identity_id text,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp without time zone NOT NULL,
    meta_data jsonb
);


ALTER TABLE blnk.balances OWNER TO postgres;

--
-- Name: balances_id_seq; Type: SEQUENCE; Schema: blnk; Owner: postgres
--

CREATE SEQUENCE blnk.balances_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE blnk.balances_id_seq OWNER TO postgres;

--
-- Name: balances_id_seq; Type: SEQUENCE OWNED BY; Schema: blnk; Owner: postgres
--

ALTER SEQUENCE blnk.balances_id_seq OWNED BY blnk.balances.id;


--
-- Name: ledgers; Type: TABLE; Schema: blnk; Owner: postgres
--

CREATE TABLE blnk.ledgers (
    id integer NOT NULL,
    name text,
    ledger_id text NOT NULL,
    created_at timestamp without time zone NOT NULL,
    meta_data jsonb
);


ALTER TABLE blnk.ledgers OWNER TO postgres;

--
-- Name: ledgers_id_seq; Type: SEQUENCE; Schema: blnk; Owner: postgres
--

CREATE SEQUENCE blnk.ledgers_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE blnk.ledgers_id_seq OWNER TO postgres;

--
-- Name: ledgers_id_seq; Type: SEQUENCE OWNED BY; Schema: blnk; Owner: postgres
--

ALTER SEQUENCE blnk.ledgers_id_seq OWNED BY blnk.ledgers.id;


--
-- Name: transactions; Type: TABLE; Schema: blnk; Owner: postgres
--

CREATE TABLE blnk.transactions (
    id integer NOT NULL,
    transaction_id text NOT NULL,
    parent_transaction text,
    source text,
    destination text,
    description text,
    reference text,
    amount numeric,
    precise_amount numeric,
    "precision" bigint DEFAULT 1,
    currency text,
    status text,
    hash text,
    allow_overdraft boolean DEFAULT false NOT NULL,
    created_at timestamp without time zone NOT NULL,
    effective_date timestamp without time zone,
    scheduled_for timestamp without time zone,
    meta_data jsonb
);


ALTER TABLE blnk.transactions OWNER TO postgres;

--
-- Name: transactions_id_seq; Type: SEQUENCE; Schema: blnk; Owner: postgres
--

CREATE SEQUENCE blnk.transactions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE blnk.transactions_id_seq OWNER TO postgres;

--
-- Name: transactions_id_seq; Type: SEQUENCE OWNED BY; Schema: blnk; Owner: postgres
--

ALTER SEQUENCE blnk.transactions_id_seq OWNED BY blnk.transactions.id;


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

--
-- Name: balances id; Type: DEFAULT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.balances ALTER COLUMN id SET DEFAULT nextval('blnk.balances_id_seq'::regclass);


--
-- Name: ledgers id; Type: DEFAULT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.ledgers ALTER COLUMN id SET DEFAULT nextval('blnk.ledgers_id_seq'::regclass);


--
-- Name: transactions id; Type: DEFAULT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.transactions ALTER COLUMN id SET DEFAULT nextval('blnk.transactions_id_seq'::regclass);


--
-- Data for Name: balances; Type: TABLE DATA; Schema: blnk; Owner: postgres
--

COPY blnk.balances (id, balance_id, indicator, balance, credit_balance, debit_balance, inflight_balance, inflight_credit_balance, inflight_debit_balance, currency, ledger_id, identity_id, version, created_at, meta_data) FROM stdin;
1	bln_world	@World	-210000	0	210000	0	0	0	EUR	ldg_wallets	\N	8	2026-11-16 08:00:00	\N
4	bln_bob	\N	72000	90000	18000	0	0	0	EUR	ldg_wallets	\N	11	2026-11-16 08:00:00	\N
2	bln_shop	@Shop	28000	33000	5000	0	0	0	EUR	ldg_wallets	\N	16	2026-11-16 08:00:00	\N
3	bln_alice	\N	110000	125000	15000	0	0	0	EUR	ldg_wallets	\N	13	2026-11-16 08:00:00	\N
\.


--
-- Data for Name: ledgers; Type: TABLE DATA; Schema: blnk; Owner: postgres
--

COPY blnk.ledgers (id, name, ledger_id, created_at, meta_data) FROM stdin;
1	wallets	ldg_wallets	2026-11-16 08:00:00	\N
\.


--
-- Data for Name: transactions; Type: TABLE DATA; Schema: blnk; Owner: postgres
--

COPY blnk.transactions (id, transaction_id, parent_transaction, source, destination, description, reference, amount, precise_amount, "precision", currency, status, hash, allow_overdraft, created_at, effective_date, scheduled_for, meta_data) FROM stdin;
1	txn_q0	\N	bln_world	bln_alice	\N	order-0	300	30000	100	EUR	QUEUED	\N	f	2026-11-16 09:00:00	2026-11-16 09:00:00	\N	{}
2	txn_q3	\N	bln_world	bln_bob	\N	order-3	300	30000	100	EUR	QUEUED	\N	f	2026-11-17 00:00:00	2026-11-17 00:00:00	\N	{}
3	txn_q4	\N	bln_alice	bln_shop	\N	order-4	25	2500	100	EUR	QUEUED	\N	f	2026-11-17 05:00:00	2026-11-17 05:00:00	\N	{}
4	txn_q5	\N	bln_bob	bln_shop	\N	order-5	25	2500	100	EUR	QUEUED	\N	f	2026-11-17 10:00:00	2026-11-17 10:00:00	\N	{}
5	txn_q6	\N	bln_world	bln_alice	\N	order-6	300	30000	100	EUR	QUEUED	\N	f	2026-11-17 15:00:00	2026-11-17 15:00:00	\N	{}
6	txn_q7	\N	bln_alice	bln_shop	\N	order-7	25	2500	100	EUR	QUEUED	\N	f	2026-11-17 20:00:00	2026-11-17 20:00:00	\N	{}
7	txn_q8	\N	bln_bob	bln_shop	\N	order-8	25	2500	100	EUR	QUEUED	\N	f	2026-11-18 01:00:00	2026-11-18 01:00:00	\N	{}
8	txn_q9	\N	bln_world	bln_bob	\N	order-9	300	30000	100	EUR	QUEUED	\N	f	2026-11-18 06:00:00	2026-11-18 06:00:00	\N	{}
9	txn_q10	\N	bln_alice	bln_shop	\N	order-10	25	2500	100	EUR	QUEUED	\N	f	2026-11-18 11:00:00	2026-11-18 11:00:00	\N	{}
10	txn_q11	\N	bln_bob	bln_shop	\N	order-11	25	2500	100	EUR	QUEUED	\N	f	2026-11-18 16:00:00	2026-11-18 16:00:00	\N	{}
11	txn_q12	\N	bln_world	bln_alice	\N	order-12	300	30000	100	EUR	QUEUED	\N	f	2026-11-18 21:00:00	2026-11-18 21:00:00	\N	{}
12	txn_q13	\N	bln_alice	bln_shop	\N	order-13	25	2500	100	EUR	QUEUED	\N	f	2026-11-19 02:00:00	2026-11-19 02:00:00	\N	{}
13	txn_q14	\N	bln_bob	bln_shop	\N	order-14	25	2500	100	EUR	QUEUED	\N	f	2026-11-19 07:00:00	2026-11-19 07:00:00	\N	{}
14	txn_q15	\N	bln_world	bln_bob	\N	order-15	300	30000	100	EUR	QUEUED	\N	f	2026-11-19 12:00:00	2026-11-19 12:00:00	\N	{}
15	txn_q16	\N	bln_alice	bln_shop	\N	order-16	25	2500	100	EUR	QUEUED	\N	f	2026-11-19 17:00:00	2026-11-19 17:00:00	\N	{}
16	txn_q17	\N	bln_bob	bln_shop	\N	order-17	25	2500	100	EUR	QUEUED	\N	f	2026-11-19 22:00:00	2026-11-19 22:00:00	\N	{}
17	txn_q18	\N	bln_world	bln_alice	\N	order-18	300	30000	100	EUR	QUEUED	\N	f	2026-11-20 03:00:00	2026-11-20 03:00:00	\N	{}
18	txn_q19	\N	bln_alice	bln_shop	\N	order-19	25	2500	100	EUR	QUEUED	\N	f	2026-11-20 08:00:00	2026-11-20 08:00:00	\N	{}
19	txn_q20	\N	bln_bob	bln_shop	\N	order-20	25	2500	100	EUR	QUEUED	\N	f	2026-11-20 13:00:00	2026-11-20 13:00:00	\N	{}
20	txn_000001	txn_q0	bln_world	bln_alice	\N	order-0_q	300.0000000000000000	30000	100	EUR	APPLIED	ff63df5457a39244cc9b7b22463b4bb50b2613f08246c3a752da1bcdb39cb2cd	f	2026-11-16 09:00:01	2026-11-16 09:00:01	\N	{}
21	txn_000002	txn_q3	bln_world	bln_bob	\N	order-3_q	300.0000000000000000	30000	100	EUR	APPLIED	426f421947f802f4f4b7143288333669627e7257ae8e5a15e576289295503544	f	2026-11-17 00:00:01	2026-11-17 00:00:01	\N	{}
22	txn_000003	txn_q4	bln_alice	bln_shop	\N	order-4_q	25.0000000000000000	2500	100	EUR	APPLIED	20b0eeb2653fa5376ee755900c2ff340116242eef17d5816def5deb9e5b65942	f	2026-11-17 05:00:01	2026-11-17 05:00:01	\N	{}
23	txn_000004	txn_q5	bln_bob	bln_shop	\N	order-5_q	25.0000000000000000	2500	100	EUR	APPLIED	0f6a94cb8997f134fed46228c22afb2a0831739d86bc70ebeb1cfa5f7adbc6ec	f	2026-11-17 10:00:01	2026-11-17 10:00:01	\N	{}
24	txn_000005	txn_q6	bln_world	bln_alice	\N	order-6_q	300.0000000000000000	30000	100	EUR	APPLIED	0053b49d5c65b66fe834863e884ee220dd46fa99e16b80a73796c5e2539b4868	f	2026-11-17 15:00:01	2026-11-17 15:00:01	\N	{}
25	txn_000006	txn_q7	bln_alice	bln_shop	\N	order-7_q	25.0000000000000000	2500	100	EUR	APPLIED	c6a5a683f6736ee26a588d640b10d4b9fd1611b64168bc9348c65b07ef920289	f	2026-11-17 20:00:01	2026-11-17 20:00:01	\N	{}
26	txn_000007	txn_q8	bln_bob	bln_shop	\N	order-8_q	25.0000000000000000	2500	100	EUR	APPLIED	14a5be98486a97b7ebd5a48d60f2b66162a75dee4b59077244ca0971d289c283	f	2026-11-18 01:00:01	2026-11-18 01:00:01	\N	{}
27	txn_000008	txn_q9	bln_world	bln_bob	\N	order-9_q	300.0000000000000000	30000	100	EUR	APPLIED	1d2001db3cf8cfffdf424a5c0ede738a2d0bdda8e5994665731dd944f17cc866	f	2026-11-18 06:00:01	2026-11-18 06:00:01	\N	{}
28	txn_000009	txn_q10	bln_alice	bln_shop	\N	order-10_q	25.0000000000000000	2500	100	EUR	APPLIED	6c66cb377b9162267d193f969a79cf6ce437416e15bd5149d5ab43d4a46247af	f	2026-11-18 11:00:01	2026-11-18 11:00:01	\N	{}
29	txn_000010	txn_q11	bln_bob	bln_shop	\N	order-11_q	25.0000000000000000	2500	100	EUR	APPLIED	738f9051f9ed21b4e5a7ea49b49c2a364e90c8d236a8467016e403b881002483	f	2026-11-18 16:00:01	2026-11-18 16:00:01	\N	{}
30	txn_000011	txn_q12	bln_world	bln_alice	\N	order-12_q	300.0000000000000000	30000	100	EUR	APPLIED	3360ceaa473895c2f0f0fdbdeaa93221da04f9732ede595c35407e0304d376b1	f	2026-11-18 21:00:01	2026-11-18 21:00:01	\N	{}
31	txn_000012	txn_q13	bln_alice	bln_shop	\N	order-13_q	25.0000000000000000	2500	100	EUR	APPLIED	b92e2925b00f0d140b6aff7f867781f8606a6d0840172e6cc5df2d758b6b0083	f	2026-11-19 02:00:01	2026-11-19 02:00:01	\N	{}
32	txn_000013	txn_q14	bln_bob	bln_shop	\N	order-14_q	25.0000000000000000	2500	100	EUR	APPLIED	deed2f9baf1d0abac4d69b349a61da5dd9d0d12e5d2cd3f5916e4f870418f203	f	2026-11-19 07:00:01	2026-11-19 07:00:01	\N	{}
33	txn_000014	txn_q15	bln_world	bln_bob	\N	order-15_q	300.0000000000000000	30000	100	EUR	APPLIED	95d2cb1839f4461d49b5bd5e15845e36e61734882b414e40f7b90dc764aebbbe	f	2026-11-19 12:00:01	2026-11-19 12:00:01	\N	{}
34	txn_000015	txn_q16	bln_alice	bln_shop	\N	order-16_q	25.0000000000000000	2500	100	EUR	APPLIED	c454b92eeacb17c67a9bc6c71f14ed9b9523213969da663535d33432aeb7ca65	f	2026-11-19 17:00:01	2026-11-19 17:00:01	\N	{}
35	txn_000016	txn_q17	bln_bob	bln_shop	\N	order-17_q	25.0000000000000000	2500	100	EUR	APPLIED	19389c24c6352f64ab09d7f49fab658ab0224e29896d9bf3e62df0b4f1827966	f	2026-11-19 22:00:01	2026-11-19 22:00:01	\N	{}
36	txn_000017	txn_q18	bln_world	bln_alice	\N	order-18_q	300.0000000000000000	30000	100	EUR	APPLIED	341a244fcbe33764d51ee1ad23121f18d56c4c9ed3495f3e6e4749cd19ca9ced	f	2026-11-20 03:00:01	2026-11-20 03:00:01	\N	{}
37	txn_000018	txn_q19	bln_alice	bln_shop	\N	order-19_q	25.0000000000000000	2500	100	EUR	APPLIED	350cdef67f2347ee5e96efc82eecb9b9835474092cb30d6fd32065325ac28d93	f	2026-11-20 08:00:01	2026-11-20 08:00:01	\N	{}
38	txn_000019	txn_q20	bln_bob	bln_shop	\N	order-20_q	25.0000000000000000	2500	100	EUR	APPLIED	f845e43277df53c8f39bc2384098136b8a9bcd392417ccd0971a0912f3361e4e	f	2026-11-20 13:00:01	2026-11-20 13:00:01	\N	{}
39	txn_inflight	\N	bln_bob	bln_shop	\N	hold-1	40	4000	100	EUR	INFLIGHT	\N	f	2026-11-20 12:00:00	2026-11-20 12:00:00	\N	{}
40	txn_void	txn_inflight	bln_bob	bln_shop	\N	hold-1-void	10	1000	100	EUR	VOID	\N	f	2026-11-20 13:00:00	2026-11-20 13:00:00	\N	{}
41	txn_000020	txn_inflight	bln_bob	bln_shop	\N	hold-1-commit	30.0000000000000000	3000	100	EUR	APPLIED	71a295bb5c40918e88c594ec970a5cdbb407ca6a58c66a8635ef6f3cf1b3240e	f	2026-11-20 12:59:00	2026-11-20 12:59:00	\N	{}
42	txn_000021	txn_000012	bln_shop	bln_alice	\N	ref_refund1	25.0000000000000000	2500	100	EUR	APPLIED	966522fe4a47bf248500b1d59e4b5d5aa88d3573a72cfb0ef351d04d550cdbac	f	2026-11-21 14:00:00.04	2026-11-21 14:00:00.04	\N	{}
43	txn_000022	txn_000012	bln_shop	bln_alice	\N	ref_refund2	25.0000000000000000	2500	100	EUR	APPLIED	29b9f0775a70e7ae65f9ce705f43a21983c23c87ca776bef993915563098aa2f	f	2026-11-21 14:00:00.08	2026-11-21 14:00:00.08	\N	{}
\.


--
-- Name: balances_id_seq; Type: SEQUENCE SET; Schema: blnk; Owner: postgres
--

SELECT pg_catalog.setval('blnk.balances_id_seq', 4, true);


--
-- Name: ledgers_id_seq; Type: SEQUENCE SET; Schema: blnk; Owner: postgres
--

SELECT pg_catalog.setval('blnk.ledgers_id_seq', 1, true);


--
-- Name: transactions_id_seq; Type: SEQUENCE SET; Schema: blnk; Owner: postgres
--

SELECT pg_catalog.setval('blnk.transactions_id_seq', 43, true);


--
-- Name: example_ids; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.example_ids', 22, true);


--
-- Name: balances balances_balance_id_key; Type: CONSTRAINT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.balances
    ADD CONSTRAINT balances_balance_id_key UNIQUE (balance_id);


--
-- Name: balances balances_pkey; Type: CONSTRAINT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.balances
    ADD CONSTRAINT balances_pkey PRIMARY KEY (id);


--
-- Name: ledgers ledgers_ledger_id_key; Type: CONSTRAINT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.ledgers
    ADD CONSTRAINT ledgers_ledger_id_key UNIQUE (ledger_id);


--
-- Name: ledgers ledgers_pkey; Type: CONSTRAINT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.ledgers
    ADD CONSTRAINT ledgers_pkey PRIMARY KEY (id);


--
-- Name: transactions transactions_pkey; Type: CONSTRAINT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.transactions
    ADD CONSTRAINT transactions_pkey PRIMARY KEY (id);


--
-- Name: transactions transactions_transaction_id_key; Type: CONSTRAINT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.transactions
    ADD CONSTRAINT transactions_transaction_id_key UNIQUE (transaction_id);


--
-- Name: balances balances_ledger_id_fkey; Type: FK CONSTRAINT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.balances
    ADD CONSTRAINT balances_ledger_id_fkey FOREIGN KEY (ledger_id) REFERENCES blnk.ledgers(ledger_id);


--
-- Name: transactions transactions_destination_fkey; Type: FK CONSTRAINT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.transactions
    ADD CONSTRAINT transactions_destination_fkey FOREIGN KEY (destination) REFERENCES blnk.balances(balance_id);


--
-- Name: transactions transactions_source_fkey; Type: FK CONSTRAINT; Schema: blnk; Owner: postgres
--

ALTER TABLE ONLY blnk.transactions
    ADD CONSTRAINT transactions_source_fkey FOREIGN KEY (source) REFERENCES blnk.balances(balance_id);


--
-- PostgreSQL database dump complete
--

\unrestrict OrCodVHb2Pps6I9tBZZcwcSzbRTZAk4Myy8W5Hds0itr6WhRdF3pOwGGCsWR8qH

