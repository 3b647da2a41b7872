/* naive_evidence.h - what an operator of the naive wallet could see: records by source. */
#ifndef SIM_NAIVE_EVIDENCE_H
#define SIM_NAIVE_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Name (the file in a bundle), the system whose word it is, its authority, the order of `pos`,
 * and the kinds of docs/bundle.md that it has or would have.
 */
#define NAIVE_SOURCE_TABLE(X)                                                                      \
    X(API, "api", "gateway", 20, "none", "request idem_key")                                       \
    X(LEDGER, "ledger", "ledger-db", 30, "total", "ledger_tx posting hold")                        \
    X(ACCOUNTS, "accounts", "balances-db", 25, "none", "account")                                  \
    X(WAL, "wal", "wal-archive", 40, "total", "wal lock_wait index_check migration")               \
    X(REPLICA, "replica", "monitoring", 20, "none", "replica")                                     \
    X(SAGA, "saga", "orchestrator", 15, "none", "saga")                                            \
    X(OUTBOX, "outbox", "outbox-db", 25, "total", "outbox relay")                                  \
    X(BROKER, "broker", "kafka", 30, "partition", "message group_offset")                          \
    X(CONSUMER, "consumer", "settle", 20, "partition", "applied dead_letter")                      \
    X(CACHE, "cache", "redis", 10, "none", "cache")                                                \
    X(READS, "reads", "app", 10, "none", "read")                                                   \
    X(PSP, "psp", "psp", 40, "none", "psp payout")                                                 \
    X(CALLS, "psp_calls", "psp-client", 15, "none", "psp_call")                                    \
    X(BANK, "bank", "bank", 50, "none", "bank_line statement")                                     \
    X(RECON, "recon", "recon", 10, "none", "bank_line recon_match")                                \
    X(WEBHOOKS, "webhooks", "webhook-log", 20, "none", "webhook")                                  \
    X(TRACES, "traces", "collector", 5, "none", "span")                                            \
    X(LOGS, "logs", "log-shipper", 5, "none", "log clock")                                         \
    X(KEYS, "keys", "kms", 20, "none", "key_event key_use secret_hit")                             \
    X(TLS, "tls", "edge", 20, "none", "cert handshake")                                            \
    X(JOBS, "jobs", "scheduler", 20, "none", "job lease")                                          \
    X(CHANGES, "changes", "change-log", 20, "none", "deploy config rate contract")                 \
    X(CHAIN, "chain", "node", 40, "none", "chain")                                                 \
    X(AUDIT, "audit", "audit-log", 30, "total", "audit")
#define NAIVE_SOURCE_ENUM(name, ...) SOURCE_##name,
enum naive_source { NAIVE_SOURCE_TABLE(NAIVE_SOURCE_ENUM) NAIVE_SOURCES };
#undef NAIVE_SOURCE_ENUM

struct naive_source_facts {
    const char *name;
    const char *system;
    uint32_t authority;
    const char *order;
    const char *kinds; /* with a blank between two */
};
const struct naive_source_facts *naive_source_facts(enum naive_source source);
/* False when no source is called so. */
bool naive_source_parse(struct str name, enum naive_source *out_source);

struct naive_evidence {
    int64_t start_unix_us;
    struct buf sources[NAIVE_SOURCES];
    uint32_t rows[NAIVE_SOURCES];
    bool dropped[NAIVE_SOURCES]; /* the source is missing from what was collected */
    /* A stretch of the logs that was rotated away before anybody collected it. */
    int64_t hole_from_us;
    int64_t hole_until_us;
};

enum naive_type { NAIVE_TEXT, NAIVE_NUMBER, NAIVE_AMOUNT, NAIVE_TIME, NAIVE_BOOL };

/* A member of a record. A text that is NULL or empty, and a time below 0, are left out. */
struct naive_field {
    const char *key;
    enum naive_type type;
    const char *text;
    int64_t number;
};
/* A text, a whole number, minor units, a time of the case in microseconds, a truth value. */
#define T(name, value)                                                                             \
    {                                                                                              \
        .key = (name), .type = NAIVE_TEXT, .text = (value)                                         \
    }
#define N(name, value)                                                                             \
    {                                                                                              \
        .key = (name), .type = NAIVE_NUMBER, .number = (int64_t)(value)                            \
    }
#define A(name, value)                                                                             \
    {                                                                                              \
        .key = (name), .type = NAIVE_AMOUNT, .number = (int64_t)(value)                            \
    }
#define S(name, value)                                                                             \
    {                                                                                              \
        .key = (name), .type = NAIVE_TIME, .number = (int64_t)(value)                              \
    }
#define B(name, value)                                                                             \
    {                                                                                              \
        .key = (name), .type = NAIVE_BOOL, .number = (value) ? 1 : 0                               \
    }

/* Begins with nothing in any source. */
void naive_evidence_init(struct naive_evidence *evidence, int64_t start_unix_us);
void naive_evidence_done(struct naive_evidence *evidence);
/* A record of this kind with these members, up to the first without a key. */
void naive_evidence_add(struct naive_evidence *evidence, enum naive_source source, const char *kind,
                        const struct naive_field *fields);
#define EVIDENCE(world, source, kind, ...)                                                         \
    naive_evidence_add(&(world)->evidence, source, kind,                                           \
                       (const struct naive_field[]){ __VA_ARGS__, { .key = NULL } })

/* A hash of every source: equal for equal evidence. */
uint64_t naive_evidence_hash(const struct naive_evidence *evidence);
/* The manifest.json of docs/bundle.md; `seed` makes the incident's name. */
enum status naive_evidence_manifest(const struct naive_evidence *evidence, uint64_t seed,
                                    int64_t window_us, struct buf *out_json) MUST_CHECK;

#endif
