#include "cmd/init_from.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/data_folder.h"
#include "adapter/journal_move.h"
#include "adapter/json_log.h"
#include "adapter/new_file.h"
#include "adapter/postgres_endpoint_store.h"
#include "adapter/postgres_inbox.h"
#include "adapter/postgres_relay_store.h"
#include "adapter/postgres_store.h"
#include "adapter/sqlite_endpoint_store.h"
#include "adapter/sqlite_inbox.h"
#include "adapter/sqlite_relay_store.h"
#include "adapter/system_clock.h"
#include "cmd/file_bytes.h"
#include "cmd/lane_hold.h"
#include "cmd/lane_set.h"
#include "crypto/secret.h"

enum { PATH_SIZE = 4096, KEY_SIZE_MAX = 64 << 10, MODE_FILE = 0600, PAGE = 64 };

static bool path_make(const char *folder, const char *name, char out_path[PATH_SIZE])
{
    int len = snprintf(out_path, PATH_SIZE, "%s/%s", folder, name);
    return len > 0 && len < PATH_SIZE;
}

static bool is_there(const char *folder, const char *name)
{
    char path[PATH_SIZE];
    return path_make(folder, name, path) && access(path, F_OK) == 0;
}

static enum status path_too_long(const char *folder, const char *name, struct error *out_error)
{
    (void)error_set(out_error, STATUS_INVALID, "the path of a folder is too long");
    error_detail(out_error, "%s in %.200s", name, folder);
    error_hint(out_error, "move the folder to where its path is shorter");
    return STATUS_INVALID;
}

/* ---- journals ---- */

static bool progress_show(void *owner, uint64_t batches_done, uint64_t batches_total)
{
    const struct invocation *invocation = owner;
    bool shown = !invocation->json && isatty(STDERR_FILENO) != 0;
    if (shown && (batches_done % PAGE == 0 || batches_done == batches_total))
        (void)fprintf(stderr, "\r%llu of %llu batches%s", (unsigned long long)batches_done,
                      (unsigned long long)batches_total, batches_done == batches_total ? "\n" : "");
    return true;
}

/* Lane 0 last: as long as another one is read-only, nobody serves the old ledger. */
static enum status journals_each(struct init_from *from, bool look_only, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (uint32_t lane = from->lanes; status == STATUS_OK && lane > 0; lane--) {
        char path[PATH_SIZE];
        struct journal_copy_result result;
        const struct journal_move_options options = {
            .source = path,
            .url = from->url,
            .progress = { progress_show, (void *)(uintptr_t)from->invocation },
            .look_only = look_only,
        };
        status = data_folder_lane_path(from->folder, lane - 1, path, sizeof path, out_error);
        if (status == STATUS_OK) status = journal_move(&options, &result, out_error);
        if (status != STATUS_OK || look_only) continue;
        from->epochs[lane - 1] = result.epoch;
        from->result.batches += result.batches;
        from->result.bytes += result.bytes;
        from->result.head = result.head;
    }
    return status;
}

/* All lanes are there, and of this ledger or empty, before the first is changed. */
static enum status lanes_make(const struct init_from *from, struct error *out_error)
{
    const struct postgres_store_options store = {
        .url = from->url,
        .lanes = from->lanes,
        .ledger = from->ledger,
    };
    struct postgres_store_made made;
    return postgres_store_create(&store, &made, out_error);
}

/* ---- webhooks ---- */

/* Each lane has its own, and this move has claimed it. */
struct lane_move {
    const struct init_from *from;
    char folder[PATH_SIZE]; /* the lane's old one */
    struct postgres_owner owner;
};

static enum status letters_copy(struct relay_store *source, struct relay_store *target,
                                const struct relay_state *state, struct error *out_error)
{
    uint64_t above = 0;
    for (;;) {
        struct dead_letter letters[PAGE];
        uint32_t count = 0;
        enum status status = source->letters(source, state->endpoint, above, letters, PAGE, &count);
        if (status != STATUS_OK) {
            (void)error_set(out_error, status, "dead letters of the old folder cannot be read");
            error_detail(out_error, "relay.db: %s", status_text(status));
            error_hint(out_error, "check its disk, and give the same command again: it goes on");
            return status;
        }
        for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
            status = target->save(target, state, &letters[i], out_error);
            above = letters[i].sequence;
        }
        if (status != STATUS_OK || count < PAGE) return status;
    }
}

