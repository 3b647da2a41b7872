/* Members go straight into the draft; what needs two of them, like an amount, is settled after. */
#include "api/payments_parse.h"

#include "base/check.h"
#include "model/rate.h"

#define FIELD_TABLE(X)                                                                             \
    X(ID, "id")                                                                                    \
    X(KIND, "kind")                                                                                \
    X(AMOUNT, "amount")                                                                            \
    X(ASSET, "asset")                                                                              \
    X(WALLET, "wallet")                                                                            \
    X(TO, "to")                                                                                    \
    X(MERCHANT, "merchant")                                                                        \
    X(METHOD, "method")                                                                            \
    X(PSP, "psp")                                                                                  \
    X(PAYMENT, "payment")                                                                          \
    X(TO_ASSET, "to_asset")                                                                        \
    X(EXPIRES_IN_S, "expires_in_s")                                                                \
    X(CODE, "code")                                                                                \
    X(USER_REF, "user_ref")                                                                        \
    X(LAST, "last")                                                                                \
    X(STATE, "state")                                                                              \
    X(REASON, "reason")                                                                            \
    X(RATE, "rate")

#define FIELD_ENUM(name, text) FIELD_##name,
enum field { FIELD_TABLE(FIELD_ENUM) FIELD_COUNT };
#undef FIELD_ENUM
#define FIELD_NAME(name, text) { text, sizeof(text) - 1 },
static const struct str names[] = { FIELD_TABLE(FIELD_NAME) };
#undef FIELD_NAME

/* Which of them a body may have: bits 1 << enum field. */
#define BIT(field) (UINT64_C(1) << FIELD_##field)
enum { CREATE_COUNT = FIELD_LAST };
static const struct json_fields all_fields = { names, FIELD_COUNT };
static const uint64_t create_fields = (UINT64_C(1) << CREATE_COUNT) - 1;
static const uint64_t capture_fields = BIT(AMOUNT) | BIT(ASSET) | BIT(LAST);
static const uint64_t resolve_fields = BIT(STATE) | BIT(REASON);
static const uint64_t rate_fields = BIT(ASSET) | BIT(TO_ASSET) | BIT(RATE);

struct draft {
    struct payment_command *command;
    struct str amount;
    struct str rate;
    struct asset asset;
    struct asset to_asset;
    uint32_t expires_in_s;
    uint64_t seen;
};

static bool seen(const struct draft *draft, enum field field)
{
    return (draft->seen >> field & 1) != 0;
}

/* A text of the model's, terminated; out_text has room for size bytes. */
static bool text_take(struct body *body, char *out_text, size_t size, const char *wanted)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    bool fits = text.len > 0 && text.len < size;
    for (size_t i = 0; fits && i < text.len; i++) fits = text.data[i] > ' ' && text.data[i] <= '~';
    if (!fits) return body_fault(body, PROBLEM_INVALID_VALUE, NULL, wanted);
    memcpy(out_text, text.data, text.len);
    out_text[text.len] = '\0';
    return true;
}

static bool kind_take(struct body *body, uint8_t *out_kind)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    if (payment_kind_parse(text, out_kind) && *out_kind != PAYMENT_CHARGEBACK) return true;
    return body_fault(body, PROBLEM_INVALID_VALUE, NULL,
                      "must be pay_in, pay_out, wallet, merchant, refund or exchange");
}

static bool state_take(struct body *body, uint8_t *out_state)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    if (payment_state_parse(text, out_state)) return true;
    return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "must be succeeded or failed");
}

static bool reason_take(struct body *body, char out_reason[PSP_REASON_SIZE])
{
    static const char wanted[] = "must be 1 to 31 of a-z, 0-9 and '_'";
    if (!text_take(body, out_reason, PSP_REASON_SIZE, wanted)) return false;
    for (const char *at = out_reason; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_';
        if (!plain) return body_fault(body, PROBLEM_INVALID_VALUE, NULL, wanted);
    }
    return true;
}

