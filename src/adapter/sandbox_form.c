#include "adapter/sandbox_form.h"

#include <stdint.h>

static bool digit(char c, unsigned *out_value)
{
    char lower = (char)(c | 0x20);
    if (c >= '0' && c <= '9')
        *out_value = (unsigned)(c - '0');
    else if (lower >= 'a' && lower <= 'f')
        *out_value = (unsigned)(lower - 'a') + 10;
    else
        return false;
    return true;
}

enum status form_decode(struct str text, bool plus, struct arena *arena, struct str *out_text)
{
    char *made = arena_take(arena, text.len + 1);
    if (made == NULL) return STATUS_LIMIT;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            unsigned high;
            unsigned low;
            if (i + 2 >= text.len) return STATUS_INVALID;
            if (!digit(text.data[i + 1], &high) || !digit(text.data[i + 2], &low))
                return STATUS_INVALID;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        made[len++] = c;
    }
    *out_text = (struct str){ made, len };
    return STATUS_OK;
}

static struct str cut(struct str *rest, char mark)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, mark, rest->len);
    struct str word = { rest->data, end == NULL ? rest->len : (size_t)(end - rest->data) };
    size_t taken = end == NULL ? word.len : word.len + 1;
    *rest = (struct str){ rest->data + taken, rest->len - taken };
    return word;
}

enum status form_read(struct str text, struct arena *arena, struct form *out_form)
{
    out_form->count = 0;
    while (text.len > 0) {
        struct str value = cut(&text, '&');
        if (value.len == 0) continue;
        if (out_form->count == FORM_FIELDS_MAX) return STATUS_LIMIT;
        struct form_field *field = &out_form->fields[out_form->count++];
        struct str name = cut(&value, '=');
        enum status status = form_decode(name, true, arena, &field->name);
        if (status == STATUS_OK) status = form_decode(value, true, arena, &field->value);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

bool form_has(const struct form *form, struct str name)
{
    for (uint32_t i = 0; i < form->count; i++)
        if (str_equal(form->fields[i].name, name)) return true;
    return false;
}

struct str form_value(const struct form *form, struct str name)
{
    for (uint32_t i = 0; i < form->count; i++)
        if (str_equal(form->fields[i].name, name)) return form->fields[i].value;
    return STR("");
}

bool form_number(const struct form *form, struct str name, uint64_t max, uint64_t *out_value)
{
    enum { DIGITS_MAX = 19 };
    if (!form_has(form, name)) return true;
    struct str text = form_value(form, name);
    uint64_t value = 0;
    if (text.len == 0 || text.len > DIGITS_MAX) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (value > max) return false;
    *out_value = value;
    return true;
}
