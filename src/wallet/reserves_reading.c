#include "wallet/reserves_reading.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/reserve.h"
#include "ledger/effect.h"
#include "model/admin.h"
#include "wallet/journal_walk.h"

enum { PROGRESS_LEAVES = 1 << 16 };

/* The leaves are only counted and hashed: nobody wants the tiles. */
static enum status tile_drop(struct log_sink *sink, const struct tile *tile, struct str bytes,
                             struct error *out_error)
{
    (void)sink;      /* it keeps nothing */
    (void)tile;      /* the same */
    (void)bytes;     /* the same */
    (void)out_error; /* nothing can fail */
    return STATUS_OK;
}

struct reading {
    const struct reserves_reading_options *options;
    struct reserves_reading *out;
    struct log_sink sink;
    struct log_builder builder;
    struct journal_walk walk;
    bool placed;        /* `at` was reached, and `index` is known */
    uint64_t shown_at;  /* leaves at the last call of progress */
    uint32_t last_unit; /* of the batch read last */
};

/* ---- Records ---- */

static enum status damaged(const struct reading *reading, const char *why, struct error *out_error)
{
    enum status status =
        error_set(out_error, STATUS_CORRUPT, "batch %" PRIu64 " of the journal: %s",
                  reading->walk.sequence + 1, why);
    error_hint(out_error, "run `tpwallet check`");
    return status;
}

static void asset_note(struct reserves_reading *out, struct str code,
                       const struct record_asset *record)
{
    if (out->asset.id != 0 || record->head.outcome != ADMIN_OUTCOME_OK) return;
    if (!str_equal(str_from(record->code), code)) return;
    out->asset = (struct asset){ .id = record->id, .exponent = record->exponent };
    memcpy(out->asset.code, record->code, sizeof out->asset.code);
}

static enum status account_note(struct reading *reading, const struct record_account *record,
                                struct error *out_error)
{
    struct reserves_reading *out = reading->out;
    const struct account *account = &record->account;
    if (record->head.outcome != ACCOUNT_OUTCOME_OK || out->asset.id == 0 ||
        account->asset != out->asset.id) {
        return STATUS_OK;
    }
    if (id_map_find(&out->map, account->id.value) != ID_MAP_NONE) {
        return damaged(reading, "it makes an account that is there", out_error);
    }
    if (out->count == RESERVES_ACCOUNTS_MAX) {
        return error_set(out_error, STATUS_LIMIT, "more than %d accounts", RESERVES_ACCOUNTS_MAX);
    }
    out->standings[out->count] =
        (struct reserves_standing){ .id = account->id, .kind = account->kind };
    id_map_insert(&out->map, (uint32_t)out->count++);
    return STATUS_OK;
}

static enum status side_note(struct reading *reading, struct transfer_view view,
                             enum effect_side side, struct error *out_error)
{
    struct reserves_reading *out = reading->out;
    struct account_id id = side == EFFECT_DEBIT ? view.record->debit : view.record->credit;
    uint32_t number = id_map_find(&out->map, id.value);
    if (number == ID_MAP_NONE) {
        return damaged(reading, "it moves money of an account that is not there", out_error);
    }
    if (effect_apply(view, side, false, &out->standings[number].balance)) return STATUS_OK;
    return damaged(reading, "a balance passes its bounds", out_error);
}

static enum status transfer_note(struct reading *reading, const struct record_transfer *record,
                                 struct error *out_error)
{
    if (record->head.outcome != OUTCOME_OK || record->asset != reading->out->asset.id) {
        return STATUS_OK;
    }
    struct transfer_view view = transfer_view_of(record);
    enum status status = side_note(reading, view, EFFECT_DEBIT, out_error);
    return status == STATUS_OK ? side_note(reading, view, EFFECT_CREDIT, out_error) : status;
}

