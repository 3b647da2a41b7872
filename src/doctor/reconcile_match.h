/* reconcile_match.h - which lines of two sides are the same money: by rule, each line at most once. */
#ifndef DOCTOR_RECONCILE_MATCH_H
#define DOCTOR_RECONCILE_MATCH_H

#include "doctor/reconcile_line.h"

/*
 * A match explains its lines; timing is a difference that goes away by itself; a break does not. Of
 * what is open nothing can be said: theirs does not reach it.
 */
enum reconcile_class {
    RECONCILE_MATCH,
    RECONCILE_TIMING,
    RECONCILE_BREAK,
    RECONCILE_OPEN,
    RECONCILE_CLASS_COUNT,
};

/* One source for the list: name, text, class, sentence. The text is the rule that is named. */
#define RECONCILE_VERDICT_TABLE(X)                                                                 \
    X(KEY, "key", MATCH, "the same key, currency and amount")                                      \
    X(KEY_NET, "key_net", MATCH, "the same key; the amount is ours less the contract's fee")       \
    X(KEY_SPLIT, "key_split", MATCH, "the same key; several lines come to the same sum")           \
    X(COMPOSITE, "composite", MATCH, "the same reference, currency and amount")                    \
    X(AMOUNT_WINDOW, "amount_window", MATCH,                                                       \
      "the same amount, and no other candidate of either side within the window")                  \
    X(BATCH_NET, "batch_net", MATCH, "all lines of one batch come to the same sum")                \
    X(BATCH_SUBSET, "batch_subset", MATCH, "the one subset of a batch that comes to this sum")     \
    X(IN_TRANSIT, "in_transit", TIMING, "ours, and not due on the other side yet")                 \
    X(AFTER_AS_OF, "after_as_of", TIMING, "later than the day that is looked at")                  \
    X(NOT_COVERED, "not_covered", OPEN, "ours, and later than the newest line of the other side")  \
    X(AMOUNT_DIFFERS, "amount_differs", BREAK, "the same key, another amount")                     \
    X(CURRENCY_DIFFERS, "currency_differs", BREAK, "the same key, another currency")               \
    X(FEE_DIFFERS, "fee_differs", BREAK, "matched; the fee is not the contract's")                 \
    X(BATCH_DIFFERS, "batch_differs", BREAK, "the same batch, another sum")                        \
    X(BATCH_AMBIGUOUS, "batch_ambiguous", BREAK,                                                   \
      "several subsets of the batch come to this sum: none was chosen")                            \
    X(DUPLICATE_OURS, "duplicate_ours", BREAK, "ours has one more line of this key and amount")    \
    X(DUPLICATE_THEIRS, "duplicate_theirs", BREAK, "theirs has one more of this key and amount")   \
    X(REPEATED_LINE, "repeated_line", BREAK, "the same line id twice on one side")                 \
    X(MISSING_IN_LEDGER, "missing_in_ledger", BREAK, "theirs has it, ours has not")                \
    X(MISSING_IN_STATEMENT, "missing_in_statement", BREAK, "ours has it, and it was due")          \
    X(KEY_OVERUSED, "key_overused", BREAK, "one key on more lines than a key can have")

#define RECONCILE_VERDICT_ENUM(name, text, class, sentence) RECONCILE_##name,
enum reconcile_verdict { RECONCILE_VERDICT_TABLE(RECONCILE_VERDICT_ENUM) RECONCILE_VERDICT_COUNT };
#undef RECONCILE_VERDICT_ENUM

/* Static. */
const char *reconcile_verdict_name(enum reconcile_verdict verdict);
const char *reconcile_verdict_text(enum reconcile_verdict verdict);
enum reconcile_class reconcile_verdict_class(enum reconcile_verdict verdict);

enum {
    RECONCILE_GROUP_MAX = 65536, /* lines looked at together: what shares one key, one amount */
    RECONCILE_SUBSET_MAX = 12,   /* lines of one side in a batch whose subsets are tried: 2^12 */
    RECONCILE_DUE_DAYS_MAX = 60,
};

struct reconcile_result {
    enum reconcile_verdict verdict;
    struct reconcile_line *const *lines; /* ours first */
    uint32_t count;
    /* Theirs less ours; of FEE_DIFFERS the fee told less the contract. Nothing with
     * CURRENCY_DIFFERS, whose lines each add to the total of their own currency. */
    struct signed_amount drift;
};

struct reconcile_matcher {
    struct business_date as_of;
    struct reconcile_line newest; /* of theirs: time and flags count */
    bool newest_ends;             /* nobody said up to when theirs is whole: to its newest line */
    uint32_t due_days;            /* working days (Monday to Friday) until theirs must show it */
    int64_t window_ns;            /* of AMOUNT_WINDOW, to either side; 0: the rule is off */
    /* Lines are good until it returns; each line comes once, FEE_DIFFERS excepted. */
    void (*found)(void *context, const struct reconcile_result *result);
    void *context;

    /* the matcher's own; reserve the struct, it is large */
    struct reconcile_line *ours[RECONCILE_GROUP_MAX];
    struct reconcile_line *theirs[RECONCILE_GROUP_MAX];
    struct reconcile_line *picked[RECONCILE_GROUP_MAX];
};

/*
 * One phase each, over one group in the phase's order, at most RECONCILE_GROUP_MAX lines of it.
 * What is found is consumed; the others go on to the next phase.
 */
void reconcile_key_group(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                         uint32_t count);
void reconcile_composite_group(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                               uint32_t count);
void reconcile_amount_group(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                            uint32_t count);
void reconcile_batch_group(struct reconcile_matcher *matcher, struct reconcile_line *lines,
                           uint32_t count);
/* A line whose key is on more than RECONCILE_GROUP_MAX lines. */
void reconcile_overused(struct reconcile_matcher *matcher, struct reconcile_line *line);
/* After all phases: why a line stands alone. */
void reconcile_rest(struct reconcile_matcher *matcher, struct reconcile_line *line);

/* The last day on which theirs may not show it yet: days of Monday to Friday after `from`. */
struct business_date reconcile_due(struct business_date from, uint32_t days);

#endif
