/*
 * Goal: whatever path comes from a URL, it is refused or names one possible tile, which has no
 * other path; and whatever bytes come as a bundle, reading stays inside them.
 * Method: what is accepted is written again and compared; entries are put together again.
 */
#include <stdint.h>

#include "base/check.h"
#include "tlog/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_bundle(struct str input)
{
    struct buf again;
    buf_init(&again, input.len);
    struct str rest = input;
    struct str entry;
    enum status status;
    while ((status = bundle_next(&rest, &entry)) == STATUS_OK) bundle_append(&again, entry);
    CHECK(buf_status(&again) == STATUS_OK);
    CHECK(again.len + rest.len == input.len);
    CHECK((status == STATUS_NOT_FOUND) == (rest.len == 0));
    CHECK(again.len == 0 || memcmp(again.data, input.data, again.len) == 0);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    struct tile tile;
    read_bundle(input);
    if (tile_parse(input, &tile) != STATUS_OK) return 0;
    char text[TILE_PATH_SIZE];
    CHECK(tile_is_possible(&tile));
    CHECK(str_equal(tile_path(&tile, text), input));
    return 0;
}
