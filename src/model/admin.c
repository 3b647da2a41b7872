/* Names from the tables in the header, and the rules that need no ledger. */
#include "model/admin.h"

#include "base/check.h"
#include "model/transit.h"

#define OUTCOME_CODE(name, code, http, text) code,
#define OUTCOME_TEXT(name, code, http, text) text,
#define OUTCOME_HTTP(name, code, http, text) http,
static const char *const admin_codes[] = { ADMIN_OUTCOME_TABLE(OUTCOME_CODE) };
static const char *const admin_texts[] = { ADMIN_OUTCOME_TABLE(OUTCOME_TEXT) };
static const uint16_t admin_http[] = { ADMIN_OUTCOME_TABLE(OUTCOME_HTTP) };
static const char *const account_codes[] = { ACCOUNT_OUTCOME_TABLE(OUTCOME_CODE) };
static const char *const account_texts[] = { ACCOUNT_OUTCOME_TABLE(OUTCOME_TEXT) };
static const uint16_t account_http[] = { ACCOUNT_OUTCOME_TABLE(OUTCOME_HTTP) };
#undef OUTCOME_CODE
#undef OUTCOME_TEXT
#undef OUTCOME_HTTP

const char *admin_outcome_code(enum admin_outcome outcome)
{
    CHECK(outcome < ADMIN_OUTCOME_COUNT);
    return admin_codes[outcome];
}

const char *admin_outcome_text(enum admin_outcome outcome)
{
    CHECK(outcome < ADMIN_OUTCOME_COUNT);
    return admin_texts[outcome];
}

unsigned admin_outcome_http_status(enum admin_outcome outcome)
{
    CHECK(outcome < ADMIN_OUTCOME_COUNT);
    return admin_http[outcome];
}

const char *account_outcome_code(enum account_outcome outcome)
{
    CHECK(outcome < ACCOUNT_OUTCOME_COUNT);
    return account_codes[outcome];
}

const char *account_outcome_text(enum account_outcome outcome)
{
    CHECK(outcome < ACCOUNT_OUTCOME_COUNT);
    return account_texts[outcome];
}

unsigned account_outcome_http_status(enum account_outcome outcome)
{
    CHECK(outcome < ACCOUNT_OUTCOME_COUNT);
    return account_http[outcome];
}

struct word {
    uint32_t value;
    const char *text;
};

#define SCOPE_WORD(name, number, spelling) { .value = (number), .text = (spelling) },
static const struct word scopes[] = { SCOPE_TABLE(SCOPE_WORD) };
#undef SCOPE_WORD

enum { SCOPE_COUNT = sizeof(scopes) / sizeof(scopes[0]) };
_Static_assert(SCOPE_ALL == (1 << SCOPE_COUNT) - 1, "all scopes of the table and no others");

const char *scope_name(unsigned scope)
{
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if (scopes[i].value == scope) return scopes[i].text;
    }
    return NULL;
}

bool scope_parse(struct str text, uint32_t *out_scope)
{
    CHECK(out_scope != NULL);
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if (!str_equal(text, str_from(scopes[i].text))) continue;
        *out_scope = scopes[i].value;
        return true;
    }
    return false;
}

static const char *fault(const char **out_field, const char *field, const char *sentence)
{
    *out_field = field;
    return sentence;
}

/* An id that looks like a transit account's is one, to the last bit; all others are free. */
static bool transit_id_is_right(const struct account *account)
{
    if (!transit_account_is(account->id)) return true;
    struct transit_account transit;
    if (!transit_account_parse(account->id, &transit)) return false;
    struct account right = transit_account(&transit);
    return account_same_content(&right, account);
}

const char *account_fault(const struct account *account, const char **out_field)
{
    CHECK(account != NULL);
    CHECK(out_field != NULL);
    if (account->asset == 0) return fault(out_field, "asset", "an asset is required");
    if (account_kind_name(account->kind) == NULL)
        return fault(out_field, "kind", "there is no such kind of account");
    if ((account->flags & ~ACCOUNT_FLAGS_ALL) != 0)
        return fault(out_field, "flags", "there is no such flag");
    if ((account->flags & ~ACCOUNT_FLAGS_BOUND) != 0)
        return fault(out_field, "flags", "a new account cannot be frozen or closed");
    if (account->flags == ACCOUNT_FLAGS_BOUND)
        return fault(out_field, "flags", "an account can have one bound, not both");
    if (!transit_id_is_right(account))
        return fault(out_field, "id", "such ids are those of what is between lanes");
    return NULL;
}

/* The text up to its terminator; a text that fills its array has none. */
static struct str text_in(const char *text, size_t size)
{
    size_t len = 0;
    while (len < size && text[len] != '\0') len++;
    return (struct str){ text, len };
}

static const char *asset_fault(const struct asset *asset, const char **out_field)
{
    if (!asset_custom_code_valid(text_in(asset->code, sizeof asset->code)))
        return fault(out_field, "code",
                     "must be 3 to 12 of A-Z and 0-9, a letter first, and no ISO 4217 code");
    if (asset->exponent > ASSET_EXPONENT_MAX)
        return fault(out_field, "exponent", "must be at most 18 decimals");
    return NULL;
}

