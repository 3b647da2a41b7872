/* event_store.h - where a consumer of events keeps what came of them, and how far it has read. */
#ifndef PORT_EVENT_STORE_H
#define PORT_EVENT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "base/time.h"
#include "model/id.h"

/* A payment as an event shows it; texts are "" where it says nothing. */
struct event_payment {
    struct uuid id;
    struct str kind;
    struct str state;
    struct str asset;
    struct str amount;
    uint64_t version; /* grows with each change: what is older is no news; at most INT64_MAX */
};

/* What an event says, views into what it was read from. */
struct event_reading {
    struct str id;
    struct str source;
    struct str type;
    struct position position; /* the id's; batch is INT64_MAX at most */
    struct wall_time time;
    uint32_t payment_count; /* the payment, and its parent when that has changed with it */
    struct event_payment payments[2];
};

/* A record that could not be understood; views. */
struct event_letter {
    int32_t partition;
    int64_t offset;
    struct str reason;
    struct str key;
    struct str value;
};

/* An event that a receiver is to be told of, until it has been; views. */
struct event_errand {
    int64_t number;         /* in the order of telling */
    struct str id;          /* the event's */
    struct str traceparent; /* to go on from; "": none */
    struct str value;       /* the envelope */
};

enum event_novelty {
    EVENT_IS_NEW,
    EVENT_IS_KNOWN,
    EVENT_IS_BELOW_FLOOR, /* it was taken or not: nobody knows any more */
};

/*
 * Everything between begin and commit is one transaction, and nobody else changes this store
 * meanwhile: several consumers may share it. One task at a time uses what was opened.
 *
 * STATUS_CORRUPT, STATUS_UNAVAILABLE and STATUS_LIMIT (the disk is full) may come from every call;
 * after any of them the transaction is to be undone.
 */
struct event_store {
    /* Waits for others for a few seconds, then STATUS_UNAVAILABLE. */
    enum status (*begin)(struct event_store *store, struct error *out_error);
    /* Also STATUS_IN_DOUBT: done or not; the marks say which. */
    enum status (*commit)(struct event_store *store, struct error *out_error);
    void (*undo)(struct event_store *store); /* also when nothing was begun */

    /* The offset from which a partition is read on; STATUS_NOT_FOUND: it was never read. */
    enum status (*mark_get)(struct event_store *store, int32_t partition, int64_t *out_next,
                            struct error *out_error);
    enum status (*mark_set)(struct event_store *store, int32_t partition, int64_t next,
                            struct error *out_error);

    /*
     * Whether an event was never taken; from now on it was. The newest `kept` positions of a
     * source are kept, and at most as many again; of all at or below those that went nothing is
     * known, and nothing is taken.
     */
    enum status (*inbox_take)(struct event_store *store, const struct event_reading *event,
                              uint32_t kept, enum event_novelty *out_novelty,
                              struct error *out_error);
    /* Counts the event under its type and day, and keeps its payments unless newer ones are. */
    enum status (*effects_put)(struct event_store *store, const struct event_reading *event,
                               struct error *out_error);

    enum status (*letter_put)(struct event_store *store, const struct event_letter *letter,
                              struct error *out_error);
    /* Also when there is none. */
    enum status (*letter_drop)(struct event_store *store, int32_t partition, int64_t offset,
                               struct error *out_error);
    /* Behind `after` in order of partition and offset, at most `limit`; good during the visit. */
    enum status (*letters)(struct event_store *store, const struct event_letter *after,
                           uint32_t limit,
                           void (*visit)(void *owner, const struct event_letter *letter),
                           void *owner, struct error *out_error);

    /* At the end; the store gives the number. */
    enum status (*errand_put)(struct event_store *store, const struct event_errand *errand,
                              int64_t *out_number, struct error *out_error);
    /* The first that waits, its views in memory. STATUS_NOT_FOUND: none does. */
    enum status (*errand_first)(struct event_store *store, struct buf *memory,
                                struct event_errand *out_errand, struct error *out_error);
    /* The one with this number and id; also when there is none. */
    enum status (*errand_drop)(struct event_store *store, const struct event_errand *errand,
                               struct error *out_error);

    /* Short texts by name. STATUS_NOT_FOUND. */
    enum status (*setting_get)(struct event_store *store, const char *name, struct buf *out_value,
                               struct error *out_error);
    enum status (*setting_set)(struct event_store *store, const char *name, struct str value,
                               struct error *out_error);
    void (*close)(struct event_store *store);
};

/* Copies an errand, so that its views are in memory, whose contents are replaced. STATUS_LIMIT. */
static inline enum status event_errand_copy(const struct event_errand *errand, struct buf *memory,
                                            struct event_errand *out_errand)
{
    buf_reset(memory);
    buf_append_str(memory, errand->id);
    buf_append_str(memory, errand->traceparent);
    buf_append_str(memory, errand->value);
    if (buf_status(memory) != STATUS_OK) return STATUS_LIMIT;
    const char *at = (const char *)memory->data;
    *out_errand = (struct event_errand){
        .number = errand->number,
        .id = { at, errand->id.len },
        .traceparent = { at + errand->id.len, errand->traceparent.len },
        .value = { at + errand->id.len + errand->traceparent.len, errand->value.len },
    };
    return STATUS_OK;
}

#endif
