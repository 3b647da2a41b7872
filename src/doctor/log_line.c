#include "doctor/log_line.h"

#include <string.h>

#include "base/json_reader.h"

static void pair_add(struct log_line *line, struct str name, struct str value)
{
    if (line->count == LOG_LINE_PAIRS_MAX || name.len == 0) return;
    line->pairs[line->count++] = (struct log_line_pair){ name, value };
}

/* ---- NDJSON ---- */

static void member_read(struct json_reader *reader, struct str key, struct log_line *line)
{
    struct str value = STR("");
    bool truth;
    switch (json_peek(reader)) {
    case JSON_STRING:
        if (json_string(reader, &value)) pair_add(line, key, value);
        return;
    case JSON_NUMBER:
        if (json_number(reader, &value)) pair_add(line, key, value);
        return;
    case JSON_BOOL:
        if (json_bool(reader, &truth)) pair_add(line, key, truth ? STR("true") : STR("false"));
        return;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
    case JSON_NOTHING: (void)json_skip(reader); return; /* a fault shows at the end */
    }
}

static enum status json_parse(struct str text, struct arena *arena, struct log_line *line)
{
    struct json_reader reader;
    struct str key;
    json_reader_init(&reader, text, arena);
    if (json_object_begin(&reader))
        while (json_object_next(&reader, &key)) member_read(&reader, key, line);
    return json_end(&reader) == STATUS_OK ? STATUS_OK : STATUS_INVALID;
}

/* ---- logfmt ---- */

static bool is_name(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           strchr("_.-@/", c) != NULL;
}

/* A quoted value, without its quotes; backslashes are taken out into the arena. */
static bool quoted_take(struct str *rest, struct arena *arena, struct str *out_value)
{
    size_t end = 1;
    bool escaped = false;
    while (end < rest->len && rest->data[end] != '"') {
        escaped = escaped || rest->data[end] == '\\';
        end += rest->data[end] == '\\' ? 2 : 1;
    }
    if (end >= rest->len) return false;
    struct str inner = { rest->data + 1, end - 1 };
    *rest = (struct str){ rest->data + end + 1, rest->len - end - 1 };
    *out_value = inner;
    if (!escaped) return true;
    char *copy = arena_take(arena, inner.len);
    if (copy == NULL) return false;
    size_t len = 0;
    for (size_t i = 0; i < inner.len; i++) {
        if (inner.data[i] == '\\' && i + 1 < inner.len) i++;
        copy[len++] = inner.data[i];
    }
    *out_value = (struct str){ copy, len };
    return true;
}

static bool value_take(struct str *rest, struct arena *arena, struct str *out_value)
{
    if (rest->len > 0 && rest->data[0] == '"') return quoted_take(rest, arena, out_value);
    size_t len = 0;
    while (len < rest->len && rest->data[len] != ' ' && rest->data[len] != '\t') len++;
    *out_value = (struct str){ rest->data, len };
    *rest = (struct str){ rest->data + len, rest->len - len };
    return true;
}

