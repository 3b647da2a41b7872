#include "model/evidence.h"

#include <stddef.h>

#define TEXT EVIDENCE_TEXT, NULL
#define ONE_OF(values) EVIDENCE_TEXT, values
#define AMOUNT EVIDENCE_AMOUNT, NULL
#define INT EVIDENCE_INT, NULL
#define TIME EVIDENCE_TIME, NULL
#define BOOL EVIDENCE_BOOL, NULL
#define END                                                                                        \
    {                                                                                              \
        NULL, TEXT, NULL                                                                           \
    }
#define FIELDS(name) static const struct evidence_field name[]

const struct evidence_field evidence_common[EVIDENCE_COMMON_COUNT] = {
    { "ts", TIME, "when it happened, by the clock of the source" },
    { "pos", INT, "place in the source's own order: LSN, offset, line, sequence number" },
    { "host", TEXT, "the machine, process or pod that did it" },
    { "tx", TEXT, "ledger transaction" },
    { "idem", TEXT, "idempotency key as the caller sent it" },
    { "psp_ref", TEXT, "the PSP's or bank's reference of the payment" },
    { "trace", TEXT, "trace id" },
    { "account", TEXT, "ledger account" },
    { "event", TEXT, "id of a business event (outbox, message, webhook)" },
    { "amount", AMOUNT, "signed minor units" },
    { "ccy", TEXT, "currency or asset code" },
    { "ver", INT, "version of what the record shows" },
    { "state", TEXT, "state of what the record shows" },
};

/* ---- the edge ---- */
FIELDS(request) = {
    { "method", TEXT, "POST, GET, ..." },
    { "path", TEXT, "route, without ids" },
    { "client", TEXT, "who called: API key, user or device" },
    { "session", TEXT, "the caller's session" },
    { "status", INT, "HTTP status that was sent; absent: none was" },
    { "done_ts", TIME, "when the answer was sent" },
    { "error", ONE_OF("timeout|reset|refused"), "the caller did not get the answer, and why" },
    { "body_hash", TEXT, "hash of the body's meaning: equal for equal requests" },
    { "fingerprint", TEXT, "what the idempotency layer compared" },
    { "click", TEXT, "id of the user's act in the client's log" },
    { "deduped", BOOL, "answered from a stored outcome" },
    { "payee", TEXT,
      "ledger account that the body names to be credited; absent: none, or several" },
    END,
};
FIELDS(idem_key) = {
    { "op", ONE_OF("insert|hit|conflict|expire|delete|miss"), "what happened to the key" },
    { "scope", TEXT, "caller or route that the key counts in" },
    { "fingerprint", TEXT, "of the request" },
    { "ttl_ns", INT, "how long it is kept; absent: for ever" },
    { "served_by", ONE_OF("primary|replica|cache"), "which copy was asked" },
    END,
};

