/* postgres_inbox.h - the inbox port over PostgreSQL: table inbox, which replicas share. */
#ifndef ADAPTER_POSTGRES_INBOX_H
#define ADAPTER_POSTGRES_INBOX_H

#include "adapter/postgres_guard.h"
#include "port/inbox.h"

/*
 * A webhook is a row and a commit of its own; those at the same time share the server's sync.
 * Marks are written as they come. The size is counted anew at open and by trim().
 */
struct postgres_inbox_options {
    const char *url; /* as postgres_store.h's; copied */
    struct postgres_owner owner;
    uint64_t bytes_max; /* of headers and bodies kept; 0: 4 GiB */
    int64_t age_max_s;  /* of what is marked; 0: 30 days */
};

/* The schema is made or brought up. STATUS_INVALID, STATUS_DENIED, STATUS_UNAVAILABLE; the last is
 * also what a write says once the lane has another owner. */
enum status postgres_inbox_open(const struct postgres_inbox_options *options,
                                struct inbox **out_inbox, struct error *out_error) MUST_CHECK;

/*
 * All webhooks of a lane, in order of storing, with what they are about, read and nothing else; as
 * inbox_look.h says.
 */
enum status postgres_inbox_look(const char *url, uint32_t lane,
                                enum status (*visit)(void *owner,
                                                     const struct inbox_webhook *webhook),
                                void *owner, struct error *out_error) MUST_CHECK;

#endif
