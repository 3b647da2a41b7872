#include "adapter/backup.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/sqlite_store.h"
#include "base/check.h"
#include "base/limits.h"

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

/* A guest reads, whoever has the journal; an owner's journal is in the folder. */
static enum status place_open(const char *path, enum data_folder_role role, struct place *out_place,
                              struct error *out_error)
{
    struct place place = { 0 };
    const struct folder_store_options options = { .read_only = role == DATA_FOLDER_GUEST };
    enum status status = data_folder_open(path, role, &place.folder, out_error);
    if (status == STATUS_OK && !options.read_only)
        status = folder_store_is_local(place.folder, "being a backup", out_error);
    if (status == STATUS_OK)
        status = folder_store_open(place.folder, &options, &place.store, out_error);
    if (status == STATUS_OK) status = place.store->head(place.store, &place.head, out_error);
    if (status != STATUS_OK) {
        place_close(&place);
        return status;
    }
    *out_place = place;
    return STATUS_OK;
}

/* Reads one batch after the page's others; *previous becomes its hash. */
static enum status page_add(struct page *page, struct place *source, uint64_t sequence,
                            struct digest *previous, struct error *out_error)
{
    BUF_SCOPE struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    struct store_batch batch;
    enum status status =
        journal_copy_read(source->store, sequence, previous, &blob, &batch, out_error);
    if (status != STATUS_OK) return status;
    batch.epoch = source->head.epoch;
    page->batches[page->count++] = batch;
    buf_append(&page->bytes, blob.data, blob.len);
    CHECK(!page->bytes.overflow); /* room for one more is kept */
    *previous = batch.hash;
    return STATUS_OK;
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
                                struct place *target, struct journal_copy_result *out_result,
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
        status = journal_copy_report(&options->progress, out_result, total, out_error);
        if (status != STATUS_OK) break;
    }
    buf_free(&page->bytes);
    free(page);
    return status;
}

static struct uuid ledger_of(const struct place *place)
{
    return folder_store_ledger(place->folder, place->store);
}

static enum status verify_ledger(const struct backup_options *options, const struct place *source,
                                 const struct place *target, struct error *out_error)
{
    char texts[2][UUID_TEXT_LEN + 1];
    struct uuid from = ledger_of(source);
    struct uuid to = ledger_of(target);
    if (uuid_is_nil(from) || uuid_is_nil(to) || uuid_equal(from, to)) return STATUS_OK;
    uuid_format(from, texts[0]);
    uuid_format(to, texts[1]);
    (void)error_set(out_error, STATUS_CONFLICT, "%s is a backup of another ledger",
                    options->target);
    error_detail(out_error, "it is of ledger %s, and %s is %s", texts[1], options->source,
                 texts[0]);
    error_hint(out_error, "name a new folder; nothing was changed");
    return STATUS_CONFLICT;
}

/* An earlier backup may be from before ledgers had ids. */
static enum status ledger_keep(const struct place *source, const struct place *target,
                               struct error *out_error)
{
    struct uuid ledger = ledger_of(source);
    if (uuid_is_nil(ledger)) return STATUS_OK;
    return folder_store_identify(target->folder, target->store, ledger, out_error);
}

static enum status verify_beginning(const struct backup_options *options, struct place *source,
                                    struct place *target, struct error *out_error)
{
    enum status status =
        journal_copy_begins(source->store, &source->head, &target->head, out_error);
    if (status != STATUS_CONFLICT) return status;
    struct error why = *out_error;
    (void)error_set(out_error, STATUS_CONFLICT, "%s is no backup of %s", options->target,
                    options->source);
    error_detail(out_error, "%s", why.detail);
    error_hint(out_error, "name a new folder; nothing was changed");
    return STATUS_CONFLICT;
}

static enum status target_is_copy(const char *path, struct place *target, struct error *out_error)
{
    struct sqlite_store_stats stats;
    sqlite_store_get_stats(target->store, &stats);
    if (stats.read_only) return STATUS_OK;
    (void)error_set(out_error, STATUS_CONFLICT, "%s is a journal of its own, not a backup", path);
    error_detail(out_error, "it can be written, and a backup cannot");
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
                                struct journal_copy_result *out_result, struct error *out_error)
{
    struct place source = { 0 };
    struct place target = { 0 };
    enum status status = place_open(options->source, DATA_FOLDER_GUEST, &source, out_error);
    if (status != STATUS_OK) return status;
    if (made) {
        const struct data_folder_ledger ledger = { .id = ledger_of(&source) };
        status = data_folder_create_lane(options->target, &ledger, data_folder_part(source.folder),
                                         out_error);
    }
    if (status == STATUS_OK) status = target_open(options->target, made, &target, out_error);
    if (status == STATUS_OK) status = verify_ledger(options, &source, &target, out_error);
    if (status == STATUS_OK) {
        out_result->head = target.head.sequence;
        status = verify_beginning(options, &source, &target, out_error);
    }
    if (status == STATUS_OK) status = ledger_keep(&source, &target, out_error);
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

/* A folder under another name is the same, too. */
static enum status target_is_another(const struct backup_options *options, struct error *out_error)
{
    struct stat source;
    struct stat target;
    bool both = stat(options->source, &source) == 0 && stat(options->target, &target) == 0;
    if (!both || source.st_dev != target.st_dev || source.st_ino != target.st_ino) return STATUS_OK;
    (void)error_set(out_error, STATUS_CONFLICT, "%s is the ledger itself", options->target);
    error_detail(out_error, "a backup is a copy in another folder");
    error_hint(out_error, "name a new folder; nothing was changed");
    return STATUS_CONFLICT;
}

enum status backup_run(const struct backup_options *options, struct journal_copy_result *out_result,
                       struct error *out_error)
{
    *out_result = (struct journal_copy_result){ 0 };
    enum status status = target_is_another(options, out_error);
    if (status != STATUS_OK) return status;
    return copy_journal(options, target_is_new(options->target), out_result, out_error);
}

enum status backup_restore(const struct backup_options *options,
                           struct journal_copy_result *out_result, struct error *out_error)
{
    *out_result = (struct journal_copy_result){ 0 };
    return copy_journal(options, true, out_result, out_error);
}

enum status backup_accept(const char *path, bool *out_changed, struct error *out_error)
{
    struct place place = { 0 };
    struct sqlite_store_stats stats;
    enum status status = place_open(path, DATA_FOLDER_OWNER, &place, out_error);
    if (status != STATUS_OK) return status;
    sqlite_store_get_stats(place.store, &stats);
    *out_changed = stats.read_only;
    if (stats.read_only) status = sqlite_store_set_read_only(place.store, false, out_error);
    place_close(&place);
    return status;
}
