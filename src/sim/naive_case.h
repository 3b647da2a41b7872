/* naive_case.h - a case of the exam: the evidence of a broken wallet, and the truth about it. */
#ifndef SIM_NAIVE_CASE_H
#define SIM_NAIVE_CASE_H

#include "base/status.h"
#include "sim/naive_world.h"

struct naive_case_options {
    uint64_t seed;
    uint32_t fault_count; /* 0: nothing is broken */
    enum naive_fault faults[NAIVE_FAULTS_MAX];
    bool dropped[NAIVE_SOURCES]; /* nobody has collected it */
};

/* A customer's or merchant's account, and what it has too much in the ledger's postings. */
struct naive_drift {
    char account[NAIVE_TEXT_SIZE];
    const char *asset;
    int64_t delta; /* 0: it was only shown wrong */
    bool to_post;  /* the repair posts the opposite; else it is rebuilt, replayed or restarted */
};

enum { NAIVE_DRIFTS_MAX = 2 * NAIVE_ACCOUNTS_MAX };

struct naive_truth {
    uint32_t fault_count;
    enum naive_fault faults[NAIVE_FAULTS_MAX];
    int64_t since_ns[NAIVE_FAULTS_MAX]; /* when each is at work, since 1970 */
    int64_t until_ns[NAIVE_FAULTS_MAX];
    uint32_t drift_count;
    struct naive_drift drifts[NAIVE_DRIFTS_MAX];
};

struct naive_case {
    struct naive_case_options options;
    struct naive_world *world; /* its evidence is the case's */
    struct naive_truth truth;
};

/*
 * Runs a seed with the faults and its twin without them. False: the seed gave the faults no
 * occasion (the evidence is that of the twin), so it is no case; nothing is to be freed then.
 */
bool naive_case_make(const struct naive_case_options *options, struct naive_case *out_case);
void naive_case_done(struct naive_case *made);

/* The truth.json of docs/bundle.md. */
enum status naive_case_truth(const struct naive_case *made, struct buf *out_json) MUST_CHECK;

#endif
