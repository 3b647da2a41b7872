#include "cmd/seed_range.h"

#include <string.h>

enum status seed_range_parse(const char *text, struct seed_range *out_range,
                             struct error *out_error)
{
    const char *dots = strstr(text, "..");
    uint64_t parts[2] = { 0, 0 };
    const char *at = text;
    uint32_t digits = 0;
    for (uint32_t part = 0; part < (dots == NULL ? 1 : 2); part++) {
        for (digits = 0; *at >= '0' && *at <= '9' && digits < 18; at++, digits++)
            parts[part] = 10 * parts[part] + (uint64_t)(*at - '0');
        if (digits == 0) break;
        if (part == 0 && dots == at) at += 2;
    }
    struct seed_range range = { parts[0], dots == NULL ? parts[0] : parts[1] };
    if (digits > 0 && *at == '\0' && range.first <= range.last) {
        *out_range = range;
        return STATUS_OK;
    }
    enum status status =
        error_set(out_error, STATUS_INVALID, "'--seeds %s' is not a range of seeds", text);
    error_hint(out_error, "write A..B with A at most B, like 0..99");
    return status;
}
