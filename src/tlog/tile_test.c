/*
 * Goal: tiles are those of C2SP tlog-tiles, each with one path, and a walk meets each new one
 * once.
 * Method: the examples of the specification (index 1234067; trees of 256 and 70,000 leaves);
 * paths written and read back; paths that are almost right; a naive twin that lists all tiles of
 * both sizes and leaves out those that were there.
 */
#include "tlog/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check_test.h"
#include "base/prng.h"

static void examples_of_the_specification(void **state)
{
    (void)state; /* no fixture */
    char text[TILE_PATH_SIZE];
    struct tile tile = { TILE_HASHES, 3, 1234067, 256 };
    assert_string_equal(tile_path(&tile, text).data, "tile/3/x001/x234/067");
    tile = (struct tile){ TILE_ENTRIES, 0, 1234067, 8 };
    assert_string_equal(tile_path(&tile, text).data, "tile/entries/x001/x234/067.p/8");
    assert_int_equal(tile_width(256, 0, 0), 256);
    assert_int_equal(tile_width(256, 1, 0), 1);
    assert_int_equal(tile_width(256, 0, 1), 0);
    assert_int_equal(tile_width(70000, 0, 272), 256);
    assert_int_equal(tile_width(70000, 0, 273), 112);
    assert_int_equal(tile_width(70000, 0, 274), 0);
    assert_int_equal(tile_width(70000, 1, 0), 256);
    assert_int_equal(tile_width(70000, 1, 1), 17);
    assert_int_equal(tile_width(70000, 2, 0), 1);
    assert_int_equal(tile_width(70000, 3, 0), 0);
    assert_int_equal(tile_width(70000, 3, UINT64_MAX), 0);
    assert_int_equal(tile_width(70000, 8, 0), 0);
    assert_int_equal(tile_width(70000, 99, 0), 0);
}

static void every_path_is_read_back(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 5);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned level = (unsigned)prng_below(&prng, TILE_LEVELS);
        uint64_t indexes = (TREE_SIZE_MAX >> (8 * level)) / TILE_WIDTH + 1;
        uint64_t bound = UINT64_C(1) << prng_below(&prng, 56);
        struct tile tile = {
            .kind = level == 0 && prng_chance(&prng, 1, 2) ? TILE_ENTRIES : TILE_HASHES,
            .level = level,
            .index = prng_below(&prng, bound < indexes ? bound : indexes),
            .width = (unsigned)prng_between(&prng, 1, TILE_WIDTH),
        };
        if (!tile_is_possible(&tile)) continue;
        char text[TILE_PATH_SIZE];
        struct tile back;
        assert_int_equal(tile_parse(tile_path(&tile, text), &back), STATUS_OK);
        assert_true(tile_equal(&tile, &back));
        back.width ^= 1;
        assert_false(tile_equal(&tile, &back));
    }
    struct tile last = { TILE_ENTRIES, 0, TREE_SIZE_MAX / TILE_WIDTH, 255 };
    char text[TILE_PATH_SIZE];
    assert_string_equal(tile_path(&last, text).data,
                        "tile/entries/x036/x028/x797/x018/x963/967.p/255");
    struct tile back;
    assert_int_equal(tile_parse(str_from(text), &back), STATUS_OK);
}

static void what_is_almost_a_path_is_refused(void **state)
{
    (void)state; /* no fixture */
    static const char *const wrong[] = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/8/000",
        "tile/63/000",
        "tile/-1/000",
        "tile/x/000",
        "tile/Entries/000",
        "tile/entries/x000/000",
        "tile/0/x000/x001/067",
        "tile/0/001/067",
        "tile/0/x001",
        "tile/0/x001/x067",
        "tile/0/x01/067",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/1/",
        "tile/0/000.q/1",
        "tile/0/000p/1",
        "tile/7/000.p/128",
        "tile/7/001.p/1",
        "tile/0/x036/x028/x797/x018/x963/967",
        "tile/0/x036/x028/x797/x018/x963/968.p/1",
        "tile/0/x001/x000/x000/x000/x000/x000/000",
        "tile/0/..%2f/000",
        "tile/0/../000",
        "tile/entries/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/999.p/255",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tile tile = { .width = 77 };
        enum status status = tile_parse(str_from(wrong[i]), &tile);
        if (status != STATUS_INVALID) fail_msg("'%s' is read", wrong[i]);
        assert_int_equal(tile.width, 77);
    }
    struct tile tile;
    assert_int_equal(tile_parse((struct str){ "tile/0/000\0", 11 }, &tile), STATUS_INVALID);
    assert_int_equal(tile_parse((struct str){ "tile/0/000\0", 10 }, &tile), STATUS_OK);
    assert_int_equal(tile_parse(STR("tile/7/000.p/127"), &tile), STATUS_OK);
}

