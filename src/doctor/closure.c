#include "doctor/closure.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json_member.h"
#include "doctor/examination.h"

static int by_name(const void *left, const void *right)
{
    const struct plan_violation *a = *(const struct plan_violation *const *)left;
    const struct plan_violation *b = *(const struct plan_violation *const *)right;
    int order = text_compare(a->invariant, b->invariant);
    return order != 0 ? order : text_compare(a->key, b->key);
}

static const struct plan_violation **in_order(const struct plan_diagnosis *diagnosis,
                                              struct arena *arena)
{
    const struct plan_violation **list =
        arena_take_array(arena, (size_t)diagnosis->violation_count + 1, sizeof *list);
    if (list == NULL) return NULL;
    for (uint32_t i = 0; i < diagnosis->violation_count; i++) list[i] = &diagnosis->violations[i];
    qsort(list, diagnosis->violation_count, sizeof *list, by_name);
    return list;
}

enum status closure_check(const struct plan_diagnosis *before, const struct plan_diagnosis *after,
                          struct arena *arena, struct error *out_error)
{
    if (before->truncated || after->truncated)
        return error_set(out_error, STATUS_CONFLICT, "the diagnosis is cut: not all was looked at");
    const struct plan_violation **held = in_order(before, arena);
    if (held == NULL) return error_set(out_error, STATUS_LIMIT, "no memory");
    for (uint32_t i = 0; i < after->violation_count; i++) {
        const struct plan_violation *violation = &after->violations[i];
        if (bsearch(&violation, held, before->violation_count, sizeof *held, by_name) != NULL)
            continue;
        enum status status = error_set(out_error, STATUS_CONFLICT, "the plan would break %.*s %.*s",
                                       STR_ARG(violation->invariant), STR_ARG(violation->key));
        error_hint(out_error, "a diagnosis of this ledger holds it before the entries, and not "
                              "after them: what is to be posted is not what is wrong");
        return status;
    }
    return STATUS_OK;
}

static bool is_open(const struct plan_violation *violation)
{
    return violation->fault.len == 0;
}

struct short_text {
    char bytes[CLOSURE_TEXT_MAX + 3];
};

/* Names come out of evidence, as long as its lines. Not cut within a character of UTF-8. */
static struct str text_shorten(struct str text, struct short_text *space)
{
    size_t len = CLOSURE_TEXT_MAX;
    if (text.len <= len) return text;
    while (len > 0 && ((unsigned char)text.data[len] & 0xC0) == 0x80) len--;
    memcpy(space->bytes, text.data, len);
    memcpy(space->bytes + len, "...", 3);
    return (struct str){ space->bytes, len + 3 };
}

static void short_member(struct json_writer *writer, const char *key, struct str text)
{
    struct short_text space;
    json_member_text(writer, key, text_shorten(text, &space));
}

uint32_t closure_left(const struct plan_diagnosis *after)
{
    uint32_t count = after->row_count;
    for (uint32_t i = 0; i < after->violation_count; i++)
        count += is_open(&after->violations[i]) ? 1 : 0;
    return count;
}

static void row_text_append(const struct plan_diagnosis *after, const struct plan_row *row,
                            struct buf *out)
{
    char digits[SIGNED_AMOUNT_TEXT_SIZE];
    struct short_text space;
    struct str account = text_shorten(row->account, &space);
    buf_append_format(out, "%.*s %.*s ", STR_ARG(account), STR_ARG(row->ccy));
    buf_append_str(out, signed_amount_format(row->delta, 0, digits));
    buf_append_format(out, " (%.*s)", STR_ARG(after->causes[row->cause].fault));
}

void closure_first(const struct plan_diagnosis *after, struct buf *out)
{
    for (uint32_t i = 0; i < after->violation_count; i++) {
        const struct plan_violation *violation = &after->violations[i];
        struct short_text space;
        if (!is_open(violation)) continue;
        struct str key = text_shorten(violation->key, &space);
        buf_append_format(out, "%.*s %.*s is not explained", STR_ARG(violation->invariant),
                          STR_ARG(key));
        return;
    }
    CHECK(after->row_count > 0); /* the caller has counted */
    row_text_append(after, &after->rows[0], out);
}

void closure_json(const struct plan_diagnosis *after, struct json_writer *writer)
{
    uint32_t named = 0;
    json_write_array_begin(writer);
    for (uint32_t i = 0; i < after->violation_count && named < CLOSURE_NAMED_MAX; i++) {
        const struct plan_violation *violation = &after->violations[i];
        if (!is_open(violation)) continue;
        json_write_object_begin(writer);
        short_member(writer, "invariant", violation->invariant);
        short_member(writer, "key", violation->key);
        json_write_object_end(writer);
        named++;
    }
    for (uint32_t i = 0; i < after->row_count && named < CLOSURE_NAMED_MAX; i++, named++) {
        const struct plan_row *row = &after->rows[i];
        char digits[SIGNED_AMOUNT_TEXT_SIZE];
        json_write_object_begin(writer);
        short_member(writer, "account", row->account);
        short_member(writer, "ccy", row->ccy);
        json_member_text(writer, "delta", signed_amount_format(row->delta, 0, digits));
        short_member(writer, "fault", after->causes[row->cause].fault);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}
