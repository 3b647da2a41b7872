#include "wallet/log_audit.h"

#include <string.h>

#include "base/check.h"
#include "base/reserve.h"
#include "tlog/tree_proof.h"
#include "wallet/event_feed.h"
#include "wallet/journal_walk.h"

struct log_audit {
    struct log_sink sink; /* first */
    const struct log_audit_options *options;
    struct log_audit_report *report;
    struct store *journal;
    struct log_files files;
    struct log_builder builder;
    struct tree before;      /* at the last bundle's end */
    struct buf stored;       /* a file */
    struct buf wrong_bundle; /* the first one that differs from the journal's, as it is stored */
    struct buf right_bundle;
    uint64_t wrong_index; /* of that bundle; UINT64_MAX: none */
    struct tree wrong_before;
    bool root_right; /* at the signed size */
    bool root_seen;
    uint64_t held_right; /* the newest size of `held` that the journal gives */
    uint32_t held_seen;
};

const char *log_verdict_text(enum log_verdict verdict)
{
    switch (verdict) {
    case LOG_SOUND: return "sound";
    case LOG_NOTHING_SIGNED: return "nothing_signed";
    case LOG_FILES_WRONG: return "files_wrong";
    case LOG_JOURNAL_DAMAGED: return "journal_damaged";
    case LOG_JOURNAL_SHORT: return "journal_short";
    case LOG_JOURNAL_CHANGED: return "journal_changed";
    case LOG_CONTRADICTED: return "contradicted";
    }
    return "unknown";
}

static enum status conclude(struct log_audit *audit, enum log_verdict verdict, const char *why)
{
    audit->report->verdict = verdict;
    (void)error_set(&audit->report->fault, STATUS_CORRUPT, "%s", why); /* said by the verdict */
    return STATUS_OK;
}

/* ---- Comparing what the journal gives with the files ---- */

static void bundle_remember(struct log_audit *audit, const struct tile *tile, struct str bytes)
{
    if (audit->wrong_index != UINT64_MAX) return;
    audit->wrong_index = tile->index;
    audit->wrong_before = audit->before;
    buf_append_str(&audit->wrong_bundle, buf_view(&audit->stored));
    buf_append_str(&audit->right_bundle, bytes);
}

static enum status compare(struct log_sink *sink, const struct tile *tile, struct str bytes,
                           struct error *out_error)
{
    struct log_audit *audit = (struct log_audit *)sink;
    struct log_audit_report *report = audit->report;
    struct tile of_signed = *tile;
    unsigned width = tile_width(report->head.size, tile->level, tile->index);
    bool wider = tile->width > width;
    if (wider && (width == 0 || audit->root_seen)) return STATUS_OK; /* not signed yet */
    if (wider) of_signed.width = width;
    enum status status =
        audit->files.port.read(&audit->files.port, &of_signed, &audit->stored, out_error);
    if (status == STATUS_UNAVAILABLE) return status;
    struct str stored = buf_view(&audit->stored);
    bool same =
        status == STATUS_OK && (wider ? str_starts(bytes, stored) : str_equal(bytes, stored));
    report->files_right += same;
    report->files_missing += status == STATUS_NOT_FOUND;
    report->files_wrong += !same && status != STATUS_NOT_FOUND;
    if (tile->kind != TILE_ENTRIES) return STATUS_OK;
    if (status == STATUS_OK && !same) bundle_remember(audit, tile, bytes);
    audit->before = audit->builder.tree;
    return STATUS_OK;
}

static void held_compare(struct log_audit *audit)
{
    const struct log_audit_options *options = audit->options;
    struct digest root = tree_root(&audit->builder.tree);
    for (uint32_t i = 0; i < options->held_count; i++) {
        const struct tree_head *held = &options->held[i];
        if (held->size != audit->builder.tree.size) continue;
        if (!digest_equal(&held->root, &root)) continue;
        audit->held_right = held->size;
        audit->held_seen++;
    }
}

static bool held_at(const struct log_audit *audit, uint64_t size)
{
    bool found = false;
    for (uint32_t i = 0; i < audit->options->held_count; i++) {
        found = found || audit->options->held[i].size == size;
    }
    return found;
}

/* After a batch: checkpoints are of whole ones. */
static enum status milestones(struct log_audit *audit, struct error *out_error)
{
    uint64_t size = audit->builder.tree.size;
    if (held_at(audit, size)) held_compare(audit);
    if (size != audit->report->head.size || audit->root_seen) return STATUS_OK;
    struct digest root = tree_root(&audit->builder.tree);
    audit->root_seen = true;
    audit->root_right = digest_equal(&root, &audit->report->head.root);
    return log_builder_flush(&audit->builder, out_error);
}

