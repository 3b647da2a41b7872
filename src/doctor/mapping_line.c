#include "doctor/mapping_line.h"

struct str mapping_trimmed(struct str text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct str){ text.data + 1, text.len - 1 };
    while (text.len > 0 && strchr(" \t\r", text.data[text.len - 1]) != NULL) text.len--;
    return text;
}

struct str mapping_part_take(struct str *text, char mark)
{
    const char *end = text->len == 0 ? NULL : memchr(text->data, mark, text->len);
    struct str part = *text;
    if (end == NULL) {
        text->len = 0;
        return part;
    }
    part.len = (size_t)(end - text->data);
    *text = (struct str){ end + 1, text->len - part.len - 1 };
    return part;
}

bool mapping_line_next(struct str *text, struct mapping_line *line)
{
    while (text->len > 0) {
        struct str whole = *text;
        if (!str_take_line(text, &whole)) text->len = 0;
        whole = mapping_trimmed(whole);
        line->number++;
        if (whole.len == 0 || whole.data[0] == '#') continue;
        line->broken = memchr(whole.data, '=', whole.len) == NULL;
        line->name = mapping_trimmed(mapping_part_take(&whole, '='));
        line->constant = whole.len > 0 && whole.data[0] == '=';
        if (line->constant) whole = (struct str){ whole.data + 1, whole.len - 1 };
        line->value = mapping_trimmed(whole);
        return true;
    }
    return false;
}