static void blanks_skip(struct str *rest)
{
    while (rest->len > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'))
        *rest = (struct str){ rest->data + 1, rest->len - 1 };
}

static enum status pairs_parse(struct str rest, struct arena *arena, struct log_line *line)
{
    for (;;) {
        blanks_skip(&rest);
        if (rest.len == 0) return STATUS_OK;
        size_t len = 0;
        while (len < rest.len && is_name(rest.data[len])) len++;
        struct str name = { rest.data, len };
        rest = (struct str){ rest.data + len, rest.len - len };
        struct str value = STR("true"); /* a name alone is a flag */
        if (rest.len > 0 && rest.data[0] == '=') {
            rest = (struct str){ rest.data + 1, rest.len - 1 };
            if (!value_take(&rest, arena, &value)) return STATUS_INVALID;
        }
        if (len == 0 || (rest.len > 0 && rest.data[0] != ' ' && rest.data[0] != '\t'))
            return STATUS_INVALID;
        pair_add(line, name, value);
    }
}

/* ---- access logs ---- */

static bool word_take(struct str *rest, char end, struct str *out_word)
{
    const char *stop = rest->len == 0 ? NULL : memchr(rest->data, end, rest->len);
    if (stop == NULL) return false;
    size_t len = (size_t)(stop - rest->data);
    *out_word = (struct str){ rest->data, len };
    *rest = (struct str){ stop + 1, rest->len - len - 1 };
    return true;
}

static bool mark_take(struct str *rest, char mark)
{
    if (rest->len == 0 || rest->data[0] != mark) return false;
    *rest = (struct str){ rest->data + 1, rest->len - 1 };
    return true;
}

/* "GET /path HTTP/1.1" */
static void request_add(struct log_line *line, struct str request)
{
    struct str method = STR("");
    struct str path = STR("");
    if (!word_take(&request, ' ', &method) || !word_take(&request, ' ', &path)) return;
    pair_add(line, STR("method"), method);
    const char *query = memchr(path.data, '?', path.len);
    if (query != NULL) path.len = (size_t)(query - path.data);
    pair_add(line, STR("path"), path);
}

static enum status access_parse(struct str rest, struct arena *arena, struct log_line *line)
{
    struct str client;
    struct str word;
    struct str user;
    struct str time;
    struct str request;
    struct str status;
    bool head = word_take(&rest, ' ', &client) && word_take(&rest, ' ', &word) &&
                word_take(&rest, ' ', &user) && mark_take(&rest, '[') &&
                word_take(&rest, ']', &time) && mark_take(&rest, ' ') && rest.len > 0 &&
                rest.data[0] == '"' && quoted_take(&rest, arena, &request) && mark_take(&rest, ' ');
    if (!head) return STATUS_INVALID;
    if (!word_take(&rest, ' ', &status)) return STATUS_INVALID;
    if (!word_take(&rest, ' ', &word)) rest.len = 0;
    pair_add(line, STR("client"), client);
    pair_add(line, STR("time"), time);
    request_add(line, request);
    pair_add(line, STR("status"), status);
    blanks_skip(&rest);
    for (int i = 0; i < 2 && rest.len > 0 && rest.data[0] == '"'; i++) {
        struct str text;
        if (!quoted_take(&rest, arena, &text)) return STATUS_INVALID;
        pair_add(line, i == 0 ? STR("referrer") : STR("agent"), text);
        blanks_skip(&rest);
    }
    return pairs_parse(rest, arena, line);
}

enum status log_line_parse(struct str line, struct arena *arena, struct log_line *out_line)
{
    out_line->count = 0;
    if (line.len > 0 && line.data[line.len - 1] == '\r') line.len--;
    if (line.len == 0 || line.len > LOG_LINE_SIZE_MAX) return STATUS_INVALID;
    if (line.data[0] == '{') {
        out_line->form = LOG_LINE_JSON;
        return json_parse(line, arena, out_line);
    }
    size_t name = 0;
    while (name < line.len && is_name(line.data[name])) name++;
    out_line->form = name < line.len && line.data[name] == '=' ? LOG_LINE_LOGFMT : LOG_LINE_ACCESS;
    if (out_line->form == LOG_LINE_LOGFMT) return pairs_parse(line, arena, out_line);
    return access_parse(line, arena, out_line);
}

struct str log_line_value(const struct log_line *line, const char *names)
{
    while (*names != '\0') {
        struct str name = { names, strcspn(names, " ") };
        for (uint32_t i = 0; i < line->count; i++)
            if (str_equal(line->pairs[i].name, name)) return line->pairs[i].value;
        names += name.len;
        while (*names == ' ') names++;
    }
    return STR("");
}

/* ---- times ---- */

/* "23/Nov/2026:06:14:50 +0000" as RFC 3339. */
static bool access_time(struct str text, struct wall_time *out_time)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.len != 26 || text.data[2] != '/' || text.data[6] != '/' || text.data[11] != ':')
        return false;
    int month = 0;
    while (month < 12 && memcmp(months + (size_t)3 * (size_t)month, text.data + 3, 3) != 0) month++;
    if (month == 12 || text.data[20] != ' ') return false;
    char out[TIME_TEXT_SIZE] = "0000-00-00T00:00:00+00:00";
    memcpy(out, text.data + 7, 4);
    out[5] = (char)('0' + (month + 1) / 10);
    out[6] = (char)('0' + (month + 1) % 10);
    memcpy(out + 8, text.data, 2);
    memcpy(out + 11, text.data + 12, 8);
    memcpy(out + 19, text.data + 21, 3);
    memcpy(out + 23, text.data + 24, 2);
    return wall_time_parse((struct str){ out, 25 }, out_time) == STATUS_OK;
}

/* Seconds, or milliseconds, microseconds, nanoseconds by their size; decimals of seconds. */
static bool epoch_time(struct str text, struct wall_time *out_time)
{
    uint64_t whole = 0;
    size_t at = 0;
    for (; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        if (at == 19) return false;
        whole = whole * 10 + (uint64_t)(text.data[at] - '0');
    }
    if (at < 9) return false;
    if (at == text.len) {
        int64_t scale = at <= 10 ? NS_PER_S : at <= 13 ? NS_PER_MS : at <= 16 ? NS_PER_US : 1;
        if (whole > (uint64_t)(INT64_MAX / scale)) return false;
        out_time->ns = (int64_t)whole * scale;
        return true;
    }
    if (text.data[at] != '.' || at > 10 || text.len - at > 10 || text.len - at < 2) return false;
    int64_t ns = 0;
    int64_t scale = NS_PER_S;
    for (at++; at < text.len; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') return false;
        scale /= 10;
        ns += (text.data[at] - '0') * scale;
    }
    if (whole > (uint64_t)(INT64_MAX / NS_PER_S) - 1) return false;
    out_time->ns = (int64_t)whole * NS_PER_S + ns;
    return true;
}

bool log_line_time(struct str text, struct wall_time *out_time)
{
    if (wall_time_parse(text, out_time) == STATUS_OK) return true;
    return access_time(text, out_time) || epoch_time(text, out_time);
}
