/*
 * Goal: what is read out of tiles is what is in the tree, at every place; a proof needs few
 * tiles, and a source that fails is not believed.
 * Method: tiles cut from a tree in memory; all places of small trees and random ones of larger
 * ones against that memory; tiles counted; each read refused in turn.
 */
#include "tlog/tile_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "tlog/tree_proof.h"
#include "tlog/tree_test.h"

struct memory_source {
    struct tile_source source;
    struct memory_tree *memory;
    uint64_t size;
    unsigned reads;
    unsigned reads_max;
};

static enum status cut_tile(struct tile_source *source, const struct tile *tile,
                            struct digest out_hashes[TILE_WIDTH])
{
    struct memory_source *from = (struct memory_source *)source;
    assert_int_equal(tile->kind, TILE_HASHES);
    assert_int_equal(tile->width, tile_width(from->size, tile->level, tile->index));
    memset(out_hashes, 0xEE, TILE_WIDTH * sizeof out_hashes[0]); /* also when it fails */
    if (from->reads++ == from->reads_max) return STATUS_UNAVAILABLE;
    memcpy(out_hashes, &from->memory->levels[tile->level * 8][tile->index * TILE_WIDTH],
           tile->width * sizeof out_hashes[0]);
    return STATUS_OK;
}

static void check_places(struct memory_tree *memory, uint64_t size, unsigned step)
{
    struct memory_source source = { { cut_tile }, memory, size, 0, UINT32_MAX };
    static struct tile_reader reader;
    tile_reader_init(&reader, &source.source, size);
    struct digest hash;
    for (unsigned level = 0; size >> level > 0; level++) {
        for (uint64_t index = 0; index < size >> level; index += step) {
            struct tree_place place = { level, index };
            assert_int_equal(reader.reader.read(&reader.reader, place, &hash), STATUS_OK);
            assert_true(digest_equal(&hash, &memory->levels[level][index]));
        }
        struct tree_place beyond = { level, size >> level };
        assert_int_equal(reader.reader.read(&reader.reader, beyond, &hash), STATUS_NOT_FOUND);
    }
    struct tree_place beyond = { 62, 0 };
    assert_int_equal(reader.reader.read(&reader.reader, beyond, &hash), STATUS_NOT_FOUND);
}

static void every_place_is_as_in_the_tree(void **state)
{
    (void)state; /* no fixture */
    struct memory_tree memory;
    memory_tree_init(&memory, 70000, 2);
    static const uint64_t sizes[] = { 0, 1, 2, 3, 255, 256, 257, 511, 513, 1000 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) check_places(&memory, sizes[i], 1);
    check_places(&memory, 65536, 977);
    check_places(&memory, 70000, 977);
    memory_tree_done(&memory);
}

static void proofs_from_tiles_verify(void **state)
{
    (void)state; /* no fixture */
    struct memory_tree memory;
    memory_tree_init(&memory, 70000, 3);
    struct prng prng;
    prng_init(&prng, 8);
    for (unsigned i = 0; i < 100; i++) {
        struct memory_source source = { { cut_tile }, &memory, 0, 0, UINT32_MAX };
        static struct tile_reader reader;
        struct tree_head head = { .size = source.size = prng_between(&prng, 1, 70000) };
        struct tree_head old = { .size = prng_between(&prng, 1, head.size) };
        struct tree_proof proof;
        struct error error;
        uint64_t index = prng_below(&prng, head.size);
        tile_reader_init(&reader, &source.source, head.size);
        assert_int_equal(tree_prove_inclusion(&reader.reader, index, head.size, &proof), STATUS_OK);
        assert_in_range(source.reads, 1, 6); /* three levels, and their right ends */
        assert_int_equal(tree_read_root(&reader.reader, head.size, &head.root), STATUS_OK);
        assert_int_equal(tree_read_root(&memory.reader, old.size, &old.root), STATUS_OK);
        assert_int_equal(
            tree_verify_inclusion(&head, index, &memory.levels[0][index], &proof, &error),
            STATUS_OK);
        assert_int_equal(tree_prove_consistency(&reader.reader, old.size, head.size, &proof),
                         STATUS_OK);
        assert_int_equal(tree_verify_consistency(&old, &head, &proof, &error), STATUS_OK);
    }
    memory_tree_done(&memory);
}

static void a_source_that_fails_is_asked_again(void **state)
{
    (void)state; /* no fixture */
    struct memory_tree memory;
    memory_tree_init(&memory, 1000, 3);
    struct memory_source source = { { cut_tile }, &memory, 1000, 0, UINT32_MAX };
    static struct tile_reader reader;
    tile_reader_init(&reader, &source.source, 1000);
    struct digest hash = { { 9 } };
    for (unsigned i = 0; i < 3; i++) {
        source.reads = 0;
        source.reads_max = 0;
        struct tree_place place = { 0, 300 };
        assert_int_equal(reader.reader.read(&reader.reader, place, &hash), STATUS_UNAVAILABLE);
        source.reads_max = UINT32_MAX;
        assert_int_equal(reader.reader.read(&reader.reader, place, &hash), STATUS_OK);
        assert_true(digest_equal(&hash, &memory.levels[0][300]));
        /* Another tile of the level takes its place; when that fails, nothing is held. */
        source.reads = 0;
        source.reads_max = 0;
        place.index = 700;
        assert_int_equal(reader.reader.read(&reader.reader, place, &hash), STATUS_UNAVAILABLE);
    }
    memory_tree_done(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_is_as_in_the_tree),
        cmocka_unit_test(proofs_from_tiles_verify),
        cmocka_unit_test(a_source_that_fails_is_asked_again),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed;
}
