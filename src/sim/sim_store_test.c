/*
 * Goal: each fault of the simulated journal is the one its name says: before or after the
 * effect, found when read, mended by a repair. (What it does without faults is tested beside
 * the other stores, in tests/port.)
 * Method: each fault at full rate, with the disk looked at from outside.
 */
#include "sim/sim_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_disk *disk;
    struct store *store;
    void (*play)(struct scene *scene);
    uint64_t appended;
    uint64_t misused;
};

static void on_appended(void *owner, uint64_t sequence, const struct sim_batch *batch)
{
    struct scene *scene = owner;
    assert_non_null(batch->data);
    assert_true(sequence == scene->appended + 1);
    scene->appended = sequence;
}

static void on_misused(void *owner, const char *text)
{
    struct scene *scene = owner;
    assert_non_null(text);
    scene->misused++;
}

static void disk_renew(struct scene *scene)
{
    sim_disk_free(scene->disk);
    scene->appended = 0;
    const struct sim_disk_observer observer = { on_appended, on_misused, scene };
    scene->disk = sim_disk_new(scene->world, &scene->faults, observer);
}

static void scene_body(void *argument)
{
    struct scene *scene = argument;
    scene->play(scene);
}

static void scene_run(struct scene *scene, void (*play)(struct scene *scene))
{
    scene->world = world_new(7);
    scene->play = play;
    faults_init(&scene->faults, scene->world);
    scene->process = (struct process){ .world = scene->world, .faults = &scene->faults };
    disk_renew(scene);
    scene->store = sim_store_open(scene->disk, &scene->process);
    (void)task_spawn(scene->world, "test", scene_body, scene);
    assert_int_equal(world_run(scene->world, 10000000), WORLD_DONE);
    if (scene->store != NULL) scene->store->close(scene->store);
    sim_disk_free(scene->disk);
    world_free(scene->world);
}

static const char CONTENT[] = "sixteen bytes ok";

static enum status append_next(struct scene *scene)
{
    struct store_head head = { 0 };
    head.epoch = 1;
    head.sequence = sim_disk_head(scene->disk);
    struct store_slice slice = { 1, head.sequence + 1, 0, 4, 0, CONTENT, sizeof CONTENT };
    struct store_batch batch = {
        .epoch = head.epoch,
        .sequence = head.sequence + 1,
        .stamp = { (int64_t)head.sequence + 1 },
        .hash = digest_of(CONTENT, sizeof CONTENT),
        .data = CONTENT,
        .size = sizeof CONTENT,
        .slices = &slice,
        .slice_count = 1,
    };
    return scene->store->append(scene->store, &batch, NULL);
}

static void claim_ours(struct scene *scene)
{
    struct store_head head;
    assert_int_equal(scene->store->claim(scene->store, &head, NULL), STATUS_OK);
}

static void play_lost_commit(struct scene *scene)
{
    claim_ours(scene);
    scene->faults.rates[SIM_FAULT_LOST_COMMIT] = FAULT_RATE_ALWAYS;
    assert_int_equal(append_next(scene), STATUS_IN_DOUBT);
    assert_true(sim_disk_head(scene->disk) == 0);
    struct store_head head;
    assert_int_equal(scene->store->head(scene->store, &head, NULL), STATUS_UNAVAILABLE);
    assert_true(scene->misused == 1); /* only reopen() is allowed in doubt */
    assert_int_equal(scene->store->reopen(scene->store, NULL), STATUS_OK);
    assert_int_equal(scene->store->head(scene->store, &head, NULL), STATUS_OK);
    assert_true(head.sequence == 0);
}

static void a_lost_commit_is_in_doubt_and_not_there(void **state)
{
    (void)state;
    struct scene scene = { 0 };
    scene_run(&scene, play_lost_commit);
}

static void play_lost_reply(struct scene *scene)
{
    claim_ours(scene);
    scene->faults.rates[SIM_FAULT_LOST_REPLY] = FAULT_RATE_ALWAYS;
    assert_int_equal(append_next(scene), STATUS_IN_DOUBT);
    assert_true(sim_disk_head(scene->disk) == 1);
    assert_int_equal(scene->store->reopen(scene->store, NULL), STATUS_OK);
    assert_true(scene->misused == 0);
}

static void a_lost_reply_is_in_doubt_and_there(void **state)
{
    (void)state;
    struct scene scene = { 0 };
    scene_run(&scene, play_lost_reply);
}

static void play_refusals(struct scene *scene)
{
    claim_ours(scene);
    scene->faults.rates[SIM_FAULT_STORE_UNAVAILABLE] = FAULT_RATE_ALWAYS;
    assert_int_equal(append_next(scene), STATUS_UNAVAILABLE);
    scene->faults.rates[SIM_FAULT_STORE_UNAVAILABLE] = 0;
    scene->faults.rates[SIM_FAULT_DISK_FULL] = FAULT_RATE_ALWAYS;
    assert_int_equal(append_next(scene), STATUS_LIMIT);
    assert_true(sim_disk_head(scene->disk) == 0);
    scene->faults.calm = true; /* ends a full disk at once */
    assert_int_equal(append_next(scene), STATUS_OK);
    assert_true(scene->faults.hits[SIM_FAULT_DISK_FULL] == 1);
}

