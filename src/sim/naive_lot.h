/* naive_lot.h - which faults a seed of the exam is about, and the case that it makes. */
#ifndef SIM_NAIVE_LOT_H
#define SIM_NAIVE_LOT_H

#include "sim/naive_case.h"

enum naive_lot_kind {
    NAIVE_LOT_SINGLE, /* one class, each in turn */
    NAIVE_LOT_PAIR,   /* two classes that can be told apart when both are there */
    NAIVE_LOT_CHAIN,  /* a cascade: one fault, and what people do about it */
    NAIVE_LOT_CLEAN,  /* nothing is broken */
};

/* Classes that the naive wallet can stage: all but the benign one. */
uint32_t naive_lot_classes(enum naive_fault out_classes[NAIVE_FAULT_COUNT]);

/*
 * The case of a seed. `only` (NAIVE_FAULT_COUNT: any) fixes the class of a single. A seed whose
 * wallet gives the fault no occasion goes on to the next wallet of the same lot, so there always
 * is a case.
 */
void naive_lot_draw(uint64_t seed, enum naive_lot_kind kind, enum naive_fault only,
                    const bool dropped[NAIVE_SOURCES], struct naive_case *out_case);

#endif
