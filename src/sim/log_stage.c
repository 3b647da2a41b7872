#include "sim/log_stage.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "sim/service.h"
#include "tlog/bundle.h"
#include "tlog/checkpoint.h"

enum {
    STREAM_LOG = 6,
    AGAIN_MS = 20,
    LOOK_MS = 300,
    COMPLETE_MS_MAX = 120000, /* to sign for the whole journal, in calm */
};

#define ORIGIN STR("tpwallet.example/sim")

static struct verdict *verdict_of(struct log_stage *stage)
{
    return &stage->service->verdict;
}

/* ---- What must be true of what is seen ---- */

/* The tree of this size, as the twin has it; false, and a violation: it is another. */
static bool tree_check(struct log_stage *stage, const char *what, uint64_t size,
                       const struct digest *root)
{
    uint64_t durable = model_log_size(&stage->twin);
    if (size == 0 || size > durable) {
        verdict_violation(verdict_of(stage), "%s of %" PRIu64 " leaves, %" PRIu64 " are durable",
                          what, size, durable);
        return false;
    }
    struct digest expected = model_log_root(&stage->twin, size);
    if (digest_equal(&expected, root)) return true;
    verdict_violation(verdict_of(stage), "%s of %" PRIu64 " leaves has a root that is not theirs",
                      what, size);
    return false;
}

static void on_head_recorded(void *owner, const struct log_head *head)
{
    struct log_shelf *shelf = owner;
    struct log_stage *stage = shelf->stage;
    stage->stats.heads++;
    if (!tree_check(stage, "a head", head->size, &head->root)) return;
    const char *wrong = NULL;
    if (head->size < shelf->recorded.size) wrong = "size";
    bool known = head->batch >= 1 && head->batch <= stage->twin.batch_count;
    if (!known || model_log_size_at(&stage->twin, head->batch) != head->size) {
        wrong = "batch";
    } else {
        const struct sim_batch *batch = sim_disk_batch(stage->service->disk, head->batch);
        if (!digest_equal(&batch->hash, &head->batch_hash)) wrong = "hash of its batch";
    }
    if (wrong != NULL) {
        verdict_violation(verdict_of(stage), "a head of %" PRIu64 " leaves has a wrong %s",
                          head->size, wrong);
    }
    shelf->recorded = *head;
}

/* A checkpoint as anybody reads it; false: it is none. */
static bool checkpoint_read(struct log_stage *stage, struct str bytes, struct tree_head *out_head)
{
    struct note note;
    struct checkpoint checkpoint;
    struct error error;
    bool good =
        note_parse(bytes, &note, &error) == STATUS_OK &&
        checkpoint_open(&note, &stage->signer.key, ORIGIN, &checkpoint, &error) == STATUS_OK;
    if (good) *out_head = checkpoint.head;
    return good;
}

/* The leaves of a bundle, or the hashes of a tile, against the twin's. */
static bool tile_same(struct log_stage *stage, const struct tile *tile, struct str bytes)
{
    const struct digest *expected =
        stage->twin.hashes[TILE_HEIGHT * tile->level] + tile->index * TILE_WIDTH;
    for (unsigned i = 0; i < tile->width; i++) {
        struct digest found;
        struct str entry;
        if (tile->kind == TILE_HASHES) {
            if (bytes.len < sizeof found) return false;
            found = *(const struct digest *)bytes.data;
            bytes.data += sizeof found;
            bytes.len -= sizeof found;
        } else {
            if (bundle_next(&bytes, &entry) != STATUS_OK) return false;
            found = tree_leaf(entry.data, entry.len);
        }
        if (!digest_equal(&found, &expected[i])) return false;
    }
    return bytes.len == 0;
}

static void tile_check(struct log_shelf *shelf, const struct tile *tile)
{
    char text[TILE_PATH_SIZE];
    struct str bytes;
    bool synced = false;
    struct str name = tile_path(tile, text);
    const char *wrong = NULL;
    if (!sim_rack_file(shelf->rack, name, &bytes, &synced)) {
        wrong = "is not there";
    } else if (!synced) {
        wrong = "could still be lost";
    } else if (!tile_same(shelf->stage, tile, bytes)) {
        wrong = "is wrong";
    }
    if (wrong == NULL) return;
    verdict_violation(verdict_of(shelf->stage), "a checkpoint is shown, and %.*s %s", STR_ARG(name),
                      wrong);
}