static void a_refused_append_has_no_effect(void **state)
{
    (void)state;
    struct scene scene = { 0 };
    scene_run(&scene, play_refusals);
}

static void play_batch_flip(struct scene *scene)
{
    claim_ours(scene);
    assert_int_equal(append_next(scene), STATUS_OK);
    BUF_SCOPE struct buf blob;
    buf_init(&blob, 1024);
    scene->faults.rates[SIM_FAULT_FLIP_BATCH] = FAULT_RATE_ALWAYS;
    assert_int_equal(scene->store->read(scene->store, 1, &blob, NULL), STATUS_CORRUPT);
    scene->faults.rates[SIM_FAULT_FLIP_BATCH] = 0;
    assert_int_equal(scene->store->read(scene->store, 1, &blob, NULL), STATUS_CORRUPT);
    assert_true(sim_disk_damaged(scene->disk));
    char part[sizeof CONTENT];
    enum status status = scene->store->read_part(scene->store, 1, 0, sizeof part, part, NULL);
    assert_int_equal(status, STATUS_OK);
    assert_memory_not_equal(part, CONTENT, sizeof part); /* parts are not verified here */
    sim_disk_repair(scene->disk);
    assert_int_equal(scene->store->read(scene->store, 1, &blob, NULL), STATUS_OK);
    assert_memory_equal(blob.data, CONTENT, sizeof CONTENT);
}

static void a_flipped_batch_is_found_until_it_is_repaired(void **state)
{
    (void)state;
    struct scene scene = { 0 };
    scene_run(&scene, play_batch_flip);
}

static void play_slice_flip(struct scene *scene)
{
    claim_ours(scene);
    assert_int_equal(append_next(scene), STATUS_OK);
    struct store_slice wanted = { .table = 1, .generation = 1, .from = 0, .to = 4 };
    BUF_SCOPE struct buf data;
    buf_init(&data, 1024);
    scene->faults.rates[SIM_FAULT_FLIP_SLICE] = FAULT_RATE_ALWAYS;
    assert_int_equal(scene->store->slice_read(scene->store, &wanted, &data, NULL), STATUS_CORRUPT);
    scene->faults.rates[SIM_FAULT_FLIP_SLICE] = 0;
    assert_int_equal(append_next(scene), STATUS_OK); /* its slice replaces the damaged one */
    assert_false(sim_disk_damaged(scene->disk));
    assert_int_equal(scene->store->slice_read(scene->store, &wanted, &data, NULL),
                     STATUS_NOT_FOUND);
    wanted.generation = 2;
    assert_int_equal(scene->store->slice_read(scene->store, &wanted, &data, NULL), STATUS_OK);
}

static void a_flipped_slice_goes_with_its_generation(void **state)
{
    (void)state;
    struct scene scene = { 0 };
    scene_run(&scene, play_slice_flip);
}

static void play_crash_before(struct scene *scene)
{
    claim_ours(scene);
    scene->process.crash_at = SIM_POINT_STORE_FLUSH;
    scene->process.crash_after = 1;
    assert_int_equal(append_next(scene), STATUS_UNAVAILABLE);
    assert_true(scene->process.crashed);
    assert_true(sim_disk_head(scene->disk) == 0);
    assert_int_equal(append_next(scene), STATUS_UNAVAILABLE);
    assert_true(sim_disk_head(scene->disk) == 0);
}

static void play_crash_after(struct scene *scene)
{
    claim_ours(scene);
    scene->process.crash_at = SIM_POINT_STORE_APPENDED;
    scene->process.crash_after = 1;
    assert_int_equal(append_next(scene), STATUS_UNAVAILABLE); /* to nobody: the caller is dead */
    assert_true(sim_disk_head(scene->disk) == 1);
    assert_true(scene->faults.crash_points[SIM_POINT_STORE_APPENDED] == 1);
}

static void a_dead_process_has_no_effect_any_more(void **state)
{
    (void)state;
    struct scene before = { 0 };
    scene_run(&before, play_crash_before);
    struct scene after = { 0 };
    scene_run(&after, play_crash_after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_commit_is_in_doubt_and_not_there),
        cmocka_unit_test(a_lost_reply_is_in_doubt_and_there),
        cmocka_unit_test(a_refused_append_has_no_effect),
        cmocka_unit_test(a_flipped_batch_is_found_until_it_is_repaired),
        cmocka_unit_test(a_flipped_slice_goes_with_its_generation),
        cmocka_unit_test(a_dead_process_has_no_effect_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