static enum status delivery_copy(struct relay_store *source, struct relay_store *target,
                                 struct uuid endpoint, struct error *out_error)
{
    struct relay_state state;
    enum status status = source->load(source, endpoint, &state, out_error);
    if (status == STATUS_NOT_FOUND) return STATUS_OK; /* nothing was delivered yet */
    if (status == STATUS_OK) status = target->save(target, &state, NULL, out_error);
    return status == STATUS_OK ? letters_copy(source, target, &state, out_error) : status;
}

/* The receivers, and how far deliveries to them got. */
struct receivers {
    struct endpoint_store *old_endpoints;
    struct endpoint_store *new_endpoints;
    struct relay_store *old_relay;
    struct relay_store *new_relay;
};

static enum status receivers_open(struct receivers *all, const struct lane_move *move,
                                  struct error *out_error)
{
    const char *url = move->from->url;
    const struct sqlite_endpoint_store_options endpoints = { .folder = move->folder };
    const struct sqlite_relay_store_options relay = { .folder = move->folder };
    bool begun_anew; /* then everything is delivered again */
    enum status status = sqlite_endpoint_store_open(&endpoints, &all->old_endpoints, out_error);
    if (status == STATUS_OK)
        status = sqlite_relay_store_open(&relay, &all->old_relay, &begun_anew, out_error);
    if (status == STATUS_OK)
        status = postgres_endpoint_store_open(url, move->owner, &all->new_endpoints, out_error);
    if (status == STATUS_OK)
        status = postgres_relay_store_open(url, move->owner, &all->new_relay, out_error);
    return status;
}

static void receivers_close(struct receivers *all)
{
    if (all->old_endpoints != NULL) all->old_endpoints->close(all->old_endpoints);
    if (all->new_endpoints != NULL) all->new_endpoints->close(all->new_endpoints);
    if (all->old_relay != NULL) all->old_relay->close(all->old_relay);
    if (all->new_relay != NULL) all->new_relay->close(all->new_relay);
}

static enum status receivers_copy(const struct lane_move *move, struct error *out_error)
{
    if (!is_there(move->folder, "endpoints.db")) return STATUS_OK;
    struct receivers all = { 0 };
    struct endpoint_row row = { 0 };
    enum status status = receivers_open(&all, move, out_error);
    while (status == STATUS_OK) {
        status = all.old_endpoints->next(all.old_endpoints, row.id, &row, out_error);
        if (status != STATUS_OK) break;
        status = all.new_endpoints->put(all.new_endpoints, &row, out_error);
        if (status == STATUS_OK)
            status = delivery_copy(all.old_relay, all.new_relay, row.id, out_error);
    }
    secret_wipe(&row, sizeof row);
    receivers_close(&all);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The old inbox stays as it is: a webhook that a move given again puts there twice has one effect. */
static enum status unmarked_copy(struct inbox *source, struct inbox *target,
                                 struct error *out_error)
{
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, INBOX_HEADERS_SIZE_MAX + INBOX_BODY_SIZE_MAX);
    enum status status = STATUS_OK;
    uint64_t ids[PAGE];
    uint32_t count = PAGE;
    for (uint64_t after = 0; status == STATUS_OK && count == PAGE;) {
        status = source->unmarked(source, after, ids, PAGE, &count, out_error);
        for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
            struct inbox_webhook webhook;
            uint64_t id;
            after = ids[i];
            status = source->read(source, ids[i], &webhook, &bytes, out_error);
            if (status == STATUS_OK) status = target->put(target, &webhook, &id, out_error);
        }
    }
    return status;
}

