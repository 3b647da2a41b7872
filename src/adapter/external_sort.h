/* external_sort.h - any number of items of one size, sorted in bounded memory through a file. */
#ifndef ADAPTER_EXTERNAL_SORT_H
#define ADAPTER_EXTERNAL_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    EXTERNAL_SORT_ITEM_MAX = 4096,
    EXTERNAL_SORT_RUNS_MAX = 1024, /* sorted parts that are merged in one go */
};

struct external_sort_options {
    size_t item_size;
    int (*compare)(const void *a, const void *b); /* a total order */
    uint64_t (*prefix)(const void *item); /* a smaller prefix is a smaller item; NULL: all are 0 */
    size_t memory_max;                    /* of items held at once: two or more */
    const char *folder; /* for a file without a name, which goes when the sort does */
};

struct external_sort;

/* One thread at a time. STATUS_LIMIT: no memory. */
enum status external_sort_new(const struct external_sort_options *options,
                              struct external_sort **out_sort, struct error *out_error) MUST_CHECK;
/* Accepts NULL. */
void external_sort_free(struct external_sort *sort);

/* Before the first next. STATUS_LIMIT: the disk or the number of runs; STATUS_UNAVAILABLE. */
enum status external_sort_add(struct external_sort *sort, const void *item, struct error *out_error)
    MUST_CHECK;
/* The items in order; the first call ends the adding. *out_found is false at the end. */
enum status external_sort_next(struct external_sort *sort, void *out_item, bool *out_found,
                               struct error *out_error) MUST_CHECK;
/* How many were added. */
uint64_t external_sort_count(const struct external_sort *sort);

#endif
