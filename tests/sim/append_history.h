/* append_history.h - for tests: what clients appended to lists and read of them, and whether that can be. */
#ifndef TESTS_SIM_APPEND_HISTORY_H
#define TESTS_SIM_APPEND_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Operations of list-append, one key each, as Elle's checkers take them. Values are unique and not
 * 0; times are any that only grow. Strict serializability of single operations is looked at here:
 * each list has one order, of which every read is a beginning, and neither appends nor reads are
 * older than what had ended before they began.
 */
enum { HISTORY_KEYS = 4, HISTORY_LIST_MAX = 400 };

struct history_operation {
    uint32_t process;
    uint32_t key;
    uint64_t append; /* the value; 0: a read */
    uint64_t begun;
    uint64_t ended; /* 0: nobody knows */
    uint32_t count; /* of a read that ended */
    uint64_t *values;
};

struct append_history {
    struct history_operation *operations;
    uint32_t count;
    uint32_t room;
};

void history_free(struct append_history *history);

/* Its number, for history_ended(). */
uint32_t history_begun(struct append_history *history, const struct history_operation *operation);
/* values: what a read found; copied. */
void history_ended(struct append_history *history, uint32_t number, uint64_t at,
                   const uint64_t *values, uint32_t count);

/* NULL: it can be. Else what cannot, a static string. The last read of a key has all of it. */
const char *history_fault(const struct append_history *history);

/* One event a line, in order of time: {"process", "type", "f": "txn", "value", "time"}. */
void history_write(const struct append_history *history, FILE *file);

#endif