/* Every tile of the larger tree that the smaller one has not just so. */
static void check_walk(enum tile_kind kind, uint64_t from, uint64_t to)
{
    struct tile_walk walk;
    tile_walk_init(&walk, kind, from, to);
    for (unsigned level = 0; level < (kind == TILE_ENTRIES ? 1 : TILE_LEVELS); level++) {
        uint64_t count = ((to >> (8 * level)) + 255) / 256;
        for (uint64_t index = 0; index < count; index++) {
            unsigned width = tile_width(to, level, index);
            if (tile_width(from, level, index) == width) continue;
            struct tile tile;
            struct tile expected = { kind, level, index, width };
            assert_true(tile_walk_next(&walk, &tile));
            assert_true(tile_equal(&tile, &expected));
            assert_true(tile_is_possible(&tile));
        }
    }
    struct tile tile;
    assert_false(tile_walk_next(&walk, &tile));
    assert_false(tile_walk_next(&walk, &tile));
}

static void a_walk_meets_what_is_new(void **state)
{
    (void)state; /* no fixture */
    static const uint64_t sizes[] = { 0,     1,     2,      255,    256,    257,      300,
                                      511,   512,   65535,  65536,  65537,  65791,    65792,
                                      65793, 70000, 131071, 131072, 200000, 16777216, 16777217 };
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    for (size_t from = 0; from < COUNT; from++) {
        for (size_t to = from; to < COUNT; to++) {
            check_walk(TILE_HASHES, sizes[from], sizes[to]);
            check_walk(TILE_ENTRIES, sizes[from], sizes[to]);
        }
    }
}

/* 273 whole tiles and a partial one, one whole and one partial, one partial: as the text says. */
static void a_tree_of_70000_has_277_tiles(void **state)
{
    (void)state; /* no fixture */
    struct tile_walk walk;
    tile_walk_init(&walk, TILE_HASHES, 0, 70000);
    unsigned count = 0;
    struct tile tile;
    while (tile_walk_next(&walk, &tile)) count++;
    assert_int_equal(count, 273 + 1 + 1 + 1 + 1);
    tile_walk_init(&walk, TILE_HASHES, TREE_SIZE_MAX - 1, TREE_SIZE_MAX);
    count = 0;
    while (tile_walk_next(&walk, &tile)) count++;
    assert_int_equal(count, 1);
}

static void path_of(void *tile)
{
    char text[TILE_PATH_SIZE];
    (void)tile_path(tile, text); /* it stops before */
}

static void an_impossible_tile_has_no_path(void **state)
{
    (void)state; /* no fixture */
    static struct tile tiles[] = {
        { TILE_HASHES, 0, 0, 0 },  { TILE_HASHES, 0, 0, 257 },        { TILE_HASHES, 8, 0, 1 },
        { TILE_ENTRIES, 1, 0, 1 }, { TILE_HASHES, 0, UINT64_MAX, 1 },
    };
    for (size_t i = 0; i < sizeof tiles / sizeof tiles[0]; i++) {
        assert_false(tile_is_possible(&tiles[i]));
        assert_true(dies(path_of, &tiles[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_specification),
        cmocka_unit_test(every_path_is_read_back),
        cmocka_unit_test(what_is_almost_a_path_is_refused),
        cmocka_unit_test(a_walk_meets_what_is_new),
        cmocka_unit_test(a_tree_of_70000_has_277_tiles),
        cmocka_unit_test(an_impossible_tile_has_no_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
