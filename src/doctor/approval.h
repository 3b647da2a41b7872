/* approval.h - a person's yes to one plan and its rehearsal, signed; and whether there are enough. */
#ifndef DOCTOR_APPROVAL_H
#define DOCTOR_APPROVAL_H

#include "doctor/repair_plan.h"

/* A signed note with this text, and the signer's public key. */
struct approval {
    struct str incident;
    struct digest plan;
    struct digest rehearsal;
    struct wall_time at;
    struct wall_time expires_at;
    struct note_key key;
};

void approval_write(const struct approval *approval, const struct note_signer *signer,
                    struct buf *out);
/* STATUS_INVALID: it is none. STATUS_DENIED: the signature is wrong. */
enum status approval_read(struct str note, struct approval *out_approval, struct error *out_error)
    MUST_CHECK;

/* Why an approval counts, or does not; in the order of checking. */
#define APPROVAL_VERDICT_TABLE(X)                                                                  \
    X(COUNTS, "it counts")                                                                         \
    X(OTHER_INCIDENT, "it is for another incident")                                                \
    X(OTHER_PLAN, "it is for another plan")                                                        \
    X(OTHER_REHEARSAL, "it is for another rehearsal of the plan")                                  \
    X(EXPIRED, "its time, or the plan's, is over")                                                 \
    X(FROM_THE_FUTURE, "it is dated later than now")                                               \
    X(NO_APPROVER, "the policy has no such approver")                                              \
    X(PROPOSER, "who proposes a plan does not approve it")                                         \
    X(AGAIN, "this person has approved already")

#define APPROVAL_VERDICT_ENUM(name, text) APPROVAL_##name,
enum approval_verdict { APPROVAL_VERDICT_TABLE(APPROVAL_VERDICT_ENUM) APPROVAL_VERDICTS };
#undef APPROVAL_VERDICT_ENUM
const char *approval_verdict_text(enum approval_verdict verdict);

/* Whether a key is its proposer's, also another key of that name; an unreadable proposer is anybody. */
bool approval_is_own(const struct repair_plan *plan, const struct note_key *key);

struct approval_case {
    const struct repair_plan *plan;
    const struct repair_policy *policy;
    struct digest plan_digest;
    struct digest rehearsal_digest;
    struct wall_time now;
};

/* The verdict on each, in order; returns how many count. */
uint32_t approval_count(const struct approval_case *given, const struct approval *approvals,
                        uint32_t count, enum approval_verdict *out_verdicts);

#endif
