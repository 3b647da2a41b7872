#include "wallet/log_builder.h"

#include "base/check.h"

void log_builder_init(struct log_builder *builder, const struct secret *key, struct log_sink *sink)
{
    CHECK(key->size == LEAF_KEY_SIZE);
    builder->key = key;
    builder->sink = sink;
    buf_init(&builder->bundle, LOG_BUNDLE_SIZE_MAX);
    log_builder_reset(builder);
}

void log_builder_done(struct log_builder *builder)
{
    if (builder->key == NULL) return;
    buf_free(&builder->bundle);
    builder->key = NULL;
}

void log_builder_reset(struct log_builder *builder)
{
    tree_init(&builder->tree);
    buf_reset(&builder->bundle);
}

static uint64_t hashes_at(const struct log_builder *builder, unsigned level)
{
    return builder->tree.size >> (TILE_HEIGHT * level);
}

static enum status hashes_give(struct log_builder *builder, const struct tile *tile,
                               struct error *out_error)
{
    const struct str bytes = { (const char *)builder->hashes[tile->level],
                               tile->width * sizeof(struct digest) };
    return builder->sink->take(builder->sink, tile, bytes, out_error);
}

static enum status bundle_give(struct log_builder *builder, uint64_t index, unsigned width,
                               struct error *out_error)
{
    const struct tile tile = { TILE_ENTRIES, 0, index, width };
    CHECK(buf_status(&builder->bundle) == STATUS_OK);
    return builder->sink->take(builder->sink, &tile, buf_view(&builder->bundle), out_error);
}

/* The leaf is whole: into the tree, and what became whole by it to the sink. */
static enum status leaf_append(struct log_builder *builder, struct error *out_error)
{
    struct tree *tree = &builder->tree;
    struct str entry = leaf_bytes(&builder->leaf);
    struct digest hash = tree_leaf(entry.data, entry.len);
    tree_append(tree, &hash);
    bundle_append(&builder->bundle, entry);
    for (unsigned level = 0; level < TILE_LEVELS; level++) {
        unsigned height = TILE_HEIGHT * level;
        if (tree->size % (UINT64_C(1) << height) != 0) break;
        uint64_t hashes = hashes_at(builder, level);
        builder->hashes[level][(hashes - 1) % TILE_WIDTH] = tree->newest[height];
        if (hashes % TILE_WIDTH != 0) continue;
        const struct tile tile = { TILE_HASHES, level, hashes / TILE_WIDTH - 1, TILE_WIDTH };
        enum status status = hashes_give(builder, &tile, out_error);
        if (status != STATUS_OK) return status;
    }
    if (tree->size % TILE_WIDTH != 0) return STATUS_OK;
    enum status status = bundle_give(builder, tree->size / TILE_WIDTH - 1, TILE_WIDTH, out_error);
    buf_reset(&builder->bundle);
    return status;
}

enum status log_builder_add(struct log_builder *builder, struct batch_reader *reader,
                            struct error *out_error)
{
    const struct batch_header *header = reader->header;
    struct leaf *leaf = &builder->leaf;
    bool begun = false;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        const struct record_head *record;
        status = batch_next(reader, &record, out_error);
        if (status != STATUS_OK) break;
        if (record->type == RECORD_CONTEXT) continue;
        if (begun && record->unit != leaf->head.unit) {
            status = leaf_append(builder, out_error);
            if (status != STATUS_OK) return status;
            begun = false;
        }
        if (!begun) {
            const struct leaf_head head = { .lane = header->lane,
                                            .unit = record->unit,
                                            .batch = header->sequence,
                                            .stamp = header->stamp };
            const void *context = reader->blob.data + record->context;
            leaf_begin(leaf, &head);
            leaf_add(leaf, builder->key, context);
            begun = true;
        }
        if (leaf->head.part_count == LEAF_PARTS_MAX) {
            return error_set(out_error, STATUS_CORRUPT, "batch %llu: unit %u has too many records",
                             (unsigned long long)header->sequence, record->unit);
        }
        leaf_add(leaf, builder->key, record);
    }
    if (status != STATUS_NOT_FOUND) return status;
    return begun ? leaf_append(builder, out_error) : STATUS_OK;
}

enum status log_builder_flush(struct log_builder *builder, struct error *out_error)
{
    uint64_t size = builder->tree.size;
    enum status status = STATUS_OK;
    for (unsigned level = 0; level < TILE_LEVELS && status == STATUS_OK; level++) {
        uint64_t index = hashes_at(builder, level) / TILE_WIDTH;
        const struct tile tile = { TILE_HASHES, level, index, tile_width(size, level, index) };
        if (tile.width > 0) status = hashes_give(builder, &tile, out_error);
    }
    unsigned width = (unsigned)(size % TILE_WIDTH);
    if (status != STATUS_OK || width == 0) return status;
    return bundle_give(builder, size / TILE_WIDTH, width, out_error);
}

/* ---- Going on from what is there ---- */

