/*
 * Goal: whatever is done to a journal or to the log's files is found; the report says from which
 * leaf on history cannot be trusted, and which payments that touches.
 * Method: a journal with payments in known batches; drills, each on a fresh one: a byte, a record
 * changed and all chained anew, units swapped, a batch dropped, one inserted, an old backup, files
 * and journal doctored together, two views of one log for two readers.
 */
#include "wallet/log_audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wallet/log_relay_test.h"

/* Batches: 1 accounts; 2 and 3 transfers; 4 payment 501; 5 transfers; 6 payment 502; 7 transfers. */
static void drill_open(struct log_scene *scene)
{
    scene_open(scene);
    scene_pay(scene, 150);
    scene_pay(scene, 150);
    (void)scene_payment(scene, 501);
    scene_pay(scene, 40);
    (void)scene_payment(scene, 502);
    scene_pay(scene, 10);
    scene_settle(scene);
    assert_int_equal(scene->bench->disk->head, 7);
    assert_int_equal(scene->files->head.size, 2 + 150 + 150 + 1 + 40 + 1 + 10);
}

static struct log_audit_report *audit(struct log_scene *scene, const struct tree_head *held)
{
    static struct log_audit_report report;
    struct error error = { 0 };
    const struct log_audit_options options = {
        .key = &scene->key, .log = &scene->signer.key, .held = held, .held_count = held != NULL
    };
    if (log_audit_run(&scene->bench->store.port, &scene->files->port, &options, &report, &error) !=
        STATUS_OK) {
        fail_msg("%s", error.message);
    }
    return &report;
}

static void expect_payments(const struct log_audit_report *report, uint64_t first, uint64_t second)
{
    const uint64_t numbers[] = { first, second };
    uint32_t count = second != 0 ? 2 : first != 0 ? 1 : 0;
    assert_int_equal(report->payment_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(uuid_equal(report->payments[i].value, test_id(numbers[i])));
    }
}

static void an_untouched_one_is_sound(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    const struct log_audit_report *report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_SOUND);
    assert_int_equal(report->leaves, scene.files->head.size);
    assert_int_equal(report->files_missing + report->files_wrong, 0);
    assert_int_equal(report->files_right, scene.files->count);
    scene_pay(&scene, 30); /* not signed yet: no fault */
    report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_SOUND);
    assert_int_equal(report->leaves, scene.files->head.size + 30);
    scene_close(&scene);
}

static void a_changed_byte_is_found(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    struct record_transfer *transfer = disk_transfer(scene.bench->disk, 5);
    transfer->code ^= 1;
    const struct log_audit_report *report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_JOURNAL_DAMAGED);
    assert_int_equal(report->trusted_leaves, 2 + 150 + 150 + 1);
    assert_true(report->exact);
    assert_int_equal(report->from.batch, 5);
    assert_int_equal(report->batches_unreadable, 1);
    expect_payments(report, 502, 0);
    scene_close(&scene);
}

static void chained_anew_it_is_found_at_its_leaf(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    disk_change_transfer(scene.bench->disk, 3);
    const struct log_audit_report *report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_JOURNAL_CHANGED);
    assert_true(report->exact);
    assert_int_equal(report->trusted_leaves, 2 + 150);
    assert_int_equal(report->from.batch, 3);
    assert_int_equal(report->from.index, 0);
    expect_payments(report, 501, 502);
    scene_close(&scene);
}

static void a_swap_is_found(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    struct disk *disk = scene.bench->disk;
    struct disk_batch batch = disk->batches[5];
    disk->batches[5] = disk->batches[6];
    disk->batches[6] = batch;
    struct batch_header *first = (struct batch_header *)disk->batches[5].data;
    struct batch_header *second = (struct batch_header *)disk->batches[6].data;
    struct wall_time stamp = first->stamp; /* they must increase */
    first->stamp = second->stamp;
    second->stamp = stamp;
    disk_rechain(disk, 5);
    const struct log_audit_report *report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_JOURNAL_CHANGED);
    assert_true(report->exact);
    assert_int_equal(report->trusted_leaves, 2 + 150 + 150 + 1);
    expect_payments(report, 502, 0);
    scene_close(&scene);
}

static void a_dropped_batch_is_found(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    struct disk *disk = scene.bench->disk;
    free(disk->batches[5].data);
    for (uint64_t i = 5; i < disk->head; i++) disk->batches[i] = disk->batches[i + 1];
    disk->head--;
    disk_rechain(disk, 5);
    const struct log_audit_report *report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_JOURNAL_SHORT);
    assert_true(report->exact);
    assert_int_equal(report->trusted_leaves, 2 + 150 + 150 + 1);
    expect_payments(report, 502, 0);
    scene_close(&scene);
}