static enum status inbox_copy(const struct lane_move *move, struct error *out_error)
{
    if (!is_there(move->folder, "inbox.db")) return STATUS_OK;
    const struct sqlite_inbox_options old_options = { .folder = move->folder };
    const struct postgres_inbox_options new_options = { .url = move->from->url,
                                                        .owner = move->owner };
    struct inbox *source = NULL;
    struct inbox *target = NULL;
    enum status status = sqlite_inbox_open(&old_options, &source, out_error);
    if (status == STATUS_OK) status = postgres_inbox_open(&new_options, &target, out_error);
    if (status == STATUS_OK) status = unmarked_copy(source, target, out_error);
    if (target != NULL) target->close(target);
    if (source != NULL) source->close(source);
    return status;
}

static enum status webhooks_copy(const struct init_from *from, struct error *out_error)
{
    enum status status = STATUS_OK;
    for (uint32_t lane = 0; status == STATUS_OK && lane < from->lanes; lane++) {
        struct lane_move move = { .from = from, .owner = { lane, from->epochs[lane] } };
        status =
            data_folder_lane_path(from->folder, lane, move.folder, sizeof move.folder, out_error);
        if (status == STATUS_OK) status = receivers_copy(&move, out_error);
        if (status == STATUS_OK) status = inbox_copy(&move, out_error);
    }
    return status;
}

/* ---- the new folder ---- */

static enum status file_read(const char *folder, const char *name, struct buf *out_bytes,
                             struct error *out_error)
{
    char path[PATH_SIZE];
    buf_init(out_bytes, KEY_SIZE_MAX);
    if (!path_make(folder, name, path)) return path_too_long(folder, name, out_error);
    return file_bytes_read(path, out_bytes, out_error);
}

static void file_forget(struct buf *bytes)
{
    if (bytes->data != NULL) secret_wipe(bytes->data, bytes->len);
    buf_free(bytes);
}

/* What a move that ended early has copied is there already. */
static enum status file_copy(const char *from, const char *to, const char *name,
                             struct error *out_error)
{
    char target[PATH_SIZE];
    struct buf bytes;
    if (!is_there(from, name)) return STATUS_OK;
    if (!path_make(to, name, target)) return path_too_long(to, name, out_error);
    enum status status = file_read(from, name, &bytes, out_error);
    if (status == STATUS_OK)
        status = new_file_write(target, buf_view(&bytes), MODE_FILE, out_error);
    file_forget(&bytes);
    return status == STATUS_CONFLICT ? STATUS_OK : status;
}

/* Another key there would sign another log. */
static enum status key_compare(const char *from, const char *to, struct error *out_error)
{
    struct buf old, new;
    if (!is_there(from, "log.key")) return STATUS_OK;
    enum status status = file_read(from, "log.key", &old, out_error);
    if (status == STATUS_OK) {
        status = file_read(to, "log.key", &new, out_error);
        if (status == STATUS_OK && !str_equal(buf_view(&old), buf_view(&new))) {
            status = error_set(out_error, STATUS_CONFLICT,
                               "another verifiable log was begun in the new folder");
            error_detail(out_error, "log.key of %.200s is not that of the old folder", to);
            error_hint(out_error, "the ledger has moved. When nothing counts that the new key has "
                                  "signed: stop its server, remove log.key, log.head and log/ "
                                  "there, and give the same command again");
        }
        file_forget(&new);
    }
    file_forget(&old);
    return status;
}

/* The verifiable log of a lane: its key, and what it last signed. */
static enum status log_copy(const struct init_from *from, uint32_t lane, struct error *out_error)
{
    char source[PATH_SIZE], target[PATH_SIZE];
    enum status status =
        data_folder_lane_path(from->folder, lane, source, sizeof source, out_error);
    if (status == STATUS_OK)
        status =
            data_folder_lane_path(from->invocation->data, lane, target, sizeof target, out_error);
    /* The head first: with it and without a key no log is begun anew. */
    if (status == STATUS_OK) status = file_copy(source, target, "log.head", out_error);
    if (status == STATUS_OK) status = file_copy(source, target, "log.key", out_error);
    return status == STATUS_OK ? key_compare(source, target, out_error) : status;
}

