#include "tlog/tile.h"

#include "base/check.h"
#include "base/decimal.h"

/* Hashes that a level has in a tree of that size: each stands for 256^level leaves. */
static uint64_t hashes_of(uint64_t size, unsigned level)
{
    return level < TILE_LEVELS ? size >> (TILE_HEIGHT * level) : 0;
}

bool tile_is_possible(const struct tile *tile)
{
    if (tile->width == 0 || tile->width > TILE_WIDTH || tile->level >= TILE_LEVELS) return false;
    if (tile->kind == TILE_ENTRIES && tile->level != 0) return false;
    return tile_width(TREE_SIZE_MAX, tile->level, tile->index) >= tile->width;
}

bool tile_equal(const struct tile *a, const struct tile *b)
{
    return a->kind == b->kind && a->level == b->level && a->index == b->index &&
           a->width == b->width;
}

unsigned tile_width(uint64_t size, unsigned level, uint64_t index)
{
    uint64_t hashes = hashes_of(size, level);
    if (index > hashes / TILE_WIDTH) return 0;
    uint64_t left = hashes - index * TILE_WIDTH;
    return left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH;
}

/* ---- Paths ---- */

static char *put(char *to, const char *text)
{
    while (*text != '\0') *to++ = *text++;
    return to;
}

static char *put_three(char *to, unsigned value)
{
    *to++ = (char)('0' + value / 100);
    *to++ = (char)('0' + value / 10 % 10);
    *to++ = (char)('0' + value % 10);
    return to;
}

/* In groups of three digits; all but the last begin with 'x'. */
static char *put_index(char *to, uint64_t index)
{
    unsigned groups[7];
    size_t count = 0;
    do {
        groups[count++] = (unsigned)(index % 1000);
        index /= 1000;
    } while (index != 0);
    while (count > 1) {
        *to++ = 'x';
        to = put_three(to, groups[--count]);
        *to++ = '/';
    }
    return put_three(to, groups[0]);
}

static char *put_number(char *to, unsigned value)
{
    CHECK(value < 1000);
    if (value >= 100) *to++ = (char)('0' + value / 100);
    if (value >= 10) *to++ = (char)('0' + value / 10 % 10);
    *to++ = (char)('0' + value % 10);
    return to;
}

struct str tile_path(const struct tile *tile, char text[TILE_PATH_SIZE])
{
    CHECK(tile_is_possible(tile));
    char *to = put(text, "tile/");
    to = tile->kind == TILE_ENTRIES ? put(to, "entries") : put_number(to, tile->level);
    to = put(to, "/");
    to = put_index(to, tile->index);
    if (tile->width < TILE_WIDTH) to = put_number(put(to, ".p/"), tile->width);
    *to = '\0';
    CHECK(to < text + TILE_PATH_SIZE);
    return (struct str){ text, (size_t)(to - text) };
}

/* Cuts what is before the separator off the front; all of it when there is none. */
static struct str take_until(struct str *rest, char separator)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    struct str part = *rest;
    if (end == NULL) {
        *rest = (struct str){ NULL, 0 };
        return part;
    }
    part.len = (size_t)(end - rest->data);
    *rest = (struct str){ end + 1, rest->len - part.len - 1 };
    return part;
}

/* Loosely: the caller compares with what tile_path() writes. */
static bool take_index(struct str *rest, uint64_t *out_index)
{
    uint64_t index = 0;
    for (unsigned group = 0; group < 6; group++) {
        struct str part = *rest;
        bool more = part.len > 0 && part.data[0] == 'x';
        if (more) part = (struct str){ part.data + 1, part.len - 1 };
        if (part.len < 3) return false;
        for (unsigned i = 0; i < 3; i++) {
            if (part.data[i] < '0' || part.data[i] > '9') return false;
            index = index * 10 + (uint64_t)(part.data[i] - '0');
        }
        *rest = (struct str){ part.data + 3, part.len - 3 };
        if (!more) {
            *out_index = index;
            return true;
        }
        if (rest->len == 0 || rest->data[0] != '/') return false;
        *rest = (struct str){ rest->data + 1, rest->len - 1 };
    }
    return false;
}

enum status tile_parse(struct str path, struct tile *out_tile)
{
    struct tile tile = { .width = TILE_WIDTH };
    struct str rest = path;
    if (path.len >= TILE_PATH_SIZE) return STATUS_INVALID;
    if (!str_equal(take_until(&rest, '/'), STR("tile"))) return STATUS_INVALID;
    struct str level = take_until(&rest, '/');
    uint64_t number = 0;
    if (str_equal(level, STR("entries"))) {
        tile.kind = TILE_ENTRIES;
    } else if (decimal_parse(level, TILE_LEVELS - 1, &number) != STATUS_OK) {
        return STATUS_INVALID;
    }
    tile.level = (unsigned)number;
    if (!take_index(&rest, &tile.index)) return STATUS_INVALID;
    if (str_starts(rest, STR(".p/"))) {
        rest = (struct str){ rest.data + 3, rest.len - 3 };
        if (decimal_parse(rest, TILE_WIDTH - 1, &number) != STATUS_OK) return STATUS_INVALID;
        tile.width = (unsigned)number;
    }
    char again[TILE_PATH_SIZE];
    if (!tile_is_possible(&tile) || !str_equal(tile_path(&tile, again), path)) {
        return STATUS_INVALID;
    }
    *out_tile = tile;
    return STATUS_OK;
}

/* ---- Walks ---- */

void tile_walk_init(struct tile_walk *walk, enum tile_kind kind, uint64_t from, uint64_t to)
{
    CHECK(from <= to);
    CHECK(to <= TREE_SIZE_MAX);
    *walk = (struct tile_walk){
        .kind = kind,
        .from = from,
        .to = to,
        .index = hashes_of(from, 0) / TILE_WIDTH,
    };
}

bool tile_walk_next(struct tile_walk *walk, struct tile *out_tile)
{
    unsigned levels = walk->kind == TILE_ENTRIES ? 1 : TILE_LEVELS;
    while (walk->level < levels) {
        uint64_t old = hashes_of(walk->from, walk->level);
        uint64_t new = hashes_of(walk->to, walk->level);
        unsigned width = old < new ? tile_width(walk->to, walk->level, walk->index) : 0;
        if (width > 0) {
            *out_tile = (struct tile){
                .kind = walk->kind,
                .level = walk->level,
                .index = walk->index++,
                .width = width,
            };
            return true;
        }
        walk->level++;
        walk->index = hashes_of(walk->from, walk->level) / TILE_WIDTH;
    }
    return false;
}