/* ---- ledger ---- */
FIELDS(ledger_tx) = {
    { "type",
      ONE_OF("payment|capture|refund|transfer|deposit|withdrawal|fee|adjust|reversal|payout|"
             "interest|fx|dispute|split|compensation|other"),
      "what it is" },
    { "cause", ONE_OF("api|webhook|message|job|manual|reversal|saga|migration|chain|poll"),
      "what made it" },
    { "cause_id", TEXT, "which one: request, event, message key, run" },
    { "reversal_of", TEXT, "tx that it takes back" },
    { "arrival", TEXT, "tx of another lane that is its other half" },
    { "xid", INT, "database transaction" },
    { "lsn", INT, "of its commit" },
    { "seq", INT, "numeric id, when the ledger draws one" },
    { "actor", TEXT, "database or human user" },
    { "approvers", INT, "people who approved, of manual ones" },
    { "reference", TEXT, "ticket or document of manual ones" },
    { "run", TEXT, "run of a job or saga" },
    { "period", TEXT, "business period that it books, YYYY-MM-DD or other" },
    { "book_date", TEXT, "settlement date, YYYY-MM-DD" },
    { "src_amount", AMOUNT, "before exchange" },
    { "src_ccy", TEXT, "before exchange" },
    { "rate_num", INT, "amount = src_amount * rate_num / rate_den" },
    { "rate_den", INT, "" },
    { "parts", INT, "into how many it was split" },
    { "cohort", TEXT, "migration batch that the row went through" },
    { "row_ok", BOOL, "the row still has the hash that it was written with" },
    END,
};
FIELDS(posting) = {
    { "seq", INT, "leg, from 0" },
    { "bal_after", AMOUNT, "balance of the account after it" },
    { "xid", INT, "database transaction" },
    END,
};
FIELDS(account) = {
    { "type", ONE_OF("customer|merchant|clearing|psp|bank|fee|rounding|fx|suspense|loss|custody"),
      "whose money it is" },
    { "opening", AMOUNT, "balance before the first posting in the bundle; absent: 0" },
    { "overdraft", AMOUNT, "how far below 0 it may go; absent: 0" },
    { "unlimited", BOOL, "no lower bound at all" },
    { "cohort", TEXT, "migration batch that the row went through" },
    { "tenant", TEXT, "whose customer" },
    END,
};
FIELDS(hold) = {
    { "hold", TEXT, "its id" },
    { "captured", AMOUNT, "so far" },
    { "released", AMOUNT, "so far" },
    { "expires_ts", TIME, "when it must have been released" },
    { "lsn", INT, "of the change" },
    { "xid", INT, "database transaction" },
    END,
};
FIELDS(saga) = {
    { "saga", TEXT, "its id" },
    { "run", TEXT, "which execution of it" },
    { "step", TEXT, "debit, credit, charge, ..." },
    { "op", ONE_OF("do|compensate|end"), "end: the saga itself became `state`" },
    { "object", TEXT, "cart or order that it is about" },
    { "deadline_ts", TIME, "when it must have ended" },
    END,
};

/* ---- database ---- */
FIELDS(wal) = {
    { "op", ONE_OF("begin|insert|update|delete|commit|abort|prepare|restore|promote|truncate"),
      "restore and promote: the history took a turn here" },
    { "xid", INT, "database transaction" },
    { "timeline", INT, "history that the record belongs to" },
    { "table_name", TEXT, "account, ledger_tx, posting, hold, outbox, ..." },
    { "key", TEXT, "primary key of the row" },
    { "role", TEXT, "database user" },
    { "before_amount", AMOUNT, "balance or amount before" },
    { "after_amount", AMOUNT, "and after" },
    { "before_ver", INT, "row version before" },
    { "after_ver", INT, "and after" },
    { "sqlstate", TEXT, "of an abort" },
    { "gid", TEXT, "of a prepared transaction" },
    { "to_pos", INT, "position that a restore or promote went back to" },
    END,
};
FIELDS(replica) = {
    { "replica", TEXT, "its name" },
    { "lsn", INT, "what it had replayed" },
    { "primary_lsn", INT, "what the primary had written at that moment" },
    { "chunk", TEXT, "range of rows" },
    { "chunk_hash", TEXT, "over the rows as of lsn" },
    { "role", ONE_OF("primary|replica"), "" },
    END,
};
FIELDS(lock_wait) = {
    { "xid", INT, "who waits" },
    { "blocker_xid", INT, "for whom" },
    { "gid", TEXT, "the blocker is this prepared transaction" },
    { "client_alive", BOOL, "the blocker still has a client" },
    { "age_ns", INT, "how long the blocker has stood" },
    { "decision", ONE_OF("commit|abort|none"), "in the coordinator's log" },
    END,
};
FIELDS(index_check) = {
    { "table_name", TEXT, "" },
    { "index_name", TEXT, "" },
    { "seq_count", INT, "rows by reading the table" },
    { "index_count", INT, "rows by reading the index" },
    { "duplicates", INT, "keys of a unique index that occur twice" },
    END,
};
FIELDS(migration) = {
    { "batch", TEXT, "" },
    { "bucket", TEXT, "" },
    { "source_count", INT, "" },
    { "target_count", INT, "" },
    { "source_sum", AMOUNT, "" },
    { "target_sum", AMOUNT, "" },
    { "run", TEXT, "which execution" },
    END,
};

