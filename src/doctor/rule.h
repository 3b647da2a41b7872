/* rule.h - invariants and faults as data: text files read into rules with their queries. */
#ifndef DOCTOR_RULE_H
#define DOCTOR_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/status.h"
#include "base/str.h"
#include "crypto/digest.h"

/* The form of the files is described in docs/doctor_rules.md. */
enum {
    RULES_MAX = 256,
    RULE_QUERIES_MAX = 2000,        /* of all rules together */
    RULE_TEXT_SIZE_MAX = 8 << 20,   /* of all files together */
    RULE_QUERY_SIZE_MAX = 16 << 10, /* of one query */
    RULE_PREDICATES_MAX = 24,       /* of one rule */
    RULE_DEFINITIONS_MAX = 8,       /* of one rule */
    RULE_ID_LEN_MAX = 16,
};

enum rule_type { RULE_INVARIANT, RULE_FAULT, RULE_CAUSAL };

/* Lower ones first: what a lower layer explains above it is a consequence. */
#define RULE_LAYER_TABLE(X)                                                                        \
    X(CONFIG, "config")                                                                            \
    X(TIME, "time")                                                                                \
    X(KEYS, "keys")                                                                                \
    X(EDGE, "edge")                                                                                \
    X(TRANSPORT, "transport")                                                                      \
    X(PERSISTENCE, "persistence")                                                                  \
    X(SAGA, "saga")                                                                                \
    X(ARITHMETIC, "arithmetic")                                                                    \
    X(CACHE, "cache")                                                                              \
    X(CHAIN, "chain")                                                                              \
    X(SETTLEMENT, "settlement")                                                                    \
    X(OBSERVABILITY, "observability")                                                              \
    X(EVIDENCE, "evidence")
#define RULE_LAYER_ENUM(name, text) RULE_LAYER_##name,
enum rule_layer { RULE_LAYER_TABLE(RULE_LAYER_ENUM) RULE_LAYER_COUNT };
#undef RULE_LAYER_ENUM
/* Static. CHECKs that layer is in range. */
const char *rule_layer_name(enum rule_layer layer);

#define RULE_PART_TABLE(X)                                                                         \
    X(DEFINE, "define")                                                                            \
    X(VIOLATIONS, "violations")                                                                    \
    X(EXCEPTION, "exception")                                                                      \
    X(BAR, "bar")                                                                                  \
    X(PAIRS, "pairs")                                                                              \
    X(TRIGGER, "trigger")                                                                          \
    X(REQUIRE, "require")                                                                          \
    X(FORBID, "forbid")                                                                            \
    X(SEPARATE, "separate")                                                                        \
    X(DOUBT, "doubt")                                                                              \
    X(PREDICT, "predict")                                                                          \
    X(AFFECTED, "affected")                                                                        \
    X(START, "start")                                                                              \
    X(LAST, "last")
#define RULE_PART_ENUM(name, text) RULE_PART_##name,
enum rule_part { RULE_PART_TABLE(RULE_PART_ENUM) RULE_PART_COUNT };
#undef RULE_PART_ENUM
/* Static. CHECKs that part is in range. */
const char *rule_part_name(enum rule_part part);

struct rule_query {
    enum rule_part part;
    uint32_t line;        /* where it begins in its file, from 1 */
    struct str name;      /* of a definition, predicate, trigger or exception */
    struct str lookalike; /* of a separator: the fault that it tells apart */
    struct str at;        /* parameter whose time coverage is asked at; empty: the whole window */
    uint64_t needs;       /* kinds without which no row means unknown, by bit */
    uint64_t absent;      /* kinds without which a row means unknown: it shows that one lacks */
    struct str narrow;    /* name of a narrowing of doctor/narrowing.h; empty: none */
    struct str sql;
};

struct rule {
    enum rule_type type;
    enum rule_layer layer;
    bool ledger_entry; /* its repair posts */
    bool psp_money;    /* its repair moves money at a PSP or bank */
    bool benign;       /* nothing to alarm about */
    struct str id;
    struct str file;
    struct str name;
    struct str title;      /* one line with {parameters} */
    struct str lookalikes; /* ids of faults, by blanks */
    uint32_t lookalikes_line;
    struct str repair; /* template, with its words */
    struct str prevention;
    struct str stop; /* what stops the bleeding */
    struct str why;
    struct str limits; /* what cannot be told apart, with which evidence */
    struct str severity;
    struct str owner;
    struct str fixtures; /* text of its cases; a fault without does not load */
    uint32_t query_first;
    uint32_t query_count;
};

struct rule_set {
    uint32_t rule_count;
    uint32_t query_count;
    struct digest digest; /* of the whole text */
    struct rule rules[RULES_MAX];
    struct rule_query queries[RULE_QUERIES_MAX];
};

/*
 * The text of all files, each after a line "%file NAME"; names ending in .fixtures hold the cases
 * of the fault that they are called after. The text must outlive the set. STATUS_INVALID: the
 * error names file and line; STATUS_LIMIT.
 */
enum status rule_set_parse(struct str text, struct rule_set *out_set, struct error *out_error)
    MUST_CHECK;

/* Of a rule, in its file and in whatever names it: 1 to 16 letters, digits, _ and -. */
bool rule_id_is_valid(struct str id);

/*
 * The query of a rule of the set, behind the definitions of its rule that it names, directly or
 * through another of them: what evidence is asked.
 */
void rule_query_write(const struct rule_set *set, const struct rule *rule,
                      const struct rule_query *query, struct buf *out);

/* -1: there is none. */
int rule_find(const struct rule_set *set, struct str id);

#endif
