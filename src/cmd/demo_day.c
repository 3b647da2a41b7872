/* One request after the other; what became of an earlier payment is asked, never assumed. */
#include "cmd/demo_day.h"

#include <stdio.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/chart_accounts.h"

enum {
    TARGET_SIZE_MAX = 256,
    AMOUNT_SIZE = 24,
    WORDS_MAX = 2 * 9,
    FUNDING_CENTS = 50000,
    CARD_AFTER = 20
};

/* A reservation that nobody uses is released by itself. */
#define EXPIRES_S "5"

/* A request under way: names and values, whose texts stand here. */
struct draft {
    char id[UUID_TEXT_LEN + 1];
    char wallet[UUID_TEXT_LEN + 1];
    char other[UUID_TEXT_LEN + 1];
    char amount[AMOUNT_SIZE];
    const char *words[WORDS_MAX + 1];
    uint32_t count;
    struct demo_payment payment;
};

void demo_day_init(struct demo_day *day, struct demo_caller *caller, uint64_t seed)
{
    *day = (struct demo_day){ .caller = caller };
    prng_init(&day->prng, seed);
}

static struct uuid id_make(struct demo_day *day)
{
    uint64_t random[2] = { prng_next(&day->prng), prng_next(&day->prng) };
    return uuid_v7((uint64_t)(clock_wall(system_clock()).ns / NS_PER_MS), random);
}

static enum status refused(struct demo_day *day, const char *what)
{
    return error_set(day->caller->error, STATUS_CORRUPT, "%s: the server answered %u: %.*s", what,
                     day->caller->http_status, STR_ARG(buf_view(&day->caller->answer)));
}

/* Done, or refused for what the payment or the ledger is like. */
static bool is_outcome(const struct demo_day *day)
{
    unsigned http_status = day->caller->http_status;
    return http_status < 300 || http_status == 409 || http_status == 422;
}

/* ---- Before the day ---- */

static void account_write(struct json_writer *json, struct uuid id, const char *asset)
{
    json_write_object_begin(json);
    json_write_key(json, STR("id"));
    json_write_uuid(json, id);
    json_write_key(json, STR("asset"));
    json_write_string(json, str_from(asset));
    json_write_key(json, STR("kind"));
    json_write_string(json, STR("liability"));
    json_write_key(json, STR("flags"));
    json_write_array_begin(json);
    json_write_string(json, STR("debits_must_not_exceed_credits"));
    json_write_array_end(json);
    json_write_object_end(json);
}

static enum status accounts_make(struct demo_day *day)
{
    struct json_writer json;
    buf_reset(&day->caller->request);
    json_writer_init(&json, &day->caller->request);
    json_write_array_begin(&json);
    for (uint32_t i = 0; i < DEMO_WALLETS; i++) {
        day->wallets[i] = id_make(day);
        day->dollars[i] = id_make(day);
        account_write(&json, day->wallets[i], "EUR");
        account_write(&json, day->dollars[i], "USD");
    }
    for (uint32_t i = 0; i < DEMO_MERCHANTS; i++) {
        day->merchants[i] = id_make(day);
        account_write(&json, day->merchants[i], "EUR");
    }
    json_write_array_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    enum status status = demo_caller_ask(day->caller, API_POST, "/v1/accounts", STR(""));
    if (status != STATUS_OK || day->caller->http_status < 300) return status;
    return refused(day, "wallets");
}

enum status demo_day_prepare(struct demo_day *day)
{
    static const char *const rate[] = { "asset", "EUR", "to_asset", "USD", "rate", "1.0842", NULL };
    static const struct chart_names names = { { 0, 1 }, "EUR,USD", "sandbox" };
    struct demo_caller *caller = day->caller;
    enum status status = accounts_make(day);
    if (status == STATUS_OK) status = chart_accounts_make(&caller->session, &names, caller->error);
    if (status != STATUS_OK) return status;
    demo_caller_write(caller, rate);
    status = demo_caller_ask(caller, API_POST, "/v1/rates", STR("demo-rate"));
    if (status != STATUS_OK || caller->http_status < 300) return status;
    return refused(day, "a rate");
}

/* ---- Payments ---- */

static void add(struct draft *draft, const char *name, const char *value)
{
    CHECK(draft->count + 2 <= WORDS_MAX);
    draft->words[draft->count++] = name;
    draft->words[draft->count++] = value;
}

static void begin(struct demo_day *day, struct draft *draft, enum payment_kind kind)
{
    *draft = (struct draft){ .payment = { .kind = (uint8_t)kind } };
    draft->payment.id = id_make(day);
    add(draft, "kind", payment_kind_name(kind));
}

