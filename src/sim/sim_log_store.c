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
    char *before; /* of one that is not synced: as it was when it was; NULL: it was not there */
    size_t before_size;
};

struct sim_rack {
    struct world *world;
    struct faults *faults;
    uint32_t open_stores;
    uint32_t file_count;
    struct file files[FILES_MAX];
    struct sim_rack_observer observer;
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

void sim_rack_observe(struct sim_rack *rack, struct sim_rack_observer observer)
{
    rack->observer = observer;
}

static void before_forget(struct file *file)
{
    free(file->before);
    file->before = NULL;
    file->unsynced = false;
}

static void file_drop(struct sim_rack *rack, uint32_t at)
{
    before_forget(&rack->files[at]);
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

/* As it was before, or empty, or without its end; true: it is still there. */
static bool file_lose(struct sim_rack *rack, struct file *file)
{
    uint64_t shape = fault_between(rack->faults, SIM_FAULT_LOG_FILES_LOST, 0, 3);
    if (shape == 0) file->size = 0;
    if (shape == 1) {
        file->size = (size_t)fault_between(rack->faults, SIM_FAULT_LOG_FILES_LOST, 0, file->size);
    }
    if (shape <= 1) return true;
    if (file->before == NULL) return false;
    free(file->bytes);
    file->bytes = file->before;
    file->size = file->before_size;
    file->before = NULL;
    return true;
}

bool sim_rack_crash(struct sim_rack *rack)
{
    CHECK(rack->open_stores == 0);
    for (uint32_t i = rack->file_count; i > 0; i--) {
        struct file *file = &rack->files[i - 1];
        bool lost = file->unsynced && fault_strikes(rack->faults, SIM_FAULT_LOG_FILES_LOST);
        if (lost && !file_lose(rack, file)) file_drop(rack, i - 1);
    }
    for (uint32_t i = 0; i < rack->file_count; i++) before_forget(&rack->files[i]);
    bool all = rack->file_count > 0 && fault_strikes(rack->faults, SIM_FAULT_LOG_FILES_LOST_ALL);
    if (all) sim_rack_clear(rack, false);
    world_mix(rack->world, rack->file_count);
    return all;
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
               (int64_t)fault_between(faults, SIM_FAULT_LOG_FILES_UNAVAILABLE, 1, CALL_US_MAX) *
                   NS_PER_US);
    if (store->process->crashed) return dead(out_error);
    if (!fault_strikes(faults, SIM_FAULT_LOG_FILES_UNAVAILABLE)) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "the log's files do not answer");
}

/* What every change ends with: it was made. */
static enum status leave(struct sim_log_store *store, enum sim_point point, struct error *out_error)
{
    if (!process_point(store->process, point)) return dead(out_error);
    if (!fault_strikes(store->rack->faults, SIM_FAULT_LOG_FILES_IN_DOUBT)) return STATUS_OK;
    return error_set(out_error, STATUS_UNAVAILABLE, "the log's files answer too late");
}

enum { NO_FILE = UINT32_MAX };

static uint32_t file_find(const struct sim_rack *rack, struct str name)
{
    for (uint32_t i = 0; i < rack->file_count; i++) {
        const struct str have = { rack->files[i].name, rack->files[i].name_len };
        if (str_equal(have, name)) return i;
    }
    return NO_FILE;
}

bool sim_rack_file(const struct sim_rack *rack, struct str name, struct str *out_bytes,
                   bool *out_synced)
{
    uint32_t at = file_find(rack, name);
    if (at == NO_FILE) return false;
    *out_bytes = (struct str){ rack->files[at].bytes, rack->files[at].size };
    *out_synced = !rack->files[at].unsynced;
    return true;
}

static enum status sim_read(struct log_store *port, struct str name, struct buf *out_bytes,
                            struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    struct str bytes;
    bool synced;
    enum status status = enter(store, SIM_POINT_LOG_FILES_READ, out_error);
    if (status != STATUS_OK) return status;
    if (!sim_rack_file(store->rack, name, &bytes, &synced)) return STATUS_NOT_FOUND;
    buf_reset(out_bytes);
    buf_append_str(out_bytes, bytes);
    return buf_status(out_bytes);
}

