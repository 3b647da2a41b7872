/* diagnosis.h - what the doctor found: violations, causes with labels, what they touched. */
#ifndef DOCTOR_DIAGNOSIS_H
#define DOCTOR_DIAGNOSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/delta.h"
#include "base/str.h"
#include "doctor/rule.h"
#include "port/evidence.h"

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

#define LABEL_TABLE(X)                                                                             \
    X(NONE, "-")                                                                                   \
    X(CONFIRMED, "CONFIRMED")                                                                      \
    X(PROBABLE, "PROBABLE")                                                                        \
    X(POSSIBLE, "POSSIBLE")                                                                        \
    X(AMBIGUOUS, "AMBIGUOUS")                                                                      \
    X(UNKNOWN, "UNKNOWN")
#define LABEL_ENUM(name, text) LABEL_##name,
enum label { LABEL_TABLE(LABEL_ENUM) LABEL_COUNT };
#undef LABEL_ENUM
/* Static. CHECKs that label is in range. */
const char *label_name(enum label label);

enum {
    DIAGNOSIS_FINDINGS_MAX = 400000,
    DIAGNOSIS_INSTANCES_MAX = 8192,
    DIAGNOSIS_WITNESSES_MAX = 4, /* of one predicate */
    DIAGNOSIS_AFFECTED_MAX = 1000000,
    DIAGNOSIS_ALTERNATIVES_MAX = 8,
};

/* A violation, and which cause explains it. */
struct finding {
    uint32_t rule; /* the invariant: place in the rule set */
    int32_t cause; /* place of the instance that explains it; -1: nothing does */
    uint32_t next; /* the index's own */
    struct str key;
    struct str account;
    struct str ccy;
    bool has_delta;
    struct delta delta;
    int64_t ts_ns; /* 0: not known */
    int64_t record;
};

/* An invariant on this evidence. */
struct invariant_result {
    uint32_t rule;
    enum truth holds;
    uint32_t violations;
    uint32_t excused;
    uint32_t unsure;  /* rows that rest on the absence of what is not covered */
    uint64_t lacking; /* of one that is unknown: kinds that are not covered in full, by bit */
};

struct predicate_result {
    uint32_t query; /* place in the rule set */
    enum truth value;
    uint64_t lacking; /* kinds whose coverage would have decided it */
    uint32_t witness_count;
    int64_t witnesses[DIAGNOSIS_WITNESSES_MAX];
};

struct parameter {
    const char *name;
    struct evidence_cell value;
};

/* What a cause touched: one row. Empty texts: not of that sort. */
struct affected {
    struct str account;
    struct str ccy;
    struct delta delta; /* too much (positive) or too little */
    bool left;          /* the repair posts nothing for it: it is left to people */
    uint32_t barred_by; /* 1 + place of the rule by which it may be nobody's (claims.h); 0: none */
    struct str bar;     /* the name of that rule's bar; empty: another cause posts for it */
    struct str payment;
    struct str hold;
    struct str webhook;
    struct str payout;
    int64_t record;
};

/* A fault bound to the place where it may have happened. */
struct instance {
    uint32_t rule;
    uint32_t parameter_count;
    struct parameter *parameters;
    uint32_t predicate_count;
    struct predicate_result *predicates;
    bool rejected;
    uint32_t rejected_by; /* place in predicates */
    uint32_t requires_unknown;
    uint32_t others_unknown; /* forbids and separators */
    uint32_t doubts;         /* that are not false: what it touched is not known in full */
    uint32_t predicted;      /* rows of its prediction */
    uint32_t missing;        /* predicted where it would have been seen, and not there */
    uint32_t explain_count;
    uint32_t *explains; /* places of findings, ascending */
    bool selected;
    enum label label;
    struct str held_back; /* why it is not CONFIRMED; empty: it is */
    uint32_t systems;     /* whose records bear witness */
    uint32_t alternative_count;
    uint32_t alternatives[DIAGNOSIS_ALTERNATIVES_MAX]; /* instances that explain as much */
    int64_t start_ns;                                  /* 0: not known */
    int64_t start_record;
    int64_t last_ns; /* of its newest case; 0: not known */
    bool growing;
    bool
        extent_cut; /* a query for what it touched, or may have, was cut short: nothing is posted */
    uint32_t affected_count;
    struct affected *affected;
    uint32_t settled_count; /* rows that reversals have taken back since: not among affected */
};

/* The net of all causes on one account. */
struct account_drift {
    struct str account;
    struct str ccy;
    struct delta delta;
};

struct currency_total {
    struct str ccy;
    struct delta over;  /* accounts that have too much, together */
    struct delta under; /* too little: negative */
    uint32_t accounts_over;
    uint32_t accounts_under;
    struct delta unexplained; /* magnitudes of violations that no cause explains */
};

struct clock_offset {
    struct str clock;
    bool known;
    int64_t lowest_ns; /* what must be added to its times, at least and at most */
    int64_t highest_ns;
};

struct diagnosis {
    const struct rule_set *rules;
    const struct evidence_bundle *bundle;
    struct str what_if; /* the record that was left out, as it is cited; empty: none */
    uint32_t finding_count;
    struct finding *findings;
    bool truncated; /* there were more findings, instances or affected than are kept */
    uint32_t invariant_count;
    struct invariant_result *invariants;
    uint32_t instance_count;
    struct instance *instances;
    uint32_t cause_count;
    uint32_t *causes; /* selected instances, root layers first */
    uint32_t left_count;
    struct str *left; /* accounts to which nothing is posted, in order */
    uint32_t unexplained_count;
    int32_t nearest; /* instance that would explain most of the unexplained, but is rejected; -1 */
    uint32_t drift_count;
    struct account_drift *drifts; /* by account and currency, none of them zero */
    uint32_t total_count;
    struct currency_total *totals; /* by currency */
    uint32_t clock_count;
    struct clock_offset *clocks;
    bool clocks_agree;
    uint64_t missing_kinds; /* kinds that would decide something and are not covered, by bit */
    int32_t next_kind;      /* the one that decides most for what it costs; -1: none */
    bool search_cut;        /* the selection was not exhaustive */
};

/* Kinds that no source of the bundle declares, by bit. */
uint64_t diagnosis_absent_kinds(const struct diagnosis *diagnosis);
/* All that a cause touched was taken back since. */
bool instance_is_settled(const struct instance *instance);
/* The same of every cause, and there is nothing that no cause explains. */
bool diagnosis_is_settled(const struct diagnosis *diagnosis);

#endif
