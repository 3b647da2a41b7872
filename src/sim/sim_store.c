/* The disk as growing arrays; each call of a store is a point, a fault's chance, and an effect. */
#include "sim/sim_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

enum {
    READ_US_MAX = 200,
    APPEND_US_MAX = 3000,
    SLOW_MS_MAX = 4000, /* below STORE_CALL_S_MAX, twice */
    FULL_MS_MAX = 5000,
    REOPEN_FAILS_MS_MAX = 5000,
};

struct sim_slice {
    struct store_slice slice; /* data is the disk's own */
    struct digest hash;
};

/* A wrong bit; of a batch by sequence, of a slice by its place. */
struct flip {
    bool active;
    uint64_t sequence;
    uint32_t table;
    uint64_t generation;
    uint64_t from;
    size_t offset;
    uint8_t mask;
};

struct sim_disk {
    struct world *world;
    struct faults *faults;
    struct sim_disk_observer observer;
    uint64_t epoch;
    struct sim_batch *batches;
    uint64_t batch_count;
    uint64_t batch_room;
    struct sim_slice *slices;
    size_t slice_count;
    size_t slice_room;
    int64_t full_until_ns;
    int64_t reopen_fails_until_ns;
    struct flip batch_flip;
    struct flip slice_flip;
    uint32_t open_stores;
};

struct sim_store {
    struct store port; /* first */
    struct sim_disk *disk;
    struct process *process;
    bool in_doubt;
    bool writing;                /* an append or claim is under way */
    const struct task *appender; /* the owner's task: it knows of a doubt, others do not */
};

static struct sim_store *from_port(struct store *port)
{
    return (struct sim_store *)port;
}

struct sim_disk *sim_disk_new(struct world *world, struct faults *faults,
                              struct sim_disk_observer observer)
{
    struct sim_disk *disk = calloc(1, sizeof *disk);
    CHECK(disk != NULL);
    disk->world = world;
    disk->faults = faults;
    disk->observer = observer;
    return disk;
}

void sim_disk_free(struct sim_disk *disk)
{
    if (disk == NULL) return;
    CHECK(disk->open_stores == 0);
    for (uint64_t i = 0; i < disk->batch_count; i++) free(disk->batches[i].data);
    for (size_t i = 0; i < disk->slice_count; i++) free((void *)disk->slices[i].slice.data);
    free(disk->batches);
    free(disk->slices);
    free(disk);
}

uint64_t sim_disk_head(const struct sim_disk *disk)
{
    return disk->batch_count;
}

const struct sim_batch *sim_disk_batch(const struct sim_disk *disk, uint64_t sequence)
{
    CHECK(sequence >= 1 && sequence <= disk->batch_count);
    return &disk->batches[sequence - 1];
}

bool sim_disk_damaged(const struct sim_disk *disk)
{
    return disk->batch_flip.active || disk->slice_flip.active;
}

void sim_disk_repair(struct sim_disk *disk)
{
    disk->batch_flip.active = false;
    disk->slice_flip.active = false;
}

static void *copy_of(const void *data, size_t size)
{
    void *copy = malloc(size > 0 ? size : 1);
    CHECK(copy != NULL);
    if (size > 0) memcpy(copy, data, size);
    return copy;
}

static enum status finish(struct sim_store *store, enum status status)
{
    world_mix(store->disk->world, status);
    return status;
}

static void misuse(struct sim_store *store, const char *text)
{
    store->disk->observer.misused(store->disk->observer.owner, text);
}

static enum status dead(struct sim_store *store, struct error *out_error)
{
    return finish(store, error_set(out_error, STATUS_UNAVAILABLE, "the process has crashed"));
}

/*
 * What every call begins with: the point, the time it takes, the faults before its effect.
 * Not OK: the call is over.
 */
static enum status enter(struct sim_store *store, enum sim_point point, uint64_t us_max,
                         struct error *out_error)
{
    struct faults *faults = store->disk->faults;
    if (!process_point(store->process, point)) return dead(store, out_error);
    if (store->in_doubt && point != SIM_POINT_STORE_REOPEN) {
        return finish(store, error_set(out_error, STATUS_UNAVAILABLE, "a commit is in doubt"));
    }
    int64_t ns = (int64_t)fault_between(faults, SIM_FAULT_STORE_SLOW, 1, us_max) * NS_PER_US;
    if (fault_strikes(faults, SIM_FAULT_STORE_SLOW)) {
        ns = (int64_t)fault_between(faults, SIM_FAULT_STORE_SLOW, 1, SLOW_MS_MAX) * NS_PER_MS;
    }
    task_sleep(store->disk->world, ns);
    if (store->process->crashed) return dead(store, out_error);
    if (fault_strikes(faults, SIM_FAULT_STORE_UNAVAILABLE)) {
        return finish(store, error_set(out_error, STATUS_UNAVAILABLE, "the store does not answer"));
    }
    return STATUS_OK;
}

