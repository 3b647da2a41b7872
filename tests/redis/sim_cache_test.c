/*
 * Goal: the simulated cache does what port/cache.h says; and with it, whatever is lost or late, a
 * reader that asks for at most so much age is told nothing older, and an account never stands
 * otherwise than it did at the frontier that comes with it.
 * Method: the cases of all implementations; then, for some hundred seeds, a ledger of a few accounts
 * whose balances are the number of the batch that changed them last, a relay that follows it,
 * owners that change, and readers that get, and fill what they read a while ago; calls fail before
 * and after their effect, values are evicted, and everything is flushed. Each answer is compared
 * with the history of all batches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/sim_cache.h"
#include "sim/sim_clock.h"
#include "sim/sim_sync.h"
#include "tests/redis/cache_conformance.h"
#include "wallet/batch.h"
#include "wallet/cache_relay.h"

enum {
    SEEDS = 300,
    ACCOUNTS = 8,
    BATCHES_MAX = 400,
    READERS = 3,
    OWNERS = 6,
    READS = 120,
    STEPS_MAX = 40000000,
    WALL_DAYS = 20000
};

struct scene {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_clock clock;
    struct sim_wall wall;
    struct sim_sync sync;
    struct sim_pantry *pantry;
    struct log log;
    struct store store;
    struct prng prng;
    struct batch batch;
    uint64_t head;
    struct uuid changed[BATCHES_MAX + 1]; /* which account a batch changed */
    int64_t at_ns[BATCHES_MAX + 1];       /* when it was acknowledged */
    uint32_t readers_left;
    uint64_t hits;
    bool finished;
};

static struct scene *scene_now; /* ports in memory have no place for it */

static struct uuid account_id(uint64_t number)
{
    return (struct uuid){ number + 1, 1 };
}

/* The newest batch up to `batch` that changed it; 0: none. */
static uint64_t last_change(const struct scene *scene, struct uuid id, uint64_t batch)
{
    while (batch > 0 && !uuid_equal(scene->changed[batch], id)) batch--;
    return batch;
}

static enum status store_read(struct store *store, uint64_t sequence, struct buf *out_blob,
                              struct error *out_error)
{
    (void)store;
    (void)out_error;
    struct scene *scene = scene_now;
    assert_true(sequence >= 1 && sequence <= scene->head);
    const struct batch_header header = { .magic = BATCH_MAGIC,
                                         .version = BATCH_VERSION,
                                         .header_size = sizeof header,
                                         .sequence = sequence,
                                         .stamp = { scene->at_ns[sequence] } };
    const struct digest previous = { { 0 } };
    batch_begin(&scene->batch, &header);
    const struct record_context context = { .principal = PRINCIPAL_LOCAL };
    batch_add_context(&scene->batch, &context);
    struct record_account_change *record = batch_room(&scene->batch);
    *record = (struct record_account_change){ .head = { .type = RECORD_ACCOUNT_CHANGE },
                                              .account = { scene->changed[sequence] } };
    batch_add(&scene->batch, &record->head, sizeof *record, 0);
    batch_seal(&scene->batch, 1, &previous);
    buf_append(out_blob, scene->batch.data, scene->batch.size);
    return buf_status(out_blob);
}

static uint64_t source_head(void *owner)
{
    struct scene *scene = owner;
    uint64_t head = scene->head;
    task_sleep(scene->world, NS_PER_MS); /* the world goes on while it is told */
    return head;
}

static struct account_state state_of(const struct scene *scene, struct uuid id)
{
    struct account_state state = { .entry_count = last_change(scene, id, scene->head) };
    state.account.id.value = id;
    return state;
}

static enum status source_accounts(void *owner, const struct uuid *ids, uint32_t count,
                                   struct account_state *out_states, uint64_t *out_batch)
{
    struct scene *scene = owner;
    task_sleep(scene->world, (int64_t)prng_between(&scene->prng, 1, 20) * NS_PER_MS);
    for (uint32_t i = 0; i < count; i++) out_states[i] = state_of(scene, ids[i]);
    *out_batch = scene->head;
    return STATUS_OK;
}

