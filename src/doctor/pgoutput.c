/* Every number is read through take(), which knows how many bytes are left. */
#include "doctor/pgoutput.h"

#include <string.h>

/* 2000-01-01, from which PostgreSQL counts microseconds. */
#define EPOCH_NS (INT64_C(946684800) * NS_PER_S)

struct reading {
    const uint8_t *at;
    size_t left;
    const char *fault; /* the first one */
};

static void fail(struct reading *it, const char *fault)
{
    if (it->fault == NULL) it->fault = fault;
}

/* size bytes, or NULL and a fault. */
static const uint8_t *take(struct reading *it, size_t size)
{
    if (it->fault != NULL || size > it->left) {
        fail(it, "it ends too early");
        return NULL;
    }
    const uint8_t *bytes = it->at;
    it->at += size;
    it->left -= size;
    return bytes;
}

static uint64_t number(struct reading *it, size_t size)
{
    const uint8_t *bytes = take(it, size);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < size; i++) value = value << 8 | bytes[i];
    return value;
}

static char letter(struct reading *it)
{
    return (char)number(it, 1);
}

static struct str text(struct reading *it)
{
    const void *end = it->fault == NULL && it->left > 0 ? memchr(it->at, 0, it->left) : NULL;
    if (end == NULL) {
        fail(it, "a text has no end");
        return STR("");
    }
    size_t len = (size_t)((const uint8_t *)end - it->at);
    const uint8_t *bytes = take(it, len + 1);
    return (struct str){ (const char *)bytes, len };
}

static struct wall_time time_of(struct reading *it)
{
    int64_t us = (int64_t)number(it, 8);
    int64_t ns;
    if (__builtin_mul_overflow(us, NS_PER_US, &ns) || __builtin_add_overflow(ns, EPOCH_NS, &ns) ||
        ns < 0) {
        fail(it, "a time is before 1970 or after 2261");
        ns = 0;
    }
    return (struct wall_time){ ns };
}

static uint32_t columns_count(struct reading *it)
{
    uint32_t count = (uint32_t)number(it, 2);
    if (count > PGOUTPUT_COLUMNS_MAX) {
        fail(it, "more than 1600 columns");
        return 0;
    }
    return count;
}

/* ---- rows ---- */

static struct row_value value_read(struct reading *it)
{
    char kind = letter(it);
    if (kind == 'n') return (struct row_value){ .kind = ROW_VALUE_NULL };
    if (kind == 'u') return (struct row_value){ .kind = ROW_VALUE_UNKNOWN };
    if (kind != 't') fail(it, "a value is neither text, NULL nor left out");
    size_t size = (size_t)number(it, 4);
    const uint8_t *bytes = take(it, size);
    return (struct row_value){
        ROW_VALUE_TEXT, { bytes == NULL ? "" : (const char *)bytes, bytes == NULL ? 0 : size }
    };
}

static void row_read(struct reading *it, struct pgoutput_message *message, struct row_value *values)
{
    uint32_t count = columns_count(it);
    for (uint32_t i = 0; i < count && it->fault == NULL; i++) values[i] = value_read(it);
    if (message->column_count != 0 && message->column_count != count)
        fail(it, "a row has another number of columns behind than before");
    message->column_count = count;
}

/* The columns of the key alone are told; the others stand there as NULL. */
static void key_only(struct pgoutput_message *message)
{
    for (uint32_t i = 0; i < message->column_count; i++)
        if (message->before[i].kind == ROW_VALUE_NULL) message->before[i].kind = ROW_VALUE_UNKNOWN;
}

static void before_read(struct reading *it, struct pgoutput_message *message, char what)
{
    row_read(it, message, message->before);
    message->has_before = true;
    if (what == 'K') key_only(message);
}

static void change_read(struct reading *it, struct pgoutput_message *message)
{
    message->relation = (uint32_t)number(it, 4);
    char what = letter(it);
    bool before = what == 'K' || what == 'O';
    if (before && message->type != PGOUTPUT_INSERT) {
        before_read(it, message, what);
        if (message->type == PGOUTPUT_DELETE) return;
        what = letter(it);
    }
    if (what == 'N' && message->type != PGOUTPUT_DELETE)
        row_read(it, message, message->after);
    else
        fail(it, "a row is neither what was before nor what is after");
}

