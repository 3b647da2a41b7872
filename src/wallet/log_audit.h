/* log_audit.h - the log made again from the journal, and held against what was signed and served. */
#ifndef WALLET_LOG_AUDIT_H
#define WALLET_LOG_AUDIT_H

#include "model/payment.h"
#include "port/store.h"
#include "wallet/log_files.h"

/*
 * Makes every leaf again, compares every bundle and tile, the signed head, the checkpoint, and the
 * checkpoints that somebody else kept. When history is not what was signed, it says from which
 * leaf on it cannot be trusted. That is exact when the stored entries are themselves proven
 * by the signed root; else it is the newest place that was proven some other way.
 */
enum log_verdict {
    LOG_SOUND,
    LOG_NOTHING_SIGNED, /* nothing to compare with, but the journal gave leaves */
    LOG_FILES_WRONG,    /* the journal gives what was signed; files do not, and can be made again */
    LOG_JOURNAL_DAMAGED, /* a batch cannot be read or does not follow the one before */
    LOG_JOURNAL_SHORT,   /* it ends before what was signed */
    LOG_JOURNAL_CHANGED, /* it gives another history than was signed */
    LOG_CONTRADICTED,    /* it gives what is signed here, but not what somebody else holds */
};
const char *log_verdict_text(enum log_verdict verdict);

enum { LOG_AUDIT_PAYMENTS_MAX = 256 };

struct log_audit_options {
    const struct secret *key;   /* LEAF_KEY_SIZE */
    const struct note_key *log; /* that signs; its name is the origin */
    uint32_t lane;
    const struct tree_head *held; /* of checkpoints from elsewhere, signatures verified */
    uint32_t held_count;
};

struct log_audit_report {
    enum log_verdict verdict;
    struct error fault;   /* why, unless LOG_SOUND */
    struct log_head head; /* size 0: nothing was signed */
    uint64_t leaves;
    uint64_t batches;
    uint64_t files_right;
    uint64_t files_missing;
    uint64_t files_wrong;
    /* When the journal is at fault: */
    uint64_t trusted_leaves; /* leaves [0, this) are proven; what follows cannot be trusted */
    bool exact;              /* the leaf behind them is the first that differs */
    struct position from;    /* where in the journal that is */
    uint64_t payments_found; /* records of payments from there on, in what can be read */
    uint32_t payment_count;  /* of those, the first different ones */
    struct payment_id payments[LOG_AUDIT_PAYMENTS_MAX];
    uint64_t batches_unreadable; /* from there on: what they touched is not known */
};

/*
 * STATUS_OK: looked at to the end; the verdict says what was found. Anything else: it could not
 * be. Changes nothing; beside a server too, as of the head it finds.
 */
enum status log_audit_run(struct store *journal, struct log_store *files,
                          const struct log_audit_options *options,
                          struct log_audit_report *out_report, struct error *out_error) MUST_CHECK;

#endif
