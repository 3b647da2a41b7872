/* evidence_ways.h - how each kind of evidence is collected, and how dear that is. */
#ifndef DOCTOR_EVIDENCE_WAYS_H
#define DOCTOR_EVIDENCE_WAYS_H

#include <stdint.h>

/* What it takes: a command against a system of ours, a file from those who run one, or the word of
 * another company, or records that somebody has to write. */
enum evidence_cost { EVIDENCE_COST_COMMAND = 1, EVIDENCE_COST_FILE, EVIDENCE_COST_OTHERS };

struct evidence_way {
    const char *options; /* of `tpwallet doctor collect`; NULL: by hand, as docs/bundle.md has it */
    const char *kinds;   /* by blanks */
    enum evidence_cost cost;
};

/* Each kind is in exactly one of them, its cheapest; ends with NULL kinds. */
extern const struct evidence_way evidence_ways[];

/* The way of a kind: its place in model/evidence.h. CHECKs that it is one. */
const struct evidence_way *evidence_way_of(uint32_t kind);
/* The kinds of a way, by bit. */
uint64_t evidence_way_kinds(const struct evidence_way *way);

#endif