/* Whether it is the folder that a move like this one made, whole: with each of its lanes. */
static bool folder_is_ours(const struct init_from *from)
{
    bool ours = true;
    for (uint32_t lane = 0; ours && lane < from->lanes; lane++) {
        char path[PATH_SIZE];
        struct data_folder *folder;
        struct error ignored; /* then it is not */
        ours = data_folder_lane_path(from->invocation->data, lane, path, sizeof path, &ignored) ==
                   STATUS_OK &&
               data_folder_open(path, DATA_FOLDER_GUEST, &folder, &ignored) == STATUS_OK;
        if (!ours) break;
        const char *url = data_folder_store(folder);
        ours = url != NULL && strcmp(url, from->url) == 0 && data_folder_lane(folder) == lane &&
               data_folder_lanes(folder) == from->lanes;
        data_folder_close(folder);
    }
    return ours;
}

static enum status folder_make(const struct init_from *from, struct error *out_error)
{
    const struct data_folder_ledger ledger = { .store_url = from->url, .id = from->ledger };
    enum status status =
        data_folder_create_lanes(from->invocation->data, &ledger, from->lanes, out_error);
    if (status != STATUS_OK)
        error_hint(out_error, "the ledger is in the database: give the same command with another "
                              "--data, which makes its folder");
    return status;
}

/* The new folder is whole: a move that ended earlier can be given up on, this one goes on there. */
static enum status moved_mark(const struct init_from *from, struct error *out_error)
{
    char path[PATH_SIZE];
    if (!path_make(from->folder, DATA_FOLDER_MOVED, path))
        return path_too_long(from->folder, DATA_FOLDER_MOVED, out_error);
    enum status status = new_file_write(path, str_from(from->url), MODE_FILE, out_error);
    return status == STATUS_CONFLICT ? STATUS_OK : status; /* the same command was done before */
}

/* ---- all of it ---- */

/* The leases of all lanes: nobody else claims one meanwhile, and nobody's is taken away. */
struct holds {
    struct json_log *log;
    struct lane_hold *lanes[LANES_MAX];
};

static enum status holds_open(const struct init_from *from, struct holds *holds,
                              struct error *out_error)
{
    const struct json_log_options log = {
        .fd = STDERR_FILENO, .writer = "command", .level_min = LOG_WARNING, .clock = system_clock()
    };
    enum status status = json_log_open(&log, &holds->log, out_error);
    for (uint32_t lane = 0; status == STATUS_OK && lane < from->lanes; lane++) {
        const struct lane_hold_place place = { from->url, lane };
        status =
            lane_hold_open_at(&place, json_log_port(holds->log), &holds->lanes[lane], out_error);
    }
    return status;
}

static void holds_close(struct holds *holds)
{
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) lane_hold_close(holds->lanes[lane]);
    json_log_close(holds->log);
}

static enum status ledger_move(struct init_from *from, struct error *out_error)
{
    struct holds holds = { 0 };
    enum status status = journal_move_ledger(from->folder, &from->ledger, out_error);
    if (status == STATUS_OK) status = lanes_make(from, out_error);
    if (status == STATUS_OK) status = holds_open(from, &holds, out_error);
    if (status == STATUS_OK) status = journals_each(from, true, out_error);
    if (status == STATUS_OK) status = journals_each(from, false, out_error);
    if (status == STATUS_OK) status = webhooks_copy(from, out_error);
    if (status == STATUS_OK) status = folder_make(from, out_error);
    holds_close(&holds);
    return status;
}

enum status init_from_run(struct init_from *from, struct error *out_error)
{
    enum status status = lane_set_count(from->folder, &from->lanes, out_error);
    if (status == STATUS_NOT_FOUND)
        error_hint(out_error, "--from is the folder of the ledger that moves; nothing was changed");
    if (status != STATUS_OK) return status;
    /* The folder is made last of all but the log's keys: where it is whole, the rest is done. */
    if (!folder_is_ours(from)) {
        status = data_folder_is_free(from->invocation->data, out_error);
        if (status != STATUS_OK) {
            error_hint(out_error,
                       "nothing was changed: --from is the old folder, --data a new one");
            return status;
        }
        status = ledger_move(from, out_error);
    }
    if (status == STATUS_OK) status = moved_mark(from, out_error); /* whatever comes of the keys */
    for (uint32_t lane = 0; status == STATUS_OK && lane < from->lanes; lane++)
        status = log_copy(from, lane, out_error);
    return status;
}
