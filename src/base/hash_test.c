/*
 * Goal: stored hashes are XXH3 as everybody computes it and see every flipped bit; table hashes
 * spread ids of every make evenly.
 * Method: known values; all single flips of a record; ids counted, derived and time-ordered
 * into 4,096 places by low bits, high bits, and with two seeds.
 */
#include "base/hash.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"

static void known_bytes_have_known_hashes(void **state)
{
    (void)state;                                             /* no fixture */
    assert_true(hash_bytes(NULL, 0) == 0x2D06800538D394C2U); /* XXH3_64bits of nothing */
    assert_true(hash_bytes("", 0) == 0x2D06800538D394C2U);
    assert_true(hash_bytes("abc", 3) == 0x78AF5F94892F3950U);
}

static void a_flipped_bit_is_always_seen(void **state)
{
    (void)state; /* no fixture */
    uint8_t record[176];
    struct prng prng;
    prng_init(&prng, 1);
    prng_fill(&prng, record, sizeof record);
    uint64_t hash = hash_bytes(record, sizeof record);
    for (size_t bit = 0; bit < sizeof record * 8; bit++) {
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
        uint64_t other = hash_bytes(record, sizeof record);
        assert_true((uint32_t)other != (uint32_t)hash); /* records keep the low half */
        record[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(hash_bytes(record, sizeof record) == hash);
}

enum { PLACES = 4096, PER_PLACE = 64, IDS = PLACES * PER_PLACE };

static struct uuid id_number(unsigned make, uint32_t i)
{
    static const uint64_t random[2] = { 0x123456789ABCDEFU, 0xFEDCBA987654321U };
    switch (make) {
    case 0: return (struct uuid){ .lo = i };
    case 1: return (struct uuid){ .hi = i };
    case 2: return (struct uuid){ .lo = (uint64_t)i << 40 };
    case 3: return uuid_derive(uuid_v7(1763880000000, random), i);
    default: return uuid_v7(1763880000000 + i, random);
    }
}

/* With 64 expected, 8 standard deviations either way. */
static void ids_of_every_make_spread_evenly(void **state)
{
    (void)state; /* no fixture */
    static uint32_t low[PLACES], high[PLACES];
    for (unsigned make = 0; make < 5; make++) {
        for (uint64_t seed = 0; seed < 2; seed++) {
            memset(low, 0, sizeof low);
            memset(high, 0, sizeof high);
            for (uint32_t i = 0; i < IDS; i++) {
                uint64_t hash = hash_uuid(id_number(make, i), seed * 0x9E3779B97F4A7C15U);
                low[hash % PLACES]++;
                high[hash >> 52]++;
            }
            for (size_t place = 0; place < PLACES; place++) {
                assert_in_range(low[place], 1, 2 * PER_PLACE);
                assert_in_range(high[place], 1, 2 * PER_PLACE);
            }
        }
    }
}

static void each_bit_of_id_and_seed_counts(void **state)
{
    (void)state; /* no fixture */
    struct uuid id = { .lo = 0x0123456789ABCDEFU, .hi = 0xFEDCBA9876543210U };
    uint64_t hash = hash_uuid(id, 42);
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flip = UINT64_C(1) << bit;
        assert_true(hash_uuid((struct uuid){ id.lo ^ flip, id.hi }, 42) != hash);
        assert_true(hash_uuid((struct uuid){ id.lo, id.hi ^ flip }, 42) != hash);
        assert_true(hash_uuid(id, 42 ^ flip) != hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes_have_known_hashes),
        cmocka_unit_test(a_flipped_bit_is_always_seen),
        cmocka_unit_test(ids_of_every_make_spread_evenly),
        cmocka_unit_test(each_bit_of_id_and_seed_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
