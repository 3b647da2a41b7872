/*
 * Goal: any text can be masked; what comes out is clean and not masked again.
 * Method: the input as text, masked, and looked at once more.
 */
#include <stdlib.h>

#include "doctor/mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;
    struct mask_counts counts = { 0, 0 };
    buf_init(&out, 8 * size + 64);
    mask_text((struct str){ (const char *)data, size }, &out, &counts);
    if (out.overflow || !mask_is_clean(buf_view(&out))) abort();
    buf_free(&out);
    return 0;
}