static struct store_head head_of(const struct sim_disk *disk)
{
    struct store_head head = { .epoch = disk->epoch, .sequence = disk->batch_count };
    if (disk->batch_count > 0) {
        head.hash = disk->batches[disk->batch_count - 1].hash;
        head.stamp = disk->batches[disk->batch_count - 1].stamp;
    }
    return head;
}

static enum status sim_head(struct store *port, struct store_head *out_head,
                            struct error *out_error)
{
    struct sim_store *store = from_port(port);
    bool owner = store->appender == task_current(store->disk->world);
    if (store->in_doubt && owner) misuse(store, "store.head between a doubt and its reopen");
    enum status status = enter(store, SIM_POINT_STORE_HEAD, READ_US_MAX, out_error);
    if (status != STATUS_OK) return status;
    *out_head = head_of(store->disk);
    return finish(store, STATUS_OK);
}

static void writing_begin(struct sim_store *store)
{
    if (store->writing) misuse(store, "store.append or claim beside another");
    store->writing = true;
}

static enum status claim(struct sim_store *store, struct store_head *out_head,
                         struct error *out_error)
{
    enum status status = enter(store, SIM_POINT_STORE_CLAIM, APPEND_US_MAX, out_error);
    if (status != STATUS_OK) return status;
    store->disk->epoch++;
    if (!process_point(store->process, SIM_POINT_STORE_CLAIMED)) return dead(store, out_error);
    *out_head = head_of(store->disk);
    return finish(store, STATUS_OK);
}

static enum status sim_claim(struct store *port, struct store_head *out_head,
                             struct error *out_error)
{
    struct sim_store *store = from_port(port);
    if (store->in_doubt) misuse(store, "store.claim between a doubt and its reopen");
    writing_begin(store);
    enum status status = claim(store, out_head, out_error);
    store->writing = false;
    return status;
}

/* ---- append ---- */

static void slice_forget(struct sim_disk *disk, const struct store_slice *slice)
{
    struct flip *flip = &disk->slice_flip;
    if (flip->table == slice->table && flip->generation == slice->generation &&
        flip->from == slice->from) {
        flip->active = false; /* the damage goes with its slice */
    }
    free((void *)slice->data);
}

/* The slices of earlier generations that a new one replaces. */
static void slices_replace(struct sim_disk *disk, const struct store_slice *slice)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->slice_count; i++) {
        const struct store_slice *old = &disk->slices[i].slice;
        bool replaced = old->table == slice->table && old->generation < slice->generation &&
                        old->to <= slice->to;
        if (replaced) {
            slice_forget(disk, old);
        } else {
            disk->slices[kept++] = disk->slices[i];
        }
    }
    disk->slice_count = kept;
}

static void slice_add(struct sim_disk *disk, const struct store_slice *slice, uint64_t sequence)
{
    slices_replace(disk, slice);
    if (disk->slice_count == disk->slice_room) {
        disk->slice_room = disk->slice_room == 0 ? 16 : disk->slice_room * 2;
        disk->slices = realloc(disk->slices, disk->slice_room * sizeof *disk->slices);
        CHECK(disk->slices != NULL);
    }
    struct sim_slice *kept = &disk->slices[disk->slice_count++];
    kept->slice = *slice;
    kept->slice.at_batch = sequence;
    kept->slice.data = copy_of(slice->data, slice->size);
    kept->hash = digest_of(kept->slice.data, slice->size);
}

