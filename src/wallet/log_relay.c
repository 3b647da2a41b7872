/* What is signed is in log_head first; what log_head says is never contradicted. */
#include "wallet/log_relay.h"

#include "base/check.h"
#include "base/reserve.h"
#include "tlog/checkpoint.h"
#include "wallet/journal_walk.h"
#include "wallet/log_files.h"

struct log_relay {
    struct lane *lane;
    struct log_relay_ports ports;
    struct log_relay_options options;
    struct task *task;
    struct log_builder builder;
    struct log_files_sink sink;
    struct journal_walk walk;
    struct log_head head; /* recorded; size 0: none */
    bool head_known;
    bool shown; /* the checkpoint's file is as it should be: else it is looked at, or written */
    struct monotonic_time published_at;

    struct monitor *monitor; /* guards the rest */
    bool stopping;
    bool written; /* or looked at, the checkpoint, by this life: before, it may be older or torn */
    struct log_relay_status status;
    struct tree_head pending_head; /* of what is to be shown; size 0: nothing is */
    struct buf pending;
    bool rung; /* it has just come: the round begins early */
};

static void status_set(struct log_relay *relay, enum log_state state)
{
    relay->ports.sync->lock(relay->monitor);
    relay->status.state = state;
    relay->status.size = relay->builder.tree.size;
    relay->status.batch = relay->walk.sequence;
    relay->status.signed_ = relay->head;
    relay->ports.sync->unlock(relay->monitor);
}

static enum log_state state_of(struct log_relay *relay)
{
    relay->ports.sync->lock(relay->monitor);
    enum log_state state = relay->status.state;
    relay->ports.sync->unlock(relay->monitor);
    return state;
}

/* For good: somebody has to look. */
static void refuse(struct log_relay *relay, const struct error *error)
{
    relay->ports.sync->lock(relay->monitor);
    relay->status.state = LOG_REFUSED;
    relay->status.signed_ = relay->head;
    relay->status.fault = *error;
    relay->ports.sync->unlock(relay->monitor);
    const struct log_field fields[] = {
        { STR("signed_size"), { NULL, 0 }, (int64_t)relay->head.size },
        { STR("signed_batch"), { NULL, 0 }, (int64_t)relay->head.batch }
    };
    const struct log_line line = { .level = LOG_ALARM,
                                   .event = STR("log.refused"),
                                   .message = str_from(error->message),
                                   .fields = fields,
                                   .field_count = 2 };
    log_write(relay->ports.log, line);
}

static enum status contradiction(struct error *out_error, const char *what)
{
    enum status status = error_set(out_error, STATUS_CONFLICT, "%s", what);
    error_hint(out_error, "nothing more is signed; see `tpwallet log verify`");
    return status;
}

/* ---- Where to begin ---- */

/* That the journal still holds the batch that was signed for: by its hash, and so all before. */
static enum status history_verify(struct log_relay *relay, struct error *out_error)
{
    const struct log_head *head = &relay->head;
    struct store_head durable;
    enum status status = relay->ports.journal->head(relay->ports.journal, &durable, out_error);
    if (status != STATUS_OK) return status;
    if (durable.sequence < head->batch) {
        return contradiction(out_error,
                             "the journal ends before what was signed: it was rolled back");
    }
    struct buf *blob = &relay->walk.blob;
    status = relay->ports.journal->read(relay->ports.journal, head->batch, blob, out_error);
    if (status != STATUS_OK) return status;
    struct digest hash = digest_of(blob->data, blob->len);
    if (digest_equal(&hash, &head->batch_hash)) return STATUS_OK;
    return contradiction(out_error, "the journal is not the one that was signed: it was rewritten");
}

static void walk_begin(struct log_relay *relay, uint64_t after)
{
    journal_walk_close(&relay->walk);
    journal_walk_open(&relay->walk, relay->ports.journal, relay->options.lane, after);
    if (after == 0) return;
    relay->walk.previous = relay->head.batch_hash;
    relay->walk.previous_known = true;
}

