/* Names from the tables in the header, and the rules that need no ledger. */
#include "model/transfer.h"

#include "base/check.h"
#include "model/transit.h"

#define OUTCOME_CODE(name, code, http, text) code,
static const char *const outcome_codes[] = { OUTCOME_TABLE(OUTCOME_CODE) };
#undef OUTCOME_CODE
#define OUTCOME_TEXT(name, code, http, text) text,
static const char *const outcome_texts[] = { OUTCOME_TABLE(OUTCOME_TEXT) };
#undef OUTCOME_TEXT
#define OUTCOME_HTTP(name, code, http, text) http,
static const uint16_t outcome_http[] = { OUTCOME_TABLE(OUTCOME_HTTP) };
#undef OUTCOME_HTTP

const char *outcome_code(enum outcome outcome)
{
    CHECK(outcome < OUTCOME_COUNT);
    return outcome_codes[outcome];
}

const char *outcome_text(enum outcome outcome)
{
    CHECK(outcome < OUTCOME_COUNT);
    return outcome_texts[outcome];
}

unsigned outcome_http_status(enum outcome outcome)
{
    CHECK(outcome < OUTCOME_COUNT);
    return outcome_http[outcome];
}

struct word {
    uint8_t value;
    struct str text;
};

#define TRANSFER_WORD(name, number, spelling)                                                      \
    { .value = (number), .text = { (spelling), sizeof(spelling) - 1 } },
static const struct word kinds[] = { TRANSFER_KIND_TABLE(TRANSFER_WORD) };
static const struct word flags[] = { TRANSFER_FLAG_TABLE(TRANSFER_WORD) };
#undef TRANSFER_WORD

enum {
    KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]),
    FLAG_COUNT = sizeof(flags) / sizeof(flags[0]),
};

static const char *word_text(const struct word *words, size_t count, unsigned value)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i].value == value) return words[i].text.data;
    }
    return NULL;
}

static bool word_value(const struct word *words, size_t count, struct str text, uint8_t *out_value)
{
    CHECK(out_value != NULL);
    for (size_t i = 0; i < count; i++) {
        if (!str_equal(text, words[i].text)) continue;
        *out_value = words[i].value;
        return true;
    }
    return false;
}

const char *transfer_kind_name(unsigned kind)
{
    return word_text(kinds, KIND_COUNT, kind);
}

bool transfer_kind_parse(struct str text, uint8_t *out_kind)
{
    return word_value(kinds, KIND_COUNT, text, out_kind);
}

const char *transfer_flag_name(unsigned flag)
{
    return word_text(flags, FLAG_COUNT, flag);
}

bool transfer_flag_parse(struct str text, uint8_t *out_flag)
{
    return word_value(flags, FLAG_COUNT, text, out_flag);
}

static const char *fault(const char **out_field, const char *field, const char *sentence)
{
    *out_field = field;
    return sentence;
}

/* DIRECT and HOLD name both sides themselves; all other kinds take them from their target. */
static bool names_accounts(const struct transfer *transfer)
{
    return transfer->kind == TRANSFER_DIRECT || transfer->kind == TRANSFER_HOLD;
}

static const char *kind_fault(const struct transfer *transfer, const char **out_field)
{
    static const uint8_t balancing = TRANSFER_FLAG_BALANCING_DEBIT | TRANSFER_FLAG_BALANCING_CREDIT;
    static const uint8_t known = TRANSFER_FLAG_LINKED | balancing | TRANSFER_FLAG_KEEP_REST;
    if (transfer_kind_name(transfer->kind) == NULL)
        return fault(out_field, "kind", "there is no such kind of transfer");
    if (transfer->kind == TRANSFER_EXPIRE)
        return fault(out_field, "kind", "only the ledger itself lets holds expire");
    if (transfer->kind == TRANSFER_DEPARTURE)
        return fault(out_field, "kind", "only lanes themselves let money leave for another");
    if ((transfer->flags & TRANSFER_FLAG_OWNED) != 0)
        return fault(out_field, "flags", "only payments own the transfers they make");
    if ((transfer->flags & ~known) != 0) return fault(out_field, "flags", "there is no such flag");
    if ((transfer->flags & balancing) != 0 && !names_accounts(transfer))
        return fault(out_field, "flags", "only a direct transfer or a hold can be balancing");
    if ((transfer->flags & TRANSFER_FLAG_KEEP_REST) != 0 && transfer->kind != TRANSFER_POST)
        return fault(out_field, "flags", "only a post can keep the rest of a hold");
    return NULL;
}

