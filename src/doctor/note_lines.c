#include "doctor/note_lines.h"

#include <string.h>

#include "base/hex.h"

void note_line_digest(struct buf *out, const char *name, const struct digest *digest)
{
    char text[2 * sizeof digest->bytes + 1];
    struct str digits = hex_format(digest->bytes, sizeof digest->bytes, text);
    buf_append_format(out, "%s %.*s\n", name, STR_ARG(digits));
}

bool note_line_take(struct str *rest, const char *name, struct str *out_value)
{
    struct str line;
    size_t len = strlen(name);
    if (!str_take_line(rest, &line) || line.len < len + 2) return false;
    if (memcmp(line.data, name, len) != 0 || line.data[len] != ' ') return false;
    *out_value = (struct str){ line.data + len + 1, line.len - len - 1 };
    return true;
}

bool note_line_take_digest(struct str *rest, const char *name, struct digest *out_digest)
{
    struct str value;
    return note_line_take(rest, name, &value) &&
           hex_parse(value, out_digest->bytes, sizeof out_digest->bytes) == STATUS_OK;
}
