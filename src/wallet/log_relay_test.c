/*
 * Goal: the relay follows and publishes; a full disk costs a delay; a journal that was rolled back
 * or rewritten with right hashes, or another key, is not signed for, and says so once; an owner
 * that was replaced signs nothing; what is served is of the signed tree, and no checkpoint is older
 * than one before.
 * Method: a lane and files in memory, stepped; histories changed between two lives. Crashes:
 * tests/sim/log_relay_test.c.
 */
#include "wallet/log_relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/log_relay_test.h"

static enum log_state state_now(struct log_scene *scene)
{
    struct log_relay_status status;
    log_relay_get_status(scene->relay, &status);
    return status.state;
}

static void a_full_disk_costs_a_delay(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    struct log_relay_status status;
    scene_open(&scene);
    for (uint32_t left = 0; left < 12; left++) {
        scene_pay(&scene, 300);
        scene.files->writes_left = left;
        scene_settle(&scene);
        scene.files->writes_left = UINT32_MAX;
        scene_settle(&scene);
        log_relay_get_status(scene.relay, &status);
        assert_int_equal(status.state, LOG_FOLLOWING);
        assert_int_equal(status.signed_.size, scene.next_id - 1000 + 2);
        assert_int_equal(status.signed_.batch, scene.bench->disk->head);
    }
    assert_true(status.failures >= 5);
    assert_true(scene.files->syncs >= 12);
    scene_close(&scene);
}

static void expect_refusal(void (*change)(struct log_scene *scene), bool lose_files)
{
    struct log_scene scene;
    scene_open(&scene);
    for (uint32_t i = 0; i < 4; i++) scene_pay(&scene, 50);
    scene_settle(&scene);
    log_relay_close(scene.relay);
    bench_crash(scene.bench);
    change(&scene);
    if (lose_files) files_clear(scene.files);
    bench_open(scene.bench);
    for (uint32_t i = 0; i < 3; i++) scene_pay(&scene, 5); /* longer than what was signed */
    uint32_t alarms = scene.bench->log.alarms;
    struct log_head signed_ = scene.files->head;
    scene_start(&scene);
    scene_settle(&scene);
    scene_pay(&scene, 5);
    scene_settle(&scene);
    assert_int_equal(state_now(&scene), LOG_REFUSED);
    assert_int_equal(scene.bench->log.alarms, alarms + 1);
    assert_memory_equal(&signed_, &scene.files->head, sizeof signed_);
    scene_close(&scene);
}

static void rewrite(struct log_scene *scene)
{
    disk_change_transfer(scene->bench->disk, 3);
}
static void roll_back(struct log_scene *scene)
{
    disk_roll_back(scene->bench->disk, scene->bench->disk->head - 1);
}
static void change_key(struct log_scene *scene)
{
    scene->key.bytes[0] ^= 1;
}

static void a_changed_history_is_not_signed_for(void **state)
{
    (void)state; /* no fixture */
    expect_refusal(rewrite, false);
    expect_refusal(rewrite, true);
    expect_refusal(roll_back, false);
    expect_refusal(roll_back, true);
    expect_refusal(change_key, true);
}

static void a_replaced_owner_signs_nothing(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    scene_open(&scene);
    scene_pay(&scene, 5);
    scene_settle(&scene);
    struct log_head signed_ = scene.files->head;
    scene_pay(&scene, 5);
    scene.bench->disk->epoch++; /* a claim by another, before anything else happens */
    scene_settle(&scene);
    assert_memory_equal(&signed_, &scene.files->head, sizeof signed_);
    scene_close(&scene);
}

static void what_is_served_is_of_the_signed_tree(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *name;
        enum status status;
    } rows[] = {
        { "checkpoint", STATUS_OK },
        { "tile/0/000", STATUS_OK },
        { "tile/entries/000", STATUS_OK },
        { "tile/0/001.p/46", STATUS_OK },
        { "tile/0/001.p/7", STATUS_OK },
        { "tile/entries/001.p/7", STATUS_OK },
        { "tile/1/000.p/1", STATUS_OK },
        { "tile/0/001.p/47", STATUS_NOT_FOUND },
        { "tile/0/001", STATUS_NOT_FOUND },
        { "tile/0/002.p/1", STATUS_NOT_FOUND },
        { "tile/1/000.p/2", STATUS_NOT_FOUND },
        { "tile/0/0", STATUS_NOT_FOUND },
        { "../log.key", STATUS_NOT_FOUND },
        { "", STATUS_NOT_FOUND },
        { "tile/0/000.p/256", STATUS_NOT_FOUND },
    };
    struct log_scene scene;
    scene_open(&scene);
    scene_pay(&scene, 100);
    scene_settle(&scene);
    scene_pay(&scene, 200);
    scene_settle(&scene);
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, LOG_BUNDLE_SIZE_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum status status = log_relay_read(scene.relay, str_from(rows[i].name), &bytes, NULL);
        if (status != rows[i].status) fail_msg("%s: %s", rows[i].name, status_name(status));
    }
    assert_int_equal(log_relay_read(scene.relay, STR("tile/0/001.p/7"), &bytes, NULL), STATUS_OK);
    assert_int_equal(bytes.len, 7 * sizeof(struct digest));
    assert_null(memory_find(&scene.files->port, STR("tile/0/000.p/102"))); /* outgrown */
    scene_close(&scene);
}

