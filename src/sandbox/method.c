#include "sandbox/method.h"

#include <stdio.h>

#include "base/check.h"

#define CARD_ENTRY(name, number, first, later, reason, fault, text)                                \
    { name,                                                                                        \
      number,                                                                                      \
      text,                                                                                        \
      false,                                                                                       \
      FIRST_##first,                                                                               \
      LATER_##later,                                                                               \
      REASON_##reason,                                                                             \
      SANDBOX_FAULT_##fault },
#define BANK_ENTRY(name, number, first, later, reason, fault, text)                                \
    {                                                                                              \
        name,                                                                                      \
        number,                                                                                    \
        text,                                                                                      \
        true,                                                                                      \
        FIRST_##first,                                                                             \
        LATER_##later,                                                                             \
        REASON_##reason,                                                                           \
        SANDBOX_FAULT_##fault                                                                      \
    },

static const struct sandbox_method methods[] = { SANDBOX_CARD_TABLE(CARD_ENTRY)
                                                     SANDBOX_BANK_TABLE(BANK_ENTRY) };
enum { METHOD_COUNT = sizeof methods / sizeof methods[0] };
_Static_assert(METHOD_COUNT <= UINT8_MAX, "a method's place fits one byte");

/* What Stripe calls its test cards, and which of ours does the same. */
struct alias {
    const char *token;
    const char *name;
};
static const struct alias aliases[] = {
    { "pm_card_visa", "ok" },
    { "pm_card_mastercard", "ok" },
    { "pm_card_chargeDeclined", "declined" },
    { "pm_card_visa_chargeDeclined", "declined" },
    { "pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds" },
    { "pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds" },
    { "pm_card_chargeDeclinedLostCard", "lost" },
    { "pm_card_visa_chargeDeclinedLostCard", "lost" },
    { "pm_card_chargeDeclinedExpiredCard", "expired" },
    { "pm_card_authenticationRequired", "authentication_required" },
    { "pm_card_pendingRefund", "refund_pending" },
    { "pm_card_refundFail", "refund_fails_late" },
    { "pm_card_createDispute", "disputed" },
};

const struct sandbox_method *method_table(uint32_t *out_count)
{
    *out_count = METHOD_COUNT;
    return methods;
}

static bool by_name(struct str name, bool bank, uint8_t *out_method)
{
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        if (methods[i].bank != bank || !str_equal(name, str_from(methods[i].name))) continue;
        *out_method = (uint8_t)i;
        return true;
    }
    return false;
}

static bool by_prefix(struct str token, struct str prefix, bool bank, uint8_t *out_method)
{
    if (!str_starts(token, prefix)) return false;
    struct str name = { token.data + prefix.len, token.len - prefix.len };
    return by_name(name, bank, out_method);
}

bool method_by_token(struct str token, uint8_t *out_method)
{
    for (unsigned i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (str_equal(token, str_from(aliases[i].token)))
            return by_name(str_from(aliases[i].name), false, out_method);
    return by_prefix(token, STR("card_"), false, out_method) ||
           by_prefix(token, STR("pm_card_"), false, out_method) ||
           by_prefix(token, STR("bank_"), true, out_method) ||
           by_prefix(token, STR("ba_"), true, out_method);
}

bool method_by_number(struct str number, bool bank, uint8_t *out_method)
{
    for (unsigned i = 0; i < METHOD_COUNT; i++) {
        if (methods[i].bank != bank || !str_equal(number, str_from(methods[i].number))) continue;
        *out_method = (uint8_t)i;
        return true;
    }
    return false;
}

struct str method_token(uint8_t method, char out_text[PSP_TOKEN_SIZE])
{
    CHECK(method < METHOD_COUNT);
    int len = snprintf(out_text, PSP_TOKEN_SIZE, "%s_%s", methods[method].bank ? "bank" : "card",
                       methods[method].name);
    CHECK(len > 0 && len < PSP_TOKEN_SIZE);
    return (struct str){ out_text, (size_t)len };
}

const char *reason_code(enum sandbox_reason reason)
{
#define CODE_ENTRY(name, text) [REASON_##name] = text,
    static const char *const codes[] = { SANDBOX_REASON_TABLE(CODE_ENTRY) };
#undef CODE_ENTRY
    CHECK(reason < SANDBOX_REASON_COUNT);
    return codes[reason];
}

bool reason_parse(struct str code, uint8_t *out_reason)
{
    for (unsigned reason = 1; reason < SANDBOX_REASON_COUNT; reason++) {
        if (!str_equal(code, str_from(reason_code((enum sandbox_reason)reason)))) continue;
        *out_reason = (uint8_t)reason;
        return true;
    }
    return false;
}
