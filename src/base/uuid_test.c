/*
 * Goal: ids are read and written as RFC 9562 spells them, ordered as their text is, made with
 * version and variant in place, and derived without collision.
 * Method: the RFC's own example; every byte at every place of a text; random ids; half a
 * million steps of one root, sorted.
 */
#include "base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"

static const char example[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"; /* RFC 9562, A.6 */

static void the_example_of_the_rfc_is_made_read_and_written(void **state)
{
    (void)state; /* no fixture */
    const uint64_t random[2] = { 0xFFFFFFFFFFFFFCC3U, 0xD8C4DC0C0C07398FU };
    struct uuid made = uuid_v7(0x017F22E279B0U, random);
    struct uuid read = { 0 };
    assert_int_equal(uuid_parse(str_from(example), &read), STATUS_OK);
    assert_true(uuid_equal(made, read));
    char text[UUID_TEXT_LEN + 1];
    uuid_format(made, text);
    assert_string_equal(text, example);
}

static void either_case_is_read_and_lower_case_written(void **state)
{
    (void)state; /* no fixture */
    struct uuid id = { 0 };
    char text[UUID_TEXT_LEN + 1];
    assert_int_equal(uuid_parse(STR("017F22E2-79b0-7CC3-98C4-DC0C0C07398F"), &id), STATUS_OK);
    uuid_format(id, text);
    assert_string_equal(text, example);
}

static bool fits(unsigned byte, size_t place)
{
    if (place == 8 || place == 13 || place == 18 || place == 23) return byte == '-';
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

static void any_other_text_is_refused_and_changes_nothing(void **state)
{
    (void)state; /* no fixture */
    for (size_t place = 0; place < UUID_TEXT_LEN; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[UUID_TEXT_LEN + 1];
            memcpy(text, example, sizeof text);
            text[place] = (char)byte;
            struct uuid id = { 7, 7 };
            enum status status = uuid_parse((struct str){ text, UUID_TEXT_LEN }, &id);
            if ((status == STATUS_OK) != fits(byte, place)) fail_msg("%u at %zu", byte, place);
            if (status != STATUS_OK) assert_true(id.hi == 7 && id.lo == 7);
        }
    }
    struct uuid id;
    for (size_t len = 0; len < UUID_TEXT_LEN; len++)
        assert_int_equal(uuid_parse((struct str){ example, len }, &id), STATUS_INVALID);
    assert_int_equal(uuid_parse(STR("{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}"), &id),
                     STATUS_INVALID);
    assert_int_equal(uuid_parse(STR("017f22e2-79b0-7cc3-98c4-dc0c0c07398f0"), &id), STATUS_INVALID);
    assert_int_equal(uuid_parse(STR("017f22e279b07cc398c4dc0c0c07398f"), &id), STATUS_INVALID);
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void order_is_that_of_the_texts(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 5);
    for (unsigned i = 0; i < 20000; i++) {
        struct uuid a = { prng_next(&prng), prng_next(&prng) };
        struct uuid b = { prng_next(&prng), prng_next(&prng) };
        if (prng_chance(&prng, 1, 2)) b.hi = a.hi;
        if (prng_chance(&prng, 1, 4)) b.lo = a.lo;
        char first[UUID_TEXT_LEN + 1], second[UUID_TEXT_LEN + 1];
        uuid_format(a, first);
        uuid_format(b, second);
        assert_int_equal(uuid_compare(a, b), sign(strcmp(first, second)));
        assert_int_equal(uuid_equal(a, b), strcmp(first, second) == 0);
        struct uuid back = { 0 };
        assert_int_equal(uuid_parse(str_from(first), &back), STATUS_OK);
        assert_true(uuid_equal(a, back));
    }
    assert_true(uuid_is_nil((struct uuid){ 0 }));
    assert_false(uuid_is_nil((struct uuid){ .lo = 1 }));
    assert_false(uuid_is_nil((struct uuid){ .hi = UINT64_C(1) << 63 }));
}

static void version_variant_and_time_are_in_their_places(void **state)
{
    (void)state; /* no fixture */
    const uint64_t ones[2] = { UINT64_MAX, UINT64_MAX };
    const uint64_t zeros[2] = { 0, 0 };
    char text[UUID_TEXT_LEN + 1];
    uuid_format(uuid_v7((UINT64_C(1) << 48) - 1, zeros), text);
    assert_string_equal(text, "ffffffff-ffff-7000-8000-000000000000");
    uuid_format(uuid_v7(0, ones), text);
    assert_string_equal(text, "00000000-0000-7fff-bfff-ffffffffffff");
}

static int compare(const void *a, const void *b)
{
    return uuid_compare(*(const struct uuid *)a, *(const struct uuid *)b);
}

static void steps_of_one_root_never_collide_and_keep_its_time(void **state)
{
    (void)state; /* no fixture */
    enum { STEPS = 1 << 19 };
    const uint64_t random[2] = { 0x123456789ABCDEF0U, 0xFEDCBA9876543210U };
    struct uuid root = uuid_v7(1763880000000, random);
    struct uuid *ids = calloc(STEPS, sizeof *ids);
    assert_non_null(ids);
    for (uint32_t i = 0; i < STEPS; i++) {
        /* The first half are small steps, the others the largest there are. */
        uint32_t step = i < STEPS / 2 ? i : UINT32_MAX - (i - STEPS / 2);
        ids[i] = uuid_derive(root, step);
        assert_true(ids[i].hi == root.hi && ids[i].lo >> 62 == 2);
    }
    assert_true(uuid_equal(ids[0], root));
    qsort(ids, STEPS, sizeof *ids, compare);
    for (uint32_t i = 1; i < STEPS; i++) assert_false(uuid_equal(ids[i - 1], ids[i]));
    free(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_rfc_is_made_read_and_written),
        cmocka_unit_test(either_case_is_read_and_lower_case_written),
        cmocka_unit_test(any_other_text_is_refused_and_changes_nothing),
        cmocka_unit_test(order_is_that_of_the_texts),
        cmocka_unit_test(version_variant_and_time_are_in_their_places),
        cmocka_unit_test(steps_of_one_root_never_collide_and_keep_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
