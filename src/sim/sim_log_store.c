#include "sim/sim_log_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { FILES_MAX = 4096, CALL_US_MAX = 300 };

struct file {
    char name[LOG_STORE_NAME_LEN_MAX];
    size_t name_len;
    char *bytes;
    size_t size;
    bool unsynced;
};

struct sim_rack {
    struct world *world;
    struct faults *faults;
    uint32_t open_stores;
    uint32_t file_count;
    struct file files[FILES_MAX];
    bool has_head;
    struct log_head head;
};

struct sim_log_store {
    struct log_store port; /* first */
    struct sim_rack *rack;
    struct process *process;
};

struct sim_rack *sim_rack_new(struct world *world, struct faults *faults)
{
    struct sim_rack *rack = calloc(1, sizeof *rack);
    CHECK(rack != NULL);
    rack->world = world;
    rack->faults = faults;
    return rack;
}

static void file_drop(struct sim_rack *rack, uint32_t at)
{
    free(rack->files[at].bytes);
    rack->files[at] = rack->files[--rack->file_count];
}

void sim_rack_clear(struct sim_rack *rack, bool head_too)
{
    while (rack->file_count > 0) file_drop(rack, 0);
    if (head_too) rack->has_head = false;
}

void sim_rack_free(struct sim_rack *rack)
{
    if (rack == NULL) return;
    CHECK(rack->open_stores == 0);
    sim_rack_clear(rack, true);
    free(rack);
}

void sim_rack_crash(struct sim_rack *rack)
{
    CHECK(rack->open_stores == 0);
    for (uint32_t i = rack->file_count; i > 0; i--) {
        struct file *file = &rack->files[i - 1];
        if (!file->unsynced || !fault_strikes(rack->faults, SIM_FAULT_RUNS_LOST)) continue;
        if (fault_between(rack->faults, SIM_FAULT_RUNS_LOST, 0, 1) == 0) {
            file_drop(rack, i - 1);
        } else {
            file->size = 0;
        }
    }
    for (uint32_t i = 0; i < rack->file_count; i++) rack->files[i].unsynced = false;
    if (fault_strikes(rack->faults, SIM_FAULT_RUNS_LOST_ALL)) sim_rack_clear(rack, false);
    world_mix(rack->world, rack->file_count);
}

static enum status dead(struct error *out_error)
{
    return error_set(out_error, STATUS_UNAVAILABLE, "the process has crashed");
}

/* What every call begins with. Not OK: the call is over. */
static enum status enter(struct sim_log_store *store, enum sim_point point, struct error *out_error)
{
    struct faults *faults = store->rack->faults;
    if (!process_point(store->process, point)) return dead(out_error);
    task_sleep(store->rack->world,
               (int64_t)fault_between(faults, SIM_FAULT_STORE_UNAVAILABLE, 1, CALL_US_MAX) *
                   NS_PER_US);
    if (store->process->crashed) return dead(out_error);
    if (fault_strikes(faults, SIM_FAULT_STORE_UNAVAILABLE)) {
        return error_set(out_error, STATUS_UNAVAILABLE, "the log's files do not answer");
    }
    if (point == SIM_POINT_STORE_APPEND && fault_strikes(faults, SIM_FAULT_DISK_FULL)) {
        return error_set(out_error, STATUS_LIMIT, "the disk is full");
    }
    return STATUS_OK;
}

static struct file *file_find(struct sim_rack *rack, struct str name)
{
    for (uint32_t i = 0; i < rack->file_count; i++) {
        const struct str have = { rack->files[i].name, rack->files[i].name_len };
        if (str_equal(have, name)) return &rack->files[i];
    }
    return NULL;
}

static enum status sim_read(struct log_store *port, struct str name, struct buf *out_bytes,
                            struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    enum status status = enter(store, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    const struct file *file = file_find(store->rack, name);
    if (file == NULL) return STATUS_NOT_FOUND;
    buf_reset(out_bytes);
    buf_append(out_bytes, file->bytes, file->size);
    return buf_status(out_bytes);
}

static enum status sim_write(struct log_store *port, struct str name, struct str bytes,
                             struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    struct sim_rack *rack = store->rack;
    CHECK(name.len > 0 && name.len <= LOG_STORE_NAME_LEN_MAX);
    enum status status = enter(store, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    struct file *file = file_find(rack, name);
    if (file == NULL) {
        CHECK(rack->file_count < FILES_MAX);
        file = &rack->files[rack->file_count++];
        *file = (struct file){ .name_len = name.len };
        memcpy(file->name, name.data, name.len);
    }
    char *copy = malloc(bytes.len + 1);
    CHECK(copy != NULL);
    memcpy(copy, bytes.data, bytes.len);
    free(file->bytes);
    file->bytes = copy;
    file->size = bytes.len;
    file->unsynced = true;
    world_mix(rack->world, bytes.len);
    return process_point(store->process, SIM_POINT_STORE_APPENDED) ? STATUS_OK : dead(out_error);
}

static enum status sim_remove(struct log_store *port, struct str name, struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    enum status status = enter(store, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    const struct file *file = file_find(store->rack, name);
    if (file != NULL) file_drop(store->rack, (uint32_t)(file - store->rack->files));
    return STATUS_OK;
}

static enum status sim_sync(struct log_store *port, struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    enum status status = enter(store, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < store->rack->file_count; i++) store->rack->files[i].unsynced = false;
    return process_point(store->process, SIM_POINT_STORE_APPENDED) ? STATUS_OK : dead(out_error);
}

static enum status sim_head_read(struct log_store *port, struct log_head *out_head,
                                 struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    enum status status = enter(store, SIM_POINT_STORE_READ, out_error);
    if (status != STATUS_OK) return status;
    if (!store->rack->has_head) return STATUS_NOT_FOUND;
    *out_head = store->rack->head;
    return STATUS_OK;
}

static enum status sim_head_write(struct log_store *port, const struct log_head *head,
                                  struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    enum status status = enter(store, SIM_POINT_STORE_APPEND, out_error);
    if (status != STATUS_OK) return status;
    store->rack->head = *head;
    store->rack->has_head = true;
    world_mix(store->rack->world, head->size);
    return process_point(store->process, SIM_POINT_STORE_APPENDED) ? STATUS_OK : dead(out_error);
}

static void sim_close(struct log_store *port)
{
    if (port == NULL) return;
    struct sim_log_store *store = (struct sim_log_store *)port;
    store->rack->open_stores--;
    free(store);
}

struct log_store *sim_log_store_open(struct sim_rack *rack, struct process *process)
{
    struct sim_log_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    *store = (struct sim_log_store){ .port = { .read = sim_read,
                                               .write = sim_write,
                                               .remove = sim_remove,
                                               .sync = sim_sync,
                                               .head_read = sim_head_read,
                                               .head_write = sim_head_write,
                                               .close = sim_close },
                                     .rack = rack,
                                     .process = process };
    rack->open_stores++;
    return &store->port;
}
