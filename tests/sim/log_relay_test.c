/*
 * Goal: the log follows the journal; what was published is never contradicted, wherever a life
 * ends; a restart goes on from the tiles; lost files come back byte for byte.
 * Method: a lane over memory, stepped; the log's files in the simulator, with a crash at each pass
 * of each point in turn; each checkpoint ever seen compared with the root of a tree built in the
 * simplest way from the final journal.
 */
#include "wallet/log_relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/sim_log_store.h"
#include "wallet/lane_test.h"
#include "wallet/log_files.h"

enum { SEEN_MAX = 4096, LEAVES_MAX = 8192 };

struct scene {
    struct world *world;
    struct faults faults;
    struct process process; /* of the relay's store; may crash */
    struct process outside; /* of the reader's */
    struct sim_rack *rack;
    struct bench *bench;
    struct note_signer signer;
    struct secret key;
    struct log_store *files;
    struct log_relay *relay;
    uint32_t seen_count;
    struct tree_head seen[SEEN_MAX];
    uint64_t next_id;
    uint64_t crash_after;
    uint64_t passes; /* crash points that were met */
};

static void keys_make(struct scene *scene)
{
    uint8_t seed[ED25519_SEED_SIZE] = { 7 };
    uint8_t salt[LEAF_KEY_SIZE] = { 8 };
    assert_int_equal(note_signer_make(STR("example.com/log"), NOTE_ED25519, seed, &scene->signer),
                     STATUS_OK);
    assert_int_equal(secret_take(salt, sizeof salt, &scene->key), STATUS_OK);
}

static void relay_start(struct scene *scene)
{
    scene->files = sim_log_store_open(scene->rack, &scene->process);
    const struct log_relay_ports ports = { &scene->bench->sync.port, &scene->bench->clock.port,
                                           &scene->bench->log.port, &scene->bench->store.port,
                                           scene->files };
    const struct log_relay_options options = {
        .signer = &scene->signer, .key = &scene->key, .poll_ms = 1, .publish_ms = 0
    };
    assert_int_equal(log_relay_open(scene->bench->lane, &ports, &options, &scene->relay, NULL),
                     STATUS_OK);
}

static void relay_stop(struct scene *scene)
{
    log_relay_close(scene->relay);
    scene->files->close(scene->files);
}

/* What anybody sees, if anything. */
static bool look(struct scene *scene, struct tree_head *out_head)
{
    struct log_store *reader = sim_log_store_open(scene->rack, &scene->outside);
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, NOTE_SIZE_MAX);
    enum status status = reader->read(reader, STR("checkpoint"), &bytes, NULL);
    reader->close(reader);
    if (status != STATUS_OK || bytes.len == 0) return false;
    struct note note;
    struct checkpoint checkpoint;
    struct error error = { 0 };
    assert_int_equal(note_parse(buf_view(&bytes), &note, &error), STATUS_OK);
    assert_int_equal(
        checkpoint_open(&note, &scene->signer.key, STR("example.com/log"), &checkpoint, &error),
        STATUS_OK);
    *out_head = checkpoint.head;
    return true;
}

static void watch(struct scene *scene)
{
    struct tree_head head;
    if (!look(scene, &head)) return;
    assert_true(scene->seen_count < SEEN_MAX);
    scene->seen[scene->seen_count++] = head;
}

static void pay(struct scene *scene, uint32_t count)
{
    struct transfer transfers[300];
    static struct transfer_result results[300];
    assert_true(count <= 300);
    for (uint32_t i = 0; i < count; i++) {
        transfers[i] = test_transfer(scene->next_id++, 1 + i % 2, 2 - i % 2, 5);
    }
    assert_int_equal(test_run(scene->bench, transfers, results, count), STATUS_OK);
}

static void scene_begin(struct scene *scene)
{
    scene->rack = sim_rack_new(scene->world, &scene->faults);
    scene->bench = bench_new();
    scene->next_id = 1000;
    scene->seen_count = 0;
    keys_make(scene);
    test_accounts(scene->bench, 2);
}

static void scene_end(struct scene *scene)
{
    note_signer_done(&scene->signer);
    secret_done(&scene->key);
    bench_free(scene->bench);
    sim_rack_free(scene->rack);
    scene->rack = NULL;
}

static void settle(struct scene *scene)
{
    while (log_relay_step(scene->relay)) watch(scene);
    watch(scene);
}

/* ---- The naive twin: roots of every size, from the journal as it is ---- */

