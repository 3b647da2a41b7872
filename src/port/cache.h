/* cache.h - a cache of what accounts and payments were: versioned, dated, and never asked to decide. */
#ifndef PORT_CACHE_H
#define PORT_CACHE_H

#include "base/error.h"
#include "base/status.h"
#include "base/time.h"
#include "model/account.h"
#include "model/payment.h"

/*
 * A copy of some of the lane's state, kept elsewhere by the lane's owner. It has a frontier: what
 * is in it is right as of that batch. Values have versions (batches); an older one never replaces
 * a newer one, and a value that may have missed a change is not taken: see `floor`.
 *
 * Everything may be lost, at any time and in part; then there is less in it, and nothing wrong.
 * When it does not answer in time it is not asked for a while; every call returns within
 * CACHE_CALL_MS_MAX, but for those of the owner, which take CACHE_OWNER_MS_MAX. Any task.
 */
enum { CACHE_CALL_MS_MAX = 100, CACHE_OWNER_MS_MAX = 2000, CACHE_ENTRIES_MAX = 1000 };

enum cache_kind { CACHE_ACCOUNT, CACHE_PAYMENT };

struct cache_entry {
    enum cache_kind kind;
    uint64_t version; /* the batch as of which it was read, or by which it was made */
    union {
        struct account_state account;
        struct payment payment;
    } value;
};

/* As of when a value is right. */
struct cache_frontier {
    uint64_t batch;
    struct wall_time at; /* every change that was acknowledged before is in */
};

struct cache {
    /*
     * For readers. STATUS_NOT_FOUND: it is not there. STATUS_UNAVAILABLE: nothing is known.
     * out_frontier's batch is at least the value's version.
     */
    enum status (*get)(struct cache *cache, enum cache_kind kind, struct uuid id,
                       struct cache_entry *out_entry, struct cache_frontier *out_frontier);
    /*
     * By whoever read it from the lane. STATUS_CONFLICT: something newer is there, or it may have
     * missed a change that the owner has already dealt with; nothing was changed.
     */
    enum status (*fill)(struct cache *cache, const struct cache_entry *entry);

    /*
     * For the lane's owner. Takes the cache over for an epoch, and tells the frontier to go on
     * from; with a frontier above `head` or none at all everything is forgotten, and it is head.
     * STATUS_FENCED: a later owner has it, or did when it was last written. STATUS_UNAVAILABLE.
     */
    enum status (*begin)(struct cache *cache, uint64_t epoch, uint64_t head,
                         struct cache_frontier *out_frontier, struct error *out_error);
    /*
     * From now on fills below this version are refused: the owner is about to deal with the
     * changes up to it. As all below: STATUS_CONFLICT: what was begun is gone, or taken over:
     * begin again. STATUS_UNAVAILABLE: the same.
     */
    enum status (*raise_floor)(struct cache *cache, uint64_t batch, struct error *out_error);
    /* Replaces values that are there and older; others are left out. At most CACHE_ENTRIES_MAX. */
    enum status (*update)(struct cache *cache, const struct cache_entry *entries, uint32_t count,
                          struct error *out_error);
    /* All changes up to the frontier are dealt with. */
    enum status (*advance)(struct cache *cache, struct cache_frontier frontier,
                           struct error *out_error);
    /* Forgets everything; the frontier is this batch. */
    enum status (*forget)(struct cache *cache, struct cache_frontier frontier,
                          struct error *out_error);
    void (*close)(struct cache *cache);
};

static inline struct uuid cache_entry_id(const struct cache_entry *entry)
{
    return entry->kind == CACHE_ACCOUNT ? entry->value.account.account.id.value
                                        : entry->value.payment.id.value;
}

#endif