static void batch_add(struct sim_disk *disk, const struct store_batch *batch)
{
    if (disk->batch_count == disk->batch_room) {
        disk->batch_room = disk->batch_room == 0 ? 256 : disk->batch_room * 2;
        disk->batches = realloc(disk->batches, disk->batch_room * sizeof *disk->batches);
        CHECK(disk->batches != NULL);
    }
    struct sim_batch *kept = &disk->batches[disk->batch_count++];
    *kept = (struct sim_batch){ copy_of(batch->data, batch->size), batch->size, batch->hash,
                                batch->stamp, batch->epoch };
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        slice_add(disk, &batch->slices[i], batch->sequence);
    }
    world_mix(disk->world, batch->sequence);
    for (size_t i = 0; i < sizeof batch->hash.bytes; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, batch->hash.bytes + i, sizeof word);
        world_mix(disk->world, word);
    }
    disk->observer.appended(disk->observer.owner, batch->sequence, kept);
}

static void batch_examine(struct sim_store *store, const struct store_batch *batch)
{
    struct digest hash = digest_of(batch->data, batch->size);
    if (!digest_equal(&hash, &batch->hash))
        misuse(store, "store.append: the hash is not the data's");
    if (batch->size > BATCH_SIZE_MAX) misuse(store, "store.append: over BATCH_SIZE_MAX");
    if (batch->slice_count > STORE_SLICES_PER_BATCH_MAX) misuse(store, "store.append: many slices");
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        const struct store_slice *slice = &batch->slices[i];
        if (slice->size > SLICE_SIZE_MAX) misuse(store, "store.append: over SLICE_SIZE_MAX");
        if (slice->generation == 0 || slice->from > slice->to) {
            misuse(store, "store.append: a slice of no generation, or of nothing");
        }
    }
}

static bool is_full(struct sim_disk *disk)
{
    int64_t now_ns = world_now(disk->world).ns;
    if (fault_strikes(disk->faults, SIM_FAULT_DISK_FULL)) {
        disk->full_until_ns =
            now_ns +
            (int64_t)fault_between(disk->faults, SIM_FAULT_DISK_FULL, 1, FULL_MS_MAX) * NS_PER_MS;
    }
    return !disk->faults->calm && now_ns < disk->full_until_ns;
}

/* Before the first append finds it out, nobody knows of it. */
static enum status sim_room(struct store *port, struct error *out_error)
{
    struct sim_store *store = from_port(port);
    struct sim_disk *disk = store->disk;
    (void)process_point(store->process, SIM_POINT_STORE_ROOM); /* a crash is met at the next */
    bool full = !disk->faults->calm && world_now(disk->world).ns < disk->full_until_ns;
    if (full) return finish(store, error_set(out_error, STATUS_LIMIT, "the disk is full"));
    return finish(store, STATUS_OK);
}

static enum status doubt(struct sim_store *store, struct error *out_error)
{
    store->in_doubt = true;
    return finish(store, error_set(out_error, STATUS_IN_DOUBT, "the reply to a commit is lost"));
}

static enum status append(struct sim_store *store, const struct store_batch *batch,
                          struct error *out_error)
{
    struct sim_disk *disk = store->disk;
    enum status status = enter(store, SIM_POINT_STORE_APPEND, APPEND_US_MAX, out_error);
    if (status != STATUS_OK) return status;
    if (is_full(disk)) return finish(store, error_set(out_error, STATUS_LIMIT, "the disk is full"));
    if (fault_strikes(disk->faults, SIM_FAULT_LOST_COMMIT)) return doubt(store, out_error);
    if (!process_point(store->process, SIM_POINT_STORE_FLUSH)) return dead(store, out_error);
    if (batch->epoch != disk->epoch || batch->sequence != disk->batch_count + 1) {
        return finish(store, error_set(out_error, STATUS_FENCED, "another owner has taken over"));
    }
    batch_add(disk, batch);
    if (!process_point(store->process, SIM_POINT_STORE_APPENDED)) return dead(store, out_error);
    if (fault_strikes(disk->faults, SIM_FAULT_LOST_REPLY)) return doubt(store, out_error);
    return finish(store, STATUS_OK);
}

static enum status sim_append(struct store *port, const struct store_batch *batch,
                              struct error *out_error)
{
    struct sim_store *store = from_port(port);
    if (store->in_doubt) misuse(store, "store.append between a doubt and its reopen");
    writing_begin(store);
    store->appender = task_current(store->disk->world);
    batch_examine(store, batch);
    enum status status = append(store, batch, out_error);
    store->writing = false;
    return status;
}

