#include "doctor/signed_amount.h"

#include "base/check.h"
#include "base/money.h"

bool signed_amount_add(struct signed_amount a, struct signed_amount b,
                       struct signed_amount *out_amount)
{
    int128 sum;
    if (__builtin_add_overflow(a.minor, b.minor, &sum)) return false;
    out_amount->minor = sum;
    return true;
}

bool signed_amount_subtract(struct signed_amount a, struct signed_amount b,
                            struct signed_amount *out_amount)
{
    int128 difference;
    if (__builtin_sub_overflow(a.minor, b.minor, &difference)) return false;
    out_amount->minor = difference;
    return true;
}

int signed_amount_compare(struct signed_amount a, struct signed_amount b)
{
    if (a.minor == b.minor) return 0;
    return a.minor < b.minor ? -1 : 1;
}

/* Takes the sign off, wherever it stands; *out_negative is what it said. */
static bool sign_take(struct str *text, bool *out_negative)
{
    *out_negative = false;
    if (text->len < 2) return true;
    char first = text->data[0];
    char last = text->data[text->len - 1];
    if (first == '(' || last == ')') {
        if (first != '(' || last != ')' || text->len < 3) return false;
        *text = (struct str){ text->data + 1, text->len - 2 };
        *out_negative = true;
        return true;
    }
    if (first == '-' || first == '+') {
        *text = (struct str){ text->data + 1, text->len - 1 };
        *out_negative = first == '-';
    } else if (last == '-') {
        text->len--;
        *out_negative = true;
    }
    return true;
}

static bool digit_append(unsigned __int128 *value, char digit)
{
    unsigned __int128 next;
    if (__builtin_mul_overflow(*value, (unsigned __int128)10, &next)) return false;
    if (__builtin_add_overflow(next, (unsigned __int128)(digit - '0'), &next)) return false;
    if (next > (unsigned __int128)SIGNED_AMOUNT_MAX) return false;
    *value = next;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether a group mark at `at` has three digits behind it, and then no fourth. */
static bool group_is_right(struct str text, size_t at)
{
    size_t digits = 0;
    while (at + 1 + digits < text.len && is_digit(text.data[at + 1 + digits])) digits++;
    return at > 0 && is_digit(text.data[at - 1]) && digits == 3;
}

/* The digits before the point; *at ends on the point or at the end. */
static enum status whole_read(struct str text, const struct signed_amount_form *form, size_t *at,
                              unsigned __int128 *value)
{
    size_t digits = 0;
    size_t leading = 0; /* before the first group mark */
    bool grouped = false;
    for (; *at < text.len && text.data[*at] != form->point; *at += 1) {
        char c = text.data[*at];
        if (form->group != 0 && c == form->group) {
            if (!group_is_right(text, *at)) return STATUS_INVALID;
            if (!grouped) leading = digits;
            grouped = true;
            continue;
        }
        if (!is_digit(c)) return STATUS_INVALID;
        if (!digit_append(value, c)) return STATUS_LIMIT;
        digits++;
    }
    return digits == 0 || (grouped && leading > 3) ? STATUS_INVALID : STATUS_OK;
}

static enum status decimals_read(struct str text, const struct signed_amount_form *form, size_t at,
                                 unsigned __int128 *value)
{
    unsigned decimals = 0;
    if (at < text.len) {
        if (form->minor || at + 1 == text.len) return STATUS_INVALID;
        for (at++; at < text.len; at++) {
            char c = text.data[at];
            if (!is_digit(c)) return STATUS_INVALID;
            if (decimals == form->exponent) {
                if (c != '0' || form->decimals_exact) return STATUS_INVALID;
                continue;
            }
            if (!digit_append(value, c)) return STATUS_LIMIT;
            decimals++;
        }
    }
    for (; !form->minor && decimals < form->exponent; decimals++)
        if (!digit_append(value, '0')) return STATUS_LIMIT;
    return STATUS_OK;
}

enum status signed_amount_parse(struct str text, const struct signed_amount_form *form,
                                struct signed_amount *out_amount)
{
    CHECK(form->exponent <= MONEY_EXPONENT_MAX);
    CHECK(form->point != 0);
    bool negative;
    unsigned __int128 value = 0;
    size_t at = 0;
    if (!sign_take(&text, &negative)) return STATUS_INVALID;
    enum status status = whole_read(text, form, &at, &value);
    if (status == STATUS_OK) status = decimals_read(text, form, at, &value);
    if (status != STATUS_OK) return status;
    out_amount->minor = negative ? -(int128)value : (int128)value;
    return STATUS_OK;
}

struct str signed_amount_format(struct signed_amount amount, unsigned exponent,
                                char text[SIGNED_AMOUNT_TEXT_SIZE])
{
    unsigned __int128 size = (unsigned __int128)amount.minor;
    if (amount.minor < 0) size = -size;
    struct str digits = money_format((struct money){ size }, exponent, text);
    if (amount.minor >= 0) return digits;
    CHECK(digits.data > text); /* 2^127 has 39 digits: there is room for a sign */
    size_t at = (size_t)(digits.data - text) - 1;
    text[at] = '-';
    return (struct str){ text + at, digits.len + 1 };
}
