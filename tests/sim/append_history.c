/*
 * Goal: a history of appends and reads that could not have come of one list each is found.
 * Method: the longest read of a list is its order; everything else is held against that, pair by
 * pair: a quadratic look at a few hundred operations.
 */
#include "tests/sim/append_history.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void history_free(struct append_history *history)
{
    for (uint32_t i = 0; i < history->count; i++) free(history->operations[i].values);
    free(history->operations);
    *history = (struct append_history){ 0 };
}

uint32_t history_begun(struct append_history *history, const struct history_operation *operation)
{
    CHECK(operation->key < HISTORY_KEYS);
    if (history->count == history->room) {
        history->room = history->room == 0 ? 256 : history->room * 2;
        history->operations =
            realloc(history->operations, history->room * sizeof *history->operations);
        CHECK(history->operations != NULL);
    }
    history->operations[history->count] = *operation;
    return history->count++;
}

void history_ended(struct append_history *history, uint32_t number, uint64_t at,
                   const uint64_t *values, uint32_t count)
{
    struct history_operation *operation = &history->operations[number];
    CHECK(at > operation->begun && count <= HISTORY_LIST_MAX);
    operation->ended = at;
    operation->count = count;
    operation->values = calloc(count + 1, sizeof *values);
    CHECK(operation->values != NULL);
    if (count > 0) memcpy(operation->values, values, count * sizeof *values);
}

/* ---- What can be ---- */

static bool is_read(const struct history_operation *operation)
{
    return operation->append == 0 && operation->ended != 0;
}

/* Where a value stands in a list; its count: nowhere. */
static uint32_t place_of(const struct history_operation *list, uint64_t value)
{
    uint32_t place = 0;
    while (place < list->count && list->values[place] != value) place++;
    return place;
}

static const struct history_operation *longest_read(const struct append_history *history,
                                                    uint32_t key)
{
    const struct history_operation *longest = NULL;
    for (uint32_t i = 0; i < history->count; i++) {
        const struct history_operation *read = &history->operations[i];
        if (!is_read(read) || read->key != key) continue;
        if (longest == NULL || read->count >= longest->count) longest = read;
    }
    return longest;
}

/* How much of the list an operation shows to be there: behind an append, its own place. */
static uint32_t extent_of(const struct history_operation *list,
                          const struct history_operation *operation)
{
    return operation->append == 0 ? operation->count : place_of(list, operation->append) + 1;
}

static const char *operation_fault(const struct history_operation *list,
                                   const struct history_operation *operation)
{
    if (operation->append != 0) {
        bool lost = operation->ended != 0 && place_of(list, operation->append) == list->count;
        return lost ? "what was acknowledged is lost" : NULL;
    }
    for (uint32_t i = 0; i < operation->count; i++) {
        if (operation->values[i] != list->values[i]) return "two reads have two orders";
        if (place_of(operation, operation->values[i]) != i) return "a value is there twice";
    }
    return NULL;
}

/* Of two on one key, the first ended before the second began. */
static const char *order_fault(const struct history_operation *list,
                               const struct history_operation *first,
                               const struct history_operation *second)
{
    uint32_t had = extent_of(list, first);
    if (second->append == 0) return second->count < had ? "a read is older than an answer" : NULL;
    if (second->ended != 0 && extent_of(list, second) <= had) return "an append came too early";
    bool shown = first->append == 0 && place_of(first, second->append) < first->count;
    return shown ? "a read shows what nobody had asked for" : NULL;
}

static const char *key_fault(const struct append_history *history,
                             const struct history_operation *list, uint32_t key)
{
    const char *fault = NULL;
    for (uint32_t i = 0; i < history->count && fault == NULL; i++) {
        const struct history_operation *first = &history->operations[i];
        if (first->key != key || (first->append == 0 && first->ended == 0)) continue;
        fault = operation_fault(list, first);
        for (uint32_t j = 0; j < history->count && fault == NULL; j++) {
            const struct history_operation *second = &history->operations[j];
            bool known = second->append != 0 || second->ended != 0;
            bool behind = first->ended != 0 && first->ended < second->begun;
            if (second->key == key && known && behind) fault = order_fault(list, first, second);
        }
    }
    return fault;
}

const char *history_fault(const struct append_history *history)
{
    const char *fault = NULL;
    for (uint32_t key = 0; key < HISTORY_KEYS && fault == NULL; key++) {
        const struct history_operation *list = longest_read(history, key);
        if (list != NULL) fault = key_fault(history, list, key);
    }
    return fault;
}

/* ---- As Elle reads it ---- */

static void event_write(const struct history_operation *operation, bool begun, FILE *file)
{
    bool read = operation->append == 0;
    (void)fprintf(file, "{\"process\":%u,\"type\":\"%s\",\"f\":\"txn\",\"value\":[[\"%s\",%u,",
                  operation->process, begun ? "invoke" : "ok", read ? "r" : "append",
                  operation->key);
    if (!read) (void)fprintf(file, "%llu", (unsigned long long)operation->append);
    if (read && begun) (void)fprintf(file, "null");
    for (uint32_t i = 0; read && !begun && i < operation->count; i++) {
        (void)fprintf(file, "%s%llu", i == 0 ? "[" : ",", (unsigned long long)operation->values[i]);
    }
    if (read && !begun) (void)fprintf(file, "%s", operation->count == 0 ? "[]" : "]");
    (void)fprintf(file, "]],\"time\":%llu}\n",
                  (unsigned long long)(begun ? operation->begun : operation->ended));
}

void history_write(const struct append_history *history, FILE *file)
{
    uint64_t written = 0;
    for (;;) {
        const struct history_operation *next = NULL;
        bool begun = false;
        uint64_t at = UINT64_MAX;
        for (uint32_t i = 0; i < history->count; i++) {
            const struct history_operation *operation = &history->operations[i];
            if (operation->begun > written && operation->begun < at) {
                next = operation;
                begun = true;
                at = operation->begun;
            }
            if (operation->ended > written && operation->ended < at) {
                next = operation;
                begun = false;
                at = operation->ended;
            }
        }
        if (next == NULL) return;
        event_write(next, begun, file);
        written = at;
    }
}
