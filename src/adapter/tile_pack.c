#include "adapter/tile_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter/file_error.h"
#include "base/check.h"

enum { TILE_BYTES = TILE_WIDTH * sizeof(struct digest) };

/* Where a bundle lies; the hole before the first that was ever written says 0 to 0. */
struct place {
    uint64_t start;
    uint64_t end;
};

/* ---- Files ---- */

static enum status file_open(int folder, const char *name, bool read_only, int *out_file,
                             struct error *out_error)
{
    int flags = read_only ? O_RDONLY : O_RDWR | O_CREAT;
    *out_file = openat(folder, name, flags | O_CLOEXEC, 0600);
    if (*out_file >= 0 || (read_only && errno == ENOENT)) return STATUS_OK;
    return file_error("the log", "open", "the tiles", out_error);
}

enum status tile_pack_open(int folder, bool read_only, struct tile_pack *out_pack,
                           struct error *out_error)
{
    memset(out_pack, -1, sizeof *out_pack);
    enum status status = STATUS_OK;
    for (unsigned level = 0; level < TILE_LEVELS && status == STATUS_OK; level++) {
        char name[] = "hashes-0";
        name[sizeof name - 2] = (char)('0' + level);
        status = file_open(folder, name, read_only, &out_pack->hashes[level], out_error);
    }
    if (status == STATUS_OK) {
        status = file_open(folder, "entries", read_only, &out_pack->entries, out_error);
    }
    if (status == STATUS_OK) {
        status = file_open(folder, "entries-places", read_only, &out_pack->places, out_error);
    }
    if (status != STATUS_OK) tile_pack_close(out_pack);
    return status;
}

static void file_close(int *file)
{
    if (*file >= 0) (void)close(*file); /* synced when it mattered */
    *file = -1;
}

void tile_pack_close(struct tile_pack *pack)
{
    for (unsigned level = 0; level < TILE_LEVELS; level++) file_close(&pack->hashes[level]);
    file_close(&pack->entries);
    file_close(&pack->places);
}

/* All of it: STATUS_NOT_FOUND where the file ends before. */
static enum status get(int file, void *out_bytes, size_t size, uint64_t at, struct error *out_error)
{
    if (file < 0) return STATUS_NOT_FOUND;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(file, (uint8_t *)out_bytes + done, size - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error("the log", "read", "the tiles", out_error);
        if (got == 0) return STATUS_NOT_FOUND;
        done += (size_t)got;
    }
    return STATUS_OK;
}

static enum status put(int file, const void *bytes, size_t size, uint64_t at,
                       struct error *out_error)
{
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(file, (const uint8_t *)bytes + done, size - done, (off_t)(at + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return file_error("the log", "write", "the tiles", out_error);
        done += (size_t)put;
    }
    return STATUS_OK;
}

/* ---- Tiles ---- */

static enum status range_read(int file, uint64_t at, uint64_t size, struct buf *out_bytes,
                              struct error *out_error)
{
    buf_reset(out_bytes);
    uint8_t *room = size <= SIZE_MAX ? buf_extend(out_bytes, (size_t)size) : NULL;
    if (room == NULL) return error_set(out_error, STATUS_LIMIT, "the log: a tile is too large");
    enum status status = get(file, room, (size_t)size, at, out_error);
    if (status != STATUS_OK) buf_reset(out_bytes);
    return status;
}

enum status tile_pack_read(const struct tile_pack *pack, const struct tile *tile,
                           struct buf *out_bytes, struct error *out_error)
{
    if (tile->width != TILE_WIDTH) return STATUS_NOT_FOUND;
    if (tile->kind == TILE_HASHES) {
        static const struct digest hole; /* no hash is all zeroes */
        enum status status = range_read(pack->hashes[tile->level], tile->index * TILE_BYTES,
                                        TILE_BYTES, out_bytes, out_error);
        bool lost = status == STATUS_OK && memcmp(out_bytes->data, &hole, sizeof hole) == 0;
        return lost ? STATUS_NOT_FOUND : status;
    }
    struct place place;
    enum status status =
        get(pack->places, &place, sizeof place, tile->index * sizeof place, out_error);
    if (status != STATUS_OK) return status;
    if (place.end <= place.start || place.end > INT64_MAX) return STATUS_NOT_FOUND;
    return range_read(pack->entries, place.start, place.end - place.start, out_bytes, out_error);
}

/* Behind the bundle before, so that one written again lies where it was; else behind all. */
static enum status bundle_begins(const struct tile_pack *pack, uint64_t index, uint64_t *out_start,
                                 struct error *out_error)
{
    *out_start = 0;
    if (index == 0) return STATUS_OK;
    struct place before;
    enum status status =
        get(pack->places, &before, sizeof before, (index - 1) * sizeof before, out_error);
    bool known = status == STATUS_OK && before.end > before.start;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    off_t end = known ? (off_t)before.end : lseek(pack->entries, 0, SEEK_END);
    if (end < 0) return file_error("the log", "read", "the tiles", out_error);
    *out_start = (uint64_t)end;
    return STATUS_OK;
}

enum status tile_pack_write(struct tile_pack *pack, const struct tile *tile, struct str bytes,
                            struct error *out_error)
{
    CHECK(tile->width == TILE_WIDTH && tile_is_possible(tile));
    if (tile->kind == TILE_HASHES) {
        CHECK(bytes.len == TILE_BYTES);
        return put(pack->hashes[tile->level], bytes.data, bytes.len, tile->index * TILE_BYTES,
                   out_error);
    }
    CHECK(bytes.len > 0);
    struct place place;
    enum status status = bundle_begins(pack, tile->index, &place.start, out_error);
    if (status == STATUS_OK) {
        place.end = place.start + bytes.len;
        status = put(pack->entries, bytes.data, bytes.len, place.start, out_error);
    }
    if (status != STATUS_OK) return status;
    return put(pack->places, &place, sizeof place, tile->index * sizeof place, out_error);
}
