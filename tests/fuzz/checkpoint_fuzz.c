/*
 * Goal: whatever text comes as a checkpoint, it is refused, or there is no other text for it.
 * Method: what is accepted is written again and compared.
 */
#include <stdint.h>

#include "base/check.h"
#include "tlog/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = { (const char *)data, size };
    struct checkpoint checkpoint;
    struct error error;
    if (checkpoint_parse(input, &checkpoint, &error) != STATUS_OK) return 0;
    CHECK(checkpoint.head.size <= TREE_SIZE_MAX);
    struct buf again;
    buf_init(&again, CHECKPOINT_TEXT_SIZE_MAX);
    CHECK(checkpoint_format(&checkpoint, &again) == STATUS_OK);
    CHECK(str_equal(buf_view(&again), input));
    buf_free(&again);
    return 0;
}