/* All batches; STATUS_CORRUPT: one of them is damaged, and the walk stands before it. */
static enum status journal_read(struct log_audit *audit, struct journal_walk *walk, uint64_t to,
                                uint64_t *out_size, struct error *out_error)
{
    enum status status = STATUS_OK;
    *out_size = 0;
    if (held_at(audit, 0)) held_compare(audit);
    while (status == STATUS_OK && walk->sequence < to) {
        struct batch_reader reader;
        status = journal_walk_read(walk, &reader, out_error);
        if (status == STATUS_OK) status = log_builder_add(&audit->builder, &reader, out_error);
        if (status != STATUS_OK) break;
        journal_walk_next(walk);
        *out_size = audit->builder.tree.size;
        status = milestones(audit, out_error);
    }
    return status;
}

/* ---- From where on it cannot be trusted ---- */

struct proving {
    struct log_tile_source tiles;
    struct tile_reader reader;
    struct tree_head head;
};

/* That the signed log begins with the tree of before the bundle. */
static bool beginning_proven(struct log_audit *audit, struct proving *proving)
{
    struct tree_proof proof;
    struct tree_head old = { .size = audit->wrong_before.size };
    old.root = tree_root(&audit->wrong_before);
    return tree_prove_consistency(&proving->reader.reader, old.size, proving->head.size, &proof) ==
               STATUS_OK &&
           tree_verify_consistency(&old, &proving->head, &proof, NULL) == STATUS_OK;
}

static bool entry_proven(struct proving *proving, uint64_t index, struct str entry)
{
    struct tree_proof proof;
    struct digest leaf = tree_leaf(entry.data, entry.len);
    return tree_prove_inclusion(&proving->reader.reader, index, proving->head.size, &proof) ==
               STATUS_OK &&
           tree_verify_inclusion(&proving->head, index, &leaf, &proof, NULL) == STATUS_OK;
}

/* The first entry of the bundle that differs, if those up to it are the signed ones. */
static bool bundle_judge(struct log_audit *audit, struct proving *proving)
{
    struct str stored = buf_view(&audit->wrong_bundle);
    struct str made = buf_view(&audit->right_bundle);
    uint64_t index = audit->wrong_before.size;
    if (!beginning_proven(audit, proving)) return false;
    for (;; index++) {
        struct str was;
        struct str is;
        if (bundle_next(&stored, &was) != STATUS_OK) return false;
        if (!entry_proven(proving, index, was)) return false;
        if (bundle_next(&made, &is) != STATUS_OK) return false;
        if (str_equal(was, is)) continue;
        struct leaf leaf;
        if (leaf_parse(is, &leaf, NULL) != STATUS_OK) return false;
        audit->report->trusted_leaves = index;
        audit->report->exact = true;
        audit->report->from = (struct position){ leaf.head.batch, leaf.head.unit };
        return true;
    }
}

static void place_find(struct log_audit *audit)
{
    struct log_audit_report *report = audit->report;
    bool found = false;
    if (audit->wrong_index != UINT64_MAX) {
        struct proving *proving = reserve_new(sizeof *proving);
        CHECK(proving != NULL);
        log_tile_source_init(&proving->tiles, &audit->files.port);
        tile_reader_init(&proving->reader, &proving->tiles.port, report->head.size);
        proving->head = (struct tree_head){ report->head.size, report->head.root };
        found = bundle_judge(audit, proving);
        log_tile_source_done(&proving->tiles);
        reserve_free(proving, sizeof *proving);
    }
    if (!found) report->trusted_leaves = audit->held_right;
    if (!found) report->from = (struct position){ 1, 0 };
}

static void payment_note(struct log_audit_report *report, struct payment_id id)
{
    report->payments_found++;
    for (uint32_t i = 0; i < report->payment_count; i++) {
        if (uuid_equal(report->payments[i].value, id.value)) return;
    }
    if (report->payment_count == LOG_AUDIT_PAYMENTS_MAX) return;
    report->payments[report->payment_count++] = id;
}

/* What can be read is read, whether it follows or not. */
static void payments_find(struct log_audit *audit, uint64_t to)
{
    struct log_audit_report *report = audit->report;
    BUF_SCOPE struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    for (uint64_t sequence = report->from.batch; sequence <= to; sequence++) {
        struct batch_reader reader;
        const struct record_head *record = NULL;
        enum status status = audit->journal->read(audit->journal, sequence, &blob, NULL);
        if (status == STATUS_OK) status = batch_open(buf_view(&blob), &reader, NULL);
        while (status == STATUS_OK) {
            status = batch_next(&reader, &record, NULL);
            if (status != STATUS_OK || record->type != RECORD_PAYMENT) continue;
            const struct position position = { sequence, record->unit };
            if (position_compare(position, report->from) < 0) continue;
            payment_note(report, ((const struct record_payment *)record)->payment.id);
        }
        report->batches_unreadable += status != STATUS_NOT_FOUND || record == NULL;
    }
}

/* ---- The verdict ---- */

