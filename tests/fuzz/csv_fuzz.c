/*
 * Goal: whatever bytes come as a CSV file, reading ends, stays inside them, and places are right.
 * Method: the input as a file, read to its end or its first fault.
 */
#define _GNU_SOURCE /* memfd_create */
#include "cmd/csv_reader.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void records_read(struct csv_reader *reader, size_t size)
{
    struct error error;
    bool found = true;
    uint64_t line = 0;
    while (csv_reader_next(reader, &found, &error) == STATUS_OK && found) {
        size_t len = 0;
        CHECK(reader->field_count > 0 && reader->field_count <= CSV_FIELDS_MAX);
        for (uint32_t i = 0; i < reader->field_count; i++) len += reader->fields[i].len;
        CHECK(len <= size && reader->bytes <= size);
        CHECK(reader->line > line);
        line = reader->line;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv_reader reader;
    int file = memfd_create("csv", MFD_CLOEXEC);
    CHECK(file >= 0);
    CHECK(write(file, data, size) == (ssize_t)size && lseek(file, 0, SEEK_SET) == 0);
    csv_reader_init(&reader, file);
    records_read(&reader, size);
    csv_reader_done(&reader);
    (void)close(file); /* nothing is kept */
    return 0;
}
