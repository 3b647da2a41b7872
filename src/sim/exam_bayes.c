#include "sim/exam_bayes.h"

/* log2 of num / den in thousandths, by squaring; den at least num, num at least 1. */
static int64_t log_milli(uint64_t num, uint64_t den)
{
    int64_t whole = 0;
    uint64_t value = (num << 32) / den; /* in (0, 1], 32 bits behind the point */
    while (value < (UINT64_C(1) << 31)) {
        value <<= 1;
        whole--;
    }
    int64_t part = 0;
    for (int64_t bit = 500; bit > 0; bit /= 2) {
        value = (uint64_t)(((unsigned __int128)value * value) >> 32);
        if (value < (UINT64_C(1) << 31)) {
            value <<= 1;
            part -= bit;
        }
    }
    return whole * 1000 + part;
}

uint32_t exam_bayes_guess(const struct exam_bayes *bayes, const bool features[RULES_MAX],
                          uint32_t feature_count)
{
    uint32_t best = 0;
    int64_t best_score = INT64_MIN;
    for (uint32_t fault = 0; fault < NAIVE_FAULT_COUNT; fault++) {
        uint64_t cases = bayes->cases[fault];
        if (cases == 0) continue;
        int64_t score = 0;
        for (uint32_t i = 0; i < feature_count; i++) {
            uint64_t seen = bayes->seen[fault][i] + 1; /* after Laplace */
            score += log_milli(features[i] ? seen : cases + 2 - seen, cases + 2);
        }
        if (score <= best_score) continue;
        best_score = score;
        best = fault;
    }
    return best;
}

void exam_bayes_teach(struct exam_bayes *bayes, enum naive_fault fault,
                      const bool features[RULES_MAX], uint32_t feature_count)
{
    bayes->cases[fault]++;
    for (uint32_t i = 0; i < feature_count; i++) bayes->seen[fault][i] += features[i] ? 1 : 0;
}