/* From the stored tiles, or from the first batch. */
static enum status begin(struct log_relay *relay, struct error *out_error)
{
    struct log_store *files = relay->ports.files;
    enum status status = STATUS_OK;
    if (!relay->head_known) {
        struct log_head head;
        status = files->head_read(files, &head, out_error);
        if (status == STATUS_OK) relay->head = head;
        if (status == STATUS_NOT_FOUND) status = STATUS_OK;
        if (status == STATUS_CORRUPT) return contradiction(out_error, "log.head is damaged");
        if (status != STATUS_OK) return status;
        relay->head_known = true;
        relay->shown = false; /* it may be one whose recording was in doubt */
    }
    log_builder_reset(&relay->builder);
    walk_begin(relay, 0);
    if (relay->head.size == 0) {
        status_set(relay, LOG_FOLLOWING);
        return STATUS_OK;
    }
    status = history_verify(relay, out_error);
    if (status != STATUS_OK) return status;
    struct log_files source;
    log_files_init(&source, files, relay->head.size);
    status = log_builder_resume(&relay->builder, &source.port, &relay->head.root, relay->head.size,
                                out_error);
    bool resumed = status == STATUS_OK;
    if (!resumed && status == STATUS_UNAVAILABLE) return status;
    if (resumed) walk_begin(relay, relay->head.batch);
    status_set(relay, resumed ? LOG_FOLLOWING : LOG_REBUILDING);
    return STATUS_OK;
}

/* ---- Following the journal ---- */

/* The rebuilt tree has come to what was signed: it must be that. */
static enum status rebuilt(struct log_relay *relay, struct error *out_error)
{
    struct digest root = tree_root(&relay->builder.tree);
    if (relay->builder.tree.size != relay->head.size || !digest_equal(&root, &relay->head.root)) {
        return contradiction(out_error, "journal and key give another log than was signed");
    }
    enum status status = log_builder_flush(&relay->builder, out_error);
    if (status == STATUS_OK) status = relay->ports.files->sync(relay->ports.files, out_error);
    if (status == STATUS_OK) status_set(relay, LOG_FOLLOWING);
    return status;
}

/* Batches up to `to`, for publish_ms at most. */
static enum status follow(struct log_relay *relay, uint64_t to, struct error *out_error)
{
    int64_t until_ns =
        clock_monotonic(relay->ports.clock).ns + (int64_t)relay->options.publish_ms * NS_PER_MS;
    while (relay->walk.sequence < to) {
        struct batch_reader reader;
        enum status status = journal_walk_read(&relay->walk, &reader, out_error);
        if (status == STATUS_OK) status = log_builder_add(&relay->builder, &reader, out_error);
        if (status != STATUS_OK) return status;
        journal_walk_next(&relay->walk);
        bool signed_for = relay->walk.sequence == relay->head.batch;
        if (signed_for && state_of(relay) == LOG_REBUILDING) status = rebuilt(relay, out_error);
        if (status != STATUS_OK) return status;
        if (clock_monotonic(relay->ports.clock).ns >= until_ns) break;
    }
    return STATUS_OK;
}

/* ---- Signing ---- */

/* The recorded head as a note: always the same bytes. */
static enum status signed_write(const struct log_relay *relay, const struct log_head *head,
                                struct buf *out_note)
{
    const struct note_signer *signer = relay->options.signer;
    const struct checkpoint checkpoint = {
        .origin = note_key_name(&signer->key),
        .head = { head->size, head->root },
    };
    BUF_SCOPE struct buf text;
    buf_init(&text, CHECKPOINT_TEXT_SIZE_MAX);
    enum status status = checkpoint_format(&checkpoint, &text);
    if (status != STATUS_OK) return status;
    buf_reset(out_note);
    note_begin(out_note, buf_view(&text));
    note_sign(out_note, buf_view(&text), signer);
    return buf_status(out_note);
}

static void shown_set(struct log_relay *relay, uint64_t size)
{
    relay->ports.sync->lock(relay->monitor);
    relay->status.shown = size;
    relay->written = true;
    relay->ports.sync->unlock(relay->monitor);
}

/* What is shown is served from then on: whoever reads it asks for its tiles at once. */
static void signed_set(struct log_relay *relay)
{
    relay->ports.sync->lock(relay->monitor);
    relay->status.signed_ = relay->head;
    relay->ports.sync->unlock(relay->monitor);
}

