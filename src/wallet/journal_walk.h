/* journal_walk.h - reads the journal batch by batch, each held against the one before it. */
#ifndef WALLET_JOURNAL_WALK_H
#define WALLET_JOURNAL_WALK_H

#include "base/buf.h"
#include "port/store.h"
#include "wallet/batch.h"

/* Where the reading stands: what the next batch must follow. */
struct journal_walk {
    struct store *store;
    uint32_t lane;
    uint64_t sequence;      /* read last; 0: none */
    struct digest previous; /* of that one, once it was read */
    bool previous_known;
    struct wall_time stamp; /* of that one */
    struct buf blob;
};

/* Begins behind batch `after`. */
void journal_walk_open(struct journal_walk *walk, struct store *store, uint32_t lane,
                       uint64_t after);
/* Accepts a zeroed one. */
void journal_walk_close(struct journal_walk *walk);

/*
 * The next batch, whole and in its place; good until the next call. The walk moves on with
 * journal_walk_next(), not before. STATUS_CORRUPT names batch and place: missing, damaged, of
 * another lane or history. STATUS_UNAVAILABLE.
 */
enum status journal_walk_read(struct journal_walk *walk, struct batch_reader *out_reader,
                              struct error *out_error) MUST_CHECK;
/* After a read that was OK: that batch is done with. */
void journal_walk_next(struct journal_walk *walk);
/* Of that batch; one must have been read. */
struct store_point journal_walk_point(const struct journal_walk *walk);

/* Whether the batch read last may be the one with this hash. */
bool journal_walk_ends_at(const struct journal_walk *walk, const struct digest *hash);

/*
 * Whether the journal, which goes to `head`, is one that this point is in: not so when it was
 * taken back to before it, whatever came since, or is another ledger's. *out_why says how it
 * differs, or is NULL. STATUS_UNAVAILABLE.
 */
enum status journal_has(struct store *store, const struct store_head *head,
                        struct store_point point, const char **out_why, struct error *out_error)
    MUST_CHECK;
/* The same, of what memory is made of. STATUS_CORRUPT, saying so: memory is of no use any more. */
enum status journal_verify(struct store *store, const struct store_head *head,
                           struct store_point point, struct error *out_error) MUST_CHECK;

#endif