/* Leaves of the checkpoint that is given; 0: none is. */
static uint64_t given(struct log_scene *scene)
{
    struct note note;
    struct checkpoint checkpoint;
    struct error error = { 0 };
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, NOTE_SIZE_MAX);
    enum status status = log_relay_read(scene->relay, STR("checkpoint"), &bytes, &error);
    if (status == STATUS_NOT_FOUND) return 0;
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(note_parse(buf_view(&bytes), &note, &error), STATUS_OK);
    assert_int_equal(
        checkpoint_open(&note, &scene->signer.key, STR("example.com/log"), &checkpoint, &error),
        STATUS_OK);
    return checkpoint.head.size;
}

static void a_head_whose_recording_was_in_doubt_is_shown(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    scene_open(&scene);
    scene_pay(&scene, 5);
    scene_settle(&scene);
    assert_int_equal(given(&scene), 7);
    scene_pay(&scene, 5);
    scene.files->head_doubts = 1;
    scene_settle(&scene);
    assert_int_equal(given(&scene), 7);
    scene_settle(&scene);
    assert_int_equal(given(&scene), 12);
    scene_close(&scene);
}

static void a_checkpoint_that_a_power_cut_took_back_is_not_given(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    scene_open(&scene);
    scene_pay(&scene, 5);
    scene_settle(&scene);
    BUF_SCOPE struct buf older;
    BUF_SCOPE struct buf newest;
    buf_init(&older, NOTE_SIZE_MAX);
    buf_init(&newest, NOTE_SIZE_MAX);
    struct log_store *files = &scene.files->port;
    const struct str name = STR("checkpoint");
    assert_int_equal(files->read(files, name, &older, NULL), STATUS_OK);
    scene_pay(&scene, 5);
    scene_settle(&scene);
    assert_int_equal(files->read(files, name, &newest, NULL), STATUS_OK);
    const struct str left[] = { buf_view(&older),
                                { (const char *)newest.data, newest.len / 2 },
                                { "", 0 } };
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        log_relay_close(scene.relay);
        assert_int_equal(files->write(files, name, left[i], NULL), STATUS_OK);
        scene_start(&scene);
        assert_int_equal(given(&scene), 0);
        scene_settle(&scene);
        assert_int_equal(given(&scene), 12);
    }
    /* with nothing to go on from, it is given no more, but what is recorded is */
    log_relay_close(scene.relay);
    disk_roll_back(scene.bench->disk, scene.bench->disk->head - 1);
    scene_start(&scene);
    scene_settle(&scene);
    assert_int_equal(state_now(&scene), LOG_REFUSED);
    assert_int_equal(given(&scene), 12);
    assert_int_equal(files->write(files, name, buf_view(&older), NULL), STATUS_OK);
    assert_int_equal(given(&scene), 0);
    scene_close(&scene);
}

/* ---- Readers beside a relay that goes on ---- */

static struct log_scene *watched;
static uint64_t shown_and_read; /* the size of what was shown, when its tile was there */

static enum status tile_get(struct log_scene *scene, unsigned width)
{
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, 1 << 16);
    char text[TILE_PATH_SIZE];
    const struct tile tile = { TILE_HASHES, 0, 0, width };
    struct error error;
    return log_relay_read(scene->relay, tile_path(&tile, text), &bytes, &error);
}

/* A reader has the checkpoint the moment that it is there. */
static enum status write_and_read(struct log_store *port, struct str name, struct str bytes,
                                  struct error *out_error)
{
    enum status status = memory_write(port, name, bytes, out_error);
    if (status != STATUS_OK || !str_equal(name, STR("checkpoint"))) return status;
    uint64_t size = strtoull(memchr(bytes.data, '\n', bytes.len), NULL, 10);
    assert_int_equal(tile_get(watched, tile_width(size, 0, 0)), STATUS_OK);
    shown_and_read = size;
    return status;
}

static void what_is_shown_can_be_read_at_once(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    scene_open(&scene);
    watched = &scene;
    scene.files->port.write = write_and_read;
    for (uint64_t size = 7; size <= 17; size += 5) {
        scene_pay(&scene, 5);
        scene_settle(&scene);
        assert_int_equal(shown_and_read, size);
    }
    scene_close(&scene);
}

/* Between the look at the signed size and the file another tree is signed. */
static enum status grow_and_read(struct log_store *port, struct str name, struct buf *out_bytes,
                                 struct error *out_error)
{
    port->read = memory_read;
    scene_pay(watched, 5);
    scene_settle(watched);
    return memory_read(port, name, out_bytes, out_error);
}

static void what_is_outgrown_while_it_is_read_is_in_a_wider_one(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    scene_open(&scene);
    scene_pay(&scene, 5);
    scene_settle(&scene);
    watched = &scene;
    scene.files->port.read = grow_and_read;
    assert_int_equal(tile_get(&scene, 7), STATUS_OK);
    assert_ptr_equal(scene.files->port.read, memory_read);
    assert_int_equal(tile_get(&scene, 13), STATUS_NOT_FOUND);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_costs_a_delay),
        cmocka_unit_test(a_changed_history_is_not_signed_for),
        cmocka_unit_test(a_replaced_owner_signs_nothing),
        cmocka_unit_test(what_is_served_is_of_the_signed_tree),
        cmocka_unit_test(a_head_whose_recording_was_in_doubt_is_shown),
        cmocka_unit_test(a_checkpoint_that_a_power_cut_took_back_is_not_given),
        cmocka_unit_test(what_is_shown_can_be_read_at_once),
        cmocka_unit_test(what_is_outgrown_while_it_is_read_is_in_a_wider_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
