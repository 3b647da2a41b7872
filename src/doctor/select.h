/* select.h - the choice of causes: the fewest that leave the least money unexplained. */
#ifndef DOCTOR_SELECT_H
#define DOCTOR_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum {
    SELECT_EXACT_MAX = 14, /* candidates that depend on each other and are tried in all ways */
    SELECT_GROUP_MAX = 64, /* more of them are not told apart further */
};

struct candidate {
    const uint32_t *explains; /* places of findings, ascending */
    uint32_t explain_count;
    uint32_t rule;
    uint32_t missing;     /* predicted and not there */
    uint32_t unknown;     /* predicates */
    uint32_t description; /* length */
    bool selected;        /* the result, and below */
    bool rival;           /* belongs to another choice that costs the same */
};

/*
 * Minimises, in this order: money unexplained, findings unexplained, what was predicted and is
 * missing, kinds of faults, instances, unknown predicates; then description and place, which
 * decide what is shown but leave a tie. weights are magnitudes of money by finding. *out_cut:
 * some group was too large for all ways to be tried. STATUS_LIMIT: the arena is too small.
 */
enum status select_causes(struct candidate *candidates, uint32_t count,
                          const unsigned __int128 *weights, uint32_t finding_count,
                          struct arena *arena, bool *out_cut) MUST_CHECK;

#endif
