/* log_relay.h - keeps the verifiable log behind the journal, and signs what is durable of it. */
#ifndef WALLET_LOG_RELAY_H
#define WALLET_LOG_RELAY_H

#include "port/log_store.h"
#include "tlog/leaf.h"
#include "tlog/proof.h"
#include "wallet/lane.h"

/*
 * A task of its own reads the journal's durable batches, makes leaves and tiles, and about every
 * publish_ms signs a checkpoint: tiles are synced first, then the head (what is about to be
 * signed) is recorded, then the checkpoint is shown. It takes no lock that a commit waits for.
 *
 * It signs nothing that contradicts the recorded head. When the journal no longer holds the batch
 * that was signed for (a rollback, a rewritten history), or gives another root, it raises an
 * alarm, signs nothing more, and leaves the files as they are, as evidence. Tiles that are lost
 * or damaged are made again from the journal, byte for byte; meanwhile the old checkpoint stands.
 *
 * With `cosigned`, what is signed is not shown: what was shown before stands until a note with the
 * cosignatures of witnesses comes (wallet/log_witnesses.h).
 */
struct log_relay_ports { /* all belong to the caller and outlive the relay */
    struct sync *sync;
    struct clock *clock;
    struct log *log;
    struct store *journal;
    struct log_store *files;
};

struct log_relay_options {
    const struct note_signer *signer; /* of NOTE_ED25519; its name is the origin; outlives it */
    const struct secret *key;         /* LEAF_KEY_SIZE; outlives it */
    uint32_t lane;
    uint32_t poll_ms;    /* how often to look for new batches */
    uint32_t publish_ms; /* between two checkpoints, at least */
    bool task;           /* false: log_relay_step() is called */
    bool cosigned;       /* what is shown comes by log_relay_show(); else it is what is signed */
};
enum { LOG_POLL_MS = 100, LOG_PUBLISH_MS = 400 };

enum log_state {
    LOG_STARTING,   /* nothing was looked at yet */
    LOG_REBUILDING, /* the tiles are made again; nothing is signed meanwhile */
    LOG_FOLLOWING,
    LOG_REFUSED, /* history contradicts what was signed: see `fault` */
};

struct log_relay_status {
    enum log_state state;
    uint64_t size;           /* leaves made */
    uint64_t batch;          /* all of whose units are in */
    struct log_head signed_; /* size 0: nothing yet */
    uint64_t shown;          /* leaves of the checkpoint that is served; 0: none */
    uint64_t checkpoints;    /* since open, as those below */
    uint64_t failures;       /* rounds that failed and are tried again */
    struct error fault;      /* of LOG_REFUSED, or the newest failure */
};

struct log_relay;

/* STATUS_LIMIT: no memory. STATUS_UNAVAILABLE: the task cannot be started. */
enum status log_relay_open(struct lane *lane, const struct log_relay_ports *ports,
                           const struct log_relay_options *options, struct log_relay **out_relay,
                           struct error *out_error) MUST_CHECK;
/* Signs what the journal has by now, if it can. Accepts NULL. */
void log_relay_close(struct log_relay *relay);

void log_relay_get_status(struct log_relay *relay, struct log_relay_status *out_status);

/* One round; true when there was something to do. For relays without a task. */
bool log_relay_step(struct log_relay *relay);

/*
 * What is served: "checkpoint", or a tile or bundle of the signed tree. Any task. After a power cut
 * the checkpoint is given once it is again what was recorded, so that nobody is given an older one
 * after a newer. STATUS_NOT_FOUND: there is no such name, or not (yet). As the store's read().
 */
enum status log_relay_read(struct log_relay *relay, struct str name, struct buf *out_bytes,
                           struct error *out_error) MUST_CHECK;

/*
 * What witnesses are asked about: the newest head that is recorded, as a note signed by the log
 * alone. Any task. STATUS_NOT_FOUND: nothing is signed, or the relay does not follow the journal.
 */
enum status log_relay_signed(struct log_relay *relay, struct tree_head *out_head,
                             struct buf *out_note) MUST_CHECK;

/* That the first old_size leaves are the beginning of the first `size`, both signed. Any task. */
enum status log_relay_prove_growth(struct log_relay *relay, uint64_t old_size, uint64_t size,
                                   struct tree_proof *out_proof, struct error *out_error)
    MUST_CHECK;

/*
 * A note over such a head, with cosignatures: served from the next round on in place of what was,
 * unless that has more leaves. Any task; CHECKs that the relay was opened for it.
 */
void log_relay_show(struct log_relay *relay, const struct tree_head *head, struct str note);

/* A leaf under the checkpoint that is shown now, and what proves it. */
struct log_evidence {
    struct leaf leaf;
    struct proof proof;    /* its checkpoint is in `checkpoint` */
    struct buf checkpoint; /* initialised by the caller, for NOTE_SIZE_MAX; freed by it */
};

/* Any task. STATUS_NOT_FOUND: the unit is not in a signed tree (yet). As the store's read(). */
enum status log_relay_prove(struct log_relay *relay, struct position unit,
                            struct log_evidence *evidence, struct error *out_error) MUST_CHECK;

/* The salt that opens a part of a leaf of this log; whoever has it can read that part. */
struct leaf_salt log_relay_salt(struct log_relay *relay, const struct leaf *leaf, uint32_t part);

#endif
