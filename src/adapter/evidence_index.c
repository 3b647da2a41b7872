#define _GNU_SOURCE /* O_TMPFILE */
#include "adapter/evidence_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/reserve.h"

enum { ENTRY = sizeof(uint64_t), DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 3 };

static enum status failed(const char *what, struct error *out_error)
{
    return error_set(out_error, status_of_errno(errno), "an index of the evidence cannot be %s: %s",
                     what, strerror(errno));
}

static enum status bytes_write(int file, const void *bytes, uint64_t size, uint64_t offset,
                               struct error *out_error)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t done = pwrite(file, at, size > (1 << 30) ? 1 << 30 : size, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return failed("written", out_error);
        at += done;
        offset += (uint64_t)done;
        size -= (uint64_t)done;
    }
    return STATUS_OK;
}

static enum status bytes_read(int file, void *bytes, uint64_t size, uint64_t offset,
                              struct error *out_error)
{
    uint8_t *at = bytes;
    while (size > 0) {
        ssize_t got = pread(file, at, size > (1 << 30) ? 1 << 30 : size, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return failed("read", out_error);
        at += got;
        offset += (uint64_t)got;
        size -= (uint64_t)got;
    }
    return STATUS_OK;
}

static enum status held_write(struct evidence_index *index, const char *folder,
                              struct error *out_error)
{
    if (index->written == 0) {
        index->file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (index->file < 0) return failed("made", out_error);
    }
    uint64_t size = index->held_count * (uint64_t)ENTRY;
    enum status status = bytes_write(index->file, index->held, size, index->written, out_error);
    index->written += size;
    index->held_count = 0;
    return status;
}

enum status evidence_index_add(struct evidence_index *index, const char *folder, uint32_t hash,
                               uint32_t row, struct error *out_error)
{
    CHECK(!index->sorted);
    if (index->held == NULL) {
        index->held = malloc(EVIDENCE_INDEX_HELD * sizeof *index->held);
        if (index->held == NULL) return error_set(out_error, STATUS_LIMIT, "no memory for indexes");
    }
    if (index->held_count == EVIDENCE_INDEX_HELD) {
        enum status status = held_write(index, folder, out_error);
        if (status != STATUS_OK) return status;
    }
    index->held[index->held_count++] = (uint64_t)hash << 32 | row;
    index->count++;
    return STATUS_OK;
}

void evidence_index_done(struct evidence_index *index)
{
    free(index->held);
    if (index->written > 0) (void)close(index->file); /* it has no name: it is gone */
    *index = (struct evidence_index){ 0 };
}

/* By the upper half, digit by digit; equal ones keep their order. */
static void entries_sort(uint64_t *entries, uint64_t *other, uint64_t count)
{
    for (int pass = 0; pass < PASSES; pass++) {
        uint64_t starts[DIGITS] = { 0 };
        int shift = 32 + pass * DIGIT_BITS;
        for (uint64_t i = 0; i < count; i++) starts[entries[i] >> shift & (DIGITS - 1)]++;
        uint64_t sum = 0;
        for (uint32_t i = 0; i < DIGITS; i++) {
            uint64_t own = starts[i];
            starts[i] = sum;
            sum += own;
        }
        for (uint64_t i = 0; i < count; i++)
            other[starts[entries[i] >> shift & (DIGITS - 1)]++] = entries[i];
        uint64_t *sorted = other;
        other = entries;
        entries = sorted;
    }
}

static enum status sort(struct evidence_index *index, struct error *out_error)
{
    size_t size = index->count * ENTRY;
    uint64_t *entries = reserve_new(2 * size + ENTRY); /* both halves; never nothing */
    if (entries == NULL) return error_set(out_error, STATUS_LIMIT, "no memory to sort an index");
    enum status status = STATUS_OK;
    if (index->written > 0) status = bytes_read(index->file, entries, index->written, 0, out_error);
    if (index->held_count > 0)
        memcpy(entries + index->written / ENTRY, index->held, index->held_count * (size_t)ENTRY);
    if (status == STATUS_OK) entries_sort(entries, entries + index->count, index->count);
    const uint64_t *sorted = entries + index->count; /* after an odd number of passes */
    if (status == STATUS_OK && index->written > 0) {
        status = bytes_write(index->file, sorted, size, 0, out_error);
        index->held_count = 0;
    } else if (status == STATUS_OK && size > 0) {
        memcpy(index->held, sorted, size);
    }
    index->sorted = status == STATUS_OK;
    reserve_free(entries, 2 * size + ENTRY);
    return status;
}

enum status evidence_index_at(struct evidence_index *index, uint64_t place, uint64_t *out_entry,
                              struct error *out_error)
{
    CHECK(index->sorted);
    CHECK(place < index->count);
    if (place < index->window || place >= index->window + index->held_count) {
        uint64_t from = place - place % (EVIDENCE_INDEX_HELD / 8);
        uint64_t count = index->count - from;
        if (count > EVIDENCE_INDEX_HELD / 8) count = EVIDENCE_INDEX_HELD / 8;
        index->held_count = 0;
        enum status status =
            bytes_read(index->file, index->held, count * ENTRY, from * ENTRY, out_error);
        if (status != STATUS_OK) return status;
        index->window = from;
        index->held_count = (uint32_t)count;
    }
    *out_entry = index->held[place - index->window];
    return STATUS_OK;
}

/* The first place whose hash is not below this one. Hashes are even: it is guessed, then halved. */
static enum status lower(struct evidence_index *index, uint64_t hash, uint64_t *out_place,
                         struct error *out_error)
{
    uint64_t low = 0;
    uint64_t high = index->count;
    uint64_t guess = (uint64_t)((unsigned __int128)hash * index->count >> 32);
    uint64_t step = 512;
    enum status status = STATUS_OK;
    uint64_t entry;
    while (guess > low && guess < high) { /* brackets it, from the guess outwards */
        status = evidence_index_at(index, guess, &entry, out_error);
        if (status != STATUS_OK) return status;
        if (entry >> 32 < hash) {
            low = guess + 1;
            if (high - low < step) break;
            guess = low + step < high ? low + step : high - 1;
        } else {
            high = guess;
            if (high - low < step) break;
            guess = high - step;
        }
        step *= 2;
    }
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        status = evidence_index_at(index, middle, &entry, out_error);
        if (status != STATUS_OK) return status;
        if (entry >> 32 < hash)
            low = middle + 1;
        else
            high = middle;
    }
    *out_place = low;
    return STATUS_OK;
}

enum status evidence_index_find(struct evidence_index *index, uint32_t first, uint32_t last,
                                uint64_t *out_from, uint64_t *out_to, struct error *out_error)
{
    enum status status = index->sorted ? STATUS_OK : sort(index, out_error);
    if (status == STATUS_OK) status = lower(index, first, out_from, out_error);
    if (status != STATUS_OK) return status;
    return lower(index, (uint64_t)last + 1, out_to, out_error);
}
