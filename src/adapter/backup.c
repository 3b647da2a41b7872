#include "adapter/backup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/sqlite_store.h"
#include "base/check.h"
#include "base/limits.h"
#include "model/record.h"

enum { PAGE_BATCHES_MAX = 1024, PAGE_SIZE_MAX = 16 << 20 };

/* A folder and its journal, open together. */
struct place {
    struct data_folder *folder;
    struct store *store;
    struct store_head head;
};

struct page {
    struct store_batch batches[PAGE_BATCHES_MAX];
    uint32_t count;
    struct buf bytes;
};

static void place_close(struct place *place)
{
    if (place->store != NULL) place->store->close(place->store);
    data_folder_close(place->folder);
    *place = (struct place){ 0 };
}

static enum status place_open(const char *path, enum data_folder_role role, struct place *out_place,
                              struct error *out_error)
{
    struct place place = { 0 };
    enum status status = data_folder_open(path, role, &place.folder, out_error);
    if (status == STATUS_OK) status = folder_store_is_local(place.folder, "a backup", out_error);
    if (status == STATUS_OK) {
        struct sqlite_store_options options = {
            .folder = path,
            .read_only = role == DATA_FOLDER_GUEST,
            .beside_owner = data_folder_beside_owner(place.folder),
        };
        status = sqlite_store_open(&options, &place.store, out_error);
    }
    if (status == STATUS_OK) status = place.store->head(place.store, &place.head, out_error);
    if (status != STATUS_OK) {
        place_close(&place);
        return status;
    }
    *out_place = place;
    return STATUS_OK;
}

static enum status chain_broken(uint64_t sequence, struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "batch %llu does not follow the one before",
                    (unsigned long long)sequence);
    error_detail(out_error, "the hash in its header is not that batch's");
    error_hint(out_error, "run `tpwallet check` on the source");
    return STATUS_CORRUPT;
}

static bool header_follows(const struct buf *blob, uint64_t sequence, const struct digest *previous)
{
    struct batch_header header;
    if (blob->len < sizeof header) return false;
    memcpy(&header, blob->data, sizeof header);
    return header.magic == BATCH_MAGIC && header.sequence == sequence &&
           digest_equal(&header.previous, previous);
}

/* Reads one batch after the page's others; *previous becomes its hash. */
static enum status page_add(struct page *page, struct place *source, uint64_t sequence,
                            struct digest *previous, struct error *out_error)
{
    struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    struct journal_batch row;
    enum status status = sqlite_store_row(source->store, sequence, &row, out_error);
    if (status == STATUS_OK) {
        status = source->store->read(source->store, sequence, &blob, out_error);
    }
    if (status == STATUS_OK && !header_follows(&blob, sequence, previous)) {
        status = chain_broken(sequence, out_error);
    }
    if (status == STATUS_OK) {
        page->batches[page->count++] = (struct store_batch){
            .epoch = source->head.epoch,
            .sequence = sequence,
            .stamp = row.stamp,
            .hash = row.hash,
            .size = row.size,
        };
        buf_append(&page->bytes, blob.data, blob.len);
        CHECK(!page->bytes.overflow); /* room for one more is kept */
        *previous = row.hash;
    }
    buf_free(&blob);
    return status;
}

static enum status page_fill(struct page *page, struct place *source, uint64_t first, uint64_t last,
                             struct digest *previous, struct error *out_error)
{
    enum status status = STATUS_OK;
    page->count = 0;
    buf_reset(&page->bytes);
    for (uint64_t sequence = first; status == STATUS_OK && sequence <= last; sequence++) {
        if (page->count == PAGE_BATCHES_MAX ||
            page->bytes.len + BATCH_SIZE_MAX > page->bytes.size_max) {
            break;
        }
        status = page_add(page, source, sequence, previous, out_error);
    }
    const uint8_t *at = page->bytes.data;
    for (uint32_t i = 0; status == STATUS_OK && i < page->count; i++) {
        page->batches[i].data = at;
        at += page->batches[i].size;
    }
    return status;
}