static enum status checkpoint_compare(struct log_audit *audit, struct error *out_error)
{
    struct log_audit_report *report = audit->report;
    struct log_store *store = audit->files.store;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, NOTE_SIZE_MAX);
    enum status status = store->read(store, STR("checkpoint"), &bytes, out_error);
    if (status == STATUS_UNAVAILABLE) return status;
    report->files_missing += status == STATUS_NOT_FOUND;
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    struct note note;
    struct checkpoint checkpoint;
    const struct note_key *key = audit->options->log;
    bool good =
        status == STATUS_OK && note_parse(buf_view(&bytes), &note, out_error) == STATUS_OK &&
        checkpoint_open(&note, key, note_key_name(key), &checkpoint, out_error) == STATUS_OK;
    /* One that is behind the head was about to be replaced, or is: beside a server it may be ahead. */
    if (good && checkpoint.head.size == report->head.size) {
        good = digest_equal(&checkpoint.head.root, &report->head.root);
    }
    report->files_right += good;
    report->files_wrong += !good;
    return STATUS_OK;
}

static void judge(struct log_audit *audit, enum status walked, uint64_t size, uint64_t reached)
{
    struct log_audit_report *report = audit->report;
    bool signed_ = report->head.size > 0;
    if (walked == STATUS_CORRUPT) {
        report->verdict = LOG_JOURNAL_DAMAGED; /* fault is filled */
        report->trusted_leaves = size;
        report->exact = true;
        report->from = (struct position){ reached + 1, 0 };
        if (audit->wrong_index != UINT64_MAX) place_find(audit);
    } else if (signed_ && !audit->root_seen && size < report->head.size) {
        (void)conclude(audit, LOG_JOURNAL_SHORT, "the journal ends before what was signed");
        report->trusted_leaves = size;
        report->exact = audit->wrong_index == UINT64_MAX;
        report->from = (struct position){ reached + 1, 0 };
        if (!report->exact) place_find(audit);
    } else if (signed_ && !audit->root_right) {
        (void)conclude(audit, LOG_JOURNAL_CHANGED, "the journal is another one than was signed");
        place_find(audit);
    } else if (audit->held_seen < audit->options->held_count) {
        (void)conclude(audit, LOG_CONTRADICTED,
                       "a checkpoint that was kept elsewhere is not of this journal");
        report->trusted_leaves = audit->held_right;
        report->from = (struct position){ 1, 0 };
    } else if (report->files_wrong > 0) {
        (void)conclude(audit, LOG_FILES_WRONG, "files of the log are not what was signed");
    } else {
        report->verdict = signed_ ? LOG_SOUND : LOG_NOTHING_SIGNED;
    }
}

static enum status audit_all(struct log_audit *audit, struct error *out_error)
{
    struct log_audit_report *report = audit->report;
    struct log_store *files = audit->files.store;
    enum status status = files->head_read(files, &report->head, out_error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    audit->files.size = report->head.size;
    struct store_head durable;
    status = audit->journal->head(audit->journal, &durable, out_error);
    if (status != STATUS_OK) return status;
    if (report->head.size > 0) status = checkpoint_compare(audit, out_error);
    if (status != STATUS_OK) return status;
    struct journal_walk walk;
    uint64_t size = 0;
    journal_walk_open(&walk, audit->journal, audit->options->lane, 0);
    enum status walked = journal_read(audit, &walk, durable.sequence, &size, &report->fault);
    bool ended = walked == STATUS_OK && !audit->root_seen;
    if (ended) walked = log_builder_flush(&audit->builder, &report->fault);
    report->leaves = size;
    report->batches = walk.sequence;
    uint64_t reached = walk.sequence;
    journal_walk_close(&walk);
    if (walked != STATUS_OK && walked != STATUS_CORRUPT) {
        if (out_error != NULL) *out_error = report->fault;
        return walked;
    }
    judge(audit, walked, size, reached);
    if (report->verdict >= LOG_JOURNAL_DAMAGED) payments_find(audit, durable.sequence);
    return STATUS_OK;
}

enum status log_audit_run(struct store *journal, struct log_store *files,
                          const struct log_audit_options *options,
                          struct log_audit_report *out_report, struct error *out_error)
{
    struct log_audit *audit = reserve_new(sizeof *audit);
    if (audit == NULL) return error_set(out_error, STATUS_LIMIT, "no memory to verify the log");
    *out_report = (struct log_audit_report){ .verdict = LOG_SOUND };
    audit->sink.take = compare;
    audit->options = options;
    audit->report = out_report;
    audit->journal = journal;
    audit->wrong_index = UINT64_MAX;
    log_files_init(&audit->files, files, 0);
    log_builder_init(&audit->builder, options->key, &audit->sink);
    tree_init(&audit->before);
    buf_init(&audit->stored, LOG_BUNDLE_SIZE_MAX);
    buf_init(&audit->wrong_bundle, LOG_BUNDLE_SIZE_MAX);
    buf_init(&audit->right_bundle, LOG_BUNDLE_SIZE_MAX);
    enum status status = audit_all(audit, out_error);
    buf_free(&audit->stored);
    buf_free(&audit->wrong_bundle);
    buf_free(&audit->right_bundle);
    log_builder_done(&audit->builder);
    reserve_free(audit, sizeof *audit);
    return status;
}
