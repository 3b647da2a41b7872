--
-- PostgreSQL database dump
--

\restrict qqhpIOhpdFy8rYs6UpABo1lt9huoNhWZLFtI6jIfiAhqbV3hbYA4KE2gKlJFIRW

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
-- Name: _default; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA _default;


ALTER SCHEMA _default OWNER TO postgres;

--
-- Name: _system; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA _system;


ALTER SCHEMA _system OWNER TO postgres;

--
-- Name: log_type; Type: TYPE; Schema: _default; Owner: postgres
--

CREATE TYPE _default.log_type AS ENUM (
    'NEW_TRANSACTION',
    'REVERTED_TRANSACTION',
    'SET_METADATA',
    'DELETE_METADATA'
);


ALTER TYPE _default.log_type OWNER TO postgres;

--
-- Name: volumes; Type: TYPE; Schema: _default; Owner: postgres
--

CREATE TYPE _default.volumes AS (
	inputs numeric,
	outputs numeric
);


ALTER TYPE _default.volumes OWNER TO postgres;

--
-- Name: example_commit(bigint, character varying, character varying, character varying, numeric, timestamp without time zone); Type: FUNCTION; Schema: _default; Owner: postgres
--

CREATE FUNCTION _default.example_commit(tx bigint, from_account character varying, to_account character varying, what character varying, units numeric, at timestamp without time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO '_default'
    AS $$
BEGIN
    PERFORM example_header(tx, from_account, to_account, what, units, at);
    PERFORM example_move(tx, from_account, what, units, true, at);
    PERFORM example_move(tx, to_account, what, units, false, at);
END $$;


ALTER FUNCTION _default.example_commit(tx bigint, from_account character varying, to_account character varying, what character varying, units numeric, at timestamp without time zone) OWNER TO postgres;

--
-- Name: example_header(bigint, character varying, character varying, character varying, numeric, timestamp without time zone); Type: FUNCTION; Schema: _default; Owner: postgres
--

CREATE FUNCTION _default.example_header(tx bigint, from_account character varying, to_account character varying, what character varying, units numeric, at timestamp without time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO '_default'
    AS $$
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


ALTER FUNCTION _default.example_header(tx bigint, from_account character varying, to_account character varying, what character varying, units numeric, at timestamp without time zone) OWNER TO postgres;

--
-- Name: example_move(bigint, character varying, character varying, numeric, boolean, timestamp without time zone); Type: FUNCTION; Schema: _default; Owner: postgres
--

CREATE FUNCTION _default.example_move(tx bigint, account character varying, what character varying, units numeric, source boolean, at timestamp without time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO '_default'
    AS $$
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


ALTER FUNCTION _default.example_move(tx bigint, account character varying, what character varying, units numeric, source boolean, at timestamp without time zone) OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: accounts; Type: TABLE; Schema: _default; Owner: postgres
--

CREATE TABLE _default.accounts (
    ledger character varying NOT NULL,
    address character varying NOT NULL,
    address_array jsonb,
    insertion_date timestamp without time zone NOT NULL,
    updated_at timestamp without time zone NOT NULL,
    first_usage timestamp without time zone,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL
);


ALTER TABLE _default.accounts OWNER TO postgres;

--
-- Name: accounts_volumes; Type: TABLE; Schema: _default; Owner: postgres
--

CREATE TABLE _default.accounts_volumes (
    ledger character varying NOT NULL,
    accounts_address character varying NOT NULL,
    asset character varying NOT NULL,
    input numeric NOT NULL,
    output numeric NOT NULL
);


ALTER TABLE _default.accounts_volumes OWNER TO postgres;

--
-- Name: logs; Type: TABLE; Schema: _default; Owner: postgres
--

CREATE TABLE _default.logs (
    ledger character varying NOT NULL,
    id bigint NOT NULL,
    type _default.log_type NOT NULL,
    hash bytea,
    date timestamp without time zone NOT NULL,
    data jsonb NOT NULL,
    memento bytea,
    idempotency_key character varying(255),
    idempotency_hash bytea
);


ALTER TABLE _default.logs OWNER TO postgres;

--
-- Name: moves; Type: TABLE; Schema: _default; Owner: postgres
--

CREATE TABLE _default.moves (
    seq bigint NOT NULL,
    ledger character varying NOT NULL,
    transactions_id bigint,
    accounts_address character varying NOT NULL,
    asset character varying NOT NULL,
    amount numeric NOT NULL,
    insertion_date timestamp without time zone NOT NULL,
    effective_date timestamp without time zone NOT NULL,
    post_commit_volumes _default.volumes,
    post_commit_effective_volumes _default.volumes,
    is_source boolean NOT NULL
);


ALTER TABLE _default.moves OWNER TO postgres;

--
-- Name: moves_seq_seq; Type: SEQUENCE; Schema: _default; Owner: postgres
--

CREATE SEQUENCE _default.moves_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE _default.moves_seq_seq OWNER TO postgres;

--
-- Name: moves_seq_seq; Type: SEQUENCE OWNED BY; Schema: _default; Owner: postgres
--

ALTER SEQUENCE _default.moves_seq_seq OWNED BY _default.moves.seq;


--
-- Name: transactions; Type: TABLE; Schema: _default; Owner: postgres
--

CREATE TABLE _default.transactions (
    ledger character varying NOT NULL,
    id bigint NOT NULL,
    "timestamp" timestamp without time zone NOT NULL,
    reference character varying,
    reverted_at timestamp without time zone,
    updated_at timestamp without time zone,
    postings character varying NOT NULL,
    sources jsonb,
    destinations jsonb,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    post_commit_volumes jsonb,
    inserted_at timestamp without time zone
);


ALTER TABLE _default.transactions OWNER TO postgres;

--
-- Name: ledgers; Type: TABLE; Schema: _system; Owner: postgres
--

CREATE TABLE _system.ledgers (
    name character varying(63) NOT NULL,
    id bigint,
    bucket character varying(63),
    added_at timestamp without time zone,
    metadata jsonb DEFAULT '{}'::jsonb,
    features jsonb,
    state character varying(255) DEFAULT 'initializing'::character varying,
    deleted_at timestamp without time zone
);


ALTER TABLE _system.ledgers OWNER TO postgres;

--
-- Name: moves seq; Type: DEFAULT; Schema: _default; Owner: postgres
--

ALTER TABLE ONLY _default.moves ALTER COLUMN seq SET DEFAULT nextval('_default.moves_seq_seq'::regclass);


--
-- Data for Name: accounts; Type: TABLE DATA; Schema: _default; Owner: postgres
--

COPY _default.accounts (ledger, address, address_array, insertion_date, updated_at, first_usage, metadata) FROM stdin;
main	world	\N	2026-11-16 15:00:00	2026-11-16 15:00:00	2026-11-16 15:00:00	{}
main	users:bob	\N	2026-11-16 15:00:00	2026-11-16 15:00:00	2026-11-16 15:00:00	{}
main	users:carol	\N	2026-11-16 21:00:00	2026-11-16 21:00:00	2026-11-16 21:00:00	{}
main	users:alice	\N	2026-11-17 03:00:00	2026-11-17 03:00:00	2026-11-17 03:00:00	{}
main	merchants:shop	\N	2026-11-17 03:00:00	2026-11-17 03:00:00	2026-11-17 03:00:00	{}
\.


--
-- Data for Name: accounts_volumes; Type: TABLE DATA; Schema: _default; Owner: postgres
--

COPY _default.accounts_volumes (ledger, accounts_address, asset, input, output) FROM stdin;
main	merchants:shop	EUR/2	7996	0
main	users:alice	EUR/2	40040	7996
main	users:carol	EUR/2	50050	0
main	world	EUR/2	0	182685
main	users:bob	EUR/2	85045	0
\.


--
-- Data for Name: logs; Type: TABLE DATA; Schema: _default; Owner: postgres
--

COPY _default.logs (ledger, id, type, hash, date, data, memento, idempotency_key, idempotency_hash) FROM stdin;
main	1	NEW_TRANSACTION	\N	2026-11-16 15:00:00	{"transaction": {"id": 1, "postings": [{"asset": "EUR/2", "amount": 10001, "source": "world", "destination": "users:bob"}]}}	\N	import-1	\N
main	2	NEW_TRANSACTION	\N	2026-11-16 21:00:00	{"transaction": {"id": 2, "postings": [{"asset": "EUR/2", "amount": 10002, "source": "world", "destination": "users:carol"}]}}	\N	import-2	\N
main	3	NEW_TRANSACTION	\N	2026-11-17 03:00:00	{"transaction": {"id": 3, "postings": [{"asset": "EUR/2", "amount": 1999, "source": "users:alice", "destination": "merchants:shop"}]}}	\N	import-3	\N
main	4	NEW_TRANSACTION	\N	2026-11-17 09:00:00	{"transaction": {"id": 4, "postings": [{"asset": "EUR/2", "amount": 10004, "source": "world", "destination": "users:alice"}]}}	\N	import-4	\N
main	5	NEW_TRANSACTION	\N	2026-11-17 15:00:00	{"transaction": {"id": 5, "postings": [{"asset": "EUR/2", "amount": 10005, "source": "world", "destination": "users:bob"}]}}	\N	import-5	\N
main	6	NEW_TRANSACTION	\N	2026-11-17 21:00:00	{"transaction": {"id": 6, "postings": [{"asset": "EUR/2", "amount": 10006, "source": "world", "destination": "users:carol"}]}}	\N	import-6	\N
main	7	NEW_TRANSACTION	\N	2026-11-18 03:00:00	{"transaction": {"id": 7, "postings": [{"asset": "EUR/2", "amount": 1999, "source": "users:alice", "destination": "merchants:shop"}]}}	\N	import-7	\N
main	8	NEW_TRANSACTION	\N	2026-11-18 09:00:00	{"transaction": {"id": 8, "postings": [{"asset": "EUR/2", "amount": 10008, "source": "world", "destination": "users:alice"}]}}	\N	import-8	\N
main	9	NEW_TRANSACTION	\N	2026-11-18 15:00:00	{"transaction": {"id": 9, "postings": [{"asset": "EUR/2", "amount": 10009, "source": "world", "destination": "users:bob"}]}}	\N	import-9	\N
main	10	NEW_TRANSACTION	\N	2026-11-18 21:00:00	{"transaction": {"id": 10, "postings": [{"asset": "EUR/2", "amount": 10010, "source": "world", "destination": "users:carol"}]}}	\N	import-10	\N
main	11	NEW_TRANSACTION	\N	2026-11-19 03:00:00	{"transaction": {"id": 11, "postings": [{"asset": "EUR/2", "amount": 1999, "source": "users:alice", "destination": "merchants:shop"}]}}	\N	import-11	\N
main	12	NEW_TRANSACTION	\N	2026-11-19 09:00:00	{"transaction": {"id": 12, "postings": [{"asset": "EUR/2", "amount": 10012, "source": "world", "destination": "users:alice"}]}}	\N	import-12	\N
main	13	NEW_TRANSACTION	\N	2026-11-19 15:00:00	{"transaction": {"id": 13, "postings": [{"asset": "EUR/2", "amount": 10013, "source": "world", "destination": "users:bob"}]}}	\N	import-13	\N
main	14	NEW_TRANSACTION	\N	2026-11-19 21:00:00	{"transaction": {"id": 14, "postings": [{"asset": "EUR/2", "amount": 10014, "source": "world", "destination": "users:carol"}]}}	\N	import-14	\N
main	15	NEW_TRANSACTION	\N	2026-11-20 03:00:00	{"transaction": {"id": 15, "postings": [{"asset": "EUR/2", "amount": 1999, "source": "users:alice", "destination": "merchants:shop"}]}}	\N	import-15	\N
main	16	NEW_TRANSACTION	\N	2026-11-20 09:00:00	{"transaction": {"id": 16, "postings": [{"asset": "EUR/2", "amount": 10016, "source": "world", "destination": "users:alice"}]}}	\N	import-16	\N
main	17	NEW_TRANSACTION	\N	2026-11-20 15:00:00	{"transaction": {"id": 17, "postings": [{"asset": "EUR/2", "amount": 10017, "source": "world", "destination": "users:bob"}]}}	\N	import-17	\N
main	18	NEW_TRANSACTION	\N	2026-11-20 21:00:00	{"transaction": {"id": 18, "postings": [{"asset": "EUR/2", "amount": 10018, "source": "world", "destination": "users:carol"}]}}	\N	import-18	\N
main	19	NEW_TRANSACTION	\N	2026-11-21 11:00:00	{"transaction": {"id": 19, "postings": [{"asset": "EUR/2", "amount": 25000, "source": "world", "destination": "users:bob"}]}}	\N	import-19	\N
main	20	NEW_TRANSACTION	\N	2026-11-21 11:00:02	{"transaction": {"id": 20, "postings": [{"asset": "EUR/2", "amount": 7550, "source": "world", "destination": "users:bob"}]}}	\N	import-20	\N
main	21	NEW_TRANSACTION	\N	2026-11-21 15:21:00	{"transaction": {"id": 21, "postings": [{"asset": "EUR/2", "amount": 5000, "source": "world", "destination": "users:bob"}]}}	\N	import-21	\N
main	22	NEW_TRANSACTION	\N	2026-11-21 15:22:00	{"transaction": {"id": 22, "postings": [{"asset": "EUR/2", "amount": 5000, "source": "world", "destination": "users:bob"}]}}	\N	import-22	\N
\.


--
-- Data for Name: moves; Type: TABLE DATA; Schema: _default; Owner: postgres
--

COPY _default.moves (seq, ledger, transactions_id, accounts_address, asset, amount, insertion_date, effective_date, post_commit_volumes, post_commit_effective_volumes, is_source) FROM stdin;
1	main	1	world	EUR/2	10001	2026-11-16 15:00:00	2026-11-16 15:00:00	(0,10001)	(0,10001)	t
2	main	1	users:bob	EUR/2	10001	2026-11-16 15:00:00	2026-11-16 15:00:00	(10001,0)	(10001,0)	f
3	main	2	world	EUR/2	10002	2026-11-16 21:00:00	2026-11-16 21:00:00	(0,20003)	(0,20003)	t
4	main	2	users:carol	EUR/2	10002	2026-11-16 21:00:00	2026-11-16 21:00:00	(10002,0)	(10002,0)	f
5	main	3	users:alice	EUR/2	1999	2026-11-17 03:00:00	2026-11-17 03:00:00	(0,1999)	(0,1999)	t
6	main	3	merchants:shop	EUR/2	1999	2026-11-17 03:00:00	2026-11-17 03:00:00	(1999,0)	(1999,0)	f
7	main	4	world	EUR/2	10004	2026-11-17 09:00:00	2026-11-17 09:00:00	(0,30007)	(0,30007)	t
8	main	4	users:alice	EUR/2	10004	2026-11-17 09:00:00	2026-11-17 09:00:00	(10004,1999)	(10004,1999)	f
9	main	5	world	EUR/2	10005	2026-11-17 15:00:00	2026-11-17 15:00:00	(0,40012)	(0,40012)	t
10	main	5	users:bob	EUR/2	10005	2026-11-17 15:00:00	2026-11-17 15:00:00	(20006,0)	(20006,0)	f
11	main	6	world	EUR/2	10006	2026-11-17 21:00:00	2026-11-17 21:00:00	(0,50018)	(0,50018)	t
12	main	6	users:carol	EUR/2	10006	2026-11-17 21:00:00	2026-11-17 21:00:00	(20008,0)	(20008,0)	f
13	main	7	users:alice	EUR/2	1999	2026-11-18 03:00:00	2026-11-18 03:00:00	(10004,3998)	(10004,3998)	t
14	main	7	merchants:shop	EUR/2	1999	2026-11-18 03:00:00	2026-11-18 03:00:00	(3998,0)	(3998,0)	f
15	main	8	world	EUR/2	10008	2026-11-18 09:00:00	2026-11-18 09:00:00	(0,60026)	(0,60026)	t
16	main	8	users:alice	EUR/2	10008	2026-11-18 09:00:00	2026-11-18 09:00:00	(20012,3998)	(20012,3998)	f
17	main	9	world	EUR/2	10009	2026-11-18 15:00:00	2026-11-18 15:00:00	(0,70035)	(0,70035)	t
18	main	9	users:bob	EUR/2	10009	2026-11-18 15:00:00	2026-11-18 15:00:00	(30015,0)	(30015,0)	f
19	main	10	world	EUR/2	10010	2026-11-18 21:00:00	2026-11-18 21:00:00	(0,80045)	(0,80045)	t
20	main	10	users:carol	EUR/2	10010	2026-11-18 21:00:00	2026-11-18 21:00:00	(30018,0)	(30018,0)	f
21	main	11	users:alice	EUR/2	1999	2026-11-19 03:00:00	2026-11-19 03:00:00	(20012,5997)	(20012,5997)	t
22	main	11	merchants:shop	EUR/2	1999	2026-11-19 03:00:00	2026-11-19 03:00:00	(5997,0)	(5997,0)	f
23	main	12	world	EUR/2	10012	2026-11-19 09:00:00	2026-11-19 09:00:00	(0,90057)	(0,90057)	t
24	main	12	users:alice	EUR/2	10012	2026-11-19 09:00:00	2026-11-19 09:00:00	(30024,5997)	(30024,5997)	f
25	main	13	world	EUR/2	10013	2026-11-19 15:00:00	2026-11-19 15:00:00	(0,100070)	(0,100070)	t
26	main	13	users:bob	EUR/2	10013	2026-11-19 15:00:00	2026-11-19 15:00:00	(40028,0)	(40028,0)	f
27	main	14	world	EUR/2	10014	2026-11-19 21:00:00	2026-11-19 21:00:00	(0,110084)	(0,110084)	t
28	main	14	users:carol	EUR/2	10014	2026-11-19 21:00:00	2026-11-19 21:00:00	(40032,0)	(40032,0)	f
29	main	15	users:alice	EUR/2	1999	2026-11-20 03:00:00	2026-11-20 03:00:00	(30024,7996)	(30024,7996)	t
30	main	15	merchants:shop	EUR/2	1999	2026-11-20 03:00:00	2026-11-20 03:00:00	(7996,0)	(7996,0)	f
31	main	16	world	EUR/2	10016	2026-11-20 09:00:00	2026-11-20 09:00:00	(0,120100)	(0,120100)	t
32	main	16	users:alice	EUR/2	10016	2026-11-20 09:00:00	2026-11-20 09:00:00	(40040,7996)	(40040,7996)	f
33	main	17	world	EUR/2	10017	2026-11-20 15:00:00	2026-11-20 15:00:00	(0,130117)	(0,130117)	t
34	main	17	users:bob	EUR/2	10017	2026-11-20 15:00:00	2026-11-20 15:00:00	(50045,0)	(50045,0)	f
35	main	18	world	EUR/2	10018	2026-11-20 21:00:00	2026-11-20 21:00:00	(0,140135)	(0,140135)	t
36	main	18	users:carol	EUR/2	10018	2026-11-20 21:00:00	2026-11-20 21:00:00	(50050,0)	(50050,0)	f
37	main	19	world	EUR/2	25000	2026-11-21 11:00:00	2026-11-21 11:00:00	(0,165135)	(0,165135)	t
38	main	19	users:bob	EUR/2	25000	2026-11-21 11:00:00	2026-11-21 11:00:00	(75045,0)	(75045,0)	f
39	main	20	world	EUR/2	7550	2026-11-21 11:00:02	2026-11-21 11:00:02	(0,172685)	(0,172685)	t
40	main	21	world	EUR/2	5000	2026-11-21 15:21:00	2026-11-21 15:21:00	(0,177685)	(0,177685)	t
41	main	21	users:bob	EUR/2	5000	2026-11-21 15:21:00	2026-11-21 15:21:00	(80045,0)	(80045,0)	f
42	main	22	world	EUR/2	5000	2026-11-21 15:22:00	2026-11-21 15:22:00	(0,182685)	(0,182685)	t
43	main	22	users:bob	EUR/2	5000	2026-11-21 15:22:00	2026-11-21 15:22:00	(85045,0)	(85045,0)	f
\.


--
-- Data for Name: transactions; Type: TABLE DATA; Schema: _default; Owner: postgres
--

COPY _default.transactions (ledger, id, "timestamp", reference, reverted_at, updated_at, postings, sources, destinations, metadata, post_commit_volumes, inserted_at) FROM stdin;
main	1	2026-11-16 15:00:00	\N	\N	2026-11-16 15:00:00	[{"asset": "EUR/2", "amount": 10001, "source": "world", "destination": "users:bob"}]	["world"]	["users:bob"]	{}	\N	2026-11-16 15:00:00
main	2	2026-11-16 21:00:00	\N	\N	2026-11-16 21:00:00	[{"asset": "EUR/2", "amount": 10002, "source": "world", "destination": "users:carol"}]	["world"]	["users:carol"]	{}	\N	2026-11-16 21:00:00
main	3	2026-11-17 03:00:00	\N	\N	2026-11-17 03:00:00	[{"asset": "EUR/2", "amount": 1999, "source": "users:alice", "destination": "merchants:shop"}]	["users:alice"]	["merchants:shop"]	{}	\N	2026-11-17 03:00:00
main	4	2026-11-17 09:00:00	\N	\N	2026-11-17 09:00:00	[{"asset": "EUR/2", "amount": 10004, "source": "world", "destination": "users:alice"}]	["world"]	["users:alice"]	{}	\N	2026-11-17 09:00:00
main	5	2026-11-17 15:00:00	\N	\N	2026-11-17 15:00:00	[{"asset": "EUR/2", "amount": 10005, "source": "world", "destination": "users:bob"}]	["world"]	["users:bob"]	{}	\N	2026-11-17 15:00:00
main	6	2026-11-17 21:00:00	\N	\N	2026-11-17 21:00:00	[{"asset": "EUR/2", "amount": 10006, "source": "world", "destination": "users:carol"}]	["world"]	["users:carol"]	{}	\N	2026-11-17 21:00:00
main	7	2026-11-18 03:00:00	\N	\N	2026-11-18 03:00:00	[{"asset": "EUR/2", "amount": 1999, "source": "users:alice", "destination": "merchants:shop"}]	["users:alice"]	["merchants:shop"]	{}	\N	2026-11-18 03:00:00
main	8	2026-11-18 09:00:00	\N	\N	2026-11-18 09:00:00	[{"asset": "EUR/2", "amount": 10008, "source": "world", "destination": "users:alice"}]	["world"]	["users:alice"]	{}	\N	2026-11-18 09:00:00
main	9	2026-11-18 15:00:00	\N	\N	2026-11-18 15:00:00	[{"asset": "EUR/2", "amount": 10009, "source": "world", "destination": "users:bob"}]	["world"]	["users:bob"]	{}	\N	2026-11-18 15:00:00
main	10	2026-11-18 21:00:00	\N	\N	2026-11-18 21:00:00	[{"asset": "EUR/2", "amount": 10010, "source": "world", "destination": "users:carol"}]	["world"]	["users:carol"]	{}	\N	2026-11-18 21:00:00
main	11	2026-11-19 03:00:00	\N	\N	2026-11-19 03:00:00	[{"asset": "EUR/2", "amount": 1999, "source": "users:alice", "destination": "merchants:shop"}]	["users:alice"]	["merchants:shop"]	{}	\N	2026-11-19 03:00:00
main	12	2026-11-19 09:00:00	\N	\N	2026-11-19 09:00:00	[{"asset": "EUR/2", "amount": 10012, "source": "world", "destination": "users:alice"}]	["world"]	["users:alice"]	{}	\N	2026-11-19 09:00:00
main	13	2026-11-19 15:00:00	\N	\N	2026-11-19 15:00:00	[{"asset": "EUR/2", "amount": 10013, "source": "world", "destination": "users:bob"}]	["world"]	["users:bob"]	{}	\N	2026-11-19 15:00:00
main	14	2026-11-19 21:00:00	\N	\N	2026-11-19 21:00:00	[{"asset": "EUR/2", "amount": 10014, "source": "world", "destination": "users:carol"}]	["world"]	["users:carol"]	{}	\N	2026-11-19 21:00:00
main	15	2026-11-20 03:00:00	\N	\N	2026-11-20 03:00:00	[{"asset": "EUR/2", "amount": 1999, "source": "users:alice", "destination": "merchants:shop"}]	["users:alice"]	["merchants:shop"]	{}	\N	2026-11-20 03:00:00
main	16	2026-11-20 09:00:00	\N	\N	2026-11-20 09:00:00	[{"asset": "EUR/2", "amount": 10016, "source": "world", "destination": "users:alice"}]	["world"]	["users:alice"]	{}	\N	2026-11-20 09:00:00
main	17	2026-11-20 15:00:00	\N	\N	2026-11-20 15:00:00	[{"asset": "EUR/2", "amount": 10017, "source": "world", "destination": "users:bob"}]	["world"]	["users:bob"]	{}	\N	2026-11-20 15:00:00
main	18	2026-11-20 21:00:00	\N	\N	2026-11-20 21:00:00	[{"asset": "EUR/2", "amount": 10018, "source": "world", "destination": "users:carol"}]	["world"]	["users:carol"]	{}	\N	2026-11-20 21:00:00
main	19	2026-11-21 11:00:00	\N	\N	2026-11-21 11:00:00	[{"asset": "EUR/2", "amount": 25000, "source": "world", "destination": "users:bob"}]	["world"]	["users:bob"]	{}	\N	2026-11-21 11:00:00
main	20	2026-11-21 11:00:02	\N	\N	2026-11-21 11:00:02	[{"asset": "EUR/2", "amount": 7550, "source": "world", "destination": "users:bob"}]	["world"]	["users:bob"]	{}	\N	2026-11-21 11:00:02
main	21	2026-11-21 15:21:00	\N	\N	2026-11-21 15:21:00	[{"asset": "EUR/2", "amount": 5000, "source": "world", "destination": "users:bob"}]	["world"]	["users:bob"]	{}	\N	2026-11-21 15:21:00
main	22	2026-11-21 15:22:00	\N	\N	2026-11-21 15:22:00	[{"asset": "EUR/2", "amount": 5000, "source": "world", "destination": "users:bob"}]	["world"]	["users:bob"]	{}	\N	2026-11-21 15:22:00
\.


--
-- Data for Name: ledgers; Type: TABLE DATA; Schema: _system; Owner: postgres
--

COPY _system.ledgers (name, id, bucket, added_at, metadata, features, state, deleted_at) FROM stdin;
main	1	_default	2026-11-16 08:00:00	{}	\N	in-use	\N
\.


--
-- Name: moves_seq_seq; Type: SEQUENCE SET; Schema: _default; Owner: postgres
--

SELECT pg_catalog.setval('_default.moves_seq_seq', 43, true);


--
-- Name: accounts accounts_ledger_address_key; Type: CONSTRAINT; Schema: _default; Owner: postgres
--

ALTER TABLE ONLY _default.accounts
    ADD CONSTRAINT accounts_ledger_address_key UNIQUE (ledger, address);


--
-- Name: accounts_volumes accounts_volumes_pkey; Type: CONSTRAINT; Schema: _default; Owner: postgres
--

ALTER TABLE ONLY _default.accounts_volumes
    ADD CONSTRAINT accounts_volumes_pkey PRIMARY KEY (ledger, accounts_address, asset);


--
-- Name: logs logs_ledger_id_key; Type: CONSTRAINT; Schema: _default; Owner: postgres
--

ALTER TABLE ONLY _default.logs
    ADD CONSTRAINT logs_ledger_id_key UNIQUE (ledger, id);


--
-- Name: moves moves_pkey; Type: CONSTRAINT; Schema: _default; Owner: postgres
--

ALTER TABLE ONLY _default.moves
    ADD CONSTRAINT moves_pkey PRIMARY KEY (seq);


--
-- Name: ledgers ledgers_pkey; Type: CONSTRAINT; Schema: _system; Owner: postgres
--

ALTER TABLE ONLY _system.ledgers
    ADD CONSTRAINT ledgers_pkey PRIMARY KEY (name);


--
-- Name: transactions_ledger; Type: INDEX; Schema: _default; Owner: postgres
--

CREATE UNIQUE INDEX transactions_ledger ON _default.transactions USING btree (ledger, id);


--
-- PostgreSQL database dump complete
--

\unrestrict qqhpIOhpdFy8rYs6UpABo1lt9huoNhWZLFtI6jIfiAhqbV3hbYA4KE2gKlJFIRW

