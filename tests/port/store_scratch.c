/*
 * Goal: journals whose every byte can be told from the sequence numbers alone.
 * Method: batches and slices are drawn from a prng seeded by their place; verifying draws them
 * again and compares.
 */
#include "tests/port/store_scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/prng.h"
#include "model/record.h"

enum { SLICE_EVERY = 3, SLICES_PER_SWEEP = 4, SLICE_ENTRIES = 10, BATCH_BYTES_MAX = 1 << 16 };

/* ---- folders ---- */

void scratch_join(const char *folder, const char *name, char out_path[SCRATCH_PATH_SIZE])
{
    int length = snprintf(out_path, SCRATCH_PATH_SIZE, "%s/%s", folder, name);
    CHECK(length > 0 && length < SCRATCH_PATH_SIZE);
}

void scratch_path(const char *name, char out_path[SCRATCH_PATH_SIZE])
{
    const char *top = getenv("TMPDIR");
    scratch_join(top == NULL ? "/tmp" : top, name, out_path);
}

void scratch_remove(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        (void)unlink(path); /* a file, or nothing */
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char inner[SCRATCH_PATH_SIZE];
        scratch_join(path, entry->d_name, inner);
        scratch_remove(inner);
    }
    (void)closedir(folder);
    int failed = rmdir(path);
    CHECK(failed == 0);
}

void scratch_folder(const char *name, char out_path[SCRATCH_PATH_SIZE])
{
    char archive[SCRATCH_PATH_SIZE];
    scratch_path(name, out_path);
    scratch_remove(out_path);
    int failed = mkdir(out_path, 0700);
    CHECK(failed == 0);
    scratch_join(out_path, "archive", archive);
    failed = mkdir(archive, 0700);
    CHECK(failed == 0);
}

static void copy_file(const char *from, const char *to)
{
    static uint8_t bytes[1 << 16];
    int source = open(from, O_RDONLY);
    int target = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(source >= 0);
    CHECK(target >= 0);
    ssize_t got = read(source, bytes, sizeof bytes);
    while (got > 0) {
        ssize_t written = write(target, bytes, (size_t)got);
        CHECK(written == got);
        got = read(source, bytes, sizeof bytes);
    }
    CHECK(got == 0);
    (void)close(source);
    (void)close(target);
}

void scratch_copy(const char *from, const char *to)
{
    DIR *folder = opendir(from);
    CHECK(folder != NULL);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        const char *name = entry->d_name;
        char source[SCRATCH_PATH_SIZE];
        char target[SCRATCH_PATH_SIZE];
        struct stat info;
        scratch_join(from, name, source);
        scratch_join(to, name, target);
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strstr(name, "-shm") != NULL ||
            strcmp(name, "lock") == 0 || stat(source, &info) != 0) {
            continue;
        }
        if (S_ISDIR(info.st_mode)) {
            (void)mkdir(target, 0700); /* may be there */
            scratch_copy(source, target);
        } else {
            copy_file(source, target);
        }
    }
    (void)closedir(folder);
}

uint64_t scratch_file_size(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

/* ---- batches ---- */

struct digest scratch_batch(uint64_t sequence, const struct digest *previous, uint8_t *data,
                            size_t size)
{
    struct prng prng;
    struct batch_header header = {
        .magic = BATCH_MAGIC,
        .version = BATCH_VERSION,
        .header_size = sizeof header,
        .size = (uint32_t)size,
        .sequence = sequence,
        .stamp = { (int64_t)sequence * 1000 },
        .previous = *previous,
    };
    CHECK(size >= sizeof header);
    prng_init(&prng, sequence);
    prng_fill(&prng, data + sizeof header, size - sizeof header);
    memcpy(data, &header, sizeof header);
    return digest_of(data, size);
}

size_t scratch_batch_size(uint64_t sequence)
{
    struct prng prng;
    prng_init(&prng, ~sequence);
    size_t size = sizeof(struct batch_header);
    switch (prng_below(&prng, 3)) {
    case 0: return size + prng_below(&prng, 300);
    case 1: return size + prng_below(&prng, 9000);
    default: return size + prng_below(&prng, 40000);
    }
}

/* ---- slices: every third batch carries the next quarter of a sweep over one table ---- */

static struct store_slice slice_number(uint64_t number, uint8_t *data)
{
    struct prng prng;
    prng_init(&prng, number * 7919);
    uint64_t from = number % SLICES_PER_SWEEP * SLICE_ENTRIES;
    struct store_slice slice = {
        .table = 1,
        .generation = number / SLICES_PER_SWEEP + 1,
        .from = from,
        .to = from + SLICE_ENTRIES,
        .at_batch = (number + 1) * SLICE_EVERY,
        .data = data,
        .size = 1 + prng_below(&prng, 20000),
    };
    prng_fill(&prng, data, slice.size);
    return slice;
}

uint64_t scratch_append(struct store *store, uint64_t count, enum status *out_status,
                        struct error *out_error)
{
    static uint8_t data[BATCH_BYTES_MAX];
    static uint8_t slice_data[BATCH_BYTES_MAX];
    struct store_head head;
    *out_status = store->head(store, &head, out_error);
    if (*out_status != STATUS_OK) return 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t sequence = head.sequence + 1;
        size_t size = scratch_batch_size(sequence);
        struct store_slice slice;
        struct store_batch batch = {
            .epoch = head.epoch,
            .sequence = sequence,
            .stamp = { (int64_t)sequence * 1000 },
            .hash = scratch_batch(sequence, &head.hash, data, size),
            .data = data,
            .size = size,
        };
        if (sequence % SLICE_EVERY == 0) {
            slice = slice_number(sequence / SLICE_EVERY - 1, slice_data);
            batch.slices = &slice;
            batch.slice_count = 1;
        }
        *out_status = store->append(store, &batch, out_error);
        if (*out_status != STATUS_OK) return i;
        head.sequence = sequence;
        head.hash = batch.hash;
    }
    return count;
}