/* Those of the batch's units up to `last`. */
static enum status records_note(struct reading *reading, struct batch_reader reader, uint32_t last,
                                struct error *out_error)
{
    const struct record_head *record;
    enum status status = batch_next(&reader, &record, out_error);
    for (; status == STATUS_OK; status = batch_next(&reader, &record, out_error)) {
        if (record->type == RECORD_CONTEXT || record->unit > last) continue;
        if (record->type == RECORD_ASSET) {
            asset_note(reading->out, reading->options->asset, (const struct record_asset *)record);
        } else if (record->type == RECORD_ACCOUNT) {
            status = account_note(reading, (const struct record_account *)record, out_error);
        } else if (record->type == RECORD_TRANSFER) {
            status = transfer_note(reading, (const struct record_transfer *)record, out_error);
        }
        if (status != STATUS_OK) return status;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- Batches ---- */

static enum status batch_note(struct reading *reading, const struct batch_reader *reader,
                              struct error *out_error)
{
    struct reserves_reading *out = reading->out;
    const struct position wanted = reading->options->at;
    uint64_t sequence = reader->header->sequence;
    uint64_t before = reading->builder.tree.size;
    struct batch_reader again = *reader;
    enum status status = log_builder_add(&reading->builder, &again, out_error);
    if (status != STATUS_OK) return status;
    uint64_t units = reading->builder.tree.size - before;
    if (units == 0) return damaged(reading, "it holds no unit", out_error);
    reading->last_unit = (uint32_t)(units - 1);
    if (wanted.batch != 0 && sequence > wanted.batch) return STATUS_OK;
    bool last = sequence == wanted.batch;
    uint32_t unit = last && wanted.index != POSITION_INDEX_END ? wanted.index : reading->last_unit;
    if (unit > reading->last_unit) {
        return error_set(out_error, STATUS_NOT_FOUND, "batch %" PRIu64 " has no unit %u", sequence,
                         unit);
    }
    out->at = (struct position){ sequence, unit };
    out->index = before + unit;
    reading->placed = reading->placed || last;
    return records_note(reading, *reader, unit, out_error);
}

static void progress_show(struct reading *reading)
{
    const struct reserves_reading_options *options = reading->options;
    uint64_t leaves = reading->builder.tree.size;
    bool due = leaves >= reading->shown_at + PROGRESS_LEAVES || leaves == options->log->size;
    if (!due || options->progress == NULL) return;
    reading->shown_at = leaves;
    options->progress(options->argument, leaves, options->log->size);
}

static enum status not_the_signed(struct error *out_error, const char *why)
{
    enum status status = error_set(out_error, STATUS_CORRUPT, "%s", why);
    error_hint(out_error, "`tpwallet log verify` says from where on");
    return status;
}

static enum status journal_read(struct reading *reading, struct error *out_error)
{
    const struct tree_head *log = reading->options->log;
    struct store_head durable;
    struct store *journal = reading->options->journal;
    enum status status = journal->head(journal, &durable, out_error);
    while (status == STATUS_OK && reading->builder.tree.size < log->size) {
        struct batch_reader reader;
        if (reading->walk.sequence == durable.sequence) {
            return not_the_signed(out_error, "the journal ends before what was signed");
        }
        status = journal_walk_read(&reading->walk, &reader, out_error);
        if (status == STATUS_OK) status = batch_note(reading, &reader, out_error);
        if (status != STATUS_OK) return status;
        journal_walk_next(&reading->walk);
        progress_show(reading);
    }
    if (status != STATUS_OK) return status;
    struct digest root = tree_root(&reading->builder.tree);
    if (reading->builder.tree.size == log->size && digest_equal(&root, &log->root)) {
        return STATUS_OK;
    }
    return not_the_signed(out_error, "the journal is another one than was signed");
}

/* ---- What must hold at the end ---- */

static enum status sides_compare(const struct reserves_reading *out, struct error *out_error)
{
    struct money debits = MONEY_ZERO;
    struct money credits = MONEY_ZERO;
    bool fits = true;
    for (uint64_t i = 0; fits && i < out->count; i++) {
        const struct balance *balance = &out->standings[i].balance;
        fits = money_add(debits, balance->debits_posted, &debits) &&
               money_add(credits, balance->credits_posted, &credits);
    }
    if (fits && money_equal(debits, credits)) return STATUS_OK;
    enum status status = error_set(out_error, STATUS_CORRUPT,
                                   "debits and credits of the asset are not the same in all");
    error_hint(out_error, "run `tpwallet check`");
    return status;
}

static enum status end_check(const struct reading *reading, struct error *out_error)
{
    const struct reserves_reading_options *options = reading->options;
    char text[POSITION_TEXT_SIZE];
    if (options->at.batch != 0 && !reading->placed) {
        enum status status =
            error_set(out_error, STATUS_UNAVAILABLE, "position %.*s is not signed yet",
                      STR_ARG(position_format(options->at, text)));
        error_hint(out_error,
                   "the newest checkpoint ends with batch %" PRIu64
                   "; a running `tpwallet serve` signs on",
                   reading->walk.sequence);
        return status;
    }
    if (reading->out->asset.id == 0) {
        return error_set(out_error, STATUS_NOT_FOUND, "there is no asset '%.*s' at this position",
                         STR_ARG(options->asset));
    }
    return sides_compare(reading->out, out_error);
}

/* ---- Opening ---- */

static enum status memory_take(const struct reserves_reading_options *options,
                               struct reserves_reading *out, struct error *out_error)
{
    static const size_t size = sizeof(struct reserves_standing);
    *out = (struct reserves_reading){ 0 };
    out->standings = reserve_new(size * RESERVES_ACCOUNTS_MAX);
    if (out->standings != NULL && id_map_init(&out->map, out->standings, size,
                                              RESERVES_ACCOUNTS_MAX, options->seed) == STATUS_OK) {
        return STATUS_OK;
    }
    return error_set(out_error, STATUS_LIMIT, "no address space for the accounts");
}

enum status reserves_reading_open(const struct reserves_reading_options *options,
                                  struct reserves_reading *out_reading, struct error *out_error)
{
    CHECK(options->leaf_key->size == LEAF_KEY_SIZE);
    CHECK(options->log->size > 0);
    struct reading *reading = reserve_new(sizeof *reading);
    if (reading == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the reading");
    struct reserves_reading out;
    reading->options = options;
    reading->out = &out;
    reading->sink.take = tile_drop;
    enum status status = memory_take(options, &out, out_error);
    const struct asset *iso = asset_iso_by_code(options->asset);
    if (iso != NULL) out.asset = *iso;
    log_builder_init(&reading->builder, options->leaf_key, &reading->sink);
    journal_walk_open(&reading->walk, options->journal, options->lane, 0);
    if (status == STATUS_OK) status = journal_read(reading, out_error);
    if (status == STATUS_OK) status = end_check(reading, out_error);
    journal_walk_close(&reading->walk);
    log_builder_done(&reading->builder);
    reserve_free(reading, sizeof *reading);
    if (status != STATUS_OK) {
        reserves_reading_close(&out);
        return status;
    }
    *out_reading = out;
    return STATUS_OK;
}

void reserves_reading_close(struct reserves_reading *reading)
{
    id_map_free(&reading->map);
    reserve_free(reading->standings, sizeof(struct reserves_standing) * RESERVES_ACCOUNTS_MAX);
    *reading = (struct reserves_reading){ 0 };
}

const struct reserves_standing *reserves_reading_find(const struct reserves_reading *reading,
                                                      struct account_id id)
{
    uint32_t number = id_map_find(&reading->map, id.value);
    return number == ID_MAP_NONE ? NULL : &reading->standings[number];
}
