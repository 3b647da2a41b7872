/*
 * Goal: leaves are the journal's units in order; a builder that goes on from stored tiles gives the
 * bytes of one that never stopped; a missing or changed tile is noticed before it goes on.
 * Method: two builders over one journal, one of them stopped after each batch; each byte of the
 * files at the right end changed in turn.
 */
#include "wallet/log_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/log_files.h"
#include "wallet/log_relay_test.h"

static void add_batch(struct log_builder *builder, struct disk *disk, uint64_t sequence)
{
    struct batch_reader reader;
    const struct disk_batch *batch = &disk->batches[sequence];
    const struct str blob = { (const char *)batch->data, batch->size };
    assert_int_equal(batch_open(blob, &reader, NULL), STATUS_OK);
    uint64_t before = builder->tree.size;
    assert_int_equal(log_builder_add(builder, &reader, NULL), STATUS_OK);
    assert_int_equal(builder->tree.size - before, reader.header->unit_count);
}

static void stopping_changes_nothing(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    scene_open(&scene);
    for (uint32_t i = 0; i < 9; i++) scene_pay(&scene, 77);
    struct memory_log *through = files_new();
    struct memory_log *stopped = files_new();
    struct log_files_sink through_sink;
    struct log_files_sink stopped_sink;
    struct log_builder *one = calloc(1, sizeof *one);
    struct log_builder *other = calloc(1, sizeof *other);
    assert_true(one != NULL && other != NULL);
    log_files_sink_init(&through_sink, &through->port);
    log_files_sink_init(&stopped_sink, &stopped->port);
    log_builder_init(one, &scene.key, &through_sink.port);
    for (uint64_t i = 1; i <= scene.bench->disk->head; i++) {
        struct log_files source;
        struct digest root = tree_root(&one->tree);
        log_files_init(&source, &stopped->port, one->tree.size);
        log_builder_init(other, &scene.key, &stopped_sink.port);
        assert_int_equal(log_builder_resume(other, &source.port, &root, one->tree.size, NULL),
                         STATUS_OK);
        add_batch(one, scene.bench->disk, i);
        add_batch(other, scene.bench->disk, i);
        assert_int_equal(log_builder_flush(one, NULL), STATUS_OK);
        assert_int_equal(log_builder_flush(other, NULL), STATUS_OK);
        log_builder_done(other);
    }
    assert_int_equal(through->count, stopped->count);
    for (uint32_t i = 0; i < through->count; i++) {
        const struct memory_file *file = &through->files[i];
        const struct memory_file *twin = memory_find(&stopped->port, str_from(file->name));
        assert_non_null(twin);
        assert_int_equal(file->size, twin->size);
        assert_memory_equal(file->bytes, twin->bytes, file->size);
    }
    log_builder_done(one);
    free(one);
    free(other);
    files_clear(through);
    files_clear(stopped);
    free(through);
    free(stopped);
    scene_close(&scene);
}

static void a_changed_right_end_is_noticed(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    scene_open(&scene);
    scene_pay(&scene, 260);
    scene_settle(&scene);
    const struct log_head *head = &scene.files->head;
    struct log_files source;
    struct log_files_sink sink;
    struct log_builder *builder = calloc(1, sizeof *builder);
    assert_non_null(builder);
    log_files_init(&source, &scene.files->port, head->size);
    log_files_sink_init(&sink, &scene.files->port);
    log_builder_init(builder, &scene.key, &sink.port);
    static const char *const names[] = { "tile/0/001.p/6", "tile/1/000.p/1",
                                         "tile/entries/001.p/6" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct memory_file *file = memory_find(&scene.files->port, str_from(names[i]));
        assert_non_null(file);
        for (size_t at = 0; at < file->size; at++) {
            file->bytes[at] ^= 1;
            assert_int_equal(
                log_builder_resume(builder, &source.port, &head->root, head->size, NULL),
                STATUS_CORRUPT);
            file->bytes[at] ^= 1;
        }
        file->size--;
        assert_int_equal(log_builder_resume(builder, &source.port, &head->root, head->size, NULL),
                         STATUS_CORRUPT);
        file->size++;
        assert_int_equal(log_builder_resume(builder, &source.port, &head->root, head->size, NULL),
                         STATUS_OK);
        file->name[0] = 'T';
        assert_int_equal(log_builder_resume(builder, &source.port, &head->root, head->size, NULL),
                         STATUS_NOT_FOUND);
        file->name[0] = 't';
    }
    log_builder_done(builder);
    free(builder);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopping_changes_nothing),
        cmocka_unit_test(a_changed_right_end_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
