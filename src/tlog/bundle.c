#include "tlog/bundle.h"

#include "base/check.h"

void bundle_append(struct buf *bundle, struct str entry)
{
    CHECK(entry.len <= BUNDLE_ENTRY_SIZE_MAX);
    const uint8_t size[2] = { (uint8_t)(entry.len >> 8), (uint8_t)entry.len };
    buf_append(bundle, size, sizeof size);
    buf_append_str(bundle, entry);
}

enum status bundle_next(struct str *rest, struct str *out_entry)
{
    if (rest->len == 0) return STATUS_NOT_FOUND;
    if (rest->len < 2) return STATUS_INVALID;
    size_t size = (size_t)(uint8_t)rest->data[0] << 8 | (uint8_t)rest->data[1];
    if (size > rest->len - 2) return STATUS_INVALID;
    *out_entry = (struct str){ rest->data + 2, size };
    *rest = (struct str){ rest->data + 2 + size, rest->len - 2 - size };
    return STATUS_OK;
}