/* ---- verifying ---- */

static enum status wrong(struct error *out_error, const char *what, uint64_t sequence)
{
    return error_set(out_error, STATUS_INVALID, "%s of batch %llu is wrong and was not refused",
                     what, (unsigned long long)sequence);
}

static enum status verify_slices(struct store *store, uint64_t head, struct error *out_error)
{
    static uint8_t expected[BATCH_BYTES_MAX];
    struct buf list;
    struct buf data;
    buf_init(&list, 1 << 16);
    buf_init(&data, SLICE_SIZE_MAX);
    uint64_t written = head / SLICE_EVERY;
    uint64_t kept = written < SLICES_PER_SWEEP ? written : SLICES_PER_SWEEP;
    enum status status = store->slice_list(store, &list, out_error);
    if (status == STATUS_OK && list.len != kept * sizeof(struct store_slice)) {
        status = wrong(out_error, "the list of slices", head);
    }
    for (uint64_t i = 0; status == STATUS_OK && i < kept; i++) {
        struct store_slice slice;
        struct store_slice right = slice_number(written - kept + i, expected);
        memcpy(&slice, list.data + i * sizeof slice, sizeof slice);
        if (slice.generation != right.generation || slice.from != right.from ||
            slice.to != right.to || slice.at_batch != right.at_batch || slice.size != right.size ||
            slice.table != right.table) {
            status = wrong(out_error, "a slice", right.at_batch);
        }
        if (status == STATUS_OK) status = store->slice_read(store, &slice, &data, out_error);
        if (status == STATUS_OK &&
            (data.len != right.size || memcmp(data.data, expected, data.len) != 0)) {
            status = wrong(out_error, "the data of a slice", right.at_batch);
        }
    }
    buf_free(&list);
    buf_free(&data);
    return status;
}

static enum status verify_batch(struct store *store, uint64_t sequence, struct digest *previous,
                                struct buf *blob, struct error *out_error)
{
    static uint8_t expected[BATCH_BYTES_MAX];
    size_t size = scratch_batch_size(sequence);
    *previous = scratch_batch(sequence, previous, expected, size);
    enum status status = store->read(store, sequence, blob, out_error);
    if (status != STATUS_OK) return status;
    if (blob->len != size || memcmp(blob->data, expected, size) != 0) {
        return wrong(out_error, "the data", sequence);
    }
    uint64_t found = 0;
    status =
        store->find_stamp(store, (struct wall_time){ (int64_t)sequence * 1000 }, &found, out_error);
    if (status == STATUS_OK && found != sequence) return wrong(out_error, "the stamp", sequence);
    return status;
}

enum status scratch_verify(struct store *store, struct error *out_error)
{
    struct store_head head;
    struct digest previous = { 0 };
    struct buf blob;
    buf_init(&blob, BATCH_SIZE_MAX);
    enum status status = store->head(store, &head, out_error);
    for (uint64_t sequence = 1; status == STATUS_OK && sequence <= head.sequence; sequence++) {
        status = verify_batch(store, sequence, &previous, &blob, out_error);
    }
    buf_free(&blob);
    if (status != STATUS_OK) return status;
    if (!digest_equal(&previous, &head.hash)) return wrong(out_error, "the hash", head.sequence);
    return verify_slices(store, head.sequence, out_error);
}
