/* act_walk.h - the audit log: the administrative acts of the journal, in order, each with its reason. */
#ifndef WALLET_ACT_WALK_H
#define WALLET_ACT_WALK_H

#include "base/error.h"
#include "model/record.h"
#include "port/store.h"

/* The record's bytes are the journal's: good during the visit. */
struct act_row {
    struct position position;
    struct wall_time stamp;
    const struct record_context *context; /* who, by which operation, in which trace */
    /*
     * An ACCOUNT_CHANGE, ASSET, PERIOD, CREDENTIAL, RATE, RAISE or NOTICE, done or refused; or a
     * PAYMENT that a person has decided (RESOLVE).
     */
    const struct record_head *record;
    struct str reason; /* empty: none was given */
};

/* "key_create"; a static string. NULL for a record that is no administrative act. */
const char *act_code(const struct record_head *record);
bool act_code_is_known(struct str code);

struct act_query {
    struct position after; /* zero: from the first on */
    struct wall_time from; /* stamped at or after; 0: any */
    struct wall_time to;   /* stamped before; INT64_MAX: any */
    uint64_t head;         /* the newest batch that may be shown */
    uint32_t lane;
    /* False: this row was the last that is wanted. */
    bool (*visit)(void *owner, const struct act_row *row);
    /* Asked between batches; true: it takes too long. */
    bool (*over)(void *owner);
    void *owner;
};

struct act_answer {
    struct position next; /* where to go on: pass it as `after` */
    bool complete;        /* there is no more now */
};

/* Reads every batch in question: as long as that takes. As journal_walk_read(). */
enum status act_walk(struct store *journal, const struct act_query *query,
                     struct act_answer *out_answer, struct error *out_error) MUST_CHECK;

#endif
