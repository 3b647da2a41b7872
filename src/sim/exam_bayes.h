/* exam_bayes.h - a baseline of the exam: naive Bayes over what is violated and what triggers. */
#ifndef SIM_EXAM_BAYES_H
#define SIM_EXAM_BAYES_H

#include <stdbool.h>
#include <stdint.h>

#include "doctor/rule.h"
#include "sim/naive_fault.h"

/* Features: of each rule, whether the invariant is violated or the fault has an instance. */
struct exam_bayes {
    uint32_t cases[NAIVE_FAULT_COUNT];
    uint32_t seen[NAIVE_FAULT_COUNT][RULES_MAX];
};

/* The likeliest class by the cases so far; the first one when there are none. */
uint32_t exam_bayes_guess(const struct exam_bayes *bayes, const bool features[RULES_MAX],
                          uint32_t feature_count);
void exam_bayes_teach(struct exam_bayes *bayes, enum naive_fault fault,
                      const bool features[RULES_MAX], uint32_t feature_count);

#endif