static void add_money(struct draft *draft, uint64_t cents)
{
    int len = snprintf(draft->amount, sizeof draft->amount, "%llu.%02llu",
                       (unsigned long long)(cents / 100), (unsigned long long)(cents % 100));
    CHECK(len > 0 && (size_t)len < sizeof draft->amount);
    add(draft, "amount", draft->amount);
    add(draft, "asset", "EUR");
}

static void add_wallet(struct draft *draft, struct uuid id)
{
    uuid_format(id, draft->wallet);
    add(draft, "wallet", draft->wallet);
}

static void add_other(struct draft *draft, const char *name, struct uuid id)
{
    uuid_format(id, draft->other);
    add(draft, name, draft->other);
}

static void add_method(struct draft *draft, const char *method)
{
    add(draft, "method", method);
    add(draft, "psp", "sandbox");
}

/* A refusal is an outcome as well: the payment is there, and has failed. */
static enum status payment_send(struct demo_day *day, struct draft *draft)
{
    CHECK(day->count < DEMO_PAYMENTS_MAX);
    uuid_format(draft->payment.id, draft->id);
    add(draft, "id", draft->id);
    demo_caller_write(day->caller, draft->words);
    enum status status = demo_caller_ask(day->caller, API_POST, "/v1/payments", STR(""));
    if (status != STATUS_OK) return status;
    if (!is_outcome(day)) return refused(day, "a payment");
    day->refused += day->caller->http_status >= 300;
    day->payments[day->count++] = draft->payment;
    return STATUS_OK;
}

static uint64_t cents_draw(struct demo_day *day)
{
    return prng_between(&day->prng, 100, 9999);
}

static struct uuid wallet_draw(struct demo_day *day)
{
    return day->wallets[prng_below(&day->prng, DEMO_WALLETS)];
}

static enum status pay_in(struct demo_day *day)
{
    static const char *const methods[] = {
        "card_ok",           "card_ok",
        "card_ok",           "card_ok",
        "card_ok",           "card_pending_then_ok",
        "card_declined",     "card_insufficient_funds",
        "card_error_after",  "card_pending_then_declined",
        "card_error_before", "card_refund_pending",
        "card_refund_fails", "card_refund_declined",
    };
    struct draft draft;
    begin(day, &draft, PAYMENT_PAY_IN);
    bool funds = day->count < DEMO_WALLETS;
    add_wallet(&draft, funds ? day->wallets[day->count] : wallet_draw(day));
    add_money(&draft, funds ? FUNDING_CENTS : cents_draw(day));
    uint64_t method = prng_below(&day->prng, sizeof methods / sizeof methods[0]);
    add_method(&draft, funds ? "card_ok" : methods[method]);
    return payment_send(day, &draft);
}

enum status demo_day_pay_in(struct demo_day *day, struct uuid id, const char *method)
{
    struct draft draft;
    begin(day, &draft, PAYMENT_PAY_IN);
    draft.payment.id = id;
    add_wallet(&draft, wallet_draw(day));
    add_money(&draft, cents_draw(day));
    add_method(&draft, method);
    return payment_send(day, &draft);
}

static enum status pay_out(struct demo_day *day)
{
    static const char *const methods[] = {
        "bank_ok",       "bank_ok",
        "bank_ok",       "bank_pending_then_ok",
        "bank_declined", "bank_pending_then_failed",
    };
    struct draft draft;
    begin(day, &draft, PAYMENT_PAY_OUT);
    add_wallet(&draft, wallet_draw(day));
    add_money(&draft, cents_draw(day));
    add_method(&draft, methods[prng_below(&day->prng, sizeof methods / sizeof methods[0])]);
    return payment_send(day, &draft);
}

static enum status wallet_to_wallet(struct demo_day *day)
{
    struct draft draft;
    uint64_t from = prng_below(&day->prng, DEMO_WALLETS);
    uint64_t to = (from + 1 + prng_below(&day->prng, DEMO_WALLETS - 1)) % DEMO_WALLETS;
    begin(day, &draft, PAYMENT_WALLET);
    add_wallet(&draft, day->wallets[from]);
    add_other(&draft, "to", day->wallets[to]);
    add_money(&draft, cents_draw(day));
    return payment_send(day, &draft);
}

/* ---- Reservations ---- */

/* Sends a verb to a payment; refusals are answers. */
static enum status verb_send(struct demo_day *day, const struct demo_payment *payment,
                             const char *verb, struct str key)
{
    BUF_SCOPE struct buf target;
    char id[UUID_TEXT_LEN + 1];
    buf_init(&target, TARGET_SIZE_MAX);
    uuid_format(payment->id, id);
    buf_append_format(&target, "/v1/payments/%s/%s", id, verb);
    enum status status = demo_caller_ask(day->caller, API_POST, buf_terminated(&target), key);
    return status != STATUS_OK || is_outcome(day) ? status : refused(day, verb);
}