/* ---- broker ---- */
FIELDS(outbox) = {
    { "xid", INT, "database transaction that wrote it" },
    { "lsn", INT, "of its commit" },
    { "published_ts", TIME, "when the relay sent it; absent: it did not" },
    { "topic", TEXT, "" },
    { "aggregate", TEXT, "what it is about" },
    END,
};
FIELDS(relay) = {
    { "relay", TEXT, "relay, connector or slot" },
    { "op", ONE_OF("start|stop|position|slot_lost|slot_created|error"), "" },
    { "from_lsn", INT, "start: where it goes on from" },
    { "to_lsn", INT, "stop, position: how far it had sent" },
    END,
};
FIELDS(message) = {
    { "topic", TEXT, "pos is the offset" },
    { "part", INT, "partition" },
    { "key", TEXT, "" },
    { "producer", TEXT, "" },
    { "xid", INT, "database transaction that it came from" },
    { "aggregate", TEXT, "what it is about; ver is the version of that" },
    { "value_hash", TEXT, "SHA-256 of the value, in hex; absent: it has none" },
    END,
};
FIELDS(group_offset) = {
    { "group_name", TEXT, "consumer group" },
    { "topic", TEXT, "" },
    { "part", INT, "partition" },
    { "op", ONE_OF("commit|reset|join|leave|rebalance|crash|position|out_of_range|partitions"),
      "position: a look at the log; partitions: their number became `part`" },
    { "committed", INT, "next offset to be read, as committed" },
    { "log_start", INT, "oldest offset kept" },
    { "log_end", INT, "next offset to be written" },
    { "generation", INT, "of the group" },
    { "member", TEXT, "" },
    { "actor", TEXT, "who asked for a reset" },
    END,
};
FIELDS(applied) = {
    { "group_name", TEXT, "pos is the offset; tx the effect" },
    { "topic", TEXT, "" },
    { "part", INT, "partition" },
    { "key", TEXT, "message key" },
    { "generation", INT, "" },
    { "member", TEXT, "" },
    { "result", ONE_OF("effect|deduped|error|skipped"), "" },
    { "aggregate", TEXT, "ver is the version it had" },
    { "lsn", INT, "of its commit" },
    END,
};
FIELDS(dead_letter) = {
    { "group_name", TEXT, "pos is the offset" },
    { "topic", TEXT, "" },
    { "part", INT, "partition" },
    { "attempts", INT, "" },
    { "error", TEXT, "" },
    END,
};

/* ---- cache and reads ---- */
FIELDS(cache) = {
    { "op", ONE_OF("get|set|fill|invalidate|evict|script|flush|miss|timeout"),
      "amount and ver are what it held or became" },
    { "key", TEXT, "" },
    { "ttl_ns", INT, "" },
    { "dirty", BOOL, "not yet in the database" },
    { "attempt", INT, "from 1" },
    { "delta", AMOUNT, "what a script added" },
    END,
};
FIELDS(read) = {
    { "served_by", ONE_OF("primary|replica|cache"), "amount, ver, state: what was shown" },
    { "session", TEXT, "" },
    { "client", TEXT, "" },
    { "lsn", INT, "what the answering copy had replayed" },
    { "session_lsn", INT, "newest commit that the session was told of" },
    { "session_ver", INT, "newest version of the account that it was told of" },
    { "write_ts", TIME, "when what was shown had been written" },
    { "tenant", TEXT, "of the reader" },
    END,
};