static enum status signed_show(struct log_relay *relay, struct error *out_error)
{
    BUF_SCOPE struct buf note;
    signed_set(relay);
    buf_init(&note, 2 * CHECKPOINT_TEXT_SIZE_MAX);
    enum status status = signed_write(relay, &relay->head, &note);
    if (status != STATUS_OK) return error_set(out_error, status, "the origin cannot be signed");
    struct log_store *files = relay->ports.files;
    status = files->write(files, STR("checkpoint"), buf_view(&note), out_error);
    relay->shown = status == STATUS_OK;
    if (relay->shown) shown_set(relay, relay->head.size);
    return status;
}

/* What an earlier life showed stands, if it is whole: it was signed, whoever cosigned it. */
static enum status stored_look(struct log_relay *relay, struct error *out_error)
{
    struct log_store *files = relay->ports.files;
    const struct note_key *key = &relay->options.signer->key;
    struct note note;
    struct checkpoint shown = { 0 };
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, NOTE_SIZE_MAX);
    enum status status = files->read(files, STR("checkpoint"), &bytes, out_error);
    if (status == STATUS_UNAVAILABLE) return status;
    bool good = status == STATUS_OK && note_parse(buf_view(&bytes), &note, NULL) == STATUS_OK &&
                checkpoint_open(&note, key, note_key_name(key), &shown, NULL) == STATUS_OK &&
                shown.head.size <= relay->head.size;
    bool absent = status == STATUS_NOT_FOUND;
    status = STATUS_OK;
    if (!good && !absent) status = files->remove(files, STR("checkpoint"), out_error);
    if (status != STATUS_OK) return status;
    relay->shown = true;
    shown_set(relay, good ? shown.head.size : 0);
    return STATUS_OK;
}

static bool pending_is(struct log_relay *relay)
{
    relay->ports.sync->lock(relay->monitor);
    bool is = relay->pending_head.size > 0;
    relay->ports.sync->unlock(relay->monitor);
    return is;
}

static enum status pending_show(struct log_relay *relay, struct error *out_error)
{
    struct log_store *files = relay->ports.files;
    BUF_SCOPE struct buf note;
    buf_init(&note, NOTE_SIZE_MAX);
    relay->ports.sync->lock(relay->monitor);
    struct tree_head head = relay->pending_head;
    buf_append_str(&note, buf_view(&relay->pending));
    bool older = head.size < relay->status.shown;
    relay->pending_head.size = 0;
    relay->ports.sync->unlock(relay->monitor);
    if (older || buf_status(&note) != STATUS_OK) return STATUS_OK;
    enum status status = files->write(files, STR("checkpoint"), buf_view(&note), out_error);
    if (status == STATUS_OK) {
        shown_set(relay, head.size);
        return STATUS_OK;
    }
    relay->ports.sync->lock(relay->monitor); /* again in the next round, unless a newer one came */
    if (relay->pending_head.size == 0) relay->pending_head = head;
    relay->ports.sync->unlock(relay->monitor);
    return status;
}

static enum status checkpoint_show(struct log_relay *relay, struct error *out_error)
{
    if (!relay->options.cosigned) return signed_show(relay, out_error);
    enum status status = STATUS_OK;
    if (!relay->shown) status = stored_look(relay, out_error);
    if (status == STATUS_OK && pending_is(relay)) status = pending_show(relay, out_error);
    return status;
}

/* The tiles of the tree before that have grown since: nobody who is told of them needs them. */
static enum status outgrown_remove(struct log_relay *relay, uint64_t old, struct error *out_error)
{
    struct log_store *files = relay->ports.files;
    uint64_t size = relay->head.size;
    char text[TILE_PATH_SIZE];
    enum status status = STATUS_OK;
    for (unsigned level = 0; level < TILE_LEVELS && status == STATUS_OK; level++) {
        uint64_t index = (old >> (TILE_HEIGHT * level)) / TILE_WIDTH;
        struct tile tile = { TILE_HASHES, level, index, tile_width(old, level, index) };
        if (tile.width == 0 || tile.width == tile_width(size, level, index)) continue;
        status = files->remove(files, tile_path(&tile, text), out_error);
        if (status != STATUS_OK || level > 0) continue;
        tile.kind = TILE_ENTRIES;
        status = files->remove(files, tile_path(&tile, text), out_error);
    }
    return status;
}