/* The file of that name, now with these bytes. */
static void file_put(struct sim_rack *rack, struct str name, struct str bytes)
{
    uint32_t at = file_find(rack, name);
    bool fresh = at == NO_FILE;
    if (fresh) {
        CHECK(rack->file_count < FILES_MAX);
        at = rack->file_count++;
        rack->files[at] = (struct file){ .name_len = name.len };
        memcpy(rack->files[at].name, name.data, name.len);
    }
    struct file *file = &rack->files[at];
    char *copy = malloc(bytes.len + 1);
    CHECK(copy != NULL);
    memcpy(copy, bytes.data, bytes.len);
    if (file->unsynced || fresh) {
        free(file->bytes);
    } else {
        file->before = file->bytes;
        file->before_size = file->size;
    }
    file->bytes = copy;
    file->size = bytes.len;
    file->unsynced = true;
    world_mix(rack->world, bytes.len);
}

static enum status sim_write(struct log_store *port, struct str name, struct str bytes,
                             struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    struct sim_rack *rack = store->rack;
    CHECK(name.len > 0 && name.len <= LOG_STORE_NAME_LEN_MAX);
    bool shows = str_equal(name, STR("checkpoint"));
    enum status status =
        enter(store, shows ? SIM_POINT_LOG_CHECKPOINT : SIM_POINT_LOG_FILES_WRITE, out_error);
    if (status != STATUS_OK) return status;
    if (fault_strikes(rack->faults, SIM_FAULT_LOG_FILES_FULL)) {
        return error_set(out_error, STATUS_LIMIT, "the disk is full");
    }
    file_put(rack, name, bytes);
    if (shows && rack->observer.checkpoint_shown != NULL) {
        rack->observer.checkpoint_shown(rack->observer.owner, bytes);
    }
    return leave(store, shows ? SIM_POINT_LOG_CHECKPOINT_SHOWN : SIM_POINT_LOG_FILES_WRITTEN,
                 out_error);
}

static enum status sim_remove(struct log_store *port, struct str name, struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    enum status status = enter(store, SIM_POINT_LOG_FILES_REMOVE, out_error);
    if (status != STATUS_OK) return status;
    uint32_t at = file_find(store->rack, name);
    if (at != NO_FILE) file_drop(store->rack, at);
    return STATUS_OK;
}

static enum status sim_sync(struct log_store *port, struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    enum status status = enter(store, SIM_POINT_LOG_FILES_SYNC, out_error);
    if (status != STATUS_OK) return status;
    for (uint32_t i = 0; i < store->rack->file_count; i++) before_forget(&store->rack->files[i]);
    return leave(store, SIM_POINT_LOG_FILES_SYNCED, out_error);
}

static enum status sim_head_read(struct log_store *port, struct log_head *out_head,
                                 struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    enum status status = enter(store, SIM_POINT_LOG_HEAD_READ, out_error);
    if (status != STATUS_OK) return status;
    if (!store->rack->has_head) return STATUS_NOT_FOUND;
    *out_head = store->rack->head;
    return STATUS_OK;
}

static enum status sim_head_write(struct log_store *port, const struct log_head *head,
                                  struct error *out_error)
{
    struct sim_log_store *store = (struct sim_log_store *)port;
    struct sim_rack *rack = store->rack;
    enum status status = enter(store, SIM_POINT_LOG_HEAD_WRITE, out_error);
    if (status != STATUS_OK) return status;
    rack->head = *head;
    rack->has_head = true;
    world_mix(rack->world, head->size);
    if (rack->observer.head_recorded != NULL) {
        rack->observer.head_recorded(rack->observer.owner, head);
    }
    return leave(store, SIM_POINT_LOG_HEAD_WRITTEN, out_error);
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
