#include "webhook/body_form.h"

#include "base/check.h"

enum { INDENT_DEPTH_MAX = 64 };

static const struct str MARK = { "\xEF\xBB\xBF", 3 };

#define FORM_CODE(name, code, text) code,
#define FORM_TEXT(name, code, text) text,
static const char *const CODES[] = { BODY_FORM_TABLE(FORM_CODE) };
static const char *const TEXTS[] = { BODY_FORM_TABLE(FORM_TEXT) };

const char *body_form_code(enum body_form form)
{
    CHECK((unsigned)form < BODY_FORM_COUNT);
    return CODES[form];
}

const char *body_form_text(enum body_form form)
{
    CHECK((unsigned)form < BODY_FORM_COUNT);
    return TEXTS[form];
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct str space_cut(struct str body)
{
    while (body.len > 0 && is_space(body.data[body.len - 1])) body.len--;
    while (body.len > 0 && is_space(body.data[0]))
        body = (struct str){ body.data + 1, body.len - 1 };
    return body;
}

static struct str newline_cut(struct str body)
{
    if (body.len > 0 && body.data[body.len - 1] == '\n') body.len--;
    if (body.len > 0 && body.data[body.len - 1] == '\r') body.len--;
    return body;
}

static void line_ends(struct str body, bool cr, struct buf *out)
{
    for (size_t i = 0; i < body.len; i++) {
        bool pair = body.data[i] == '\r' && i + 1 < body.len && body.data[i + 1] == '\n';
        if (pair) continue; /* its line feed is written next, as asked */
        if (body.data[i] == '\n' && cr) buf_append_byte(out, '\r');
        buf_append_byte(out, (uint8_t)body.data[i]);
    }
}

/* ---- JSON with other white space ---- */

struct json_style {
    bool indent;
    bool spaces;
};

static void line_begin(struct buf *out, size_t depth)
{
    buf_append_byte(out, '\n');
    for (size_t i = 0; i < depth; i++) buf_append_str(out, STR("  "));
}

/* Behind an opening quote: copies to behind the closing one, and returns where that is. */
static size_t copy_string(struct str body, size_t at, struct buf *out)
{
    size_t from = at;
    while (at < body.len && body.data[at] != '"') at += body.data[at] == '\\' ? 2 : 1;
    at = at < body.len ? at + 1 : body.len;
    buf_append(out, body.data + from, at - from);
    return at;
}

static size_t skip_space(struct str body, size_t at)
{
    while (at < body.len && is_space(body.data[at])) at++;
    return at;
}

static void write_mark(struct str body, size_t next, struct json_style style, size_t *depth,
                       struct buf *out)
{
    char c = body.data[next - 1];
    next = skip_space(body, next);
    bool closes_next = next < body.len && (body.data[next] == '}' || body.data[next] == ']');
    if (c == '{' || c == '[') {
        buf_append_byte(out, (uint8_t)c);
        if (style.indent && !closes_next) line_begin(out, ++*depth);
    } else if (c == '}' || c == ']') {
        bool empty =
            out->len > 0 && (out->data[out->len - 1] == '{' || out->data[out->len - 1] == '[');
        if (style.indent && !empty && *depth > 0) line_begin(out, --*depth);
        buf_append_byte(out, (uint8_t)c);
    } else {
        buf_append_byte(out, (uint8_t)c);
        if (style.indent && c == ',') line_begin(out, *depth);
        if ((style.indent && c == ':') || style.spaces) buf_append_byte(out, ' ');
    }
}

static bool json_write(struct str body, struct json_style style, struct buf *out)
{
    size_t depth = 0;
    for (size_t at = skip_space(body, 0); at < body.len; at = skip_space(body, at)) {
        char c = body.data[at++];
        if (c == '"') {
            buf_append_byte(out, '"');
            at = copy_string(body, at, out);
        } else if (memchr("{}[]:,", c, 6) != NULL) {
            write_mark(body, at, style, &depth, out);
        } else {
            buf_append_byte(out, (uint8_t)c);
        }
        if (depth > INDENT_DEPTH_MAX) return false;
    }
    return true;
}

static bool write_json_form(enum body_form form, struct str body, struct buf *out)
{
    size_t first = skip_space(body, 0);
    if (first == body.len || (body.data[first] != '{' && body.data[first] != '[')) return false;
    struct json_style style = { form == BODY_FORM_JSON_INDENTED, form == BODY_FORM_JSON_SPACED };
    return json_write(body, style, out);
}

/* False: the body has no such form. */
static bool write_form(enum body_form form, struct str body, struct buf *out)
{
    switch (form) {
    case BODY_FORM_NEWLINE_ADDED:
        buf_append_str(out, body);
        buf_append_byte(out, '\n');
        return true;
    case BODY_FORM_MARK_ADDED:
        buf_append_str(out, MARK);
        buf_append_str(out, body);
        return true;
    case BODY_FORM_LINE_FEEDS: line_ends(body, false, out); return true;
    case BODY_FORM_CR_LINE_FEEDS: line_ends(body, true, out); return true;
    case BODY_FORM_JSON_COMPACT:
    case BODY_FORM_JSON_INDENTED:
    case BODY_FORM_JSON_SPACED: return write_json_form(form, body, out);
    case BODY_FORM_AS_RECEIVED:
    case BODY_FORM_NEWLINE_CUT:
    case BODY_FORM_MARK_CUT:
    case BODY_FORM_SPACE_CUT:
    case BODY_FORM_EMPTY:
    case BODY_FORM_COUNT: break;
    }
    return false;
}

enum status body_form_make(enum body_form form, struct str body, struct buf *scratch,
                           struct str *out_body)
{
    CHECK((unsigned)form < BODY_FORM_COUNT);
    struct str made = body;
    if (form == BODY_FORM_NEWLINE_CUT) {
        made = newline_cut(body);
    } else if (form == BODY_FORM_SPACE_CUT) {
        made = space_cut(body);
    } else if (form == BODY_FORM_EMPTY) {
        made.len = 0;
    } else if (form == BODY_FORM_MARK_CUT) {
        if (str_starts(body, MARK))
            made = (struct str){ body.data + MARK.len, body.len - MARK.len };
    } else if (form != BODY_FORM_AS_RECEIVED) {
        buf_reset(scratch);
        if (!write_form(form, body, scratch)) return STATUS_NOT_FOUND;
        if (buf_status(scratch) != STATUS_OK) return STATUS_LIMIT;
        made = buf_view(scratch);
    }
    if (form != BODY_FORM_AS_RECEIVED && str_equal(made, body)) return STATUS_NOT_FOUND;
    *out_body = made;
    return STATUS_OK;
}