static enum status publish(struct log_relay *relay, uint64_t epoch, struct error *out_error)
{
    struct log_store *files = relay->ports.files;
    struct store_head durable;
    enum status status = relay->ports.journal->head(relay->ports.journal, &durable, out_error);
    if (status != STATUS_OK) return status;
    if (durable.epoch != epoch || durable.sequence < relay->walk.sequence) {
        return error_set(out_error, STATUS_FENCED, "another owner has the journal");
    }
    status = log_builder_flush(&relay->builder, out_error);
    if (status == STATUS_OK) status = files->sync(files, out_error);
    if (status != STATUS_OK) return status;
    const struct log_head head = {
        .size = relay->builder.tree.size,
        .root = tree_root(&relay->builder.tree),
        .batch = relay->walk.sequence,
        .batch_hash = relay->walk.previous,
        .epoch = epoch,
    };
    status = files->head_write(files, &head, out_error);
    if (status != STATUS_OK) {
        relay->head_known = false; /* it may be there all the same */
        return status;
    }
    uint64_t old = relay->head.size;
    relay->head = head;
    if (!relay->options.cosigned) {
        relay->shown = false;
        status = signed_show(relay, out_error);
    }
    relay->published_at = clock_monotonic(relay->ports.clock);
    status_set(relay, LOG_FOLLOWING);
    return status == STATUS_OK ? outgrown_remove(relay, old, out_error) : status;
}

/* ---- Rounds ---- */

static enum status round_run(struct log_relay *relay, bool last, bool *out_busy,
                             struct error *out_error)
{
    struct lane_status lane;
    lane_get_status(relay->lane, &lane);
    *out_busy = false;
    if (lane.reloading || lane.fenced || lane.damaged) return STATUS_OK;
    enum status status = STATUS_OK;
    if (state_of(relay) == LOG_STARTING) status = begin(relay, out_error);
    if (status != STATUS_OK) return status;
    bool show = !relay->shown || pending_is(relay);
    if (show && relay->head.size > 0) status = checkpoint_show(relay, out_error);
    if (status == STATUS_OK) status = follow(relay, lane.head.sequence, out_error);
    if (status != STATUS_OK) return status;
    enum log_state state = state_of(relay);
    status_set(relay, state);
    *out_busy = relay->walk.sequence < lane.head.sequence;
    if (state != LOG_FOLLOWING || relay->builder.tree.size == relay->head.size) return STATUS_OK;
    int64_t since_ns = clock_monotonic(relay->ports.clock).ns - relay->published_at.ns;
    bool due = relay->head.size == 0 || relay->published_at.ns == 0 || last ||
               since_ns >= (int64_t)relay->options.publish_ms * NS_PER_MS;
    return due ? publish(relay, lane.head.epoch, out_error) : STATUS_OK;
}

static bool round_do(struct log_relay *relay, bool last)
{
    struct error error = { 0 };
    bool busy = false;
    if (state_of(relay) == LOG_REFUSED) return false;
    uint64_t signed_before = relay->head.size;
    enum status status = round_run(relay, last, &busy, &error);
    if (status == STATUS_CONFLICT || status == STATUS_CORRUPT) {
        refuse(relay, &error);
        return false;
    }
    relay->ports.sync->lock(relay->monitor);
    if (relay->head.size != signed_before) relay->status.checkpoints++;
    if (status != STATUS_OK) {
        /* What was half done is begun again from what is recorded. */
        relay->status.failures++;
        relay->status.fault = error;
        relay->status.state = LOG_STARTING;
        busy = false;
    }
    relay->ports.sync->unlock(relay->monitor);
    return busy || relay->head.size != signed_before;
}

bool log_relay_step(struct log_relay *relay)
{
    CHECK(!relay->options.task);
    return round_do(relay, false);
}

