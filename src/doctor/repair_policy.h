/* repair_policy.h - who may approve repairs, how many have to, and up to what amounts. */
#ifndef DOCTOR_REPAIR_POLICY_H
#define DOCTOR_REPAIR_POLICY_H

#include "base/error.h"
#include "doctor/signed_amount.h"
#include "model/asset.h"
#include "tlog/note.h"

enum {
    POLICY_APPROVERS_MAX = 32,
    POLICY_LIMITS_MAX = 32,
    POLICY_APPROVALS_MIN = 2, /* nothing makes it fewer */
    POLICY_SIZE_MAX = 64 << 10,
    POLICY_HOURS_MAX = 14 * 24,
};

struct policy_limit {
    char ccy[ASSET_CODE_LEN_MAX + 1];
    struct signed_amount amount; /* minor units */
    uint32_t approvals;          /* of an approvals_over: so many from this total on */
};

/*
 * Lines of words; # begins a comment; nothing is said twice:
 *
 *     approver KEY                 a public key (doctor key); at least two
 *     approvals CONFIRMED 2        for plans of this label; PROBABLE has one more than CONFIRMED
 *     approvals_over EUR 10000.00 3
 *     max_total EUR 100000.00      a plan that moves more is refused; and one in an asset without it
 *     max_entries 1000
 *     valid_hours 24               how long a plan may be approved and applied
 */
struct repair_policy {
    struct note_key approvers[POLICY_APPROVERS_MAX];
    uint32_t approver_count;
    uint32_t confirmed; /* approvals that a plan needs */
    uint32_t probable;
    struct policy_limit over[POLICY_LIMITS_MAX];
    uint32_t over_count;
    struct policy_limit total[POLICY_LIMITS_MAX];
    uint32_t total_count;
    uint32_t entries_max;
    uint32_t valid_hours;
};

/* STATUS_INVALID names the line. */
enum status repair_policy_parse(struct str text, struct repair_policy *out_policy,
                                struct error *out_error) MUST_CHECK;

/* The approver with this key; NULL: it is none. */
const struct note_key *repair_policy_approver(const struct repair_policy *policy,
                                              const struct note_key *key);

#endif
