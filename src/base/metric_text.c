#include "base/metric_text.h"

void metric_head_write(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_labelled_write(struct buf *out, const char *name, const char *label, struct str value,
                           uint64_t number)
{
    buf_append_format(out, "%s{%s=\"", name, label);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c == '\n') {
            buf_append_str(out, STR("\\n"));
            continue;
        }
        if (c == '"' || c == '\\') buf_append_byte(out, '\\');
        buf_append_byte(out, (uint8_t)c);
    }
    buf_append_format(out, "\"} %llu\n", (unsigned long long)number);
}