static void relay_body(void *argument)
{
    struct log_relay *relay = argument;
    struct sync *sync = relay->ports.sync;
    bool stopping = false;
    while (!stopping) {
        bool busy = round_do(relay, false);
        struct monotonic_time until = clock_monotonic(relay->ports.clock);
        until.ns += (int64_t)relay->options.poll_ms * NS_PER_MS;
        sync->lock(relay->monitor);
        if (!busy) {
            bool early = true;
            while (early && !relay->stopping && !relay->rung) {
                early = sync->wait(relay->monitor, until);
            }
        }
        relay->rung = false;
        stopping = relay->stopping;
        sync->unlock(relay->monitor);
    }
    (void)round_do(relay, true); /* what is left is signed at the next start */
}

void log_relay_get_status(struct log_relay *relay, struct log_relay_status *out_status)
{
    relay->ports.sync->lock(relay->monitor);
    *out_status = relay->status;
    relay->ports.sync->unlock(relay->monitor);
}

/* The head of a checkpoint of this log; STATUS_CORRUPT: the bytes are none. */
static enum status checkpoint_head(const struct log_relay *relay, struct str bytes,
                                   struct tree_head *out_head, struct error *out_error)
{
    struct note note;
    struct checkpoint shown;
    const struct note_key *key = &relay->options.signer->key;
    bool good = note_parse(bytes, &note, out_error) == STATUS_OK &&
                checkpoint_open(&note, key, note_key_name(key), &shown, out_error) == STATUS_OK;
    if (!good) return error_set(out_error, STATUS_CORRUPT, "the log's checkpoint is damaged");
    *out_head = shown.head;
    return STATUS_OK;
}

/*
 * Until this life has written it, the file may be older than what was last shown, or torn: the
 * power may have gone before a sync. Then it is given only when it says what is recorded.
 */
