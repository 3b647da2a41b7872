/* verdict.h - where violations of a seed are collected; the first one stops its world. */
#ifndef SIM_VERDICT_H
#define SIM_VERDICT_H

#include "base/buf.h"
#include "sim/world.h"

enum { VERDICT_TEXT_SIZE = 8192 };

struct verdict {
    struct world *world;
    uint64_t violations;
    struct buf text; /* one line each, as far as they fit */
};

void verdict_init(struct verdict *verdict, struct world *world);
void verdict_done(struct verdict *verdict);
/* printf format, no newline. What comes after the first is often its consequence. */
void verdict_violation(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