static bool expires_take(struct body *body, uint32_t *out_seconds)
{
    if (!body_uint32(body, out_seconds)) return false;
    if (*out_seconds > 0 && *out_seconds <= PAYMENT_EXPIRES_S_MAX) return true;
    (void)body_fault(body, PROBLEM_INVALID_VALUE, NULL, "must be 1 to 31622400");
    problem_limit(body->problem, PAYMENT_EXPIRES_S_MAX);
    return false;
}
_Static_assert(PAYMENT_EXPIRES_S_MAX == 31622400, "as the sentence says");

static bool string_take(struct body *body, struct str *out_text)
{
    return json_string(&body->reader, out_text) || body_expected(body, "must be a string");
}

static bool field_take(struct body *body, unsigned field, struct draft *draft)
{
    struct payment_command *command = draft->command;
    struct payment *payment = &command->draft;
    switch ((enum field)field) {
    case FIELD_ID: return body_id(body, &payment->id.value);
    case FIELD_KIND: return kind_take(body, &payment->kind);
    case FIELD_AMOUNT: return string_take(body, &draft->amount);
    case FIELD_ASSET: return body_asset(body, &draft->asset);
    case FIELD_WALLET: return body_id(body, &payment->wallet.value);
    case FIELD_TO:
    case FIELD_MERCHANT: return body_id(body, &payment->counter.value);
    case FIELD_METHOD:
        return text_take(body, payment->method, sizeof payment->method,
                         "must be 1 to 63 visible ASCII characters: a PSP's token");
    case FIELD_PSP:
        return text_take(body, payment->psp, sizeof payment->psp,
                         "must be a PSP's name: 1 to 15 of a-z, 0-9 and '-'");
    case FIELD_PAYMENT: return body_id(body, &payment->parent.value);
    case FIELD_TO_ASSET: return body_asset(body, &draft->to_asset);
    case FIELD_EXPIRES_IN_S: return expires_take(body, &draft->expires_in_s);
    case FIELD_CODE: return body_uint32(body, &payment->code);
    case FIELD_USER_REF: return body_id(body, &payment->user_ref);
    case FIELD_LAST:
        return json_bool(&body->reader, &command->last) ||
               body_expected(body, "must be true or false");
    case FIELD_STATE: return state_take(body, &command->state);
    case FIELD_REASON: return reason_take(body, command->reason);
    case FIELD_RATE: return string_take(body, &draft->rate);
    case FIELD_COUNT: break;
    }
    CHECK(field < FIELD_COUNT);
    return false;
}

static bool object_take(struct body *body, uint64_t allowed, struct draft *draft)
{
    if (!json_object_begin(&body->reader)) return body_expected(body, "must be an object");
    unsigned field;
    while (json_object_field(&body->reader, &all_fields, &field)) {
        if ((allowed >> field & 1) == 0)
            return body_fault(body, PROBLEM_UNKNOWN_FIELD, NULL, "there is no such field here");
        draft->seen |= UINT64_C(1) << field;
        if (!field_take(body, field, draft)) return false;
    }
    if (body->reader.fault != JSON_FAULT_NONE) return body_reader_fault(body);
    return json_end(&body->reader) == STATUS_OK || body_reader_fault(body);
}

static bool field_needed(struct body *body, const struct draft *draft, enum field field)
{
    if (seen(draft, field)) return true;
    return body_fault(body, PROBLEM_MISSING_FIELD, names[field].data, "is required");
}

/* "all" needs no asset; a number means nothing without one. */
static bool amount_settle(struct body *body, const struct draft *draft, struct money *out_amount)
{
    bool all = str_equal(draft->amount, STR("all"));
    if (!all && !seen(draft, FIELD_ASSET)) {
        return body_fault(body, PROBLEM_MISSING_FIELD, "asset",
                          "an amount needs the asset it is counted in");
    }
    draft->command->draft.asset = draft->asset.id;
    return body_amount(body, draft->amount, &draft->asset, out_amount);
}