static enum status checkpoint_read(struct log_relay *relay, struct buf *out_bytes,
                                   struct error *out_error)
{
    relay->ports.sync->lock(relay->monitor);
    bool written = relay->written;
    struct log_head recorded = relay->status.signed_;
    relay->ports.sync->unlock(relay->monitor);
    struct log_store *store = relay->ports.files;
    enum status status = store->read(store, STR("checkpoint"), out_bytes, out_error);
    if (status != STATUS_OK || written) return status;
    struct tree_head head = { .size = 0 };
    struct error error;
    status = checkpoint_head(relay, buf_view(out_bytes), &head, &error);
    bool same = status == STATUS_OK && head.size == recorded.size &&
                digest_equal(&head.root, &recorded.root);
    return same ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status log_relay_read(struct log_relay *relay, struct str name, struct buf *out_bytes,
                           struct error *out_error)
{
    if (str_equal(name, STR("checkpoint"))) return checkpoint_read(relay, out_bytes, out_error);
    struct tile tile;
    struct log_relay_status now;
    struct log_files files;
    enum status status;
    uint64_t tried;
    if (tile_parse(name, &tile) != STATUS_OK) return STATUS_NOT_FOUND;
    log_relay_get_status(relay, &now);
    do { /* a tile that is outgrown meanwhile is in a wider one */
        tried = now.signed_.size;
        if (tile.width > tile_width(tried, tile.level, tile.index)) return STATUS_NOT_FOUND;
        log_files_init(&files, relay->ports.files, tried);
        status = files.port.read(&files.port, &tile, out_bytes, out_error);
        log_relay_get_status(relay, &now);
    } while (status == STATUS_NOT_FOUND && now.signed_.size != tried);
    return status;
}

enum status log_relay_prove(struct log_relay *relay, struct position unit,
                            struct log_evidence *evidence, struct error *out_error)
{
    struct tree_head head;
    struct log_relay_status now;
    struct log_files files;
    enum status status = log_relay_read(relay, STR("checkpoint"), &evidence->checkpoint, out_error);
    if (status != STATUS_OK) return status;
    status = checkpoint_head(relay, buf_view(&evidence->checkpoint), &head, out_error);
    if (status != STATUS_OK) return status;
    log_relay_get_status(relay, &now);
    struct proof *proof = &evidence->proof;
    *proof = (struct proof){ .checkpoint = buf_view(&evidence->checkpoint) };
    /* Tiles of the shown tree are there, or in wider ones of the tree that is signed by now. */
    log_files_init(&files, relay->ports.files,
                   now.signed_.size > head.size ? now.signed_.size : head.size);
    status =
        log_files_find(&files, unit.batch, unit.index, &proof->index, &evidence->leaf, out_error);
    if (status == STATUS_OK && proof->index >= head.size) status = STATUS_NOT_FOUND;
    if (status != STATUS_OK) return status;
    return log_files_prove(&files, LOG_PROVE_LEAF, proof->index, head.size, &proof->inclusion,
                           out_error);
}

/* ---- What witnesses see ---- */

enum status log_relay_signed(struct log_relay *relay, struct tree_head *out_head,
                             struct buf *out_note)
{
    struct log_relay_status now;
    log_relay_get_status(relay, &now);
    if (now.state != LOG_FOLLOWING || now.signed_.size == 0) return STATUS_NOT_FOUND;
    enum status status = signed_write(relay, &now.signed_, out_note);
    if (status == STATUS_OK) *out_head = (struct tree_head){ now.signed_.size, now.signed_.root };
    return status;
}

enum status log_relay_prove_growth(struct log_relay *relay, uint64_t old_size, uint64_t size,
                                   struct tree_proof *out_proof, struct error *out_error)
{
    struct log_relay_status now;
    struct log_files files;
    enum status status;
    uint64_t tried;
    log_relay_get_status(relay, &now);
    if (size > now.signed_.size || old_size > size) {
        return error_set(out_error, STATUS_INVALID, "nothing of that size is signed");
    }
    do { /* a tile that is outgrown meanwhile is in a wider one */
        tried = now.signed_.size;
        log_files_init(&files, relay->ports.files, tried);
        status = log_files_prove(&files, LOG_PROVE_GROWTH, old_size, size, out_proof, out_error);
        log_relay_get_status(relay, &now);
    } while (status != STATUS_OK && now.signed_.size != tried);
    return status;
}

void log_relay_show(struct log_relay *relay, const struct tree_head *head, struct str note)
{
    CHECK(relay->options.cosigned);
    struct sync *sync = relay->ports.sync;
    sync->lock(relay->monitor);
    if (head->size >= relay->pending_head.size) {
        buf_reset(&relay->pending);
        buf_append_str(&relay->pending, note);
        relay->pending_head = *head;
        relay->rung = true;
        sync->wake_all(relay->monitor);
    }
    sync->unlock(relay->monitor);
}

struct leaf_salt log_relay_salt(struct log_relay *relay, const struct leaf *leaf, uint32_t part)
{
    struct leaf_salt salt = leaf_salt_of(relay->options.key, &leaf->head, part);
    return salt;
}

enum status log_relay_open(struct lane *lane, const struct log_relay_ports *ports,
                           const struct log_relay_options *options, struct log_relay **out_relay,
                           struct error *out_error)
{
    CHECK(options->signer->key.kind == NOTE_ED25519);
    struct log_relay *relay = reserve_new(sizeof *relay);
    if (relay == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for the log");
    relay->lane = lane;
    relay->ports = *ports;
    relay->options = *options;
    relay->monitor = ports->sync->monitor_new(ports->sync, "log");
    buf_init(&relay->pending, NOTE_SIZE_MAX);
    log_files_sink_init(&relay->sink, ports->files);
    log_builder_init(&relay->builder, options->key, &relay->sink.port);
    walk_begin(relay, 0);
    enum status status = STATUS_OK;
    if (options->task) {
        status = ports->sync->spawn(ports->sync, "log", relay_body, relay, &relay->task);
    }
    if (status != STATUS_OK) {
        log_relay_close(relay);
        return error_set(out_error, status, "the log's task cannot be started");
    }
    *out_relay = relay;
    return STATUS_OK;
}

void log_relay_close(struct log_relay *relay)
{
    if (relay == NULL) return;
    struct sync *sync = relay->ports.sync;
    sync->lock(relay->monitor);
    relay->stopping = true;
    sync->wake_all(relay->monitor);
    sync->unlock(relay->monitor);
    sync->join(relay->task);
    journal_walk_close(&relay->walk);
    log_builder_done(&relay->builder);
    buf_free(&relay->pending);
    sync->monitor_free(relay->monitor);
    reserve_free(relay, sizeof *relay);
}
