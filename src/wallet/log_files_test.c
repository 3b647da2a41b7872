/*
 * Goal: every unit's leaf is found by its place, no other one is, and a narrower tile is the
 * beginning of the wider.
 * Method: all units of a journal of several bundles, those beside them; all widths of the last.
 */
#include "wallet/log_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/log_relay_test.h"

static void every_unit_is_found(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    struct log_files files;
    struct leaf leaf;
    uint64_t index = 0;
    uint64_t expected = 0;
    scene_open(&scene);
    log_files_init(&files, &scene.files->port, 0);
    assert_int_equal(log_files_find(&files, 1, 0, &index, &leaf, NULL), STATUS_NOT_FOUND);
    for (uint32_t i = 0; i < 10; i++) scene_pay(&scene, 1 + i * 29);
    scene_settle(&scene);
    files.size = scene.files->head.size;
    for (uint64_t batch = 1; batch <= scene.bench->disk->head; batch++) {
        const struct batch_header *header =
            (const struct batch_header *)scene.bench->disk->batches[batch].data;
        for (uint32_t unit = 0; unit < header->unit_count; unit++) {
            assert_int_equal(log_files_find(&files, batch, unit, &index, &leaf, NULL), STATUS_OK);
            assert_int_equal(index, expected++);
            assert_int_equal(leaf.head.batch, batch);
            assert_int_equal(leaf.head.unit, unit);
        }
        assert_int_equal(log_files_find(&files, batch, header->unit_count, &index, &leaf, NULL),
                         STATUS_NOT_FOUND);
    }
    assert_int_equal(expected, files.size);
    assert_int_equal(log_files_find(&files, 0, 0, &index, &leaf, NULL), STATUS_NOT_FOUND);
    assert_int_equal(log_files_find(&files, UINT64_MAX, 0, &index, &leaf, NULL), STATUS_NOT_FOUND);
    scene_close(&scene);
}

static void a_narrower_tile_is_the_beginning(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    struct log_files files;
    scene_open(&scene);
    scene_pay(&scene, 290);
    scene_settle(&scene);
    log_files_init(&files, &scene.files->port, scene.files->head.size);
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, LOG_BUNDLE_SIZE_MAX);
    for (uint64_t index = 0; index < 2; index++) {
        for (unsigned width = 1; width <= tile_width(files.size, 0, index); width++) {
            struct tile tile = { TILE_HASHES, 0, index, width };
            assert_int_equal(files.port.read(&files.port, &tile, &bytes, NULL), STATUS_OK);
            assert_int_equal(bytes.len, width * sizeof(struct digest));
            tile.kind = TILE_ENTRIES;
            assert_int_equal(files.port.read(&files.port, &tile, &bytes, NULL), STATUS_OK);
            struct str rest = buf_view(&bytes);
            struct str entry;
            unsigned count = 0;
            while (bundle_next(&rest, &entry) == STATUS_OK) count++;
            assert_int_equal(count, width);
        }
    }
    const struct tile wide = { TILE_HASHES, 0, 1, 37 };
    assert_int_equal(files.port.read(&files.port, &wide, &bytes, NULL), STATUS_NOT_FOUND);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_is_found),
        cmocka_unit_test(a_narrower_tile_is_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