static enum status source_read(struct log_source *source, const struct tile *tile,
                               struct buf *out_bytes, struct error *out_error)
{
    enum status status = source->read(source, tile, out_bytes, out_error);
    bool hashes = tile->kind == TILE_HASHES;
    if (status != STATUS_OK || !hashes) return status;
    if (out_bytes->len == tile->width * sizeof(struct digest)) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "a tile of the log has a wrong size");
}

static enum status tile_source_read(struct tile_source *port, const struct tile *tile,
                                    struct digest out_hashes[TILE_WIDTH])
{
    struct log_tile_source *tiles = (struct log_tile_source *)port;
    enum status status = source_read(tiles->source, tile, &tiles->bytes, &tiles->error);
    if (status == STATUS_OK) memcpy(out_hashes, tiles->bytes.data, tiles->bytes.len);
    return status;
}

void log_tile_source_init(struct log_tile_source *tiles, struct log_source *source)
{
    *tiles = (struct log_tile_source){ .port = { tile_source_read }, .source = source };
    buf_init(&tiles->bytes, TILE_WIDTH * sizeof(struct digest));
}

void log_tile_source_done(struct log_tile_source *tiles)
{
    buf_free(&tiles->bytes);
}

/* That the bundle's entries are those whose hashes the tile has. */
static enum status bundle_verify(struct log_builder *builder, unsigned width,
                                 struct error *out_error)
{
    struct str rest = buf_view(&builder->bundle);
    struct str entry;
    for (unsigned i = 0; i < width; i++) {
        struct digest hash = { { 0 } };
        enum status status = bundle_next(&rest, &entry);
        if (status == STATUS_OK) hash = tree_leaf(entry.data, entry.len);
        if (status != STATUS_OK || !digest_equal(&hash, &builder->hashes[0][i])) {
            return error_set(out_error, STATUS_CORRUPT, "the newest entries of the log are wrong");
        }
    }
    if (rest.len == 0) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "the newest entries of the log are too many");
}

static enum status right_end_read(struct log_builder *builder, struct log_source *source,
                                  struct error *out_error)
{
    uint64_t size = builder->tree.size;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, TILE_WIDTH * sizeof(struct digest));
    for (unsigned level = 0; level < TILE_LEVELS; level++) {
        uint64_t index = hashes_at(builder, level) / TILE_WIDTH;
        const struct tile tile = { TILE_HASHES, level, index, tile_width(size, level, index) };
        if (tile.width == 0) continue;
        enum status status = source_read(source, &tile, &bytes, out_error);
        if (status != STATUS_OK) return status;
        memcpy(builder->hashes[level], bytes.data, bytes.len);
    }
    const struct tile bundle = { TILE_ENTRIES, 0, size / TILE_WIDTH,
                                 (unsigned)(size % TILE_WIDTH) };
    if (bundle.width == 0) return STATUS_OK;
    enum status status = source_read(source, &bundle, &builder->bundle, out_error);
    return status == STATUS_OK ? bundle_verify(builder, bundle.width, out_error) : status;
}

/*
 * The first whole tile of each level, and the first whole bundle: what was lost is found out at one
 * end or the other, since nothing is ever taken out between.
 */
static enum status left_end_read(uint64_t size, struct log_source *source, struct error *out_error)
{
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, LOG_BUNDLE_SIZE_MAX);
    enum status status = STATUS_OK;
    for (unsigned level = 0; level < TILE_LEVELS && status == STATUS_OK; level++) {
        const struct tile tile = { TILE_HASHES, level, 0, TILE_WIDTH };
        if (tile_width(size, level, 0) < TILE_WIDTH) break;
        status = source_read(source, &tile, &bytes, out_error);
    }
    const struct tile bundle = { TILE_ENTRIES, 0, 0, TILE_WIDTH };
    if (status != STATUS_OK || size < TILE_WIDTH) return status;
    return source_read(source, &bundle, &bytes, out_error);
}

enum status log_builder_resume(struct log_builder *builder, struct log_source *source,
                               const struct digest *root, uint64_t size, struct error *out_error)
{
    log_builder_reset(builder);
    if (size == 0) return STATUS_OK;
    struct log_tile_source tiles;
    struct tile_reader reader;
    log_tile_source_init(&tiles, source);
    tile_reader_init(&reader, &tiles.port, size);
    enum status status = tree_read(&reader.reader, size, &builder->tree);
    if (status != STATUS_OK && out_error != NULL) *out_error = tiles.error;
    log_tile_source_done(&tiles);
    if (status == STATUS_OK) {
        struct digest found = tree_root(&builder->tree);
        if (!digest_equal(&found, root)) {
            status = error_set(out_error, STATUS_CORRUPT,
                               "the tiles of the log do not give the root that was signed");
        }
    }
    if (status == STATUS_OK) status = right_end_read(builder, source, out_error);
    if (status == STATUS_OK) status = left_end_read(size, source, out_error);
    if (status != STATUS_OK) log_builder_reset(builder);
    return status;
}