static void an_inserted_batch_is_found(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    struct disk *disk = scene.bench->disk;
    for (uint64_t i = disk->head; i >= 3; i--) disk->batches[i + 1] = disk->batches[i];
    disk->head++;
    struct disk_batch *copy = &disk->batches[3];
    uint8_t *data = aligned_alloc(16, (copy->size + 15) / 16 * 16);
    assert_non_null(data);
    memcpy(data, copy->data, copy->size);
    copy->data = data;
    ((struct batch_header *)data)->stamp.ns--;
    disk_rechain(disk, 3);
    const struct log_audit_report *report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_JOURNAL_CHANGED);
    assert_true(report->exact);
    assert_int_equal(report->trusted_leaves, 2 + 150);
    expect_payments(report, 501, 502);
    scene_close(&scene);
}

/* The whole folder as it was: only who kept a newer checkpoint can tell. */
static void an_old_backup_is_found_by_who_kept_a_checkpoint(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    const struct log_head old = scene.files->head;
    scene_pay(&scene, 20);
    scene_settle(&scene);
    const struct tree_head held = { scene.files->head.size, scene.files->head.root };
    assert_int_equal(audit(&scene, &held)->verdict, LOG_SOUND);
    disk_roll_back(scene.bench->disk, 7);
    scene.files->head = old;
    const struct log_audit_report *report = audit(&scene, &held);
    assert_int_equal(report->verdict, LOG_CONTRADICTED);
    assert_false(report->exact);
    expect_payments(report, 501, 502);
    scene_close(&scene);
}

static void a_rollback_of_the_journal_alone_is_found(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    disk_roll_back(scene.bench->disk, 5);
    const struct log_audit_report *report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_JOURNAL_SHORT);
    assert_true(report->exact);
    assert_int_equal(report->trusted_leaves, 2 + 150 + 150 + 1 + 40);
    expect_payments(report, 0, 0); /* 502 is gone: what is gone cannot be named */
    scene_close(&scene);
}

/* Journal, tiles, head and checkpoint made anew, with the key: a reader's checkpoint tells. */
static void a_fork_is_found_by_the_other_reader(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    const struct tree_head first = { scene.files->head.size, scene.files->head.root };
    log_relay_close(scene.relay);
    disk_change_transfer(scene.bench->disk, 5);
    files_clear(scene.files);
    scene.files->has_head = false;
    bench_crash(scene.bench);
    bench_open(scene.bench);
    scene_start(&scene);
    scene_settle(&scene);
    const struct tree_head second = { scene.files->head.size, scene.files->head.root };
    assert_int_equal(first.size, second.size);
    assert_int_equal(audit(&scene, NULL)->verdict, LOG_SOUND); /* nothing here shows it */
    assert_int_equal(audit(&scene, &second)->verdict, LOG_SOUND);
    const struct log_audit_report *report = audit(&scene, &first);
    assert_int_equal(report->verdict, LOG_CONTRADICTED);
    assert_int_equal(report->trusted_leaves, 0);
    scene_close(&scene);
}

static void doctored_files_do_not_pass_for_a_journal(void **state)
{
    (void)state; /* no fixture */
    struct log_scene scene;
    drill_open(&scene);
    struct memory_file *bundle = memory_find(&scene.files->port, STR("tile/entries/000"));
    bundle->bytes[5000] ^= 1;
    const struct log_audit_report *report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_FILES_WRONG);
    assert_int_equal(report->files_wrong, 1);
    /* The journal too, at an earlier place: the bundle proves nothing any more. */
    disk_change_transfer(scene.bench->disk, 2);
    report = audit(&scene, NULL);
    assert_int_equal(report->verdict, LOG_JOURNAL_CHANGED);
    assert_int_equal(report->trusted_leaves <= 2, true);
    bundle->bytes[5000] ^= 1;
    report = audit(&scene, NULL);
    assert_true(report->exact);
    assert_int_equal(report->trusted_leaves, 2);
    memory_find(&scene.files->port, STR("checkpoint"))->bytes[30] ^= 1;
    assert_true(audit(&scene, NULL)->files_wrong > 0);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untouched_one_is_sound),
        cmocka_unit_test(a_changed_byte_is_found),
        cmocka_unit_test(chained_anew_it_is_found_at_its_leaf),
        cmocka_unit_test(a_swap_is_found),
        cmocka_unit_test(a_dropped_batch_is_found),
        cmocka_unit_test(an_inserted_batch_is_found),
        cmocka_unit_test(an_old_backup_is_found_by_who_kept_a_checkpoint),
        cmocka_unit_test(a_rollback_of_the_journal_alone_is_found),
        cmocka_unit_test(a_fork_is_found_by_the_other_reader),
        cmocka_unit_test(doctored_files_do_not_pass_for_a_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