struct roots {
    struct log_sink sink;
    struct digest at[LEAVES_MAX];
    uint64_t size;
};

static enum status nowhere(struct log_sink *sink, const struct tile *tile, struct str bytes,
                           struct error *out_error)
{
    struct roots *roots = (struct roots *)sink;
    (void)out_error; /* it always goes well */
    if (tile->kind != TILE_ENTRIES) return STATUS_OK;
    struct str entry;
    roots->size = tile->index * TILE_WIDTH;
    while (bundle_next(&bytes, &entry) == STATUS_OK) {
        assert_true(roots->size < LEAVES_MAX);
        uint8_t text[1 + sizeof(struct leaf)] = { 0 };
        memcpy(text + 1, entry.data, entry.len);
        roots->at[roots->size++] = digest_of(text, entry.len + 1);
    }
    return STATUS_OK;
}

/* RFC 6962, section 2.1, word for word. */
static struct digest naive_root(const struct digest *leaves, uint64_t count)
{
    if (count == 1) return leaves[0];
    uint64_t half = 1;
    while (half * 2 < count) half *= 2;
    struct digest left = naive_root(leaves, half);
    struct digest right = naive_root(leaves + half, count - half);
    const uint8_t tag = 1;
    const struct digest_part parts[] = { { &tag, 1 }, { &left, sizeof left }, { &right, 32 } };
    return digest_of_parts(parts, 3);
}

static void leaves_read(struct scene *scene, struct roots *roots)
{
    struct log_builder *builder = calloc(1, sizeof *builder);
    assert_non_null(builder);
    *roots = (struct roots){ .sink = { nowhere } };
    log_builder_init(builder, &scene->key, &roots->sink);
    for (uint64_t i = 1; i <= scene->bench->disk->head; i++) {
        const struct disk_batch *batch = &scene->bench->disk->batches[i];
        struct batch_reader reader;
        const struct str blob = { (const char *)batch->data, batch->size };
        assert_int_equal(batch_open(blob, &reader, NULL), STATUS_OK);
        assert_int_equal(log_builder_add(builder, &reader, NULL), STATUS_OK);
    }
    assert_int_equal(log_builder_flush(builder, NULL), STATUS_OK);
    assert_int_equal(roots->size, builder->tree.size);
    log_builder_done(builder);
    free(builder);
}

/* Every checkpoint that was ever seen is a beginning of the journal's log. */
static void expect_no_contradiction(struct scene *scene)
{
    static struct roots roots;
    leaves_read(scene, &roots);
    uint64_t newest = 0;
    for (uint32_t i = 0; i < scene->seen_count; i++) {
        assert_true(scene->seen[i].size >= newest && scene->seen[i].size <= roots.size);
        newest = scene->seen[i].size;
        struct digest root = naive_root(roots.at, newest);
        assert_true(digest_equal(&root, &scene->seen[i].root));
    }
}

/* ---- Cases ---- */

static void follow_case(void *argument)
{
    struct scene *scene = argument;
    scene_begin(scene);
    relay_start(scene);
    for (uint32_t i = 0; i < 12; i++) {
        pay(scene, 1 + i * 13 % 50);
        settle(scene);
    }
    pay(scene, 300);
    settle(scene);
    struct log_relay_status status;
    log_relay_get_status(scene->relay, &status);
    assert_int_equal(status.state, LOG_FOLLOWING);
    assert_int_equal(status.batch, scene->bench->disk->head);
    assert_int_equal(status.size, scene->next_id - 1000 + 2);
    assert_int_equal(scene->seen[scene->seen_count - 1].size, status.size);
    expect_no_contradiction(scene);
    relay_stop(scene);
    /* a second life goes on from the tiles */
    bench_crash(scene->bench);
    bench_open(scene->bench);
    relay_start(scene);
    pay(scene, 5);
    settle(scene);
    log_relay_get_status(scene->relay, &status);
    assert_int_equal(status.checkpoints, 1);
    assert_int_equal(scene->seen[scene->seen_count - 1].size, scene->next_id - 1000 + 2);
    expect_no_contradiction(scene);
    relay_stop(scene);
    scene_end(scene);
}

struct copy {
    struct buf bytes;
    uint64_t size;
};

