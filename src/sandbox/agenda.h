/* agenda.h - what is to happen when: by time, and for equal times in order of being added. */
#ifndef SANDBOX_AGENDA_H
#define SANDBOX_AGENDA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/time.h"

/* subject and what are the owner's. */
struct agenda_entry {
    struct wall_time due;
    uint64_t number; /* in order of adding, from 1 */
    uint32_t subject;
    uint32_t what;
};

/* A heap in memory reserved at the start. One task at a time; accepts no more than entries_max. */
struct agenda {
    struct agenda_entry *heap;
    uint64_t entries_max;
    uint64_t count;
    uint64_t added;
};

/* STATUS_LIMIT when the address space is refused. */
enum status agenda_init(struct agenda *agenda, uint64_t entries_max) MUST_CHECK;
/* Accepts a zeroed one. */
void agenda_free(struct agenda *agenda);

/* CHECKs that there is room: owners know how many they may have. */
void agenda_add(struct agenda *agenda, struct wall_time due, uint32_t subject, uint32_t what);
/* The first by time, NULL when there is none. Good until the next call. */
const struct agenda_entry *agenda_first(const struct agenda *agenda);
/* Takes the first away and returns it; there must be one. */
struct agenda_entry agenda_take(struct agenda *agenda);

/* STATUS_CORRUPT when the order is broken. */
enum status agenda_check(const struct agenda *agenda) MUST_CHECK;

#endif