/* All tiles that a tree of `to` leaves has and one of `from` has not. */
static void tiles_check(struct log_shelf *shelf, uint64_t from, uint64_t to)
{
    for (int kind = TILE_HASHES; kind <= TILE_ENTRIES; kind++) {
        struct tile_walk walk;
        struct tile tile;
        tile_walk_init(&walk, (enum tile_kind)kind, from, to);
        while (tile_walk_next(&walk, &tile)) tile_check(shelf, &tile);
    }
}

static void on_checkpoint_shown(void *owner, struct str note)
{
    struct log_shelf *shelf = owner;
    struct log_stage *stage = shelf->stage;
    struct tree_head head;
    stage->stats.checkpoints++;
    if (!checkpoint_read(stage, note, &head)) {
        verdict_violation(verdict_of(stage), "what is shown as checkpoint is none");
        return;
    }
    if (!tree_check(stage, "a checkpoint", head.size, &head.root)) return;
    if (head.size != shelf->recorded.size) {
        verdict_violation(verdict_of(stage),
                          "a checkpoint of %" PRIu64 " leaves, and the recorded head has %" PRIu64,
                          head.size, shelf->recorded.size);
    }
    if (head.size < shelf->shown) {
        verdict_violation(verdict_of(stage), "a checkpoint of %" PRIu64 " leaves after %" PRIu64,
                          head.size, shelf->shown);
        return;
    }
    bool remade_later = shelf->emptied && head.size == shelf->emptied_at;
    if (!remade_later) {
        tiles_check(shelf, shelf->emptied ? 0 : shelf->shown, head.size);
        stage->stats.remade += shelf->emptied;
        shelf->emptied = false;
    }
    shelf->shown = head.size;
}

/* ---- The reader ---- */

struct reader {
    struct log_stage *stage;
    struct life *life;
    struct buf bytes;
    struct digest verified; /* of the checkpoint whose signature was verified last, */
    struct tree_head head;  /* and what it says */
};

static bool reader_goes_on(const struct life *life)
{
    return life->phase == LIFE_UP && !life->process.crashed;
}

/* As checkpoint_read(), but the same bytes are not verified again. */
static bool bytes_read(struct reader *reader)
{
    struct digest digest = digest_of(reader->bytes.data, reader->bytes.len);
    if (digest_equal(&digest, &reader->verified)) return true;
    if (!checkpoint_read(reader->stage, buf_view(&reader->bytes), &reader->head)) return false;
    reader->verified = digest;
    return true;
}

static void look(struct reader *reader)
{
    struct log_stage *stage = reader->stage;
    struct life *life = reader->life;
    struct log_shelf *shelf = &stage->shelves[life->machine];
    struct error error;
    uint64_t shown_before = shelf->shown;
    enum status status =
        log_relay_read(life->log_beside.relay, STR("checkpoint"), &reader->bytes, &error);
    if (status == STATUS_NOT_FOUND || status == STATUS_UNAVAILABLE) return;
    if (status != STATUS_OK || !bytes_read(reader)) {
        verdict_violation(verdict_of(stage), "a reader is given no checkpoint: %s, %zu bytes",
                          status_name(status), reader->bytes.len);
        return;
    }
    struct tree_head head = reader->head;
    stage->stats.looks++;
    if (!tree_check(stage, "a checkpoint that is read", head.size, &head.root)) return;
    if (head.size < shelf->read || head.size < shown_before) {
        verdict_violation(verdict_of(stage),
                          "a reader is given %" PRIu64 " leaves, and was given %" PRIu64
                          ", and %" PRIu64 " were shown",
                          head.size, shelf->read, shown_before);
    }
    shelf->read = head.size;
}

static void reader_body(void *argument)
{
    struct reader *reader = argument;
    struct world *world = reader->stage->service->world;
    buf_init(&reader->bytes, NOTE_SIZE_MAX);
    while (reader_goes_on(reader->life)) {
        look(reader);
        task_sleep(world, LOOK_MS * NS_PER_MS);
    }
    buf_free(&reader->bytes);
    service_leave(reader->life);
    free(reader);
}

/* ---- Lives ---- */

void log_stage_opened(struct log_stage *stage, struct life *life)
{
    struct log_beside *beside = &life->log_beside;
    beside->files = sim_log_store_open(stage->shelves[life->machine].rack, &life->process);
    const struct log_relay_ports ports = {
        .sync = &life->sync.port,
        .clock = &life->clock.port,
        .log = &life->log.port,
        .journal = life->store,
        .files = beside->files,
    };
    const struct log_relay_options options = {
        .lane = stage->service->options.number,
        .signer = &stage->signer,
        .key = &stage->key,
        .poll_ms = stage->poll_ms,
        .publish_ms = stage->publish_ms,
        .task = true,
    };
    struct error error;
    while (log_relay_open(life->lane, &ports, &options, &beside->relay, &error) != STATUS_OK) {
        beside->relay = NULL;
        if (!reader_goes_on(life)) return;
        task_sleep(stage->service->world, AGAIN_MS * NS_PER_MS);
    }
    struct reader *reader = calloc(1, sizeof *reader);
    CHECK(reader != NULL);
    *reader = (struct reader){ .stage = stage, .life = life };
    life->users++;
    (void)task_spawn(stage->service->world, "log reader", reader_body, reader); /* ends by itself */
}

