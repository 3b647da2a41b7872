#include "adapter/wal_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

enum {
    WAL_HEADER_SIZE = 32,
    FRAME_HEADER_SIZE = 24,
    WAL_MAGIC = 0x377f0682, /* + 1: checksums over big-endian words */
    WAL_VERSION = 3007000,
    PAGE_SIZE_MIN = 512,
    PAGE_SIZE_MAX = 65536,
};

struct checksum {
    uint32_t first;
    uint32_t second;
};

struct wal {
    int file;
    uint32_t page_size;
    bool big_endian;
    bool header_is_good;
    uint32_t salts[2]; /* of the header; when that is bad, of the frame before */
};

static uint32_t big_endian_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t word_at(const uint8_t *bytes, bool big_endian)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return big_endian ? __builtin_bswap32(word) : word;
}

/* SQLite's: Fibonacci-weighted sums over pairs of words. size is a multiple of 8. */
static struct checksum checksum_add(struct checksum sum, const uint8_t *bytes, size_t size,
                                    bool big_endian)
{
    CHECK(size % 8 == 0);
    for (size_t i = 0; i < size; i += 8) {
        sum.first += word_at(bytes + i, big_endian) + sum.second;
        sum.second += word_at(bytes + i + 4, big_endian) + sum.first;
    }
    return sum;
}

static bool checksum_equal(struct checksum a, struct checksum b)
{
    return a.first == b.first && a.second == b.second;
}

static struct checksum checksum_at(const uint8_t *bytes)
{
    return (struct checksum){ big_endian_at(bytes), big_endian_at(bytes + 4) };
}

static bool page_size_is_valid(uint32_t size)
{
    return size >= PAGE_SIZE_MIN && size <= PAGE_SIZE_MAX && (size & (size - 1)) == 0;
}

static void header_read(struct wal *wal, const uint8_t header[WAL_HEADER_SIZE])
{
    uint32_t magic = big_endian_at(header);
    bool big_endian = magic == WAL_MAGIC + 1;
    struct checksum sum = checksum_add((struct checksum){ 0 }, header, 24, big_endian);
    wal->header_is_good = (magic == WAL_MAGIC || big_endian) &&
                          big_endian_at(header + 4) == WAL_VERSION &&
                          page_size_is_valid(big_endian_at(header + 8)) &&
                          checksum_equal(sum, checksum_at(header + 24));
    if (!wal->header_is_good) return;
    wal->big_endian = big_endian;
    wal->page_size = big_endian_at(header + 8);
    wal->salts[0] = big_endian_at(header + 16);
    wal->salts[1] = big_endian_at(header + 20);
}

/* With a bad header nobody knows the salts: frames that agree with the one before are meant. */
static bool salts_match(struct wal *wal, const uint8_t *frame)
{
    uint32_t salts[2] = { big_endian_at(frame + 8), big_endian_at(frame + 12) };
    bool match = salts[0] == wal->salts[0] && salts[1] == wal->salts[1];
    if (!wal->header_is_good) memcpy(wal->salts, salts, sizeof salts);
    return match;
}

static bool frame_is_good(struct wal *wal, const uint8_t *frame, struct checksum seed)
{
    if (!salts_match(wal, frame) || big_endian_at(frame) == 0) return false;
    struct checksum sum = checksum_add(seed, frame, 8, wal->big_endian);
    sum = checksum_add(sum, frame + FRAME_HEADER_SIZE, wal->page_size, wal->big_endian);
    return checksum_equal(sum, checksum_at(frame + 16));
}

static enum status damage(const char *path, int64_t offset, int64_t proof, struct error *out_error)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s is damaged at offset %lld", path,
                    (long long)offset);
    error_detail(out_error, "good frames of later transactions stand behind it, up to offset %lld",
                 (long long)proof);
    error_hint(out_error, "SQLite would drop them: keep the file, and restore from a backup");
    return STATUS_CORRUPT;
}

static enum status cannot_read(const char *path, struct error *out_error)
{
    int code = errno;
    (void)error_set(out_error, STATUS_UNAVAILABLE, "%s cannot be read", path);
    error_detail(out_error, "%s", strerror(code));
    return STATUS_UNAVAILABLE;
}

/* From the first frame to the end of the file. */
static enum status scan_frames(struct wal *wal, const char *path, uint8_t *frame,
                               struct checksum seed, struct error *out_error)
{
    const size_t frame_size = FRAME_HEADER_SIZE + wal->page_size;
    int64_t bad_at = wal->header_is_good ? -1 : 0;
    bool commit_behind = false; /* a good commit frame stands behind the bad one */
    for (int64_t at = WAL_HEADER_SIZE;; at += (int64_t)frame_size) {
        ssize_t got = pread(wal->file, frame, frame_size, at);
        if (got < 0) return cannot_read(path, out_error);
        if ((size_t)got < frame_size) return STATUS_OK;
        bool good = frame_is_good(wal, frame, seed);
        seed = checksum_at(frame + 16);
        if (!good && bad_at < 0) bad_at = at;
        if (!good || bad_at < 0) continue;
        if (commit_behind) return damage(path, bad_at, at, out_error);
        commit_behind = big_endian_at(frame + 4) != 0;
    }
}

enum status wal_scan(const char *wal_path, uint32_t page_size, struct error *out_error)
{
    CHECK(page_size_is_valid(page_size));
    struct wal wal = { .page_size = page_size };
    wal.file = open(wal_path, O_RDONLY | O_CLOEXEC);
    if (wal.file < 0) return errno == ENOENT ? STATUS_OK : cannot_read(wal_path, out_error);
    uint8_t header[WAL_HEADER_SIZE];
    enum status status = STATUS_OK;
    ssize_t got = pread(wal.file, header, sizeof header, 0);
    if (got < 0) {
        status = cannot_read(wal_path, out_error);
    } else if (got == sizeof header) {
        header_read(&wal, header);
        uint8_t *frame = malloc(FRAME_HEADER_SIZE + wal.page_size);
        CHECK(frame != NULL);
        status = scan_frames(&wal, wal_path, frame, checksum_at(header + 24), out_error);
        free(frame);
    }
    (void)close(wal.file); /* only read */
    return status;
}