/* A refund without an amount is of all that is left. */
static bool create_amount_settle(struct body *body, struct draft *draft)
{
    bool all = draft->command->draft.kind == PAYMENT_REFUND && !seen(draft, FIELD_AMOUNT);
    if (all) draft->amount = STR("all");
    if (!all && !field_needed(body, draft, FIELD_AMOUNT)) return false;
    if (draft->command->draft.kind != PAYMENT_REFUND && !field_needed(body, draft, FIELD_ASSET))
        return false;
    return amount_settle(body, draft, &draft->command->draft.amount);
}

/* The account that is credited has the name that fits the kind. */
static bool counter_settle(struct body *body, const struct draft *draft)
{
    bool merchant = draft->command->draft.kind == PAYMENT_MERCHANT;
    if (merchant && seen(draft, FIELD_TO))
        return body_fault(body, PROBLEM_INVALID_VALUE, "to",
                          "must be left out: `merchant` is who gets it");
    if (!merchant && seen(draft, FIELD_MERCHANT))
        return body_fault(body, PROBLEM_INVALID_VALUE, "merchant", "must be left out");
    return true;
}

/* Whose hands it is in is nobody's business when it stays inside. */
static bool psp_settle(struct body *body, const struct draft *draft)
{
    const struct payment *payment = &draft->command->draft;
    bool inside = payment->method[0] == '\0' && payment->kind != PAYMENT_PAY_IN &&
                  payment->kind != PAYMENT_PAY_OUT;
    return !inside || !seen(draft, FIELD_PSP) ||
           body_fault(body, PROBLEM_INVALID_VALUE, "psp", "must be left out");
}

static bool expiry_settle(struct body *body, const struct draft *draft, struct wall_time now)
{
    struct payment *payment = &draft->command->draft;
    if (draft->expires_in_s == 0) return true;
    if (payment->kind != PAYMENT_MERCHANT && payment->kind != PAYMENT_EXCHANGE)
        return body_fault(body, PROBLEM_INVALID_VALUE, "expires_in_s", "must be left out");
    payment->expires_at.ns = now.ns + (int64_t)draft->expires_in_s * NS_PER_S;
    return true;
}

/* The rules of the model; what is absent is reported as missing. */
static bool model_check(struct body *body, const struct draft *draft)
{
    const char *name = NULL;
    const char *sentence = payment_fault(draft->command, &name);
    if (sentence == NULL) return true;
    enum problem_code code = PROBLEM_INVALID_VALUE;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (str_equal(names[i], str_from(name)) && !seen(draft, i)) code = PROBLEM_MISSING_FIELD;
    }
    (void)body_fault(body, code, name, sentence);
    if (draft->command->draft.amount.minor > PAYMENT_AMOUNT_MAX &&
        str_equal(str_from(name), STR("amount")))
        problem_limit(body->problem, (uint64_t)PAYMENT_AMOUNT_MAX);
    return false;
}

static void body_begin(struct body *body, const struct payment_input *input,
                       struct problem *problem)
{
    body_init(body, input->text, input->scratch, problem);
    body->assets = input->assets;
}

bool payment_create_parse(const struct payment_input *input, struct payment_command *out_command,
                          struct problem *out_problem)
{
    struct body body;
    body_begin(&body, input, out_problem);
    *out_command = (struct payment_command){ .cause = PAYMENT_CAUSE_CREATE };
    struct draft draft = { .command = out_command };
    if (!object_take(&body, create_fields, &draft)) return false;
    if (!field_needed(&body, &draft, FIELD_KIND)) return false;
    if (!create_amount_settle(&body, &draft) || !counter_settle(&body, &draft) ||
        !psp_settle(&body, &draft))
        return false;
    out_command->draft.counter_asset = draft.to_asset.id;
    return expiry_settle(&body, &draft, input->now) && model_check(&body, &draft);
}

