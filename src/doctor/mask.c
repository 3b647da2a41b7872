/* One pass: at each place the longest thing that must not stay, or one byte. */
#include "doctor/mask.h"

#include <string.h>

#include "base/check.h"

enum { CARD_DIGITS_MIN = 13, CARD_DIGITS_MAX = 19, CARD_HEAD = 6, CARD_TAIL = 4 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Characters of tokens: base64 in both alphabets, and what stands between their parts. */
static bool is_token(char c)
{
    return is_word(c) || strchr("-.~+/=", c) != NULL;
}

/* Most words differ in their first letter: it is looked at alone, since there are very many. */
static bool starts_at(struct str text, size_t at, const char *word)
{
    if (at == text.len || ascii_lower(text.data[at]) != ascii_lower(word[0])) return false;
    return str_starts_caseless((struct str){ text.data + at, text.len - at }, str_from(word));
}

static size_t token_end(struct str text, size_t at)
{
    while (at < text.len && text.data[at] != '\0' && is_token(text.data[at])) at++;
    return at;
}

/* ---- cards ---- */

static bool luhn(const char *digits, size_t count)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(digits[count - 1 - i] - '0');
        if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}

enum { DOTTED_MIN = 4, DOTTED_MAX = 6 }; /* digits beside a dot in a card number: 4-4-4-4, 4-6-5 */

/* Addresses, versions and most decimals have other groups. */
static bool dot_joins(struct str text, size_t at, size_t group)
{
    size_t next = 0;
    while (at + 1 + next < text.len && is_digit(text.data[at + 1 + next])) next++;
    return group >= DOTTED_MIN && group <= DOTTED_MAX && next >= DOTTED_MIN && next <= DOTTED_MAX;
}

/*
 * The end of a run of digits with at most one blank, dash or dot between two; `at` when it is too long
 * or inside of a word. out_digits has room for CARD_DIGITS_MAX.
 */
static size_t digits_run(struct str text, size_t at, char *out_digits, size_t *out_count)
{
    size_t end = at;
    size_t count = 0;
    size_t group = 0;
    while (end < text.len) {
        char c = text.data[end];
        bool joins = (c == ' ' || c == '-') && end + 1 < text.len && is_digit(text.data[end + 1]);
        if (c == '.') joins = dot_joins(text, end, group);
        group = is_digit(c) ? group + 1 : 0;
        if (is_digit(c)) {
            if (count == CARD_DIGITS_MAX) return at;
            out_digits[count++] = c;
        } else if (!joins || count == 0) {
            break;
        }
        end++;
    }
    *out_count = count;
    return end < text.len && is_word(text.data[end]) ? at : end;
}

/* Where a secret or a card number can begin again: nothing does inside of a word. */
static size_t word_skip(struct str text, size_t at)
{
    if (!is_word(text.data[at])) return at + 1;
    while (at < text.len && is_word(text.data[at])) at++;
    return at;
}

static size_t run_skip(struct str text, size_t at)
{
    while (at < text.len && (is_word(text.data[at]) || text.data[at] == '-')) at++;
    return at;
}

/* The end of a card number, and of how many digits it is; `at` when there is none. */
static size_t card_find(struct str text, size_t at, size_t *out_count)
{
    char digits[CARD_DIGITS_MAX];
    *out_count = 0;
    size_t end = digits_run(text, at, digits, out_count);
    bool card = end > at && *out_count >= CARD_DIGITS_MIN && digits[0] >= '2' && digits[0] <= '6' &&
                luhn(digits, *out_count);
    return card ? end : at;
}

static void card_mask(struct str card, size_t count, struct buf *out)
{
    size_t seen = 0;
    for (size_t i = 0; i < card.len; i++) {
        char c = card.data[i];
        bool hidden = is_digit(c) && seen >= CARD_HEAD && seen < count - CARD_TAIL;
        seen += is_digit(c);
        buf_append_byte(out, hidden ? '*' : (uint8_t)c);
    }
}

/* ---- secrets: each returns where what is secret begins and ends, or false ---- */

struct span {
    size_t begin;
    size_t end;
};

static bool is_masked(struct str value)
{
    return str_starts(value, STR("[secret"));
}

/* What an authorization's value begins with is no secret. */
static size_t scheme_skip(struct str text, size_t at)
{
    if (starts_at(text, at, "bearer ")) return at + 7;
    return starts_at(text, at, "basic ") ? at + 6 : at;
}

static bool pem_find(struct str text, size_t at, struct span *out_span)
{
    static const char end_mark[] = "-----END";
    if (!starts_at(text, at, "-----BEGIN ")) return false;
    size_t line = at;
    while (line < text.len && text.data[line] != '\n' && line - at < 64 &&
           !starts_at(text, line, "PRIVATE KEY-----"))
        line++;
    if (!starts_at(text, line, "PRIVATE KEY-----")) return false;
    size_t end = line;
    while (end < text.len && !starts_at(text, end, end_mark)) end++;
    if (end < text.len) end += sizeof end_mark - 1;
    while (end < text.len && text.data[end] != '\n' && text.data[end] != '\\') {
        bool last = starts_at(text, end, "KEY-----");
        end++;
        if (last) {
            end += sizeof "KEY-----" - 2;
            break;
        }
    }
    *out_span = (struct span){ at, end };
    return true;
}