static enum status capture(struct demo_day *day, const struct demo_payment *payment, bool part)
{
    struct json_writer json;
    char key[UUID_TEXT_LEN + 1];
    uuid_format(payment->id, key); /* captured once each: the id serves as a key */
    buf_reset(&day->caller->request);
    json_writer_init(&json, &day->caller->request);
    json_write_object_begin(&json);
    json_write_key(&json, STR("amount"));
    json_write_string(&json, part ? STR("0.50") : STR("all"));
    json_write_key(&json, STR("asset"));
    json_write_string(&json, STR("EUR"));
    json_write_key(&json, STR("last"));
    json_write_bool(&json, true);
    json_write_object_end(&json);
    CHECK(json_write_end(&json) == STATUS_OK);
    return verb_send(day, payment, "capture", str_from(key));
}

static enum status reservation_use(struct demo_day *day, const struct demo_payment *payment)
{
    uint64_t draw = prng_below(&day->prng, 10);
    if (draw < 5) return capture(day, payment, false);
    if (draw < 8) return capture(day, payment, true);
    if (draw == 9) return STATUS_OK; /* nobody uses it: it expires */
    buf_reset(&day->caller->request);
    return verb_send(day, payment, "cancel", STR(""));
}

/* ---- The other kinds ---- */

static enum status merchant(struct demo_day *day)
{
    struct draft draft;
    begin(day, &draft, PAYMENT_MERCHANT);
    draft.payment.by_card = prng_chance(&day->prng, 1, 3);
    add_other(&draft, "merchant", day->merchants[prng_below(&day->prng, DEMO_MERCHANTS)]);
    add_money(&draft, cents_draw(day));
    add(&draft, "expires_in_s", EXPIRES_S);
    if (draft.payment.by_card)
        add_method(&draft, "card_ok");
    else
        add_wallet(&draft, wallet_draw(day));
    enum status status = payment_send(day, &draft);
    if (status != STATUS_OK || draft.payment.by_card) return status;
    return reservation_use(day, &draft.payment);
}

/* Of a pay-in, wallet or merchant payment of before: whole, or 1.00 of it. */
static enum status refund(struct demo_day *day)
{
    const struct demo_payment *parent = &day->payments[prng_below(&day->prng, day->count)];
    for (uint32_t tries = 0; tries < 10 && parent->kind != PAYMENT_PAY_IN; tries++)
        parent = &day->payments[prng_below(&day->prng, day->count)];
    struct draft draft;
    begin(day, &draft, PAYMENT_REFUND);
    add_other(&draft, "payment", parent->id);
    if (prng_chance(&day->prng, 2, 3)) add_money(&draft, 100);
    return payment_send(day, &draft);
}

static enum status exchange(struct demo_day *day)
{
    struct draft draft;
    uint64_t who = prng_below(&day->prng, DEMO_WALLETS);
    begin(day, &draft, PAYMENT_EXCHANGE);
    add_wallet(&draft, day->wallets[who]);
    add_other(&draft, "to", day->dollars[who]);
    add_money(&draft, cents_draw(day));
    add(&draft, "to_asset", "USD");
    add(&draft, "expires_in_s", EXPIRES_S); /* when there is too little money to execute it */
    enum status status = payment_send(day, &draft);
    if (status != STATUS_OK || day->caller->http_status >= 300) return status;
    buf_reset(&day->caller->request);
    return verb_send(day, &draft.payment, "execute", STR(""));
}

static enum status payment_make(struct demo_day *day)
{
    if (day->count < DEMO_WALLETS) return pay_in(day);
    uint64_t draw = prng_below(&day->prng, 100);
    if (draw < 30) return pay_in(day);
    if (draw < 45) return pay_out(day);
    if (draw < 62) return wallet_to_wallet(day);
    if (draw < 78) return merchant(day);
    if (draw < 90) return refund(day);
    return exchange(day);
}

/* What a card has reserved is used a while after it was asked for: it may still be in doubt. */
static enum status card_use(struct demo_day *day, uint32_t index)
{
    const struct demo_payment *payment = &day->payments[index];
    return payment->by_card ? reservation_use(day, payment) : STATUS_OK;
}

enum status demo_day_next(struct demo_day *day)
{
    enum status status = payment_make(day);
    if (status != STATUS_OK || day->count <= CARD_AFTER) return status;
    return card_use(day, day->count - 1 - CARD_AFTER);
}

enum status demo_day_end(struct demo_day *day)
{
    enum status status = STATUS_OK;
    uint32_t index = day->count > CARD_AFTER ? day->count - CARD_AFTER : 0;
    for (; status == STATUS_OK && index < day->count; index++) status = card_use(day, index);
    return status;
}