static void log_nothing(struct log *log, const struct log_line *line)
{
    (void)log;
    (void)line;
}

/* ---- Who takes part ---- */

static void writer_body(void *argument)
{
    struct scene *scene = argument;
    while (scene->readers_left > 0) {
        task_sleep(scene->world, (int64_t)prng_between(&scene->prng, 1, 60) * NS_PER_MS);
        if (scene->head == BATCHES_MAX) continue;
        uint64_t next = scene->head + 1;
        scene->changed[next] = account_id(prng_below(&scene->prng, ACCOUNTS));
        scene->at_ns[next] = clock_wall(&scene->clock.port).ns;
        scene->head = next;
    }
}

/* What comes out of the cache, compared with all that happened. */
static void answer_check(const struct scene *scene, const struct cache_entry *entry,
                         const struct cache_frontier *frontier)
{
    uint64_t wanted = last_change(scene, cache_entry_id(entry), frontier->batch);
    assert_true(frontier->batch <= scene->head);
    assert_true(entry->version <= frontier->batch);
    assert_int_equal(entry->value.account.entry_count, wanted);
    for (uint64_t batch = frontier->batch + 1; batch <= scene->head; batch++)
        assert_true(scene->at_ns[batch] >= frontier->at.ns);
}

static void reader_body(void *argument)
{
    struct scene *scene = argument;
    struct cache *cache = sim_cache_open(scene->pantry, &scene->process);
    for (int i = 0; i < READS; i++) {
        struct uuid id = account_id(prng_below(&scene->prng, ACCOUNTS));
        struct cache_entry entry;
        struct cache_frontier frontier;
        enum status status = cache->get(cache, CACHE_ACCOUNT, id, &entry, &frontier);
        if (status == STATUS_OK) {
            answer_check(scene, &entry, &frontier);
            scene->hits++;
        } else {
            entry = (struct cache_entry){ .kind = CACHE_ACCOUNT,
                                          .version = scene->head,
                                          .value.account = state_of(scene, id) };
            task_sleep(scene->world, (int64_t)prng_between(&scene->prng, 0, 150) * NS_PER_MS);
            if (entry.version > 0) (void)cache->fill(cache, &entry); /* a loss is a miss */
        }
        task_sleep(scene->world, (int64_t)prng_between(&scene->prng, 1, 40) * NS_PER_MS);
    }
    cache->close(cache);
    scene->readers_left--;
}

static void scene_body(void *argument)
{
    struct scene *scene = argument;
    struct cache *caches[OWNERS] = { NULL };
    struct cache_relay *relays[OWNERS] = { NULL };
    for (uint64_t i = 0; i < OWNERS && scene->readers_left > 0; i++) {
        caches[i] = sim_cache_open(scene->pantry, &scene->process);
        const struct cache_relay_ports ports = {
            .sync = &scene->sync.port,
            .clock = &scene->clock.port,
            .log = &scene->log,
            .store = &scene->store,
            .cache = caches[i],
            .source = { source_head, source_accounts, scene },
        };
        struct cache_relay_options options = CACHE_RELAY_OPTIONS_DEFAULT;
        options.epoch = i + 1;
        options.retry_ms = 50;
        options.batches_max = 20;
        assert_int_equal(cache_relay_open(&ports, &options, &relays[i], NULL), STATUS_OK);
        uint64_t ms = prng_between(&scene->prng, 200, 3000);
        if (i + 1 == OWNERS) ms = 100000;
        for (; ms > 20 && scene->readers_left > 0; ms -= 20)
            task_sleep(scene->world, 20 * NS_PER_MS);
        if (prng_chance(&scene->prng, 1, 2)) { /* else it goes on beside the next one */
            cache_relay_close(relays[i]);
            relays[i] = NULL;
        }
    }
    for (int i = 0; i < OWNERS; i++) cache_relay_close(relays[i]);
    for (int i = 0; i < OWNERS; i++)
        if (caches[i] != NULL) caches[i]->close(caches[i]);
    scene->finished = true;
}