/* Damage of the journal looks like another history, so long as it lasts. */
static void refusal_check(struct log_stage *stage, struct life *life)
{
    struct log_relay_status now;
    log_relay_get_status(life->log_beside.relay, &now);
    if (now.state != LOG_REFUSED) return;
    stage->stats.refused++;
    if (life_damage_possible(life)) return;
    verdict_violation(verdict_of(stage), "the log refuses to go on: %s", now.fault.message);
}

void log_stage_closing(struct log_stage *stage, struct life *life)
{
    struct log_beside *beside = &life->log_beside;
    if (beside->relay != NULL) refusal_check(stage, life);
    log_relay_close(beside->relay);
    beside->relay = NULL;
    if (beside->files != NULL) beside->files->close(beside->files);
    beside->files = NULL;
    struct log_shelf *shelf = &stage->shelves[life->machine];
    if (life->process.crashed && sim_rack_crash(shelf->rack)) {
        shelf->emptied = true;
        shelf->emptied_at = shelf->recorded.size;
    }
}

/* ---- The end ---- */

static void complete_check(struct log_stage *stage, struct life *life)
{
    struct log_shelf *shelf = &stage->shelves[life->machine];
    struct log_relay_status now;
    uint64_t leaves = 0;
    bool complete = false;
    for (int64_t ms = 0; ms < COMPLETE_MS_MAX && !complete; ms += LOOK_MS) {
        task_sleep(stage->service->world, LOOK_MS * NS_PER_MS);
        log_relay_get_status(life->log_beside.relay, &now);
        leaves = model_log_size(&stage->twin);
        complete = now.state == LOG_FOLLOWING && shelf->shown == leaves;
        if (now.state == LOG_REFUSED) break;
    }
    if (now.state == LOG_REFUSED && life_damage_possible(life)) return; /* until it is restarted */
    if (!complete) {
        verdict_violation(verdict_of(stage),
                          "at the end the log has signed %" PRIu64 " of %" PRIu64
                          " leaves, in state %d: %s",
                          shelf->shown, leaves, (int)now.state, now.fault.message);
        return;
    }
    tiles_check(shelf, 0, leaves);
    stage->stats.completed++;
}

void log_stage_complete(struct log_stage *stage, struct prng *prng)
{
    struct life *life = service_enter(stage->service, prng);
    if (life == NULL) return;
    complete_check(stage, life);
    service_leave(life);
}

/* ---- The stage ---- */

void log_stage_init(struct log_stage *stage, struct service *service)
{
    uint8_t seed[ED25519_SEED_SIZE];
    uint8_t key[LEAF_KEY_SIZE];
    struct prng prng = world_stream(service->world, service->streams + STREAM_LOG);
    for (size_t i = 0; i < sizeof seed; i++) seed[i] = (uint8_t)prng_below(&prng, 256);
    for (size_t i = 0; i < sizeof key; i++) key[i] = (uint8_t)prng_below(&prng, 256);
    *stage = (struct log_stage){ .service = service };
    stage->poll_ms = (uint32_t)prng_between(&prng, 20, 800);
    stage->publish_ms = (uint32_t)prng_between(&prng, 1, 1200);
    enum status status = note_signer_make(ORIGIN, NOTE_ED25519, seed, &stage->signer);
    CHECK(status == STATUS_OK);
    status = secret_take(key, sizeof key, &stage->key);
    CHECK(status == STATUS_OK);
    model_log_init(&stage->twin, &stage->key);
    for (uint32_t i = 0; i < LOG_MACHINES; i++) {
        struct log_shelf *shelf = &stage->shelves[i];
        shelf->stage = stage;
        shelf->rack = sim_rack_new(service->world, &service->faults);
        sim_rack_observe(shelf->rack, (struct sim_rack_observer){ on_head_recorded,
                                                                  on_checkpoint_shown, shelf });
    }
}

void log_stage_done(struct log_stage *stage)
{
    for (uint32_t i = 0; i < LOG_MACHINES; i++) sim_rack_free(stage->shelves[i].rack);
    model_log_done(&stage->twin);
    note_signer_done(&stage->signer);
    secret_done(&stage->key);
}