static enum status sim_reopen(struct store *port, struct error *out_error)
{
    struct sim_store *store = from_port(port);
    struct sim_disk *disk = store->disk;
    enum status status = enter(store, SIM_POINT_STORE_REOPEN, APPEND_US_MAX, out_error);
    if (status != STATUS_OK) return status;
    int64_t now_ns = world_now(disk->world).ns;
    if (fault_strikes(disk->faults, SIM_FAULT_REOPEN_FAILS)) {
        disk->reopen_fails_until_ns =
            now_ns +
            (int64_t)fault_between(disk->faults, SIM_FAULT_REOPEN_FAILS, 1, REOPEN_FAILS_MS_MAX) *
                NS_PER_MS;
    }
    if (!disk->faults->calm && now_ns < disk->reopen_fails_until_ns) {
        return finish(store, error_set(out_error, STATUS_UNAVAILABLE, "the store does not open"));
    }
    store->in_doubt = false;
    return finish(store, STATUS_OK);
}

/* ---- reading ---- */

/* Damages a bit of what is about to be read, so that the damage is met. */
static void flip_maybe(struct sim_disk *disk, enum sim_fault fault, struct flip *flip,
                       struct flip where, size_t size)
{
    if (size == 0 || flip->active || !fault_strikes(disk->faults, fault)) return;
    *flip = where;
    flip->active = true;
    flip->offset = where.offset + (size_t)fault_between(disk->faults, fault, 0, size - 1);
    flip->mask = (uint8_t)(1U << fault_between(disk->faults, fault, 0, 7));
}

static enum status sim_read(struct store *port, uint64_t sequence, struct buf *out_blob,
                            struct error *out_error)
{
    struct sim_store *store = from_port(port);
    struct sim_disk *disk = store->disk;
    enum status status = enter(store, SIM_POINT_STORE_READ, READ_US_MAX, out_error);
    if (status != STATUS_OK) return status;
    if (sequence == 0 || sequence > disk->batch_count) return finish(store, STATUS_NOT_FOUND);
    const struct sim_batch *batch = &disk->batches[sequence - 1];
    flip_maybe(disk, SIM_FAULT_FLIP_BATCH, &disk->batch_flip, (struct flip){ .sequence = sequence },
               batch->size);
    buf_reset(out_blob);
    buf_append(out_blob, batch->data, batch->size);
    if (buf_status(out_blob) != STATUS_OK) return finish(store, STATUS_LIMIT);
    const struct flip *flip = &disk->batch_flip;
    if (flip->active && flip->sequence == sequence) out_blob->data[flip->offset] ^= flip->mask;
    struct digest hash = digest_of(out_blob->data, out_blob->len);
    if (!digest_equal(&hash, &batch->hash)) {
        return finish(store, error_set(out_error, STATUS_CORRUPT,
                                       "batch %" PRIu64 " is not what was written", sequence));
    }
    return finish(store, STATUS_OK);
}

static enum status sim_read_part(struct store *port, uint64_t sequence, uint32_t offset,
                                 uint32_t size, void *out_bytes, struct error *out_error)
{
    struct sim_store *store = from_port(port);
    struct sim_disk *disk = store->disk;
    enum status status = enter(store, SIM_POINT_STORE_READ_PART, READ_US_MAX, out_error);
    if (status != STATUS_OK) return status;
    if (sequence == 0 || sequence > disk->batch_count) return finish(store, STATUS_NOT_FOUND);
    const struct sim_batch *batch = &disk->batches[sequence - 1];
    if (offset > batch->size || size > batch->size - offset) {
        return finish(store,
                      error_set(out_error, STATUS_NOT_FOUND,
                                "batch %" PRIu64 " has no %u bytes at %u", sequence, size, offset));
    }
    flip_maybe(disk, SIM_FAULT_FLIP_BATCH, &disk->batch_flip,
               (struct flip){ .sequence = sequence, .offset = offset }, size);
    memcpy(out_bytes, (const uint8_t *)batch->data + offset, size);
    const struct flip *flip = &disk->batch_flip;
    if (flip->active && flip->sequence == sequence && flip->offset >= offset &&
        flip->offset - offset < size) {
        ((uint8_t *)out_bytes)[flip->offset - offset] ^= flip->mask;
    }
    return finish(store, STATUS_OK);
}