static uint64_t play(uint64_t seed)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene_now = scene;
    assert_int_equal(batch_new(&scene->batch), STATUS_OK);
    scene->world = world_new(seed);
    scene->wall.offset_ns = WALL_DAYS * NS_PER_DAY;
    scene->store.read = store_read;
    scene->log.write = log_nothing;
    prng_init(&scene->prng, seed);
    faults_init(&scene->faults, scene->world);
    scene->faults.rates[SIM_FAULT_STORE_UNAVAILABLE] = 2000;
    scene->faults.rates[SIM_FAULT_STORE_SLOW] = 2000;
    scene->faults.rates[SIM_FAULT_LOST_REPLY] = 2000;
    scene->faults.rates[SIM_FAULT_RUNS_LOST] = 6000;
    scene->faults.rates[SIM_FAULT_RUNS_LOST_ALL] = 300;
    scene->process = (struct process){ .world = scene->world,
                                       .faults = &scene->faults,
                                       .crash_at = SIM_POINT_COUNT };
    sim_sync_init(&scene->sync, &scene->process);
    sim_clock_init(&scene->clock, &scene->process, &scene->wall);
    scene->pantry = sim_pantry_new(scene->world, &scene->faults);
    scene->readers_left = READERS;
    (void)task_spawn(scene->world, "owners", scene_body, scene);
    (void)task_spawn(scene->world, "writer", writer_body, scene);
    for (int i = 0; i < READERS; i++) (void)task_spawn(scene->world, "reader", reader_body, scene);
    enum world_end end = world_run(scene->world, STEPS_MAX);
    if (end != WORLD_DONE || !scene->finished) fail_msg("seed %d: end %d", (int)seed, (int)end);
    uint64_t hits = scene->hits;
    sim_sync_done(&scene->sync);
    sim_pantry_free(scene->pantry);
    world_free(scene->world);
    batch_free(&scene->batch);
    free(scene);
    return hits;
}

static void nothing_wrong_comes_out_of_it(void **state)
{
    (void)state; /* no fixture */
    uint64_t hits = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) hits += play(seed);
    assert_true(hits > SEEDS * READERS * READS / 10); /* else nothing was looked at */
}

/* ---- The cases of all implementations ---- */

struct calm {
    struct world *world;
    struct faults faults;
    struct process process;
    struct sim_pantry *pantry;
    bool done;
};

static void calm_empty(void *owner)
{
    sim_pantry_empty(((struct calm *)owner)->pantry);
}

static struct cache *calm_open(void *owner)
{
    struct calm *calm = owner;
    return sim_cache_open(calm->pantry, &calm->process);
}

static void calm_body(void *argument)
{
    struct calm *calm = argument;
    const struct cache_factory factory = { calm, calm_empty, calm_open };
    cache_conformance(&factory);
    calm->done = true;
}

static void the_simulated_cache_conforms(void **state)
{
    (void)state; /* no fixture */
    struct calm calm = { .world = world_new(1) };
    faults_init(&calm.faults, calm.world);
    calm.process = (struct process){ .world = calm.world,
                                     .faults = &calm.faults,
                                     .crash_at = SIM_POINT_COUNT };
    calm.pantry = sim_pantry_new(calm.world, &calm.faults);
    (void)task_spawn(calm.world, "cases", calm_body, &calm); /* ends by itself */
    assert_int_equal(world_run(calm.world, STEPS_MAX), WORLD_DONE);
    assert_true(calm.done);
    sim_pantry_free(calm.pantry);
    world_free(calm.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulated_cache_conforms),
        cmocka_unit_test(nothing_wrong_comes_out_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
