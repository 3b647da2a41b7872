#include "tlog/tile_reader.h"

#include "base/check.h"

/* The root of 2^height hashes, which are overwritten. */
static struct digest fold(struct digest *hashes, unsigned height)
{
    for (size_t count = (size_t)1 << height; count > 1; count /= 2) {
        for (size_t i = 0; i < count / 2; i++) {
            hashes[i] = tree_node(&hashes[2 * i], &hashes[2 * i + 1]);
        }
    }
    return hashes[0];
}

static enum status hold_tile(struct tile_reader *reader, unsigned level, uint64_t index)
{
    struct tile tile = {
        .kind = TILE_HASHES,
        .level = level,
        .index = index,
        .width = tile_width(reader->size, level, index),
    };
    if (tile.width == 0) return STATUS_NOT_FOUND;
    if (tile_equal(&tile, &reader->held[level].tile)) return STATUS_OK;
    reader->held[level].tile.width = 0;
    enum status status = reader->source->read(reader->source, &tile, reader->held[level].hashes);
    if (status == STATUS_OK) reader->held[level].tile = tile;
    return status;
}

static enum status tile_reader_read(struct tree_reader *tree_reader, struct tree_place place,
                                    struct digest *out_hash)
{
    struct tile_reader *reader = (struct tile_reader *)tree_reader;
    CHECK(place.level < TREE_LEVELS);
    unsigned level = place.level / TILE_HEIGHT;
    unsigned height = place.level % TILE_HEIGHT;
    uint64_t last = reader->size >> place.level;
    if (place.index >= last) return STATUS_NOT_FOUND;
    uint64_t first = place.index << height; /* cannot wrap: it is less than size */
    enum status status = hold_tile(reader, level, first / TILE_WIDTH);
    if (status != STATUS_OK) return status;
    struct digest hashes[TILE_WIDTH / 2];
    const struct digest *held = &reader->held[level].hashes[first % TILE_WIDTH];
    for (size_t i = 0; i < (size_t)1 << height; i++) hashes[i] = held[i];
    *out_hash = fold(hashes, height);
    return STATUS_OK;
}

void tile_reader_init(struct tile_reader *reader, struct tile_source *source, uint64_t size)
{
    CHECK(size <= TREE_SIZE_MAX);
    *reader = (struct tile_reader){
        .reader = { tile_reader_read },
        .source = source,
        .size = size,
    };
}
