#include "doctor/reconcile_currency.h"

#include "model/asset.h"

/* Upper case, or false for what is too long to be a code. */
static bool code_take(struct str text, char out_code[ASSET_CODE_LEN_MAX + 1])
{
    if (text.len < 3 || text.len > ASSET_CODE_LEN_MAX) return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        out_code[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    out_code[text.len] = '\0';
    return true;
}

static bool known(const struct reconcile_currencies *currencies, const char *code,
                  uint32_t *out_currency)
{
    for (uint32_t i = 0; i < currencies->count; i++) {
        if (strcmp(currencies->list[i].code, code) != 0) continue;
        *out_currency = i;
        return true;
    }
    return false;
}

static bool append(struct reconcile_currencies *currencies, const char *code, unsigned exponent)
{
    if (currencies->count == RECONCILE_CURRENCIES_MAX) return false;
    struct reconcile_currency *added = &currencies->list[currencies->count++];
    *added = (struct reconcile_currency){ .exponent = (uint8_t)exponent };
    memcpy(added->code, code, strlen(code) + 1);
    return true;
}

bool reconcile_currency_find(struct reconcile_currencies *currencies, struct str code,
                             uint32_t *out_currency)
{
    char upper[ASSET_CODE_LEN_MAX + 1];
    if (!code_take(code, upper)) return false;
    if (known(currencies, upper, out_currency)) return true;
    const struct asset *iso = asset_iso_by_code(str_from(upper));
    if (iso == NULL || !append(currencies, upper, iso->exponent)) return false;
    *out_currency = currencies->count - 1;
    return true;
}

enum status reconcile_currency_add(struct reconcile_currencies *currencies, struct str code,
                                   unsigned exponent)
{
    char upper[ASSET_CODE_LEN_MAX + 1];
    uint32_t index;
    if (!code_take(code, upper) || exponent > ASSET_EXPONENT_MAX) return STATUS_INVALID;
    const struct asset *iso = asset_iso_by_code(str_from(upper));
    if (iso != NULL && iso->exponent != exponent) return STATUS_INVALID;
    if (iso == NULL && !asset_custom_code_valid(str_from(upper))) return STATUS_INVALID;
    if (known(currencies, upper, &index))
        return currencies->list[index].exponent == exponent ? STATUS_OK : STATUS_INVALID;
    return append(currencies, upper, exponent) ? STATUS_OK : STATUS_LIMIT;
}

static struct signed_amount size_of(struct signed_amount amount)
{
    return (struct signed_amount){ amount.minor < 0 ? -amount.minor : amount.minor };
}

bool reconcile_bound(struct signed_amount *bound, const struct reconcile_line *line)
{
    struct signed_amount next = *bound;
    if (line->amount.minor < -SIGNED_AMOUNT_MAX || line->fee.minor < -SIGNED_AMOUNT_MAX)
        return false;
    if (!signed_amount_add(next, size_of(line->amount), &next)) return false;
    if (!signed_amount_add(next, size_of(line->fee), &next)) return false;
    *bound = next;
    return true;
}
