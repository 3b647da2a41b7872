#include "doctor/sql_token.h"

#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 128;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char byte_at(struct str text, size_t at)
{
    return at < text.len ? text.data[at] : '\0';
}

static struct sql_token cut(struct sql_tokens *tokens, enum sql_token_kind kind, size_t len)
{
    struct sql_token token = { kind, { tokens->rest.data, len } };
    tokens->rest = (struct str){ tokens->rest.data + len, tokens->rest.len - len };
    return token;
}

static struct sql_token broken(struct sql_tokens *tokens)
{
    tokens->rest.len = 0;
    return (struct sql_token){ SQL_TOKEN_BROKEN, { "", 0 } };
}

static void blanks_skip(struct sql_tokens *tokens)
{
    size_t at = 0;
    while (at < tokens->rest.len && strchr(" \t\r\n", tokens->rest.data[at]) != NULL) at++;
    (void)cut(tokens, SQL_TOKEN_END, at);
}

/* ---- words ---- */

static struct sql_token word_take(struct sql_tokens *tokens)
{
    size_t len = 0;
    while (is_letter(byte_at(tokens->rest, len)) || is_digit(byte_at(tokens->rest, len)) ||
           byte_at(tokens->rest, len) == '$')
        len++;
    char *small = arena_take(tokens->arena, len);
    if (small == NULL) return broken(tokens);
    for (size_t i = 0; i < len; i++) small[i] = ascii_lower(tokens->rest.data[i]);
    (void)cut(tokens, SQL_TOKEN_WORD, len);
    return (struct sql_token){ SQL_TOKEN_WORD, { small, len } };
}

static struct sql_token number_take(struct sql_tokens *tokens)
{
    size_t len = 1;
    while (is_digit(byte_at(tokens->rest, len)) || is_letter(byte_at(tokens->rest, len)) ||
           byte_at(tokens->rest, len) == '.')
        len++;
    return cut(tokens, SQL_TOKEN_NUMBER, len);
}

/* ---- quotes ---- */

/* One byte of E'…' behind a backslash; its length is added to *at. */
static char escape_take(struct str text, size_t *at)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    char c = byte_at(text, *at);
    const char *known = c == '\0' ? NULL : strchr(from, c);
    if (known != NULL) {
        (*at)++;
        return to[known - from];
    }
    if (c >= '0' && c <= '7') {
        int value = 0;
        for (int i = 0; i < 3 && byte_at(text, *at) >= '0' && byte_at(text, *at) <= '7'; i++)
            value = value * 8 + text.data[(*at)++] - '0';
        return (char)value;
    }
    (*at)++;
    return c;
}

/* The place of the quote that ends it; text.len: none does. */
static size_t quote_end(struct str text, bool escapes)
{
    size_t at = 1;
    while (at < text.len) {
        bool doubled = text.data[at] == text.data[0] && byte_at(text, at + 1) == text.data[0];
        if (text.data[at] == text.data[0] && !doubled) return at;
        at += doubled || (escapes && text.data[at] == '\\') ? 2 : 1;
    }
    return text.len;
}

/* From a quote on; it is doubled inside. */
static struct sql_token quoted_take(struct sql_tokens *tokens, enum sql_token_kind kind,
                                    bool escapes)
{
    size_t end = quote_end(tokens->rest, escapes);
    if (end == tokens->rest.len) return broken(tokens);
    struct str inside = { tokens->rest.data + 1, end - 1 };
    char *plain = arena_take(tokens->arena, end);
    size_t len = 0;
    if (plain == NULL) return broken(tokens);
    for (size_t at = 0; at < inside.len;) {
        char c = inside.data[at++];
        if (c == tokens->rest.data[0]) at++;
        plain[len++] = c == '\\' && escapes ? escape_take(inside, &at) : c;
    }
    (void)cut(tokens, kind, end + 1);
    return (struct sql_token){ kind, { plain, len } };
}

static struct sql_token dollars_take(struct sql_tokens *tokens)
{
    struct str text = tokens->rest;
    const char *second = text.len < 2 ? NULL : memchr(text.data + 1, '$', text.len - 1);
    if (second == NULL) return broken(tokens);
    size_t tag = (size_t)(second - text.data) + 1;
    for (size_t at = tag; at + tag <= text.len; at++) {
        if (memcmp(text.data + at, text.data, tag) != 0) continue;
        (void)cut(tokens, SQL_TOKEN_STRING, at + tag);
        return (struct sql_token){ SQL_TOKEN_STRING, { text.data + tag, at - tag } };
    }
    return broken(tokens);
}

static struct sql_token token_read(struct sql_tokens *tokens)
{
    blanks_skip(tokens);
    char c = byte_at(tokens->rest, 0);
    char next = byte_at(tokens->rest, 1);
    if (tokens->rest.len == 0) return (struct sql_token){ SQL_TOKEN_END, { "", 0 } };
    if ((c == 'E' || c == 'e') && next == '\'') {
        (void)cut(tokens, SQL_TOKEN_MARK, 1);
        return quoted_take(tokens, SQL_TOKEN_STRING, true);
    }
    if (c == '\'') return quoted_take(tokens, SQL_TOKEN_STRING, false);
    if (c == '"') return quoted_take(tokens, SQL_TOKEN_NAME, false);
    if (c == '$' && !is_digit(next)) return dollars_take(tokens);
    if (is_letter(c)) return word_take(tokens);
    if (is_digit(c) || (c == '-' && is_digit(next))) return number_take(tokens);
    return cut(tokens, SQL_TOKEN_MARK, 1);
}

void sql_tokens_init(struct sql_tokens *tokens, struct str statement, struct arena *arena)
{
    *tokens = (struct sql_tokens){ .rest = statement, .arena = arena };
    tokens->next = token_read(tokens);
}

struct sql_token sql_token_take(struct sql_tokens *tokens)
{
    struct sql_token token = tokens->next;
    if (token.kind != SQL_TOKEN_END && token.kind != SQL_TOKEN_BROKEN)
        tokens->next = token_read(tokens);
    return token;
}

bool sql_token_is(struct sql_tokens *tokens, const char *text)
{
    bool plain = tokens->next.kind == SQL_TOKEN_WORD || tokens->next.kind == SQL_TOKEN_MARK;
    if (!plain || !str_equal(tokens->next.text, str_from(text))) return false;
    (void)sql_token_take(tokens);
    return true;
}

bool sql_token_name(struct sql_tokens *tokens, struct str *out_name)
{
    if (tokens->next.kind != SQL_TOKEN_WORD && tokens->next.kind != SQL_TOKEN_NAME) return false;
    *out_name = sql_token_take(tokens).text;
    return true;
}