/* ---- PSP, bank ---- */
FIELDS(psp) = {
    { "type", ONE_OF("charge|authorization|refund|dispute|dispute_won|payout|fee|void|adjustment"),
      "what the line is" },
    { "line", TEXT, "id of the line; a charge's psp_ref may occur in several" },
    { "reference", TEXT, "our reference, as the PSP keeps it" },
    { "fee", AMOUNT, "" },
    { "net", AMOUNT, "" },
    { "payout", TEXT, "that it was paid out in" },
    { "subtype", TEXT, "scheme, region, reason" },
    { "fx_delta", AMOUNT, "what exchange explains of a dispute" },
    { "due_ts", TIME, "when it must be in the books at the latest" },
    { "settle_date", TEXT, "YYYY-MM-DD" },
    END,
};
FIELDS(psp_call) = {
    { "op", ONE_OF("charge|capture|refund|void|query|payout"), "our call to the PSP" },
    { "reference", TEXT, "our reference" },
    { "result", ONE_OF("ok|declined|timeout|reset|error"), "as we saw it" },
    { "done_ts", TIME, "" },
    { "attempt", INT, "" },
    { "job", TEXT, "job or lock under which it was made" },
    { "holder", TEXT, "who made it" },
    END,
};
FIELDS(bank_line) = {
    { "statement", TEXT, "" },
    { "line", TEXT, "the bank's reference of the line" },
    { "ordinal", INT, "place in the statement" },
    { "batch", TEXT, "file or batch of payments" },
    { "payout", TEXT, "" },
    { "content_hash", TEXT, "over the batch's content" },
    { "book_date", TEXT, "YYYY-MM-DD" },
    { "system", ONE_OF("bank|ours"), "ours: the table of imported lines" },
    END,
};
FIELDS(statement) = {
    { "statement", TEXT, "account is the IBAN" },
    { "seq", INT, "number of the statement" },
    { "opening", AMOUNT, "" },
    { "closing", AMOUNT, "" },
    { "book_date", TEXT, "YYYY-MM-DD" },
    { "safeguarded", BOOL, "customers' money is kept here" },
    END,
};
FIELDS(payout) = {
    { "payout", TEXT, "amount is the net" },
    { "batch", TEXT, "" },
    { "gross", AMOUNT, "" },
    { "fee", AMOUNT, "as taken" },
    { "refunds", AMOUNT, "" },
    { "disputes", AMOUNT, "" },
    { "content_hash", TEXT, "" },
    { "due_ts", TIME, "" },
    END,
};
FIELDS(contract) = {
    { "rate_bps", INT, "fee in hundredths of a percent" },
    { "fixed", AMOUNT, "fee per payment" },
    { "from_ts", TIME, "" },
    { "subtype", TEXT, "scheme, region" },
    END,
};
FIELDS(recon_match) = {
    { "line", TEXT, "external line" },
    { "rule", TEXT, "of the matcher" },
    END,
};

/* ---- webhooks ---- */
FIELDS(webhook) = {
    { "direction", ONE_OF("in|out"), "absent: in" },
    { "delivery", TEXT, "id of this delivery" },
    { "type", TEXT, "payment.captured, ..." },
    { "connector", TEXT, "PSP or endpoint" },
    { "created_ts", TIME, "when the sender made the event; ts is when it came" },
    { "seq", INT, "the sender's sequence" },
    { "verdict", ONE_OF("accepted|rejected|unverified"), "" },
    { "reason", ONE_OF("signature|timestamp|unknown_key|no_signature|no_object|duplicate|parse"),
      "of a rejection" },
    { "kid", TEXT, "key or secret named or used" },
    { "sig_raw", ONE_OF("ok|bad"), "signature over the bytes as received, with the secret in use" },
    { "sig_parsed", ONE_OF("ok|bad"), "over the body as serialised again" },
    { "sig_other", ONE_OF("ok|bad"), "over the raw bytes, with the previous or next secret" },
    { "age_ns", INT, "received minus signed time" },
    { "tolerance_ns", INT, "allowed" },
    { "processed", BOOL, "the effect was made, or was found to be there" },
    { "object", TEXT, "what it was mapped to; absent: nothing found" },
    { "dedupe_key", TEXT, "what duplicates were looked up by" },
    END,
};

