/* exam_score.h - a diagnosis held against the truth of its case, and the sums over many of them. */
#ifndef SIM_EXAM_SCORE_H
#define SIM_EXAM_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json_writer.h"
#include "crypto/digest.h"
#include "doctor/diagnosis.h"
#include "sim/exam_bayes.h"
#include "sim/naive_case.h"

enum {
    EXAM_FOUND_MAX = 8,
    EXAM_NOTHING = NAIVE_FAULT_COUNT, /* in the place of a class: no cause was named */
    EXAM_CLASSES = NAIVE_FAULT_COUNT + 1,
};

/* What a diagnosis came to in one case. */
struct exam_verdict {
    uint32_t found_count; /* different causes, the most certain first */
    uint32_t found[EXAM_FOUND_MAX];
    enum label labels[EXAM_FOUND_MAX];
    bool top1;
    bool in_three;
    bool exact_set;
    bool abstained; /* nothing named, or only with a question mark */
    bool certain;   /* every cause is CONFIRMED */
    bool affected_exact;
    bool money_exact;
    bool harmful;          /* the repair takes an account further from the truth */
    bool alarm;            /* a cause, or a violation that nothing explains */
    uint32_t causes_right; /* of those named */
    uint32_t starts;       /* true causes whose start was named */
    uint32_t starts_right; /* while the fault was at work */
    int64_t start_error_s; /* how far the others are from that, together */
    uint32_t affected_right;
    uint32_t affected_found;
    uint32_t affected_true;
    uint32_t first_match; /* a baseline: the first rule whose trigger fires */
    uint32_t bayes;       /* a baseline, taught by the cases before */
};

/* What became of a CONFIRMED cause when a record was taken out of the evidence. */
struct exam_faith {
    bool cited; /* one that it cites was: the label has to fall */
    bool fell;
    bool other; /* one was of a source that it does not count by: nothing may change */
    bool same;
};

struct exam_tally {
    uint64_t seeds;
    uint64_t faulty; /* cases in which something was broken */
    uint64_t clean;
    uint64_t top1;
    uint64_t in_three;
    uint64_t exact_set;
    uint64_t abstained;
    uint64_t affected_exact;
    uint64_t money_exact;
    uint64_t certain;
    uint64_t certain_affected_exact;
    uint64_t certain_money_exact;
    uint64_t harmful;
    uint64_t false_alarms;
    uint64_t affected_right;
    uint64_t affected_found;
    uint64_t affected_true;
    uint64_t named[LABEL_COUNT];
    uint64_t named_right[LABEL_COUNT];
    uint64_t causes_right;
    uint64_t causes_named;
    uint64_t causes_true;
    uint64_t starts;
    uint64_t starts_right;
    uint64_t start_error_s;
    uint64_t faith_cited;
    uint64_t faith_fell;
    uint64_t faith_other;
    uint64_t faith_same;
    struct digest truths; /* over the truths of all cases, in order */
    uint64_t first_match;
    uint64_t bayes;
    uint64_t of_class[EXAM_CLASSES];
    uint64_t confusion[EXAM_CLASSES][EXAM_CLASSES]; /* truth, top cause */
    uint64_t money_of_class[EXAM_CLASSES];
    struct exam_bayes taught;
};

/*
 * Looks at a diagnosis of the case and adds it to the sums. `open`: the rule of the true cause
 * was left out, so that naming nothing for certain is right.
 */
void exam_score(const struct diagnosis *diagnosis, const struct naive_truth *truth, bool open,
                struct exam_tally *tally, struct exam_verdict *out_verdict);

/*
 * The SHA-256 of a case's truth.json, before anybody looks at its evidence; it goes into the one
 * over all truths.
 */
struct digest exam_seal(struct str truth, struct exam_tally *tally);
void exam_faith_add(const struct exam_faith *faith, struct exam_tally *tally);

/* A line for each account on which the diagnosis and the truth differ. */
void exam_differences(const struct diagnosis *diagnosis, const struct naive_truth *truth,
                      struct buf *out_text);

/* The sums as one JSON object, and as text for people. */
void exam_tally_json(const struct exam_tally *tally, struct json_writer *writer);
void exam_tally_text(const struct exam_tally *tally, bool open, struct buf *out_text);

#endif