bool payment_capture_parse(const struct payment_input *input, struct payment_command *out_command,
                           struct problem *out_problem)
{
    struct body body;
    body_begin(&body, input, out_problem);
    *out_command = (struct payment_command){ .cause = PAYMENT_CAUSE_CAPTURE };
    struct draft draft = { .command = out_command };
    if (!object_take(&body, capture_fields, &draft)) return false;
    if (!field_needed(&body, &draft, FIELD_AMOUNT)) return false;
    return amount_settle(&body, &draft, &out_command->amount) && model_check(&body, &draft);
}

bool payment_resolve_parse(const struct payment_input *input, struct payment_command *out_command,
                           struct problem *out_problem)
{
    struct body body;
    body_begin(&body, input, out_problem);
    *out_command = (struct payment_command){ .cause = PAYMENT_CAUSE_RESOLVE };
    struct draft draft = { .command = out_command };
    if (!object_take(&body, resolve_fields, &draft)) return false;
    return field_needed(&body, &draft, FIELD_STATE) && field_needed(&body, &draft, FIELD_REASON) &&
           model_check(&body, &draft);
}

bool rate_set_parse(const struct payment_input *input, struct admin *out_admin,
                    struct problem *out_problem)
{
    struct body body;
    struct payment_command unused = { 0 };
    struct draft draft = { .command = &unused };
    body_begin(&body, input, out_problem);
    *out_admin = (struct admin){ .kind = ADMIN_RATE_SET };
    if (!object_take(&body, rate_fields, &draft)) return false;
    if (!field_needed(&body, &draft, FIELD_ASSET) || !field_needed(&body, &draft, FIELD_TO_ASSET) ||
        !field_needed(&body, &draft, FIELD_RATE))
        return false;
    const struct rate_pair pair = {
        .asset = draft.asset.id,
        .counter_asset = draft.to_asset.id,
        .exponent = draft.asset.exponent,
        .counter_exponent = draft.to_asset.exponent,
    };
    const char *sentence = rate_parse(draft.rate, &pair, &out_admin->rate);
    if (sentence != NULL) return body_fault(&body, PROBLEM_INVALID_VALUE, "rate", sentence);
    const char *name = NULL;
    sentence = admin_fault(out_admin, &name);
    return sentence == NULL || body_fault(&body, PROBLEM_INVALID_VALUE, name, sentence);
}

static const struct str settlement_names[] = { { "psp", 3 }, { "day", 3 } };
static const struct json_fields settlement_fields = { settlement_names, 2 };

static bool psp_name_take(struct body *body, struct settlement_request *request)
{
    struct str text;
    if (!json_string(&body->reader, &text)) return body_expected(body, "must be a string");
    if (text.len == 0 || text.len >= sizeof request->psp) {
        return body_fault(body, PROBLEM_INVALID_VALUE, NULL, "is no PSP's name");
    }
    memcpy(request->psp, text.data, text.len);
    return true;
}

bool settlement_parse(struct str text, struct arena *scratch,
                      struct settlement_request *out_request, struct problem *out_problem)
{
    struct body body;
    body_init(&body, text, scratch, out_problem);
    *out_request = (struct settlement_request){ 0 };
    unsigned field;
    if (!json_object_begin(&body.reader)) return body_expected(&body, "must be an object");
    while (json_object_field(&body.reader, &settlement_fields, &field)) {
        bool taken =
            field == 0 ? psp_name_take(&body, out_request) : body_date(&body, &out_request->day);
        if (!taken) return false;
    }
    if (json_end(&body.reader) != STATUS_OK) return body_reader_fault(&body);
    if (out_request->psp[0] == '\0') {
        return body_fault(&body, PROBLEM_MISSING_FIELD, "psp", "a PSP's name is required");
    }
    return out_request->day.days != 0 ||
           body_fault(&body, PROBLEM_MISSING_FIELD, "day", "a day is required");
}
