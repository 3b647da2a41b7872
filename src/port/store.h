/* store.h - the durable journal of one lane, and the checkpoint of memory's tables beside it. */
#ifndef PORT_STORE_H
#define PORT_STORE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "base/time.h"
#include "crypto/digest.h"

/*
 * The journal is a sequence of batches, numbered from 1 without gaps, each a blob chained to
 * the one before by SHA-256. Nothing is ever changed or removed; old batches may move to
 * archived segments, from which they are read as before.
 *
 * The checkpoint is a sweep over memory's tables: each batch may carry slices, each a copy of
 * entries [from, to) of one table as of that batch. A sweep through a table is a generation;
 * storing a slice (table, generation, from, to) removes those slices of earlier generations
 * that lie wholly below `to`, in the same transaction, so that at any time the newest slices
 * that cover a number, generation by generation, are a whole copy.
 *
 * One owner: append and claim are called by one task at a time; the reading calls by any task,
 * also beside an append. Every call returns within STORE_CALL_S_MAX. A call that returns
 * STATUS_CORRUPT fills out_error with the place; it is then unsafe to go on writing.
 */
enum { STORE_CALL_S_MAX = 10, STORE_SLICES_PER_BATCH_MAX = 8 };

struct store_head {
    uint64_t epoch;
    uint64_t sequence;  /* 0: the journal is empty, and hash and stamp are zero */
    struct digest hash; /* SHA-256 of that batch's blob */
    struct wall_time stamp;
};

/* A place in the journal that only this history has: the hash covers all that was before it. */
struct store_point {
    uint64_t batch; /* 0: before the first, and hash is zero */
    struct digest hash;
};

static inline struct store_point store_head_point(const struct store_head *head)
{
    return (struct store_point){ head->sequence, head->hash };
}

struct store_slice {
    uint32_t table;
    uint64_t generation; /* from 1 */
    uint64_t from;
    uint64_t to;
    uint64_t at_batch; /* filled by the store when read; ignored when written */
    const void *data;  /* NULL in lists */
    size_t size;
};

struct store_batch {
    uint64_t epoch;
    uint64_t sequence; /* the head's + 1 */
    struct wall_time stamp;
    struct digest hash;
    const void *data;
    size_t size;
    const struct store_slice *slices;
    uint32_t slice_count;
};

struct store {
    /* STATUS_CORRUPT, STATUS_UNAVAILABLE. As durable now. */
    enum status (*head)(struct store *store, struct store_head *out_head, struct error *out_error);

    /*
     * Takes the lane over: raises the epoch by one, durably; an older owner's appends are
     * refused from here on. STATUS_CORRUPT, STATUS_UNAVAILABLE, STATUS_DENIED (read-only).
     */
    enum status (*claim)(struct store *store, struct store_head *out_head, struct error *out_error);

    /*
     * Whether an append would find room now: STATUS_LIMIT when it would surely say that the disk
     * is full, else STATUS_OK, which promises nothing. Cheap; by the owner, also beside an append.
     */
    enum status (*room)(struct store *store, struct error *out_error);

    /*
     * Durable on STATUS_OK, with its slices, all or nothing.
     * STATUS_FENCED: not appended: epoch or sequence are not the head's; another owner wrote.
     * STATUS_LIMIT: not appended: the disk is full. STATUS_UNAVAILABLE: not appended.
     * STATUS_IN_DOUBT: appended or not: only head(), after reopen(), tells. Until then the
     * owner calls nothing but reopen(), and all calls of others say STATUS_UNAVAILABLE.
     */
    enum status (*append)(struct store *store, const struct store_batch *batch,
                          struct error *out_error);

    /*
     * After STATUS_IN_DOUBT: forgets everything held in memory and reads anew from what is
     * durable, making sure that what is then seen is durable. STATUS_CORRUPT, STATUS_UNAVAILABLE.
     */
    enum status (*reopen)(struct store *store, struct error *out_error);

    /*
     * Replaces out_blob's contents with a batch, verified against its stored hash.
     * STATUS_NOT_FOUND (above the head, or archived and the segment is not there),
     * STATUS_CORRUPT, STATUS_UNAVAILABLE, STATUS_LIMIT (out_blob is too small).
     */
    enum status (*read)(struct store *store, uint64_t sequence, struct buf *out_blob,
                        struct error *out_error);

    /*
     * Some bytes of a batch, not verified: records carry their own check. As read();
     * STATUS_NOT_FOUND also when the batch has no such bytes.
     */
    enum status (*read_part)(struct store *store, uint64_t sequence, uint32_t offset, uint32_t size,
                             void *out_bytes, struct error *out_error);

    /* The first batch stamped at or after `stamp`; the head's + 1 when there is none. */
    enum status (*find_stamp)(struct store *store, struct wall_time stamp, uint64_t *out_sequence,
                              struct error *out_error);

    /*
     * Appends to out_slices an array of struct store_slice without data: all that are stored,
     * ordered by table, generation, from. STATUS_CORRUPT, STATUS_UNAVAILABLE, STATUS_LIMIT.
     */
    enum status (*slice_list)(struct store *store, struct buf *out_slices, struct error *out_error);
    /*
     * The data of one of them, verified. STATUS_CORRUPT, STATUS_UNAVAILABLE, STATUS_LIMIT,
     * STATUS_NOT_FOUND (replaced since it was listed).
     */
    enum status (*slice_read)(struct store *store, const struct store_slice *slice,
                              struct buf *out_data, struct error *out_error);

    /* Releases everything; the pointer is dead after it. */
    void (*close)(struct store *store);
};

#endif
