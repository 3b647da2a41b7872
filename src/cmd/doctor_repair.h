/* doctor_repair.h - what rehearsing, approving and applying a plan share: its files, its execution. */
#ifndef CMD_DOCTOR_REPAIR_H
#define CMD_DOCTOR_REPAIR_H

#include "cmd/doctor_bundle.h"
#include "doctor/approval.h"

enum {
    REPAIR_APPROVALS_MAX = 64,
    REPAIR_GROUP_STEPS = 500, /* entries that succeed or fail as one; below LINKED_MAX */
};

#define REPAIR_PLAN_FILE "plan/plan.json"
#define REPAIR_STEPS_FILE "plan/steps.ndjson"
#define REPAIR_AFTER_FILE "report/after.json"
#define FOREIGN_PLAN_FILE "plan/plan.sql" /* nobody of ours carries it out */
#define REPAIR_APPLIED_FILE "plan/applied.json"
#define REPAIR_REHEARSAL_FILE "plan/rehearsal.json"

/* A plan as it stands in a bundle, and the policy that it was made under. */
struct repair {
    const struct invocation *invocation;
    struct doctor_bundle bundle;
    struct buf plan_text;
    struct arena arena;
    struct repair_plan plan;
    struct digest plan_digest;
    struct buf policy_text;
    struct repair_policy policy;
    struct buf rehearsal_text;
    struct digest rehearsal_digest;
    struct note_key rehearser;
    struct buf steps_text; /* what operators said of their steps, a line each */
    struct error error;
};

/*
 * Opens the bundle (with --key, when it was given), reads --policy, the plan and what was said of its
 * steps. STATUS_DENIED: the bundle is not as its custody has it; the policy is not the one that the
 * plan was made under; the plan was put there by another one than its proposer, or what was said by
 * none of the policy's people. repair_close() in any case.
 */
enum status repair_open(struct repair *repair, const struct invocation *invocation) MUST_CHECK;
void repair_close(struct repair *repair);
/* STATUS_INVALID: no --key was given. STATUS_DENIED: the policy does not name its owner. what:
 * "applies it". */
enum status repair_person(const struct doctor_bundle *bundle, const struct repair_policy *policy,
                          const char *what, struct error *out_error) MUST_CHECK;
/*
 * STATUS_CONFLICT: the incident is closed; or a plan of this bundle was applied. It stays, with its rehearsal: the audit log
 * names it.
 */
enum status repair_unapplied(struct doctor_bundle *bundle) MUST_CHECK;
/* STATUS_DENIED: it is the proposer's, whose program nobody has to believe. */
enum status repair_rehearser_check(struct repair *repair, const struct note_key *key) MUST_CHECK;
/*
 * The rehearsal, which must be of this plan. STATUS_NOT_FOUND: there is none yet. STATUS_DENIED: it is
 * of another one, not passed, or put there by its proposer or none of the policy's people.
 */
enum status repair_rehearsal_read(struct repair *repair) MUST_CHECK;

/* What an operator says of a step; numbers from 1, as the plan counts. */
struct repair_step_told {
    uint64_t number;
    bool done;
    struct str note;
};
/* Whether the newest word on this step of this plan is that it is done. */
bool repair_step_is_done(const struct repair *repair, uint32_t number);

/* How the carrying out of a plan's entries went. */
struct repair_outcome {
    uint64_t entries;  /* that the plan has */
    uint64_t made;     /* now */
    uint64_t repeated; /* were there already */
    uint64_t groups;
};

struct repair_run {
    const char *folder;   /* the ledger's */
    uint64_t groups_max;  /* after so many groups the process ends itself by SIGKILL; UINT64_MAX */
    uint32_t group_steps; /* entries in a group, up to REPAIR_GROUP_STEPS */
    bool record;          /* the act is written down in the audit log before the first entry */
};

/*
 * Looks at every precondition first (repair_ready.h), then makes the entries that are not there,
 * group by group; each has a derived id, so that going on after any end is the same call. Where a
 * server runs on the folder, it makes them. STATUS_CONFLICT: a precondition does not hold, or the
 * ledger refused after all: error says which, and no account was changed by that group. As
 * host_open() otherwise.
 */
enum status repair_execute(struct repair *repair, const struct repair_run *run,
                           struct repair_outcome *out_outcome) MUST_CHECK;
/* The outcome as JSON: of which plan, when, how many entries. */
void repair_outcome_json(const struct repair *repair, const struct repair_outcome *outcome,
                         bool executed, struct buf *out);
/* A diagnosis to be made of a bundle as it is. */
struct bundle_diagnosing {
    const char *bundle;
    const char *rules;   /* NULL: those built in */
    const char *scratch; /* a folder, which gets diagnosis.json */
};
/*
 * Its JSON, by this program as a process of its own. STATUS_UNAVAILABLE: it could not be made, and
 * why was told.
 */
enum status bundle_diagnose(const struct bundle_diagnosing *what, struct buf *out_text,
                            struct error *out_error) MUST_CHECK;
/*
 * The JSON of a diagnosis of the ledger in the folder beside the bundle's other sources; wants --key.
 * Files go to the scratch folder, which must be without them.
 */
enum status repair_diagnose(struct repair *repair, const char *folder, const char *scratch,
                            struct buf *out_text) MUST_CHECK;
/* Only the looking: how many of the entries are there (repeated) and could be made (made). */
enum status repair_look(struct repair *repair, const char *folder,
                        struct repair_outcome *out_outcome) MUST_CHECK;

#endif
