/*
 * Goal: whatever is added comes back once, in order, however little memory there is.
 * Method: random items with many equal prefixes, sorted in memories from two items upward, beside
 * qsort(); a folder that is none; a disk that is full.
 */
#include "adapter/external_sort.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/prng.h"

struct item {
    uint64_t key;
    uint32_t number;
    uint8_t rest[36];
};

static int item_compare(const void *a, const void *b)
{
    const struct item *left = a;
    const struct item *right = b;
    if (left->key != right->key) return left->key < right->key ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}

static uint64_t item_prefix(const void *item)
{
    return ((const struct item *)item)->key >> 4;
}

static const char *folder(void)
{
    const char *scratch = getenv("TMPDIR");
    return scratch == NULL ? "/tmp" : scratch;
}

static void sorted_as_qsort_does(uint32_t count, size_t memory, bool prefixed)
{
    struct prng prng;
    prng_init(&prng, count + memory);
    struct item *items = calloc(count + 1, sizeof *items);
    assert_non_null(items);
    const struct external_sort_options options = {
        .item_size = sizeof(struct item),
        .compare = item_compare,
        .prefix = prefixed ? item_prefix : NULL,
        .memory_max = memory,
        .folder = folder(),
    };
    struct external_sort *sort;
    struct error error;
    assert_int_equal(external_sort_new(&options, &sort, &error), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (struct item){ .key = prng_below(&prng, count / 2 + 1), .number = i };
        assert_int_equal(external_sort_add(sort, &items[i], &error), STATUS_OK);
    }
    assert_int_equal(external_sort_count(sort), count);
    qsort(items, count, sizeof *items, item_compare);
    bool found;
    struct item item;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(external_sort_next(sort, &item, &found, &error), STATUS_OK);
        assert_true(found);
        assert_memory_equal(&item, &items[i], sizeof item);
    }
    assert_int_equal(external_sort_next(sort, &item, &found, &error), STATUS_OK);
    assert_false(found);
    external_sort_free(sort);
    free(items);
}

static void any_number_in_any_memory(void **state)
{
    (void)state; /* no fixture */
    static const uint32_t counts[] = { 0, 1, 2, 63, 1000, 5000 };
    static const size_t memories[] = { 8192, 64 << 10, 1 << 20 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (size_t k = 0; k < sizeof memories / sizeof memories[0]; k++)
            for (int prefixed = 0; prefixed < 2; prefixed++)
                sorted_as_qsort_does(counts[i], memories[k], prefixed != 0);
}

static struct external_sort *small_sort(const char *where, size_t memory)
{
    const struct external_sort_options options = {
        .item_size = sizeof(struct item),
        .compare = item_compare,
        .memory_max = memory,
        .folder = where,
    };
    struct external_sort *sort;
    struct error error;
    assert_int_equal(external_sort_new(&options, &sort, &error), STATUS_OK);
    return sort;
}

/* Adds until it is refused; at most `most`. */
static enum status filled(struct external_sort *sort, uint32_t most)
{
    struct error error;
    enum status status = STATUS_OK;
    struct item item = { 0 };
    for (item.number = 0; item.number < most && status == STATUS_OK; item.number++)
        status = external_sort_add(sort, &item, &error);
    external_sort_free(sort);
    return status;
}

static void what_cannot_be_written_is_told(void **state)
{
    (void)state; /* no fixture */
    assert_int_equal(filled(small_sort("/nowhere/at/all", 256), 1000), STATUS_UNAVAILABLE);
    assert_int_equal(filled(small_sort(folder(), 256), 1 << 20), STATUS_LIMIT); /* runs */
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = { 4096, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    (void)signal(SIGXFSZ, SIG_IGN); /* so that write() fails instead */
    assert_int_equal(filled(small_sort(folder(), 64 << 10), 4000), STATUS_UNAVAILABLE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_in_any_memory),
        cmocka_unit_test(what_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
