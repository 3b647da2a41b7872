/* remedy.h - what was taken back already: reversals in the evidence, set against what causes touched. */
#ifndef DOCTOR_REMEDY_H
#define DOCTOR_REMEDY_H

#include "doctor/examination.h"

/*
 * The legs of all that takes a transaction back (the view takes_back of rules: reversals, and what
 * else names what it gives back): account, ccy, delta, that transaction as payment and its
 * idempotency key as key. The legs of what takes back such a one are told again, of the transaction
 * that the first took back: they bring back what it took; those of a third take it once more, and
 * so on, 32 deep. The query that doctor_init() prepares for it.
 */
#define REMEDY_QUERY                                                                               \
    "WITH RECURSIVE step AS MATERIALIZED (SELECT tx, payment, key FROM takes_back),"               \
    " back(tx, payment, key, depth) AS ("                                                          \
    " SELECT tx, payment, key, 1 FROM step"                                                        \
    " UNION SELECT b.tx, r.payment, r.key, b.depth + 1 FROM back b"                                \
    " JOIN step r ON r.tx = b.payment WHERE b.depth < 32)"                                         \
    " SELECT b.payment AS payment, p.account AS account, p.ccy AS ccy, p.amount AS delta,"         \
    " b.key AS key FROM back b JOIN posting p ON p.tx = b.tx"

struct remedy; /* a leg, with what is left of it to be set against something */

/* The legs by transaction, and pointers to the same by idempotency key; in the examination's arena. */
struct remedies {
    struct remedy *legs;
    struct remedy **by_key;
    uint32_t count;
};

/*
 * What was taken back, before the causes that were chosen get their labels. Where it could not be looked
 * up to the end there is none, and the extent of every cause that names payments is cut: what is owed of
 * them is not known, and none of them is posted for. STATUS_LIMIT, or the port's.
 */
enum status remedies_find(struct examination *examination, struct remedies *out_remedies)
    MUST_CHECK;

/*
 * Of the causes that were chosen: a row about a transaction that was taken back counts only for what
 * is left of it, and goes when nothing is. The row's payment is the transaction, or else its
 * idempotency key. What takes back is set against one row only. Causes must
 * have their labels, which are of all that they touched.
 */
void remedies_take(const struct remedies *remedies, struct diagnosis *out);

#endif