/* A word that begins a secret, with at least so many characters behind it. */
static bool prefix_find(struct str text, size_t at, struct span *out_span)
{
    static const struct {
        const char *word;
        size_t least;
    } prefixes[] = {
        { "tpw_", 16 },        { "PRIVATE+KEY+", 8 }, { "LEAF+KEY+", 8 }, { "sk_live_", 8 },
        { "sk_test_", 8 },     { "rk_live_", 8 },     { "rk_test_", 8 },  { "whsec_", 8 },
        { "whsk_", 8 },        { "AKIA", 16 },        { "ASIA", 16 },     { "ghp_", 20 },
        { "github_pat_", 20 }, { "xoxb-", 10 },       { "xoxp-", 10 },    { "eyJhbGciOi", 20 },
        { "eyJ0eXAiOi", 20 },
    };
    if (at > 0 && is_word(text.data[at - 1])) return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (prefixes[i].word[0] != text.data[at]) continue;
        size_t len = strlen(prefixes[i].word);
        if (text.len - at < len || memcmp(text.data + at, prefixes[i].word, len) != 0) continue;
        size_t end = token_end(text, at + len);
        if (end - at < len + prefixes[i].least) continue;
        *out_span = (struct span){ at, end };
        return true;
    }
    return false;
}

static bool credential_find(struct str text, size_t at, struct span *out_span)
{
    if (at > 0 && is_word(text.data[at - 1])) return false;
    size_t begin = scheme_skip(text, at);
    if (begin == at) return false;
    size_t end = token_end(text, begin);
    if (end - begin < 8) return false;
    *out_span = (struct span){ begin, end };
    return true;
}

/* "//user:password@" */
static bool url_find(struct str text, size_t at, struct span *out_span)
{
    if (!starts_at(text, at, "//")) return false;
    size_t colon = 0;
    size_t end = at + 2;
    for (; end < text.len && end - at < 512; end++) {
        char c = text.data[end];
        if (c == '@') break;
        if (c == ':' && colon == 0) colon = end;
        if (c == '/' || c == ' ' || c == '"' || c == '\n') return false;
    }
    if (end == text.len || text.data[end] != '@' || colon == 0 || colon + 1 == end) return false;
    if (is_masked((struct str){ text.data + colon + 1, end - colon - 1 })) return false;
    *out_span = (struct span){ colon + 1, end };
    return true;
}

static bool is_secret_name(struct str name)
{
    static const char *const names[] = {
        "password",      "passwd",     "pwd",         "secret",        "client_secret",
        "api_key",       "apikey",     "api-key",     "x-api-key",     "access_token",
        "refresh_token", "id_token",   "cvc",         "cvv",           "authorization",
        "cookie",        "set-cookie", "private_key", "session_token",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (starts_at(name, 0, names[i]) && name.len == strlen(names[i])) return true;
    return false;
}

/* Behind a name: `":"`, `=`, or `: `, then the value, quoted or up to a separator. */
static bool named_find(struct str text, size_t at, struct span *out_span)
{
    if (at > 0 && (is_word(text.data[at - 1]) || text.data[at - 1] == '-')) return false;
    size_t end = at;
    while (end < text.len && (is_word(text.data[end]) || text.data[end] == '-')) end++;
    if (!is_secret_name((struct str){ text.data + at, end - at })) return false;
    if (end < text.len && text.data[end] == '"') end++;
    while (end < text.len && text.data[end] == ' ') end++;
    if (end == text.len || (text.data[end] != ':' && text.data[end] != '=')) return false;
    end++;
    while (end < text.len && text.data[end] == ' ') end++;
    bool quoted = end < text.len && text.data[end] == '"';
    size_t begin = scheme_skip(text, quoted ? end + 1 : end);
    size_t stop = begin;
    const char *ends = quoted ? "\"\n" : " ,;&\n}]\"";
    while (stop < text.len && strchr(ends, text.data[stop]) == NULL) {
        if (quoted && text.data[stop] == '\\' && stop + 1 < text.len) stop++;
        stop++;
    }
    struct str value = { text.data + begin, stop - begin };
    if (value.len == 0 || is_masked(value) || str_equal(value, STR("null"))) return false;
    *out_span = (struct span){ begin, stop };
    return true;
}

static bool secret_find(struct str text, size_t at, struct span *out_span)
{
    switch (text.data[at]) {
    case '-': return pem_find(text, at, out_span);
    case '/': return url_find(text, at, out_span);
    default: break;
    }
    if (!is_word(text.data[at])) return false;
    return prefix_find(text, at, out_span) || credential_find(text, at, out_span) ||
           named_find(text, at, out_span);
}

/* What stands between two places, but not what is masked. */
static void plain_append(struct str text, size_t from, size_t to, struct buf *out)
{
    buf_append_str(out, (struct str){ text.data + from, to - from });
}

void mask_text(struct str text, struct buf *out, struct mask_counts *counts)
{
    size_t from = 0; /* of what is not appended yet */
    for (size_t at = 0; at < text.len;) {
        struct span span;
        if (secret_find(text, at, &span)) {
            CHECK(span.begin >= at);
            CHECK(span.end > span.begin);
            plain_append(text, from, span.begin, out);
            buf_append_str(out, STR("[secret]"));
            counts->secrets++;
            from = at = span.end;
            continue;
        }
        bool begins = at == 0 || !is_word(text.data[at - 1]);
        if (!begins || !is_digit(text.data[at])) {
            at = word_skip(text, at);
            continue;
        }
        size_t count;
        size_t end = card_find(text, at, &count);
        if (end > at) {
            plain_append(text, from, at, out);
            card_mask((struct str){ text.data + at, end - at }, count, out);
            counts->cards++;
            from = at = end;
            continue;
        }
        at = run_skip(text, at); /* the rest of a number that is no card holds none either */
    }
    plain_append(text, from, text.len, out);
}

bool mask_is_clean(struct str text)
{
    struct mask_counts counts = { 0, 0 };
    struct buf nowhere = { 0 };
    mask_text(text, &nowhere, &counts);
    buf_free(&nowhere);
    return counts.cards == 0 && counts.secrets == 0;
}
