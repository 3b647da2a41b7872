/* inbox.h - verified webhooks, stored whole and durable before anything is done about them. */
#ifndef PORT_INBOX_H
#define PORT_INBOX_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "base/time.h"
#include "base/uuid.h"

/*
 * A webhook is answered with 2xx only after put() has returned STATUS_OK, and has an effect only
 * after that. Marks say what became of it; those without one are done again at start. A mark
 * need not survive a crash: the effect dedupes by the event's id, so that doing it again is safe.
 *
 * Retention is given to whoever opens an inbox, by age and by bytes: what is marked goes, oldest
 * first; what is not marked stays, whatever its age. Any task; each call within INBOX_CALL_S_MAX.
 * STATUS_CORRUPT and STATUS_UNAVAILABLE may come from every call, with out_error.
 */
enum {
    INBOX_CALL_S_MAX = 10,
    INBOX_ENDPOINT_SIZE = 32, /* our name of who sends: a-z 0-9 '-' '_', terminated */
    INBOX_HEADERS_SIZE_MAX = 16 << 10,
    INBOX_BODY_SIZE_MAX = 1 << 20,
};

/* Value, text. */
#define INBOX_MARK_TABLE(X)                                                                        \
    X(NONE, 0, "none")       /* nothing is known to have come of it */                             \
    X(DONE, 1, "done")       /* its effect is durable, or was before */                            \
    X(IGNORED, 2, "ignored") /* of a type that we do nothing about, or of nothing that we know */  \
    X(FAILED, 3, "failed")   /* cannot be understood: kept for a person */

#define INBOX_MARK_ENUM(name, value, text) INBOX_MARK_##name = value,
enum inbox_mark { INBOX_MARK_TABLE(INBOX_MARK_ENUM) INBOX_MARK_COUNT };
#undef INBOX_MARK_ENUM

struct inbox_webhook {
    uint64_t id; /* from 1, in the order of storing; ignored by put() */
    struct wall_time received_at;
    uint8_t mark; /* enum inbox_mark; ignored by put() */
    char endpoint[INBOX_ENDPOINT_SIZE];
    struct uuid about;  /* the payment it says to be about; nil: none is known. put() and looks */
    struct str headers; /* as they came, "name: value\n" each */
    struct str body;    /* the raw bytes that were verified */
};

/* A page of those about a payment (not nil). */
struct inbox_subject {
    struct uuid about;
    uint64_t after; /* ids above it */
    uint32_t limit;
};

struct inbox {
    /*
     * Durable on STATUS_OK; callers at the same time share a commit. STATUS_LIMIT: not stored:
     * the disk or the retention's bytes are full of webhooks without a mark.
     * STATUS_UNAVAILABLE: not stored. STATUS_IN_DOUBT: stored or not: whoever sent it sends it
     * again.
     */
    enum status (*put)(struct inbox *inbox, const struct inbox_webhook *webhook, uint64_t *out_id,
                       struct error *out_error);

    /* Known to this process at once, durable some time later. An id that is not there is fine. */
    enum status (*mark)(struct inbox *inbox, uint64_t id, enum inbox_mark mark,
                        struct error *out_error);

    /*
     * Views of out_webhook lie in out_bytes, whose contents are replaced. STATUS_NOT_FOUND: never
     * stored, or gone. STATUS_LIMIT: out_bytes is too small.
     */
    enum status (*read)(struct inbox *inbox, uint64_t id, struct inbox_webhook *out_webhook,
                        struct buf *out_bytes, struct error *out_error);

    /* Ids without a mark, in order, above `after`; fewer than limit: that is all. */
    enum status (*unmarked)(struct inbox *inbox, uint64_t after, uint64_t *out_ids, uint32_t limit,
                            uint32_t *out_count, struct error *out_error);

    /* Ids that were put with this subject and are not gone, in order; fewer than limit: all. */
    enum status (*find)(struct inbox *inbox, const struct inbox_subject *subject, uint64_t *out_ids,
                        uint32_t *out_count, struct error *out_error);

    /*
     * Removes marked webhooks that are over the age, some at a time: to be called again until
     * *out_count is 0. The newest webhook of all stays, so that its id is not given again.
     */
    enum status (*trim)(struct inbox *inbox, struct wall_time now, uint32_t *out_count,
                        struct error *out_error);

    /* Releases everything; the pointer is dead after it. Nobody may be inside. */
    void (*close)(struct inbox *inbox);
};

#endif