static enum status sim_find_stamp(struct store *port, struct wall_time stamp,
                                  uint64_t *out_sequence, struct error *out_error)
{
    struct sim_store *store = from_port(port);
    enum status status = enter(store, SIM_POINT_STORE_FIND_STAMP, READ_US_MAX, out_error);
    if (status != STATUS_OK) return status;
    uint64_t index = 0;
    while (index < store->disk->batch_count && store->disk->batches[index].stamp.ns < stamp.ns) {
        index++;
    }
    *out_sequence = index + 1;
    return finish(store, STATUS_OK);
}

static int slice_compare(const void *left, const void *right)
{
    const struct store_slice *a = left;
    const struct store_slice *b = right;
    if (a->table != b->table) return a->table < b->table ? -1 : 1;
    if (a->generation != b->generation) return a->generation < b->generation ? -1 : 1;
    return a->from < b->from ? -1 : a->from > b->from;
}

static enum status sim_slice_list(struct store *port, struct buf *out_slices,
                                  struct error *out_error)
{
    struct sim_store *store = from_port(port);
    const struct sim_disk *disk = store->disk;
    enum status status = enter(store, SIM_POINT_STORE_SLICE_LIST, READ_US_MAX, out_error);
    if (status != STATUS_OK) return status;
    size_t first = out_slices->len;
    for (size_t i = 0; i < disk->slice_count; i++) {
        struct store_slice slice = disk->slices[i].slice;
        slice.data = NULL;
        buf_append(out_slices, &slice, sizeof slice);
    }
    if (buf_status(out_slices) != STATUS_OK) return finish(store, STATUS_LIMIT);
    if (disk->slice_count > 0) {
        qsort(out_slices->data + first, disk->slice_count, sizeof(struct store_slice),
              slice_compare);
    }
    return finish(store, STATUS_OK);
}

static const struct sim_slice *slice_find(const struct sim_disk *disk,
                                          const struct store_slice *wanted)
{
    for (size_t i = 0; i < disk->slice_count; i++) {
        const struct store_slice *slice = &disk->slices[i].slice;
        if (slice->table == wanted->table && slice->generation == wanted->generation &&
            slice->from == wanted->from && slice->to == wanted->to) {
            return &disk->slices[i];
        }
    }
    return NULL;
}

static enum status sim_slice_read(struct store *port, const struct store_slice *wanted,
                                  struct buf *out_data, struct error *out_error)
{
    struct sim_store *store = from_port(port);
    struct sim_disk *disk = store->disk;
    enum status status = enter(store, SIM_POINT_STORE_SLICE_READ, READ_US_MAX, out_error);
    if (status != STATUS_OK) return status;
    const struct sim_slice *found = slice_find(disk, wanted);
    if (found == NULL) return finish(store, STATUS_NOT_FOUND);
    const struct store_slice *slice = &found->slice;
    flip_maybe(disk, SIM_FAULT_FLIP_SLICE, &disk->slice_flip,
               (struct flip){
                   .table = slice->table, .generation = slice->generation, .from = slice->from },
               slice->size);
    buf_reset(out_data);
    buf_append(out_data, slice->data, slice->size);
    if (buf_status(out_data) != STATUS_OK) return finish(store, STATUS_LIMIT);
    const struct flip *flip = &disk->slice_flip;
    if (flip->active && flip->table == slice->table && flip->generation == slice->generation &&
        flip->from == slice->from) {
        out_data->data[flip->offset] ^= flip->mask;
    }
    struct digest hash = digest_of(out_data->data, out_data->len);
    if (!digest_equal(&hash, &found->hash)) {
        return finish(store,
                      error_set(out_error, STATUS_CORRUPT,
                                "the slice of table %u from %" PRIu64 " is not what was written",
                                slice->table, slice->from));
    }
    return finish(store, STATUS_OK);
}

static void sim_close(struct store *port)
{
    struct sim_store *store = from_port(port);
    CHECK(!store->writing);
    store->disk->open_stores--;
    free(store);
}

struct store *sim_store_open(struct sim_disk *disk, struct process *process)
{
    struct sim_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    *store = (struct sim_store){
        .port = { .head = sim_head,
                  .claim = sim_claim,
                  .room = sim_room,
                  .append = sim_append,
                  .reopen = sim_reopen,
                  .read = sim_read,
                  .read_part = sim_read_part,
                  .find_stamp = sim_find_stamp,
                  .slice_list = sim_slice_list,
                  .slice_read = sim_slice_read,
                  .close = sim_close },
        .disk = disk,
        .process = process,
    };
    disk->open_stores++;
    return &store->port;
}