static void copy_files(struct scene *scene, struct copy *copy)
{
    struct tree_head head;
    struct log_store *reader = sim_log_store_open(scene->rack, &scene->outside);
    assert_true(look(scene, &head));
    copy->size = head.size;
    buf_init(&copy->bytes, 16 << 20);
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, LOG_BUNDLE_SIZE_MAX);
    for (int kind = TILE_HASHES; kind <= TILE_ENTRIES; kind++) {
        struct tile_walk walk;
        struct tile tile;
        char text[TILE_PATH_SIZE];
        tile_walk_init(&walk, (enum tile_kind)kind, 0, head.size);
        while (tile_walk_next(&walk, &tile)) {
            assert_int_equal(reader->read(reader, tile_path(&tile, text), &bytes, NULL), STATUS_OK);
            buf_append_str(&copy->bytes, buf_view(&bytes));
        }
    }
    assert_int_equal(reader->read(reader, STR("checkpoint"), &bytes, NULL), STATUS_OK);
    buf_append_str(&copy->bytes, buf_view(&bytes));
    assert_int_equal(buf_status(&copy->bytes), STATUS_OK);
    reader->close(reader);
}

static void lost_case(void *argument)
{
    struct scene *scene = argument;
    struct copy before;
    struct copy after;
    scene_begin(scene);
    relay_start(scene);
    for (uint32_t i = 0; i < 4; i++) pay(scene, 150 + i);
    settle(scene);
    relay_stop(scene);
    copy_files(scene, &before);
    assert_true(before.size > 2 * TILE_WIDTH);
    sim_rack_clear(scene->rack, false);
    relay_start(scene);
    settle(scene);
    copy_files(scene, &after);
    assert_int_equal(before.size, after.size);
    assert_true(str_equal(buf_view(&before.bytes), buf_view(&after.bytes)));
    pay(scene, 3);
    settle(scene);
    expect_no_contradiction(scene);
    relay_stop(scene);
    buf_free(&before.bytes);
    buf_free(&after.bytes);
    scene_end(scene);
}

/* A life that ends at the given pass of a point; true when it did. */
static bool life_that_ends(struct scene *scene)
{
    scene->process.crashed = false;
    scene->process.crash_at = SIM_POINT_COUNT;
    scene->process.crash_after = scene->crash_after;
    relay_start(scene);
    for (uint32_t i = 0; i < 5 && !scene->process.crashed; i++) {
        pay(scene, 90);
        settle(scene);
    }
    bool crashed = scene->process.crashed;
    relay_stop(scene);
    bench_crash(scene->bench);
    (void)sim_rack_crash(scene->rack); /* what is gone is looked at */
    bench_open(scene->bench);
    return crashed;
}

static void crash_case(void *argument)
{
    struct scene *scene = argument;
    scene->faults.rates[SIM_FAULT_LOG_FILES_LOST] = FAULT_RATE_ALWAYS / 2;
    bool crashed = true;
    for (scene->crash_after = 1; crashed; scene->crash_after += 3) {
        scene_begin(scene);
        crashed = life_that_ends(scene);
        scene->passes += crashed;
        (void)life_that_ends(scene); /* and again, in the midst of what the first one left */
        scene->process = scene->outside;
        relay_start(scene);
        pay(scene, 1);
        settle(scene);
        assert_int_equal(scene->seen[scene->seen_count - 1].size, scene->next_id - 1000 + 2);
        expect_no_contradiction(scene);
        relay_stop(scene);
        scene_end(scene);
    }
}

static struct scene *play(void (*body)(void *argument))
{
    static struct scene scene;
    scene = (struct scene){ .world = world_new(23) };
    faults_init(&scene.faults, scene.world);
    scene.process = (struct process){ .world = scene.world, .faults = &scene.faults };
    scene.outside = scene.process;
    (void)task_spawn(scene.world, "cases", body, &scene); /* ends by itself */
    assert_int_equal(world_run(scene.world, INT64_MAX), WORLD_DONE);
    world_free(scene.world);
    return &scene;
}

static void the_log_follows_the_journal(void **state)
{
    (void)state; /* no fixture */
    (void)play(follow_case);
}

static void lost_files_come_back_byte_for_byte(void **state)
{
    (void)state; /* no fixture */
    (void)play(lost_case);
}

static void what_was_published_is_never_contradicted(void **state)
{
    (void)state; /* no fixture */
    assert_true(play(crash_case)->passes > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_follows_the_journal),
        cmocka_unit_test(lost_files_come_back_byte_for_byte),
        cmocka_unit_test(what_was_published_is_never_contradicted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