static const char *account_change_fault(const struct admin *admin, const char **out_field)
{
    if (uuid_is_nil(admin->account.value))
        return fault(out_field, "account", "an account is required");
    if (transit_account_is(admin->account))
        return fault(out_field, "account", "an account between lanes is neither frozen nor closed");
    if ((admin->set & ~(ACCOUNT_FLAG_FROZEN | ACCOUNT_FLAG_CLOSED)) != 0)
        return fault(out_field, "set", "only frozen and closed can be set");
    if ((admin->clear & ~ACCOUNT_FLAG_FROZEN) != 0)
        return fault(out_field, "clear", "only frozen can be cleared");
    if ((admin->set & admin->clear) != 0)
        return fault(out_field, "clear", "a flag cannot be set and cleared at once");
    if (admin->set == 0 && admin->clear == 0)
        return fault(out_field, "set", "nothing is to be changed");
    return NULL;
}

/* Names are shown in lists and logs: printable ASCII only. */
static bool credential_name_valid(struct str name)
{
    if (name.len == 0 || name.len > CREDENTIAL_NAME_LEN_MAX) return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < ' ' || name.data[i] > '~') return false;
    }
    return true;
}

static bool digest_is_zero(const struct digest *digest)
{
    uint8_t any = 0;
    for (size_t i = 0; i < sizeof digest->bytes; i++) any |= digest->bytes[i];
    return any == 0;
}

static const char *credential_fault(const struct credential *credential, const char **out_field)
{
    if (!credential_name_valid(text_in(credential->name, sizeof credential->name)))
        return fault(out_field, "name", "must be 1 to 63 printable ASCII characters");
    if (credential->scopes == 0) return fault(out_field, "scopes", "a scope is required");
    if ((credential->scopes & ~(uint32_t)SCOPE_ALL) != 0)
        return fault(out_field, "scopes", "there is no such scope");
    if (digest_is_zero(&credential->secret_digest))
        return fault(out_field, "secret_digest", "a digest is required");
    if (credential->revoked) return fault(out_field, "revoked", "a new key cannot be revoked");
    return NULL;
}

static const char *rate_fault(const struct rate *rate, const char **out_field)
{
    if (rate->asset == 0) return fault(out_field, "asset", "an asset is required");
    if (rate->counter_asset == 0) return fault(out_field, "to_asset", "an asset is required");
    if (rate->asset == rate->counter_asset)
        return fault(out_field, "to_asset", "must not be the same asset");
    bool fits = rate->numerator < UINT64_C(1) << 63 && rate->denominator < UINT64_C(1) << 63;
    if (!fits || rate->denominator == 0) return fault(out_field, "rate", "is out of range");
    return NULL;
}

static const char *raise_fault(const struct admin *admin, const char **out_field)
{
    const struct raise *raise = &admin->raise;
    if (!raise_names_one(raise))
        return fault(out_field, "route", "give exactly one of payment, user_ref and route");
    if (raise->traces < 1 || raise->traces > RAISE_TRACES_MAX)
        return fault(out_field, "traces", "must be 1 to 100000");
    if (admin->raise_for_s < 1 || admin->raise_for_s > RAISE_FOR_S_MAX)
        return fault(out_field, "for_s", "must be 1 to 86400");
    return NULL;
}

const char *admin_fault(const struct admin *admin, const char **out_field)
{
    CHECK(admin != NULL);
    CHECK(out_field != NULL);
    if (admin->reason[0] != '\0' && !reason_is_valid(text_in(admin->reason, sizeof admin->reason)))
        return fault(out_field, "reason", "must be a code: 1 to 47 of A-Z a-z 0-9 . _ : # / -");
    switch (admin->kind) {
    case ADMIN_ASSET_CREATE: return asset_fault(&admin->asset, out_field);
    case ADMIN_ACCOUNT_CHANGE: return account_change_fault(admin, out_field);
    case ADMIN_PERIOD_CLOSE:
        if (admin->closed_through.days < 1 || admin->closed_through.days > BUSINESS_DATE_DAYS_MAX)
            return fault(out_field, "closed_through", "must lie between 1970-01-02 and 9999-12-31");
        return NULL;
    case ADMIN_CREDENTIAL_CREATE: return credential_fault(&admin->credential, out_field);
    case ADMIN_CREDENTIAL_REVOKE:
        if (uuid_is_nil(admin->credential.id.value))
            return fault(out_field, "id", "the id of a key is required");
        return NULL;
    case ADMIN_RATE_SET: return rate_fault(&admin->rate, out_field);
    case ADMIN_NOTICE: return notice_fault(&admin->notice, out_field);
    case ADMIN_TRACE_RAISE: return raise_fault(admin, out_field);
    case ADMIN_TRACE_LOWER:
        if (uuid_is_nil(admin->raise.id))
            return fault(out_field, "id", "the id of a raise is required");
        return NULL;
    }
    return fault(out_field, "kind", "there is no such administrative act");
}