/* ---- the others ---- */

static void relation_read(struct reading *it, struct pgoutput_message *message)
{
    message->relation = (uint32_t)number(it, 4);
    message->schema = text(it);
    message->name = text(it);
    message->identity = letter(it);
    if (it->fault == NULL && (message->identity == 0 || strchr("dnfi", message->identity) == NULL))
        fail(it, "a table has an unknown replica identity");
    message->column_count = columns_count(it);
    for (uint32_t i = 0; i < message->column_count && it->fault == NULL; i++) {
        uint8_t flags = (uint8_t)number(it, 1);
        if (flags > 1) fail(it, "a column has unknown flags");
        message->columns[i] = text(it);
        (void)take(it, 8); /* its type and modifier: values are text whatever it is */
    }
}

static void truncate_read(struct reading *it, struct pgoutput_message *message)
{
    uint32_t count = (uint32_t)number(it, 4);
    if (number(it, 1) > 3) fail(it, "a TRUNCATE has unknown options");
    if (count > PGOUTPUT_TRUNCATED_MAX) {
        fail(it, "a TRUNCATE of more than 256 tables");
        return;
    }
    message->truncated_count = count;
    for (uint32_t i = 0; i < count; i++) message->truncated[i] = (uint32_t)number(it, 4);
}

static void commit_read(struct reading *it, struct pgoutput_message *message)
{
    if (number(it, 1) != 0) fail(it, "a commit has unknown flags");
    message->lsn = number(it, 8);
    (void)take(it, 8); /* where it ends */
    message->at = time_of(it);
}

static void begin_read(struct reading *it, struct pgoutput_message *message)
{
    message->lsn = number(it, 8);
    message->at = time_of(it);
    message->xid = (uint32_t)number(it, 4);
}

static void origin_read(struct reading *it, struct pgoutput_message *message)
{
    message->lsn = number(it, 8);
    message->name = text(it);
}

static void type_read(struct reading *it, struct pgoutput_message *message)
{
    (void)take(it, 4); /* the number it goes by */
    message->schema = text(it);
    message->name = text(it);
}

static const struct {
    char letter;
    void (*read)(struct reading *it, struct pgoutput_message *message);
} MESSAGES[] = {
    [PGOUTPUT_BEGIN] = { 'B', begin_read },       [PGOUTPUT_COMMIT] = { 'C', commit_read },
    [PGOUTPUT_ORIGIN] = { 'O', origin_read },     [PGOUTPUT_RELATION] = { 'R', relation_read },
    [PGOUTPUT_TYPE] = { 'Y', type_read },         [PGOUTPUT_INSERT] = { 'I', change_read },
    [PGOUTPUT_UPDATE] = { 'U', change_read },     [PGOUTPUT_DELETE] = { 'D', change_read },
    [PGOUTPUT_TRUNCATE] = { 'T', truncate_read },
};

enum status pgoutput_parse(struct str bytes, struct pgoutput_message *message,
                           struct error *out_error)
{
    struct reading it = { (const uint8_t *)bytes.data, bytes.len, NULL };
    char first = letter(&it);
    size_t type = 0;
    while (type < sizeof MESSAGES / sizeof MESSAGES[0] && MESSAGES[type].letter != first) type++;
    if (it.fault != NULL || type == sizeof MESSAGES / sizeof MESSAGES[0])
        return error_set(out_error, STATUS_INVALID, "the log has a message that is not known");
    message->type = (enum pgoutput_type)type;
    message->column_count = 0;
    message->truncated_count = 0;
    message->has_before = false;
    MESSAGES[type].read(&it, message);
    if (it.left > 0) fail(&it, "there is more than a message");
    if (it.fault == NULL) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "a message '%c' of the log is broken: %s", first,
                     it.fault);
}
