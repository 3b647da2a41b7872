/* doctor_collectors.h - what fills a bundle: one call for each kind of place that evidence is in. */
#ifndef CMD_DOCTOR_COLLECTORS_H
#define CMD_DOCTOR_COLLECTORS_H

#include "cmd/doctor_bundle.h"
#include "cmd/doctor_scope.h"

/*
 * Each adds its sources to the bundle, whole or not at all. What cannot be understood is counted as
 * rejected, never guessed at. The bundle's error says why a call failed. A collector reads options
 * of its own from the invocation; a further one is a row of the table and of the options in
 * doctor_collect.c.
 */
struct doctor_collector {
    const char *option; /* asks for it */
    const char *what;   /* for the ticket: "a statement" */
    enum status (*collect)(struct doctor_bundle *bundle, const struct invocation *invocation);
};

/*
 * Our ledger, in a folder or in PostgreSQL, all lanes, also beside servers: transfers, postings,
 * holds, what PSPs said, administrative acts, from the journal; balances as the ledger has them.
 */
#define DOCTOR_OURS_COLLECTOR "tpwallet-journal" /* as sources.ndjson names it */
enum status doctor_collect_ours(struct doctor_bundle *bundle, const char *folder,
                                const struct doctor_scope_words *words) MUST_CHECK;

/* A PSP's statement: CSV by a mapping of docs/reconcile.md. */
enum status doctor_collect_statement(struct doctor_bundle *bundle,
                                     const struct invocation *invocation) MUST_CHECK;

/* A log of lines: NDJSON, logfmt, or an access log as nginx writes it, each recognised by itself. */
enum status doctor_collect_log(struct doctor_bundle *bundle, const struct invocation *invocation)
    MUST_CHECK;

/* Certificates of a PEM file, or what a TLS endpoint HOST:PORT presents, and how that ended. */
enum status doctor_collect_certificates(struct doctor_bundle *bundle,
                                        const struct invocation *invocation) MUST_CHECK;
enum status doctor_collect_endpoint(struct doctor_bundle *bundle,
                                    const struct invocation *invocation) MUST_CHECK;

/*
 * Somebody's PostgreSQL, read and nothing else: what it says of itself at this instant; and what a
 * replication slot has of its log, which is not confirmed.
 */
enum status doctor_collect_postgres(struct doctor_bundle *bundle,
                                    const struct invocation *invocation) MUST_CHECK;
enum status doctor_collect_postgres_slot(struct doctor_bundle *bundle,
                                         const struct invocation *invocation) MUST_CHECK;

/* Exported traces: OTLP in JSON, or what Jaeger's query API answers. */
enum status doctor_collect_traces(struct doctor_bundle *bundle, const struct invocation *invocation)
    MUST_CHECK;

/* What happened to keys, and what jobs, leases, releases and settings there were: CSV or JSON. */
enum status doctor_collect_key_list(struct doctor_bundle *bundle,
                                    const struct invocation *invocation) MUST_CHECK;
enum status doctor_collect_schedule(struct doctor_bundle *bundle,
                                    const struct invocation *invocation) MUST_CHECK;

/* Captured requests of webhooks, and those in our own inbox, with what their signatures are worth. */
enum status doctor_collect_webhooks(struct doctor_bundle *bundle,
                                    const struct invocation *invocation) MUST_CHECK;
enum status doctor_collect_inbox(struct doctor_bundle *bundle, const struct invocation *invocation)
    MUST_CHECK;

/* Who is sent our webhooks, without secrets; how far each got; dead letters. */
enum status doctor_collect_deliveries(struct doctor_bundle *bundle,
                                      const struct invocation *invocation) MUST_CHECK;

/* What the keys of a pattern hold in a Redis or Memcached now, and what the server says of itself. */
enum status doctor_collect_redis(struct doctor_bundle *bundle, const struct invocation *invocation)
    MUST_CHECK;
enum status doctor_collect_memcached(struct doctor_bundle *bundle,
                                     const struct invocation *invocation) MUST_CHECK;
/* The same of somebody's MariaDB, whose log is its row-based binlog. */
enum status doctor_collect_mariadb(struct doctor_bundle *bundle,
                                   const struct invocation *invocation) MUST_CHECK;
enum status doctor_collect_mariadb_binlog(struct doctor_bundle *bundle,
                                          const struct invocation *invocation) MUST_CHECK;

/*
 * A topic of Kafka: its records, the groups that read it, and with --dead-letters what they put
 * aside.
 */
enum status doctor_collect_kafka(struct doctor_bundle *bundle, const struct invocation *invocation)
    MUST_CHECK;

/* All sources of the bundle --again that are not of our own ledger, unchanged. */
enum status doctor_collect_again(struct doctor_bundle *bundle, const struct invocation *invocation)
    MUST_CHECK;

#endif
