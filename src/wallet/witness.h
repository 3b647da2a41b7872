/* witness.h - a witness of others' logs: remembers, cosigns what continues it, and nothing else. */
#ifndef WALLET_WITNESS_H
#define WALLET_WITNESS_H

#include "port/clock.h"
#include "port/log.h"
#include "port/sync.h"
#include "port/witness_store.h"
#include "tlog/witness_decide.h"

/*
 * C2SP tlog-witness. Of each log it keeps the checkpoint that it cosigned last, as a note with its
 * own cosignature, which is also what shows at the next start that the note is its own. The next
 * one is decided (tlog/witness_decide.h), written down durably, and only then cosigned before
 * others, under one lock. When it is in doubt whether a note was written, that log is answered
 * no more until the next start has read what is there.
 *
 * A second tree of one size, signed by the log, is logged as an alarm with the note: it is the
 * evidence. A proof that does not fit is a warning, since anybody can send one.
 */
enum {
    WITNESS_LOGS_MAX = 64, /* keys; their records are in memory */
    WITNESS_QUIET_S = 10,  /* between two such lines about one log */
    WITNESS_METRICS_SIZE_MAX = WITNESS_LOGS_MAX * 1024 + 4096,
};

struct witness;

struct witness_ports { /* all belong to the caller and outlive the witness */
    struct sync *sync;
    struct clock *clock;
    struct log *log;
    struct witness_store *store;
};

struct witness_options {
    const struct note_signer *signer; /* of NOTE_COSIGNATURE (CHECKed); outlives the witness */
    const struct note_key *logs;      /* of NOTE_ED25519 (CHECKed), at most WITNESS_LOGS_MAX; a
                                         key's name is its origin; outlive the witness */
    uint32_t log_count;
};

/*
 * STATUS_CORRUPT: what was cosigned last of a log is damaged, or is not this witness's.
 * STATUS_UNAVAILABLE: it cannot be read. STATUS_LIMIT: no memory, or too many logs.
 */
enum status witness_open(const struct witness_ports *ports, const struct witness_options *options,
                         struct witness **out_witness, struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void witness_close(struct witness *witness);

/*
 * Any task; waits for the disk. out_answer's contents are replaced: on WITNESS_COSIGNED by the
 * signature line, on WITNESS_OTHER_SIZE and WITNESS_FORKED by the size cosigned last and a newline
 * (type text/x.tlog.size), else by a sentence for people.
 */
enum witness_outcome witness_add_checkpoint(struct witness *witness, struct str request,
                                            struct buf *out_answer) MUST_CHECK;

/* What was cosigned last of a log: size 0 when nothing was. STATUS_NOT_FOUND: no such log. */
enum status witness_last(struct witness *witness, struct str origin, struct tree_head *out_head)
    MUST_CHECK;

/* Appends the page of metrics, text format 0.0.4. Any task. */
void witness_write_metrics(struct witness *witness, struct buf *out_page);

#endif
