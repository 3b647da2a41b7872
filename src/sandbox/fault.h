/* fault.h - what is to go wrong: at a rate from a seed, so many times, or for one named order. */
#ifndef SANDBOX_FAULT_H
#define SANDBOX_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "model/id.h"

/*
 * A decision, nothing else: who calls fault_take() carries it out. At most one fault comes of a
 * call, one of a webhook, one of a statement line. With the same seed and rules, the n-th call
 * about an order meets the same fault, whatever comes between.
 *
 * Name, what it applies to, text in rules, its `ms` when a rule gives none, what it does.
 */
#define SANDBOX_FAULT_TABLE(X)                                                                     \
    X(SLOW, CALL, "slow", 500, "the answer waits")                                                 \
    X(TIMEOUT_BEFORE, CALL, "timeout_before", 30000, "no answer, and no effect")                   \
    X(TIMEOUT_AFTER, CALL, "timeout_after", 30000, "no answer, after the effect")                  \
    X(CLOSE_BEFORE, CALL, "close_before", 0, "the connection is closed, without effect")           \
    X(CLOSE_AFTER, CALL, "close_after", 0, "the connection is closed, after the effect")           \
    X(ERROR_BEFORE, CALL, "error_before", 0, "500, without effect")                                \
    X(ERROR_AFTER, CALL, "error_after", 0, "500, after the effect")                                \
    X(THROTTLE, CALL, "throttle", 0, "429 with Retry-After, without effect")                       \
    X(GARBAGE, CALL, "garbage", 0, "200 with bytes that are no JSON, after the effect")            \
    X(OVERSIZE, CALL, "oversize", 0, "200 with 10 MiB, after the effect")                          \
    X(WRONG_AMOUNT, CALL, "wrong_amount", 0, "the answer names another amount")                    \
    X(WRONG_ASSET, CALL, "wrong_asset", 0, "the answer names another asset")                       \
    X(QUERY_BLIND, QUERY, "query_blind", 5000, "orders younger than `ms` are not found")           \
    X(WEBHOOK_LOST, WEBHOOK, "webhook_lost", 0, "it is never sent")                                \
    X(WEBHOOK_DUPLICATE, WEBHOOK, "webhook_duplicate", 0, "it is sent twice")                      \
    X(WEBHOOK_LATE, WEBHOOK, "webhook_late", 5000, "it waits")                                     \
    X(WEBHOOK_REORDERED, WEBHOOK, "webhook_reordered", 1000, "later ones overtake it")             \
    X(WEBHOOK_BAD_SIGNATURE, WEBHOOK, "webhook_bad_signature", 0, "its signature is wrong")        \
    X(STATEMENT_MISSING, LINE, "statement_missing", 0, "the line is left out")                     \
    X(STATEMENT_DOUBLE, LINE, "statement_double", 0, "the line stands twice, with one id")

#define SANDBOX_FAULT_ENUM(name, subject, text, ms, does) SANDBOX_FAULT_##name,
enum sandbox_fault {
    SANDBOX_FAULT_NONE,
    SANDBOX_FAULT_TABLE(SANDBOX_FAULT_ENUM) SANDBOX_FAULT_COUNT
};
#undef SANDBOX_FAULT_ENUM

enum fault_subject { FAULT_CALL, FAULT_QUERY, FAULT_WEBHOOK, FAULT_LINE, FAULT_SUBJECT_COUNT };

/* Static texts; "none", FAULT_CALL and 0 for SANDBOX_FAULT_NONE. CHECK the range. */
const char *fault_name(enum sandbox_fault fault);
enum fault_subject fault_subject(enum sandbox_fault fault);
uint32_t fault_ms_default(enum sandbox_fault fault);
bool fault_parse(struct str text, enum sandbox_fault *out_fault);

enum {
    FAULT_RULES_MAX = 64,      /* more would be a program, not a list */
    FAULT_COUNTERS = 1 << 12,  /* calls so far, by order; orders that share one change no rate */
    FAULT_MS_MAX = 10 * 60000, /* longer than anybody waits */
};

/* As an operation: a look at an order. Calls of this kind meet only rules that name it. */
enum { FAULT_OPERATION_QUERY = UINT8_MAX };

struct fault_rule {
    uint8_t fault;     /* enum sandbox_fault, not NONE */
    uint8_t operation; /* enum psp_operation or _QUERY; 0: all orders */
    uint16_t per_mille;
    uint32_t ms;             /* of the faults that wait */
    uint64_t times;          /* at most so often; 0: no end */
    uint64_t came;           /* so often so far */
    struct payment_id named; /* with step_number: this order only; nil: all */
    uint32_t named_step;
};

struct fault_plan {
    uint64_t seed;
    struct fault_rule rules[FAULT_RULES_MAX];
    uint32_t rule_count;
    uint8_t counters[FAULT_SUBJECT_COUNT][FAULT_COUNTERS];
};

/* What is about to happen, as a rule may ask for it. */
struct fault_case {
    enum fault_subject subject;
    uint8_t operation; /* enum psp_operation or _QUERY; 0: none */
    uint32_t step_number;
    struct payment_id payment;
    uint8_t method_fault; /* of a test method: comes the first time about this order */
};

/* Without rules. */
void fault_plan_init(struct fault_plan *plan, uint64_t seed);
/* STATUS_LIMIT: there are FAULT_RULES_MAX. STATUS_INVALID: over 1000, or over FAULT_MS_MAX. */
enum status fault_rule_add(struct fault_plan *plan, const struct fault_rule *rule) MUST_CHECK;

/*
 * Which fault comes now, and counts it. Rules for a named order go first, in their order; then
 * the method's own; then one draw over all other rules, which share the thousand: what their
 * rates make over it is lost to the last ones.
 */
enum sandbox_fault fault_take(struct fault_plan *plan, const struct fault_case *event,
                              uint32_t *out_ms);

/*
 * Rules as the command line has them: "timeout_after=50,webhook_lost=20,slow=100:250" is
 * name=per_mille[:ms]. STATUS_INVALID names the word.
 */
enum status fault_plan_parse(struct str text, struct fault_plan *plan, struct error *out_error)
    MUST_CHECK;

#endif
