#include "adapter/journal_move.h"

#include "adapter/data_folder.h"
#include "adapter/folder_store.h"
#include "adapter/postgres_store.h"
#include "adapter/sqlite_store.h"
#include "base/limits.h"

/* Both ends, open together. */
struct move {
    struct data_folder *folder;
    struct store *source;
    struct store *target;
    struct store_head from;
    struct store_head to;
};

static void move_close(struct move *move)
{
    if (move->target != NULL) move->target->close(move->target);
    if (move->source != NULL) move->source->close(move->source);
    data_folder_close(move->folder);
}

static enum status source_open(const char *path, struct move *move, struct error *out_error)
{
    const struct folder_store_options options = { .read_only = false };
    enum status status = data_folder_open(path, DATA_FOLDER_OWNER, &move->folder, out_error);
    if (status == STATUS_OK) status = folder_store_is_local(move->folder, "moving", out_error);
    if (status == STATUS_OK)
        status = folder_store_open(move->folder, &options, &move->source, out_error);
    return status == STATUS_OK ? move->source->head(move->source, &move->from, out_error) : status;
}

static enum status target_open(const char *url, struct move *move, struct error *out_error)
{
    const struct postgres_store_options options = {
        .url = url,
        .lane = data_folder_lane(move->folder),
        .lanes = data_folder_lanes(move->folder),
        .ledger = data_folder_ledger(move->folder),
    };
    struct postgres_store_made made;
    enum status status = postgres_store_create(&options, &made, out_error);
    if (status == STATUS_OK) status = postgres_store_open(&options, &move->target, out_error);
    if (status == STATUS_OK) status = move->target->head(move->target, &move->to, out_error);
    if (status == STATUS_OK)
        status = journal_copy_begins(move->source, &move->from, &move->to, out_error);
    if (status != STATUS_CONFLICT) return status;
    struct error why = *out_error;
    (void)error_set(out_error, STATUS_CONFLICT, "the database has another ledger, or a longer one");
    error_detail(out_error, "lane %u: %s", options.lane, why.detail);
    error_hint(out_error, "name an empty database; nothing was changed");
    return STATUS_CONFLICT;
}

/* Numbers of epochs are small: one for each start and takeover that there was. */
static enum status target_claim(struct move *move, struct error *out_error)
{
    enum status status = STATUS_OK;
    do {
        status = move->target->claim(move->target, &move->to, out_error);
    } while (status == STATUS_OK && move->to.epoch <= move->from.epoch);
    return status;
}

static enum status batches_append(struct move *move, const struct journal_move_options *options,
                                  struct journal_copy_result *result, struct error *out_error)
{
    BUF_SCOPE struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    struct digest previous = move->to.hash;
    const uint64_t total = move->from.sequence - move->to.sequence;
    result->head = move->to.sequence;
    result->epoch = move->to.epoch;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && result->head < move->from.sequence) {
        struct store_batch batch;
        status =
            journal_copy_read(move->source, result->head + 1, &previous, &blob, &batch, out_error);
        if (status != STATUS_OK) break;
        batch.epoch = move->to.epoch;
        status = move->target->append(move->target, &batch, out_error);
        if (status != STATUS_OK) break;
        previous = batch.hash;
        result->head++;
        result->batches++;
        result->bytes += batch.size;
        status = journal_copy_report(&options->progress, result, total, out_error);
    }
    return status;
}

enum status journal_move_ledger(const char *source, struct uuid *out_ledger,
                                struct error *out_error)
{
    struct move move = { 0 };
    enum status status = source_open(source, &move, out_error);
    if (status == STATUS_OK)
        status = folder_store_identify(move.folder, move.source, (struct uuid){ 0 }, out_error);
    if (status == STATUS_OK) *out_ledger = folder_store_ledger(move.folder, move.source);
    move_close(&move);
    return status;
}

enum status journal_move(const struct journal_move_options *options,
                         struct journal_copy_result *out_result, struct error *out_error)
{
    struct move move = { 0 };
    *out_result = (struct journal_copy_result){ 0 };
    enum status status = source_open(options->source, &move, out_error);
    if (status == STATUS_OK) status = target_open(options->url, &move, out_error);
    if (status != STATUS_OK || options->look_only) {
        move_close(&move);
        return status;
    }
    status = target_claim(&move, out_error);
    if (status == STATUS_OK) status = sqlite_store_set_read_only(move.source, true, out_error);
    if (status == STATUS_OK) {
        status = batches_append(&move, options, out_result, out_error);
        if (status != STATUS_OK)
            error_hint(out_error,
                       "the same command goes on from batch %llu; `tpwallet restore "
                       "accept` gives the old folder back instead",
                       (unsigned long long)out_result->head);
    }
    move_close(&move);
    return status;
}
