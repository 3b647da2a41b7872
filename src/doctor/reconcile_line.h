/* reconcile_line.h - a line of a statement or a ledger, as it is compared: fixed size, exact. */
#ifndef DOCTOR_RECONCILE_LINE_H
#define DOCTOR_RECONCILE_LINE_H

#include "base/time.h"
#include "base/uuid.h"
#include "doctor/signed_amount.h"

enum reconcile_side { RECONCILE_OURS, RECONCILE_THEIRS };

enum {
    RECONCILE_LABEL_SIZE = 56, /* what a person sees of the key: its beginning, terminated */
    RECONCILE_TEXT_MAX = 1024, /* of a key, a reference, a batch, an id */
};

enum reconcile_flag {
    RECONCILE_FLAG_NET = 1,       /* amount is after a fee that the statement does not tell */
    RECONCILE_FLAG_FEE_TOLD = 2,  /* the statement tells the fee */
    RECONCILE_FLAG_CONTRACT = 4,  /* ours: a contract says what the fee is to be */
    RECONCILE_FLAG_CONSUMED = 8,  /* in a result already: never in a second one */
    RECONCILE_FLAG_DAY_ONLY = 16, /* the time is a day without an hour */
    RECONCILE_FLAG_OWN_KEY = 32,  /* the key is a name that only this side knows */
};

/*
 * key, ref, batch and id are the first 128 bits of the SHA-256 of their text (nil: none), so
 * that texts of any length compare in one step and nobody can make two that collide.
 */
struct reconcile_line {
    struct uuid key;             /* what both sides call the movement */
    struct uuid ref;             /* the composite of further columns */
    struct uuid batch;           /* the settlement or payout that it is part of */
    struct uuid id;              /* the line's own, unique on its side */
    struct signed_amount amount; /* more than nothing: the other side owes us more */
    struct signed_amount fee;    /* theirs: as told; ours: by contract */
    struct wall_time at;
    uint64_t line;     /* in its source, from 1 */
    uint32_t currency; /* in the table of currencies */
    uint8_t side;      /* enum reconcile_side */
    uint8_t flags;     /* enum reconcile_flag */
    uint8_t reserved[2];
    char label[RECONCILE_LABEL_SIZE];
};
_Static_assert(sizeof(struct reconcile_line) == 176, "sorted in files as it is");

/* Nil for an empty text; never nil otherwise. CHECKs that text is at most RECONCILE_TEXT_MAX. */
struct uuid reconcile_digest(struct str text);
/* The beginning of text; a byte that is no printable ASCII becomes '?'. */
void reconcile_label(struct str text, char out_label[RECONCILE_LABEL_SIZE]);

/*
 * Total orders: -1, 0, 1; equal only for the same line of the same side. Each brings together what
 * one phase looks at.
 */
int reconcile_by_key(const void *a, const void *b);
int reconcile_by_composite(const void *a, const void *b); /* ref, currency, amount */
int reconcile_by_amount(const void *a, const void *b);    /* currency, amount, time */
int reconcile_by_batch(const void *a, const void *b);     /* batch, currency */

/* Whether both are in one group of that order. */
bool reconcile_same_key(const struct reconcile_line *a, const struct reconcile_line *b);
bool reconcile_same_composite(const struct reconcile_line *a, const struct reconcile_line *b);
bool reconcile_same_amount(const struct reconcile_line *a, const struct reconcile_line *b);
bool reconcile_same_batch(const struct reconcile_line *a, const struct reconcile_line *b);

#endif