/* ---- telemetry ---- */
FIELDS(span) = {
    { "service", TEXT, "" },
    { "span", TEXT, "its id" },
    { "parent", TEXT, "absent: a root" },
    { "edge", TEXT, "consumer side of a hop: producer>consumer" },
    { "link", TEXT, "trace that it links to" },
    { "op", TEXT, "" },
    { "duration_ns", INT, "" },
    { "error", TEXT, "" },
    { "sqlstate", TEXT, "" },
    END,
};
FIELDS(log_line) = {
    { "service", TEXT, "" },
    { "writer", TEXT, "pos is the writer's own counter of lines" },
    { "level", TEXT, "" },
    { "code", TEXT, "" },
    { "sqlstate", TEXT, "" },
    { "dropped", INT, "lines that the writer says it lost" },
    END,
};
FIELDS(clock) = {
    { "offset_ns", INT, "of host against true time" },
    { "error_ns", INT, "" },
    END,
};

/* ---- keys ---- */
FIELDS(key_event) = {
    { "kid", TEXT, "" },
    { "op", ONE_OF("create|publish|activate|retire|unpublish|destroy|rotate|rewrap_done|refresh"),
      "" },
    { "use", ONE_OF("sign|webhook|encrypt|token"), "" },
    { "not_after_ts", TIME, "until when it is needed" },
    { "owner", TEXT, "source that may use it" },
    END,
};
FIELDS(key_use) = {
    { "kid", TEXT, "host is where it was used from" },
    { "op", ONE_OF("sign|verify|encrypt|decrypt|call"), "" },
    { "result", ONE_OF("ok|unknown_kid|bad|expired"), "" },
    { "origin", TEXT, "network address or system of the user" },
    { "written_ts", TIME, "decrypt: when the ciphertext was made" },
    END,
};
FIELDS(cert) = {
    { "endpoint", TEXT, "" },
    { "role", ONE_OF("leaf|intermediate|root|pin"), "" },
    { "subject", TEXT, "" },
    { "not_before_ts", TIME, "" },
    { "not_after_ts", TIME, "" },
    { "served", BOOL, "the endpoint sends it, or the trust store has it" },
    END,
};
FIELDS(handshake) = {
    { "endpoint", TEXT, "" },
    { "peer", TEXT, "" },
    { "result", ONE_OF("ok|expired|unknown_issuer|name|refused"), "" },
    END,
};
FIELDS(secret_hit) = {
    { "kid", TEXT, "" },
    { "place", TEXT, "image, repository, log" },
    END,
};

/* ---- work ---- */
FIELDS(job) = {
    { "job", TEXT, "" },
    { "run", TEXT, "" },
    { "period", TEXT, "business period" },
    { "local_time", TEXT, "as the scheduler saw it: YYYY-MM-DDTHH:MM" },
    { "op", ONE_OF("start|end|skip|fail|sweep"), "" },
    { "holder", TEXT, "who ran it" },
    { "epoch", INT, "of its lease" },
    { "batch", TEXT, "file or batch that it made" },
    END,
};
FIELDS(lease) = {
    { "lease", TEXT, "what is held" },
    { "holder", TEXT, "" },
    { "epoch", INT, "fencing number; absent: there is none" },
    { "until_ts", TIME, "given until; ts is when it was taken" },
    { "released_ts", TIME, "when the holder stopped; absent: not known" },
    END,
};
FIELDS(deploy) = {
    { "service", TEXT, "" },
    { "op", ONE_OF("deploy|rollback|scale|config|topology|restore|migration|alter"), "" },
    { "version", TEXT, "" },
    { "change_id", TEXT, "" },
    { "actor", TEXT, "" },
    END,
};
FIELDS(config) = {
    { "name", TEXT, "idem.ttl_ns, retry.horizon_ns, producer.idempotence, exponent.JPY, ..." },
    { "value", TEXT, "" },
    END,
};
FIELDS(rate) = {
    { "src_ccy", TEXT, "ccy is the target" },
    { "rate_num", INT, "target = source * rate_num / rate_den" },
    { "rate_den", INT, "" },
    { "until_ts", TIME, "good until; ts is since when" },
    END,
};

