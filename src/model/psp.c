/* One key per step: the same for every attempt, so that a PSP recognises an order it has seen. */
#include "model/psp.h"

#include <stdio.h>

#include "base/check.h"

bool psp_name_is_valid(struct str name)
{
    if (name.len == 0 || name.len >= PSP_NAME_SIZE) return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') return false;
    }
    return true;
}

#define NAME_ENTRY(name, value, text) [value] = text,

const char *psp_operation_name(unsigned operation)
{
    static const char *const names[] = { PSP_OPERATION_TABLE(NAME_ENTRY) };
    return operation < sizeof names / sizeof names[0] ? names[operation] : NULL;
}

const char *psp_answer_name(unsigned answer)
{
    static const char *const names[] = { PSP_ANSWER_TABLE(NAME_ENTRY) };
    return answer < sizeof names / sizeof names[0] ? names[answer] : NULL;
}

const char *psp_line_kind_name(unsigned kind)
{
    static const char *const names[] = { PSP_LINE_KIND_TABLE(NAME_ENTRY) };
    return kind < sizeof names / sizeof names[0] ? names[kind] : NULL;
}

bool psp_line_kind_parse(struct str text, uint8_t *out_kind)
{
    for (unsigned kind = 1; kind < PSP_LINE_KIND_END; kind++) {
        if (!str_equal(text, str_from(psp_line_kind_name(kind)))) continue;
        *out_kind = (uint8_t)kind;
        return true;
    }
    return false;
}

struct str psp_key(struct payment_id payment, uint32_t step_number, char out_text[PSP_KEY_SIZE])
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(payment.value, id);
    int len = snprintf(out_text, PSP_KEY_SIZE, "%s:%u", id, step_number);
    CHECK(len > 0 && len < PSP_KEY_SIZE);
    return (struct str){ out_text, (size_t)len };
}

bool psp_key_parse(struct str text, struct payment_id *out_payment, uint32_t *out_step_number)
{
    enum { PREFIX = UUID_TEXT_LEN + 1, DIGITS_MAX = 9 };
    if (text.len <= PREFIX || text.len > PREFIX + DIGITS_MAX) return false;
    if (text.data[UUID_TEXT_LEN] != ':' || text.data[PREFIX] == '0') return false;
    struct uuid id;
    if (uuid_parse((struct str){ text.data, UUID_TEXT_LEN }, &id) != STATUS_OK) return false;
    uint32_t number = 0;
    for (size_t i = PREFIX; i < text.len; i++) {
        char digit = text.data[i];
        if (digit < '0' || digit > '9') return false;
        number = number * 10 + (uint32_t)(digit - '0');
    }
    *out_payment = (struct payment_id){ id };
    *out_step_number = number;
    return true;
}
