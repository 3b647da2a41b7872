/*
 * Goal: the orders are total and bring together what belongs together; a label shows nothing that
 * a terminal would obey.
 * Method: random lines with few different values, compared each with each, both ways and in threes.
 */
#include "doctor/reconcile_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/prng.h"

enum { LINES = 60 };

struct order {
    int (*compare)(const void *a, const void *b);
    bool (*same)(const struct reconcile_line *a, const struct reconcile_line *b);
};

static const struct order orders[] = {
    { reconcile_by_key, reconcile_same_key },
    { reconcile_by_composite, reconcile_same_composite },
    { reconcile_by_amount, reconcile_same_amount },
    { reconcile_by_batch, reconcile_same_batch },
};

/* Whether a third line stands rightly to two that are in order, and no group is torn apart. */
static void third_is_right(const struct order *order, const struct reconcile_line *lines, int a,
                           int b)
{
    for (int c = 0; c < LINES; c++) {
        if (order->compare(&lines[b], &lines[c]) > 0) continue;
        assert_true(order->compare(&lines[a], &lines[c]) <= 0);
        if (order->same(&lines[a], &lines[c])) assert_true(order->same(&lines[a], &lines[b]));
    }
}

static void order_is_total(const struct order *order, const struct reconcile_line *lines)
{
    for (int a = 0; a < LINES; a++) {
        for (int b = 0; b < LINES; b++) {
            int ab = order->compare(&lines[a], &lines[b]);
            assert_int_equal(ab, -order->compare(&lines[b], &lines[a]));
            assert_int_equal(ab == 0, a == b);
            if (ab <= 0) third_is_right(order, lines, a, b);
        }
    }
}

static void orders_are_total_and_keep_groups_together(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 1);
    static struct reconcile_line lines[LINES];
    for (uint32_t i = 0; i < LINES; i++) {
        lines[i] = (struct reconcile_line){
            .key = { prng_below(&prng, 2), prng_below(&prng, 2) },
            .ref = { prng_below(&prng, 2), prng_below(&prng, 2) },
            .batch = { prng_below(&prng, 2), 1 },
            .id = { prng_below(&prng, 3), 0 },
            .amount = { (int)prng_below(&prng, 4) - 2 },
            .at = { (int64_t)prng_below(&prng, 4) },
            .currency = (uint32_t)prng_below(&prng, 2),
            .side = (uint8_t)prng_below(&prng, 2),
            .line = i + 1,
        };
    }
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) order_is_total(&orders[i], lines);
}

static void labels_show_what_can_be_shown(void **state)
{
    (void)state; /* no fixture */
    char label[RECONCILE_LABEL_SIZE];
    reconcile_label(STR("a\x1b[31m\xc3\xa9\nb"), label);
    assert_string_equal(label, "a?[31m???b");
    char long_text[200];
    memset(long_text, 'x', sizeof long_text);
    reconcile_label((struct str){ long_text, sizeof long_text }, label);
    assert_int_equal(strlen(label), RECONCILE_LABEL_SIZE - 1);
}

static void digests_tell_texts_apart(void **state)
{
    (void)state; /* no fixture */
    assert_true(uuid_is_nil(reconcile_digest(STR(""))));
    assert_false(uuid_is_nil(reconcile_digest(STR("a"))));
    assert_false(uuid_equal(reconcile_digest(STR("a")), reconcile_digest(STR("A"))));
    assert_false(uuid_equal(reconcile_digest(STR("a")), reconcile_digest(STR("a "))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_total_and_keep_groups_together),
        cmocka_unit_test(labels_show_what_can_be_shown),
        cmocka_unit_test(digests_tell_texts_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
