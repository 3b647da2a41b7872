#include "doctor/reconcile_fees.h"

#include "base/check.h"

enum { WORDS = 5, PPM_DECIMALS = 4, PPM_ONE = 1000000 };

/* The next word of a line, cut off its front; empty at the end. */
static struct str word_take(struct str *line)
{
    while (line->len > 0 && (line->data[0] == ' ' || line->data[0] == '\t'))
        *line = (struct str){ line->data + 1, line->len - 1 };
    size_t len = 0;
    while (len < line->len && line->data[len] != ' ' && line->data[len] != '\t') len++;
    struct str word = { line->data, len };
    *line = (struct str){ line->data + len, line->len - len };
    return word;
}

/* "1.4%" in millionths; the percentage has at most four decimals. */
static bool percent_parse(struct str text, uint32_t *out_ppm)
{
    if (text.len < 2 || text.data[text.len - 1] != '%') return false;
    const struct signed_amount_form form = { .exponent = PPM_DECIMALS, .point = '.' };
    struct signed_amount ppm;
    text.len--;
    if (signed_amount_parse(text, &form, &ppm) != STATUS_OK) return false;
    if (ppm.minor < 0 || ppm.minor > PPM_ONE) return false;
    *out_ppm = (uint32_t)ppm.minor;
    return true;
}

/* NULL, or what is wrong with the line. */
static const char *fee_parse(struct str line, struct reconcile_currencies *currencies,
                             struct reconcile_fee *out_fee)
{
    struct str words[WORDS];
    for (int i = 0; i < WORDS; i++) words[i] = word_take(&line);
    if (words[WORDS - 1].len == 0 || word_take(&line).len > 0)
        return "it is not KIND CURRENCY FROM PERCENT% FIXED";
    if (words[0].len >= RECONCILE_KIND_MAX) return "the kind is too long";
    *out_fee = (struct reconcile_fee){ 0 };
    memcpy(out_fee->kind, words[0].data, words[0].len);
    if (!reconcile_currency_find(currencies, words[1], &out_fee->currency))
        return "there is no such currency";
    if (business_date_parse(words[2], &out_fee->from) != STATUS_OK) return "the date is none";
    if (!percent_parse(words[3], &out_fee->ppm)) return "the percentage is none from 0% to 100%";
    const struct signed_amount_form form = {
        .exponent = currencies->list[out_fee->currency].exponent,
        .point = '.',
    };
    if (signed_amount_parse(words[4], &form, &out_fee->fixed) != STATUS_OK)
        return "the fixed part is no amount of the currency";
    return NULL;
}

enum status reconcile_fees_parse(struct str text, struct reconcile_currencies *currencies,
                                 struct reconcile_fees *out_fees, struct error *out_error)
{
    *out_fees = (struct reconcile_fees){ 0 };
    for (unsigned number = 1; text.len > 0; number++) {
        struct str line = text;
        if (!str_take_line(&text, &line)) text.len = 0;
        if (line.len > 0 && line.data[line.len - 1] == '\r') line.len--;
        if (line.len == 0 || line.data[0] == '#') continue;
        if (out_fees->count == RECONCILE_FEES_MAX)
            return error_set(out_error, STATUS_LIMIT, "fees: more than %d contracts",
                             RECONCILE_FEES_MAX);
        const char *fault = fee_parse(line, currencies, &out_fees->fees[out_fees->count]);
        if (fault != NULL)
            return error_set(out_error, STATUS_INVALID, "fees, line %u: %s", number, fault);
        out_fees->count++;
    }
    return STATUS_OK;
}

/* Whether `fee` is about the line, and says more of it than `best` does. */
static bool is_better(const struct reconcile_fee *fee, const struct reconcile_fee *best,
                      struct str kind, const struct reconcile_line *line)
{
    bool own = str_equal(str_from(fee->kind), kind);
    if (!own && strcmp(fee->kind, "*") != 0) return false;
    if (fee->currency != line->currency || fee->from.days > business_date_of(line->at).days)
        return false;
    if (best == NULL) return true;
    bool best_own = strcmp(best->kind, "*") != 0;
    if (own != best_own) return own;
    return fee->from.days >= best->from.days;
}

bool reconcile_fee_of(const struct reconcile_fees *fees, struct str kind,
                      const struct reconcile_line *line, struct signed_amount *out_fee)
{
    const struct reconcile_fee *best = NULL;
    for (uint32_t i = 0; i < fees->count; i++)
        if (is_better(&fees->fees[i], best, kind, line)) best = &fees->fees[i];
    if (best == NULL || line->amount.minor < -SIGNED_AMOUNT_MAX) return false;
    int128 size = line->amount.minor < 0 ? -line->amount.minor : line->amount.minor;
    int128 part;
    if (__builtin_mul_overflow(size, (int128)best->ppm, &part)) return false;
    if (__builtin_add_overflow(part, (int128)(PPM_ONE / 2), &part)) return false;
    return signed_amount_add((struct signed_amount){ part / PPM_ONE }, best->fixed, out_fee);
}