static enum status copy_batches(const struct backup_options *options, struct place *source,
                                struct place *target, struct backup_result *out_result,
                                struct error *out_error)
{
    struct page *page = calloc(1, sizeof *page);
    CHECK(page != NULL);
    buf_init(&page->bytes, PAGE_SIZE_MAX);
    struct digest previous = target->head.hash;
    const uint64_t first = target->head.sequence + 1;
    const uint64_t total = source->head.sequence - target->head.sequence;
    enum status status = STATUS_OK;
    for (uint64_t sequence = first; sequence <= source->head.sequence;) {
        status = page_fill(page, source, sequence, source->head.sequence, &previous, out_error);
        if (status == STATUS_OK) {
            status = sqlite_store_copy_in(target->store, page->batches, page->count, out_error);
        }
        if (status != STATUS_OK) break;
        sequence += page->count;
        out_result->batches += page->count;
        out_result->bytes += page->bytes.len;
        out_result->head = sequence - 1;
        if (options->progress != NULL &&
            !options->progress(options->owner, out_result->batches, total)) {
            status = error_set(out_error, STATUS_STOPPED, "stopped after batch %llu",
                               (unsigned long long)out_result->head);
            break;
        }
    }
    buf_free(&page->bytes);
    free(page);
    return status;
}

/* That what the target has is a beginning of what the source has. */
static enum status verify_beginning(const struct backup_options *options, struct place *source,
                                    struct place *target, struct error *out_error)
{
    const uint64_t sequence = target->head.sequence;
    if (sequence == 0) return STATUS_OK;
    struct journal_batch row = { 0 };
    enum status status = STATUS_OK;
    bool longer = sequence > source->head.sequence;
    if (!longer) status = sqlite_store_row(source->store, sequence, &row, out_error);
    if (status != STATUS_OK) return status;
    if (!longer && digest_equal(&row.hash, &target->head.hash)) return STATUS_OK;
    (void)error_set(out_error, STATUS_CONFLICT, "%s is no backup of %s", options->target,
                    options->source);
    error_detail(out_error,
                 longer ? "it has %llu batches, the journal fewer"
                        : "batch %llu is another in each",
                 (unsigned long long)sequence);
    error_hint(out_error, "name a new folder; nothing was changed");
    return STATUS_CONFLICT;
}

static enum status target_is_copy(const char *path, struct place *target, struct error *out_error)
{
    struct sqlite_store_stats stats;
    sqlite_store_get_stats(target->store, &stats);
    if (stats.read_only) return STATUS_OK;
    (void)error_set(out_error, STATUS_CONFLICT, "%s is a journal of its own, not a backup", path);
    error_hint(out_error, "name a new folder; nothing was changed");
    return STATUS_CONFLICT;
}

/* A new folder is flagged before anything is in it, so that nobody ever writes to a part. */
static enum status target_open(const char *path, bool made, struct place *out_target,
                               struct error *out_error)
{
    enum status status = place_open(path, DATA_FOLDER_OWNER, out_target, out_error);
    if (status != STATUS_OK) return status;
    status = made ? sqlite_store_set_read_only(out_target->store, true, out_error)
                  : target_is_copy(path, out_target, out_error);
    if (status != STATUS_OK) place_close(out_target);
    return status;
}

static enum status copy_journal(const struct backup_options *options, bool made,
                                struct backup_result *out_result, struct error *out_error)
{
    struct place source = { 0 };
    struct place target = { 0 };
    enum status status = place_open(options->source, DATA_FOLDER_GUEST, &source, out_error);
    if (status != STATUS_OK) return status;
    if (made) {
        status = data_folder_create_lane(options->target, NULL, data_folder_lane(source.folder),
                                         data_folder_lanes(source.folder), out_error);
    }
    if (status == STATUS_OK) status = target_open(options->target, made, &target, out_error);
    if (status == STATUS_OK) {
        out_result->head = target.head.sequence;
        status = verify_beginning(options, &source, &target, out_error);
    }
    if (status == STATUS_OK) {
        status = copy_batches(options, &source, &target, out_result, out_error);
    }
    place_close(&target);
    place_close(&source);
    return status;
}

/* Whether there is nothing yet: then data_folder_create() makes it, or says why not. */
static bool target_is_new(const char *path)
{
    char format[SQLITE_PATH_SIZE];
    struct stat info;
    return sqlite_path(path, "FORMAT", format, NULL) != STATUS_OK || stat(format, &info) != 0;
}

enum status backup_run(const struct backup_options *options, struct backup_result *out_result,
                       struct error *out_error)
{
    *out_result = (struct backup_result){ 0 };
    return copy_journal(options, target_is_new(options->target), out_result, out_error);
}

enum status backup_restore(const struct backup_options *options, struct backup_result *out_result,
                           struct error *out_error)
{
    *out_result = (struct backup_result){ 0 };
    return copy_journal(options, true, out_result, out_error);
}

enum status backup_accept(const char *path, struct error *out_error)
{
    struct place place = { 0 };
    enum status status = place_open(path, DATA_FOLDER_OWNER, &place, out_error);
    if (status != STATUS_OK) return status;
    status = sqlite_store_set_read_only(place.store, false, out_error);
    place_close(&place);
    return status;
}