static const char *own_sides_fault(const struct transfer *transfer, const char **out_field)
{
    if (uuid_is_nil(transfer->debit.value))
        return fault(out_field, "debit", "a debit account is required");
    if (uuid_is_nil(transfer->credit.value))
        return fault(out_field, "credit", "a credit account is required");
    if (uuid_equal(transfer->debit.value, transfer->credit.value))
        return fault(out_field, "credit", "must be another account than the debit account");
    if (transit_account_is(transfer->debit))
        return fault(out_field, "debit", "only lanes themselves move what is between them");
    if (transit_account_is(transfer->credit))
        return fault(out_field, "credit", "only lanes themselves move what is between them");
    if (transfer->asset == 0) return fault(out_field, "asset", "an asset is required");
    if (!uuid_is_nil(transfer->target.value))
        return fault(out_field, "target", "only a post, a void or a reversal has a target");
    return NULL;
}

static const char *target_sides_fault(const struct transfer *transfer, const char **out_field)
{
    if (!uuid_is_nil(transfer->debit.value))
        return fault(out_field, "debit", "follows from the target and must not be given");
    if (!uuid_is_nil(transfer->credit.value))
        return fault(out_field, "credit", "follows from the target and must not be given");
    if (transfer->asset != 0 && transfer->kind == TRANSFER_VOID)
        return fault(out_field, "asset", "a void counts nothing and must not name an asset");
    if (uuid_is_nil(transfer->target.value))
        return fault(out_field, "target", "a target is required");
    return NULL;
}

static const char *amount_fault(const struct transfer *transfer, const char **out_field)
{
    static const uint8_t balancing = TRANSFER_FLAG_BALANCING_DEBIT | TRANSFER_FLAG_BALANCING_CREDIT;
    bool all = money_equal(transfer->amount, MONEY_MAX);
    if (money_is_zero(transfer->amount))
        return fault(out_field, "amount", "must be more than zero");
    if (all && names_accounts(transfer) && (transfer->flags & balancing) == 0)
        return fault(out_field, "amount", "only a balancing transfer can move all");
    if (!all && transfer->kind == TRANSFER_VOID)
        return fault(out_field, "amount", "a void always releases all");
    return NULL;
}

static const char *rest_fault(const struct transfer *transfer, const char **out_field)
{
    if (transfer->timeout_s != 0 && transfer->kind != TRANSFER_HOLD)
        return fault(out_field, "timeout_s", "only a hold has a timeout");
    if (transfer->timeout_s > HOLD_TIMEOUT_S_MAX)
        return fault(out_field, "timeout_s", "must be at most 366 days");
    if (transfer->value_date.days < 0 || transfer->value_date.days > BUSINESS_DATE_DAYS_MAX)
        return fault(out_field, "value_date", "must lie between 1970-01-02 and 9999-12-31");
    for (size_t i = 0; i < sizeof transfer->reserved; i++) {
        if (transfer->reserved[i] != 0)
            return fault(out_field, "reserved", "reserved bytes must be zero");
    }
    return NULL;
}

const char *transfer_fault(const struct transfer *transfer, const char **out_field)
{
    CHECK(transfer != NULL);
    CHECK(out_field != NULL);
    const char *sentence = kind_fault(transfer, out_field);
    if (sentence != NULL) return sentence;
    sentence = names_accounts(transfer) ? own_sides_fault(transfer, out_field)
                                        : target_sides_fault(transfer, out_field);
    if (sentence != NULL) return sentence;
    sentence = amount_fault(transfer, out_field);
    if (sentence != NULL) return sentence;
    return rest_fault(transfer, out_field);
}
