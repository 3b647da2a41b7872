#include "wallet/log_files.h"

#include "base/check.h"
#include "base/reserve.h"

static enum status stored_read(struct log_store *store, const struct tile *tile,
                               struct buf *out_bytes, struct error *out_error)
{
    char text[TILE_PATH_SIZE];
    return store->read(store, tile_path(tile, text), out_bytes, out_error);
}

/* The first `width` hashes or entries of what is in bytes. */
static enum status cut(struct buf *bytes, const struct tile *tile, struct error *out_error)
{
    size_t size = tile->width * sizeof(struct digest);
    if (tile->kind == TILE_ENTRIES) {
        struct str rest = buf_view(bytes);
        struct str entry;
        for (unsigned i = 0; i < tile->width; i++) {
            if (bundle_next(&rest, &entry) != STATUS_OK) {
                return error_set(out_error, STATUS_CORRUPT, "a bundle of the log is cut short");
            }
        }
        size = bytes->len - rest.len;
    }
    if (bytes->len < size) {
        return error_set(out_error, STATUS_CORRUPT, "a tile of the log is cut short");
    }
    bytes->len = size;
    return STATUS_OK;
}

static enum status files_read(struct log_source *source, const struct tile *tile,
                              struct buf *out_bytes, struct error *out_error)
{
    struct log_files *files = (struct log_files *)source;
    enum status status = stored_read(files->store, tile, out_bytes, out_error);
    if (status != STATUS_NOT_FOUND) return status;
    struct tile wider = *tile;
    wider.width = tile_width(files->size, tile->level, tile->index);
    if (wider.width > tile->width) {
        status = stored_read(files->store, &wider, out_bytes, out_error);
        if (status == STATUS_OK) return cut(out_bytes, tile, out_error);
    }
    if (status != STATUS_NOT_FOUND) return status;
    char text[TILE_PATH_SIZE];
    return error_set(out_error, STATUS_NOT_FOUND, "the log has no %.*s",
                     STR_ARG(tile_path(tile, text)));
}

void log_files_init(struct log_files *files, struct log_store *store, uint64_t size)
{
    *files = (struct log_files){ .port = { files_read }, .store = store, .size = size };
}

static enum status sink_take(struct log_sink *port, const struct tile *tile, struct str bytes,
                             struct error *out_error)
{
    struct log_store *store = ((struct log_files_sink *)port)->store;
    char text[TILE_PATH_SIZE];
    return store->write(store, tile_path(tile, text), bytes, out_error);
}

void log_files_sink_init(struct log_files_sink *sink, struct log_store *store)
{
    *sink = (struct log_files_sink){ .port = { sink_take }, .store = store };
}

/* ---- Where a unit's leaf stands ---- */

static int place_compare(const struct leaf_head *head, uint64_t batch, uint32_t unit)
{
    if (head->batch != batch) return head->batch < batch ? -1 : 1;
    if (head->unit != unit) return head->unit < unit ? -1 : 1;
    return 0;
}

static enum status bundle_read(struct log_files *files, uint64_t index, struct buf *out_bytes,
                               struct error *out_error)
{
    const struct tile tile = { TILE_ENTRIES, 0, index, tile_width(files->size, 0, index) };
    CHECK(tile.width > 0);
    return files_read(&files->port, &tile, out_bytes, out_error);
}

static enum status entry_take(struct str *rest, struct leaf *out_leaf, struct error *out_error)
{
    struct str entry;
    if (bundle_next(rest, &entry) != STATUS_OK) {
        return error_set(out_error, STATUS_CORRUPT, "a bundle of the log is cut short");
    }
    return leaf_parse(entry, out_leaf, out_error) == STATUS_OK ? STATUS_OK : STATUS_CORRUPT;
}

enum status log_files_find(struct log_files *files, uint64_t batch, uint32_t unit,
                           uint64_t *out_index, struct leaf *out_leaf, struct error *out_error)
{
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, LOG_BUNDLE_SIZE_MAX);
    struct leaf leaf;
    struct str rest;
    uint64_t low =
        0; /* the last bundle whose first entry is not behind the unit is in [low, high) */
    uint64_t high = (files->size + TILE_WIDTH - 1) / TILE_WIDTH;
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        enum status status = bundle_read(files, middle, &bytes, out_error);
        rest = buf_view(&bytes);
        if (status == STATUS_OK) status = entry_take(&rest, &leaf, out_error);
        if (status != STATUS_OK) return status;
        if (place_compare(&leaf.head, batch, unit) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if (high == 0) return STATUS_NOT_FOUND;
    enum status status = bundle_read(files, low, &bytes, out_error);
    rest = buf_view(&bytes);
    for (unsigned i = 0; status == STATUS_OK && rest.len > 0; i++) {
        status = entry_take(&rest, &leaf, out_error);
        if (status != STATUS_OK || place_compare(&leaf.head, batch, unit) != 0) continue;
        *out_index = low * TILE_WIDTH + i;
        *out_leaf = leaf;
        return STATUS_OK;
    }
    return status == STATUS_OK ? STATUS_NOT_FOUND : status;
}

enum status log_files_leaf(struct log_files *files, uint64_t index, struct leaf *out_leaf,
                           struct error *out_error)
{
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, LOG_BUNDLE_SIZE_MAX);
    if (index >= files->size) return STATUS_NOT_FOUND;
    enum status status = bundle_read(files, index / TILE_WIDTH, &bytes, out_error);
    struct str rest = buf_view(&bytes);
    for (uint64_t i = 0; status == STATUS_OK && i <= index % TILE_WIDTH; i++) {
        status = entry_take(&rest, out_leaf, out_error);
    }
    return status;
}

/* ---- Proofs ---- */

struct proving {
    struct log_tile_source tiles;
    struct tile_reader reader;
};

enum status log_files_prove(struct log_files *files, enum log_prove what, uint64_t at,
                            uint64_t size, struct tree_proof *out_proof, struct error *out_error)
{
    struct proving *proving = reserve_new(sizeof *proving);
    if (proving == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for a proof");
    log_tile_source_init(&proving->tiles, &files->port);
    tile_reader_init(&proving->reader, &proving->tiles.port, size);
    struct tree_reader *reader = &proving->reader.reader;
    enum status status = what == LOG_PROVE_LEAF
                             ? tree_prove_inclusion(reader, at, size, out_proof)
                             : tree_prove_consistency(reader, at, size, out_proof);
    if (status != STATUS_OK && out_error != NULL) *out_error = proving->tiles.error;
    log_tile_source_done(&proving->tiles);
    reserve_free(proving, sizeof *proving);
    return status;
}