/* ---- chain, audit ---- */
FIELDS(chain) = {
    { "txid", TEXT, "tx is the ledger's" },
    { "log_index", INT, "" },
    { "block", TEXT, "hash" },
    { "height", INT, "" },
    { "canonical", BOOL, "its block is on the chain now" },
    { "receipt", INT, "1 ok, 0 failed" },
    { "internal", BOOL, "seen in a call inside a transaction" },
    { "confirmations", INT, "" },
    { "contract", TEXT, "" },
    { "decimals", INT, "of the contract" },
    { "nonce", INT, "" },
    { "withdrawal", TEXT, "ours" },
    { "direction", ONE_OF("in|out"), "" },
    { "received", AMOUNT, "net of what the contract keeps" },
    END,
};
FIELDS(audit) = {
    { "actor", TEXT, "pos is the sequence number" },
    { "act", TEXT, "" },
    { "hash_ok", BOOL, "its hash is that of its content and the hash before" },
    { "ambiguous", BOOL, "another content has the same preimage" },
    { "change_id", TEXT, "" },
    END,
};

const struct evidence_kind evidence_kinds[] = {
    { "request", "G", "a call of the wallet's API, as the API or a gateway logged it", "ts", NULL,
      "idem body_hash tx", request },
    { "idem_key", "G", "what happened to an idempotency key in its store", "ts idem op", NULL,
      "idem", idem_key },
    { "ledger_tx", "L", "a transaction of the ledger", "tx ts", "posted|pending|failed|voided",
      "tx idem psp_ref event reversal_of", ledger_tx },
    { "posting", "P", "a leg of it; credits to the account are positive", "tx account amount ccy",
      NULL, "tx account", posting },
    { "account", "A", "a balance row at the end of the evidence; amount is the balance",
      "account ccy amount", NULL, "account", account },
    { "hold", "H", "a hold as it stands at ts; amount is the whole",
      "hold account amount ccy state", "active|captured|released|expired", "hold account", hold },
    { "saga", "S", "a step of a saga, or its end", "ts saga op", "running|done|failed|compensated",
      "saga tx object", saga },
    { "wal", "W", "a record of the database's write-ahead log or binlog; pos is the LSN", "pos op",
      NULL, "xid tx account idem key", wal },
    { "replica", "W", "a replica's progress, or a chunk's hash on it", "replica lsn", NULL, "chunk",
      replica },
    { "lock_wait", "W", "a wait for a lock, or a prepared transaction that stands", "ts", NULL,
      "gid", lock_wait },
    { "index_check", "W", "a check of an index against its table", "index_name", NULL, "",
      index_check },
    { "migration", "W", "counts and sums of a migrated bucket", "batch", NULL, "batch", migration },
    { "outbox", "O", "a row of the outbox", "event", NULL, "event tx", outbox },
    { "relay", "O", "what an outbox relay or CDC connector did", "ts relay op", NULL, "", relay },
    { "message", "M", "a record of a topic; pos is the offset", "topic part pos", NULL,
      "event tx pos key aggregate", message },
    { "group_offset", "M", "what a consumer group did, or how far it and the log are",
      "ts group_name op", NULL, "group_name", group_offset },
    { "applied", "C", "a consumer handled a message; pos is the offset",
      "ts group_name topic part pos result", NULL, "pos event tx key", applied },
    { "dead_letter", "C", "a message that was put aside", "topic part pos", NULL, "pos event",
      dead_letter },
    { "cache", "K", "an operation on a cache", "ts op", NULL, "account key tx", cache },
    { "read", "R", "what the application showed to somebody", "ts served_by", "ok|not_found|error",
      "account session idem", read },
    { "psp", "X", "a line of the PSP; debits of ours are negative", "psp_ref type amount ccy",
      "succeeded|pending|failed|voided|reversed", "psp_ref line reference", psp },
    { "psp_call", "X", "a call of ours to the PSP", "ts op result", NULL,
      "psp_ref reference tx idem", psp_call },
    { "bank_line", "X", "a line of a bank statement", "line amount ccy", NULL,
      "line batch statement content_hash", bank_line },
    { "statement", "X", "a bank statement's head", "statement opening closing ccy", NULL, "account",
      statement },
    { "payout", "X", "a payout of the PSP, or a batch of ours to the bank", "payout amount ccy",
      "paid|pending|failed", "payout batch", payout },
    { "contract", "X", "fees as agreed", "from_ts", NULL, "", contract },
    { "recon_match", "X", "a match that a reconciler made: tx with line", "line", NULL, "line tx",
      recon_match },
    { "webhook", "E", "one delivery of a webhook", "ts event", NULL, "event psp_ref tx", webhook },
    { "span", "T", "a span of a trace", "ts trace", NULL, "trace tx idem edge", span },
    { "log", "T", "a line of a log", "ts", NULL, "writer tx idem", log_line },
    { "clock", "T", "a host's clock against true time", "ts host offset_ns", NULL, "host", clock },
    { "key_event", "Y", "what happened to a key", "ts kid op", NULL, "kid", key_event },
    { "key_use", "Y", "a use of a key", "ts kid op result", NULL, "kid", key_use },
    { "cert", "Y", "a certificate that an endpoint or trust store has", "endpoint role", NULL,
      "endpoint", cert },
    { "handshake", "Y", "a TLS handshake", "ts endpoint result", NULL, "endpoint", handshake },
    { "secret_hit", "Y", "a key found where it must not be", "ts kid place", NULL, "kid",
      secret_hit },
    { "job", "S", "a run of a scheduled job", "ts job op", NULL, "job run", job },
    { "lease", "S", "a lease or lock held by one of several", "ts lease holder", NULL, "lease",
      lease },
    { "deploy", "S", "a change by operators", "ts op", NULL, "", deploy },
    { "config", "S", "a setting as of ts; the newest counts", "name value", NULL, "name", config },
    { "rate", "S", "a rate of exchange as agreed", "ts src_ccy ccy rate_num rate_den", NULL, "",
      rate },
    { "chain", "B", "a transaction on a public chain", "txid", NULL, "txid tx withdrawal", chain },
    { "audit", "J", "an entry of the audit log", "pos", NULL, "tx", audit },
    { NULL, NULL, NULL, NULL, NULL, NULL, NULL },
};

uint32_t evidence_kind_count(void)
{
    return (uint32_t)(sizeof evidence_kinds / sizeof evidence_kinds[0]) - 1;
}

int evidence_kind_find(struct str name)
{
    for (int i = 0; name.len > 0 && evidence_kinds[i].name != NULL; i++) {
        const char *kind = evidence_kinds[i].name;
        if (kind[0] == name.data[0] && str_equal(name, str_from(kind))) return i;
    }
    return -1;
}

const struct evidence_field *evidence_field_at(const struct evidence_kind *kind, uint32_t index)
{
    if (index < EVIDENCE_COMMON_COUNT) return &evidence_common[index];
    const struct evidence_field *field = kind->fields;
    for (uint32_t i = EVIDENCE_COMMON_COUNT; i < index && field->name != NULL; i++) field++;
    return field->name == NULL ? NULL : field;
}

bool evidence_has_word(const char *words, char separator, struct str word)
{
    const char *at = words;
    while (at != NULL && *at != '\0') {
        const char *end = strchr(at, separator);
        size_t len = end == NULL ? strlen(at) : (size_t)(end - at);
        if (str_equal(word, (struct str){ at, len })) return true;
        at = end == NULL ? NULL : end + 1;
    }
    return false;
}
