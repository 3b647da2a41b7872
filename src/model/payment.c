/* The moves are one table: what is not in it cannot happen, whoever asks. */
#include "model/payment.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "model/transit.h"

#define NAME_ENTRY(name, value, text) [value] = text,

const char *payment_kind_name(unsigned kind)
{
    static const char *const names[] = { PAYMENT_KIND_TABLE(NAME_ENTRY) };
    return kind < sizeof names / sizeof names[0] ? names[kind] : NULL;
}

bool payment_kind_parse(struct str text, uint8_t *out_kind)
{
    for (unsigned kind = 1; kind < PAYMENT_KIND_END; kind++) {
        if (!str_equal(text, str_from(payment_kind_name(kind)))) continue;
        *out_kind = (uint8_t)kind;
        return true;
    }
    return false;
}

#define STATE_ENTRY(name, value, text, open) [value] = text,
const char *payment_state_name(unsigned state)
{
    static const char *const names[] = { PAYMENT_STATE_TABLE(STATE_ENTRY) };
    return state < sizeof names / sizeof names[0] ? names[state] : NULL;
}

bool payment_state_parse(struct str text, uint8_t *out_state)
{
    for (unsigned state = 1; state < PAYMENT_STATE_END; state++) {
        if (!str_equal(text, str_from(payment_state_name(state)))) continue;
        *out_state = (uint8_t)state;
        return true;
    }
    return false;
}

#define OPEN_ENTRY(name, value, text, open) [value] = open,
bool payment_state_is_open(unsigned state)
{
    static const bool open_states[] = { PAYMENT_STATE_TABLE(OPEN_ENTRY) };
    return state < sizeof open_states / sizeof open_states[0] ? open_states[state] : false;
}

bool payment_in_transit(const struct payment *payment)
{
    return payment->state == PAYMENT_STATE_PENDING && payment->step == 0;
}

bool payment_waits_for(const struct payment *payment, struct transfer_id departure)
{
    return payment_in_transit(payment) && uuid_equal(payment->posted.value, departure.value);
}

const char *payment_cause_name(unsigned cause)
{
    static const char *const names[] = { PAYMENT_CAUSE_TABLE(NAME_ENTRY) };
    return cause < sizeof names / sizeof names[0] ? names[cause] : NULL;
}

#define CODE_ENTRY(name, code, http, text) code,
#define TEXT_ENTRY(name, code, http, text) text,
#define HTTP_ENTRY(name, code, http, text) http,

const char *payment_outcome_code(enum payment_outcome outcome)
{
    static const char *const codes[] = { PAYMENT_OUTCOME_TABLE(CODE_ENTRY) };
    CHECK(outcome < PAYMENT_OUTCOME_COUNT);
    return codes[outcome];
}

const char *payment_outcome_text(enum payment_outcome outcome)
{
    static const char *const texts[] = { PAYMENT_OUTCOME_TABLE(TEXT_ENTRY) };
    CHECK(outcome < PAYMENT_OUTCOME_COUNT);
    return texts[outcome];
}

unsigned payment_outcome_http_status(enum payment_outcome outcome)
{
    static const uint16_t statuses[] = { PAYMENT_OUTCOME_TABLE(HTTP_ENTRY) };
    CHECK(outcome < PAYMENT_OUTCOME_COUNT);
    return statuses[outcome];
}

/* ---- Moves ---- */

#define MOVE(kind, from, to, cause)                                                                \
    {                                                                                              \
        PAYMENT_##kind, PAYMENT_STATE_##from, PAYMENT_STATE_##to, PAYMENT_CAUSE_##cause            \
    }
/* A step at the PSP, from the state in which it is under way. */
#define MOVES_OF_STEP(kind, done)                                                                  \
    MOVE(kind, PENDING, PENDING, ANSWER), MOVE(kind, PENDING, PENDING, HINT),                      \
        MOVE(kind, PENDING, IN_DOUBT, ANSWER), MOVE(kind, PENDING, MANUAL, ANSWER),                \
        MOVE(kind, PENDING, done, ANSWER), MOVE(kind, PENDING, FAILED, ANSWER),                    \
        MOVE(kind, IN_DOUBT, IN_DOUBT, ANSWER), MOVE(kind, IN_DOUBT, IN_DOUBT, HINT),              \
        MOVE(kind, IN_DOUBT, PENDING, ANSWER), MOVE(kind, IN_DOUBT, MANUAL, ANSWER),               \
        MOVE(kind, IN_DOUBT, done, ANSWER), MOVE(kind, IN_DOUBT, FAILED, ANSWER),                  \
        MOVE(kind, MANUAL, MANUAL, HINT), MOVE(kind, MANUAL, MANUAL, ANSWER),                      \
        MOVE(kind, MANUAL, done, ANSWER), MOVE(kind, MANUAL, FAILED, ANSWER),                      \
        MOVE(kind, MANUAL, done, RESOLVE), MOVE(kind, MANUAL, FAILED, RESOLVE)

/* A line of a statement books what is at the bank, whatever the payment has come to. */
#define MOVES_OF_SETTLEMENT(kind)                                                                  \
    MOVE(kind, PENDING, PENDING, SETTLE), MOVE(kind, IN_DOUBT, IN_DOUBT, SETTLE),                  \
        MOVE(kind, MANUAL, MANUAL, SETTLE), MOVE(kind, FAILED, FAILED, SETTLE)

static const struct payment_move moves[] = {
    MOVE(PAY_IN, NONE, PENDING, CREATE),
    MOVE(PAY_IN, NONE, FAILED, CREATE),
    MOVES_OF_STEP(PAY_IN, SUCCEEDED),
    MOVES_OF_SETTLEMENT(PAY_IN),
    MOVE(PAY_IN, FAILED, FAILED, HINT),
    MOVE(PAY_IN, FAILED, FAILED, ANSWER),
    MOVE(PAY_IN, FAILED, SUCCEEDED, ANSWER), /* a decline that the PSP took back */
    MOVE(PAY_IN, FAILED, MANUAL, ANSWER),    /* the same, and the wallet cannot take it */
    MOVE(PAY_IN, SUCCEEDED, MANUAL, ANSWER), /* a success that the PSP took back */
    MOVE(PAY_IN, SUCCEEDED, SUCCEEDED, HINT),
    MOVE(PAY_IN, SUCCEEDED, SUCCEEDED, ANSWER),
    MOVE(PAY_IN, SUCCEEDED, SUCCEEDED, FOLLOW),
    MOVE(PAY_IN, MANUAL, MANUAL, FOLLOW),
    MOVE(PAY_IN, FAILED, FAILED, FOLLOW),
    MOVE(PAY_IN, SUCCEEDED, SUCCEEDED, SETTLE),

    MOVE(PAY_OUT, NONE, PENDING, CREATE),
    MOVE(PAY_OUT, NONE, FAILED, CREATE),
    MOVES_OF_STEP(PAY_OUT, SUCCEEDED),
    MOVES_OF_SETTLEMENT(PAY_OUT),
    MOVE(PAY_OUT, FAILED, FAILED, HINT),
    MOVE(PAY_OUT, FAILED, FAILED, ANSWER),
    MOVE(PAY_OUT, FAILED, MANUAL, ANSWER), /* a decline that the PSP took back: it was paid */
    MOVE(PAY_OUT, SUCCEEDED, SUCCEEDED, HINT),
    MOVE(PAY_OUT, SUCCEEDED, SUCCEEDED, ANSWER),
    MOVE(PAY_OUT, SUCCEEDED, SUCCEEDED, SETTLE),
    MOVE(PAY_OUT, SUCCEEDED, RETURNED, ANSWER), /* days later: the money is back at the PSP */
    MOVE(PAY_OUT, MANUAL, RETURNED, RESOLVE),
    MOVE(PAY_OUT, SUCCEEDED, MANUAL, ANSWER), /* back, and the wallet cannot take it */
    MOVE(PAY_OUT, RETURNED, RETURNED, HINT),
    MOVE(PAY_OUT, RETURNED, RETURNED, ANSWER),
    MOVE(PAY_OUT, RETURNED, RETURNED, SETTLE),

    MOVE(WALLET, NONE, SUCCEEDED, CREATE),
    MOVE(WALLET, NONE, PENDING, CREATE), /* into another lane */
    MOVE(WALLET, NONE, FAILED, CREATE),
    MOVE(WALLET, PENDING, SUCCEEDED, ARRIVE),
    MOVE(WALLET, PENDING, FAILED, ARRIVE),
    MOVE(WALLET, SUCCEEDED, SUCCEEDED, FOLLOW),

    MOVE(MERCHANT, NONE, AUTHORISED, CREATE), /* from a wallet: a hold in the ledger */
    MOVE(MERCHANT, NONE, PENDING, CREATE),    /* from a card: to be authorised */
    MOVE(MERCHANT, NONE, FAILED, CREATE),
    MOVES_OF_STEP(MERCHANT, AUTHORISED),
    MOVES_OF_SETTLEMENT(MERCHANT),
    MOVE(MERCHANT, CANCELLED, CANCELLED, SETTLE),
    MOVE(MERCHANT, EXPIRED, EXPIRED, SETTLE),
    MOVE(MERCHANT, PENDING, PART_CAPTURED, ANSWER),
    MOVE(MERCHANT, PENDING, CAPTURED, ANSWER),
    MOVE(MERCHANT, PENDING, CANCELLED, ANSWER),
    MOVE(MERCHANT, PENDING, EXPIRED, ANSWER),
    MOVE(MERCHANT, IN_DOUBT, PART_CAPTURED, ANSWER),
    MOVE(MERCHANT, IN_DOUBT, CAPTURED, ANSWER),
    MOVE(MERCHANT, IN_DOUBT, CANCELLED, ANSWER),
    MOVE(MERCHANT, IN_DOUBT, EXPIRED, ANSWER),
    MOVE(MERCHANT, MANUAL, PART_CAPTURED, ANSWER),
    MOVE(MERCHANT, MANUAL, CAPTURED, ANSWER),
    MOVE(MERCHANT, MANUAL, CANCELLED, ANSWER),
    MOVE(MERCHANT, MANUAL, EXPIRED, ANSWER),
    MOVE(MERCHANT, MANUAL, PART_CAPTURED, RESOLVE),
    MOVE(MERCHANT, MANUAL, CAPTURED, RESOLVE),
    MOVE(MERCHANT, MANUAL, CANCELLED, RESOLVE),
    MOVE(MERCHANT, MANUAL, EXPIRED, RESOLVE),
    MOVE(MERCHANT, AUTHORISED, PART_CAPTURED, CAPTURE),
    MOVE(MERCHANT, AUTHORISED, CAPTURED, CAPTURE),
    MOVE(MERCHANT, AUTHORISED, PENDING, CAPTURE), /* a PSP, or another lane, has to take it */
    MOVE(MERCHANT, PENDING, PART_CAPTURED, ARRIVE),
    MOVE(MERCHANT, PENDING, CAPTURED, ARRIVE),
    MOVE(MERCHANT, PENDING, AUTHORISED, ARRIVE), /* refused there, and reserved as before */
    MOVE(MERCHANT, PENDING, CANCELLED, ARRIVE), /* refused there, and the wallet reserves no more */
    MOVE(MERCHANT, PENDING, MANUAL, ARRIVE),    /* somebody else has ended the hold of the rest */
    MOVE(MERCHANT, AUTHORISED, CANCELLED, CANCEL),
    MOVE(MERCHANT, AUTHORISED, PENDING, CANCEL),
    MOVE(MERCHANT, AUTHORISED, EXPIRED, EXPIRE),
    MOVE(MERCHANT, AUTHORISED, PENDING, EXPIRE),
    MOVE(MERCHANT, AUTHORISED, MANUAL, CANCEL), /* somebody else has ended its hold */
    MOVE(MERCHANT, AUTHORISED, MANUAL, EXPIRE),
    MOVE(MERCHANT, AUTHORISED, AUTHORISED, HINT),
    MOVE(MERCHANT, AUTHORISED, AUTHORISED, ANSWER),
    MOVE(MERCHANT, PART_CAPTURED, PART_CAPTURED, CAPTURE),
    MOVE(MERCHANT, PART_CAPTURED, CAPTURED, CAPTURE),
    MOVE(MERCHANT, PART_CAPTURED, PENDING, CAPTURE),
    MOVE(MERCHANT, PART_CAPTURED, CAPTURED, CANCEL), /* the rest is released */
    MOVE(MERCHANT, PART_CAPTURED, PENDING, CANCEL),
    MOVE(MERCHANT, PART_CAPTURED, CAPTURED, EXPIRE),
    MOVE(MERCHANT, PART_CAPTURED, PENDING, EXPIRE),
    MOVE(MERCHANT, PART_CAPTURED, MANUAL, CANCEL), /* somebody else has ended its hold */
    MOVE(MERCHANT, PART_CAPTURED, MANUAL, EXPIRE),
    MOVE(MERCHANT, PART_CAPTURED, PART_CAPTURED, HINT),
    MOVE(MERCHANT, PART_CAPTURED, PART_CAPTURED, ANSWER),
    MOVE(MERCHANT, PART_CAPTURED, PART_CAPTURED, FOLLOW),
    MOVE(MERCHANT, PART_CAPTURED, PART_CAPTURED, SETTLE),
    MOVE(MERCHANT, PENDING, PENDING, FOLLOW),
    MOVE(MERCHANT, IN_DOUBT, IN_DOUBT, FOLLOW),
    MOVE(MERCHANT, MANUAL, MANUAL, FOLLOW),
    MOVE(MERCHANT, CAPTURED, CAPTURED, HINT),
    MOVE(MERCHANT, CAPTURED, CAPTURED, ANSWER),
    MOVE(MERCHANT, CAPTURED, CAPTURED, FOLLOW),
    MOVE(MERCHANT, CAPTURED, CAPTURED, SETTLE),

    MOVE(REFUND, NONE, PENDING, CREATE),
    MOVE(REFUND, NONE, SUCCEEDED, CREATE), /* between two wallets */
    MOVE(REFUND, NONE, FAILED, CREATE),
    MOVE(REFUND, PENDING, SUCCEEDED, ARRIVE), /* from a wallet in another lane */
    MOVE(REFUND, PENDING, FAILED, ARRIVE),
    MOVES_OF_STEP(REFUND, SUCCEEDED),
    MOVES_OF_SETTLEMENT(REFUND),
    MOVE(REFUND, FAILED, FAILED, HINT),
    MOVE(REFUND, FAILED, FAILED, ANSWER),
    MOVE(REFUND, FAILED, MANUAL, ANSWER), /* a decline that the PSP took back: it was given */
    MOVE(REFUND, SUCCEEDED, SUCCEEDED, HINT),
    MOVE(REFUND, SUCCEEDED, SUCCEEDED, ANSWER),
    MOVE(REFUND, SUCCEEDED, SUCCEEDED, SETTLE),
    MOVE(REFUND, SUCCEEDED, REVERSED, ANSWER), /* it failed after it had succeeded */
    MOVE(REFUND, MANUAL, REVERSED, RESOLVE),
    MOVE(REFUND, SUCCEEDED, MANUAL, ANSWER),
    MOVE(REFUND, REVERSED, REVERSED, HINT),
    MOVE(REFUND, REVERSED, REVERSED, ANSWER),
    MOVE(REFUND, REVERSED, REVERSED, SETTLE),

    MOVE(EXCHANGE, NONE, QUOTED, CREATE),
    MOVE(EXCHANGE, NONE, FAILED, CREATE),
    MOVE(EXCHANGE, QUOTED, SUCCEEDED, EXECUTE),
    MOVE(EXCHANGE, QUOTED, CANCELLED, CANCEL),
    MOVE(EXCHANGE, QUOTED, EXPIRED, EXPIRE),

    MOVE(CHARGEBACK, NONE, OPENED, DISPUTE),
    MOVE(CHARGEBACK, NONE, FAILED, DISPUTE),
    MOVE(CHARGEBACK, OPENED, OPENED, SETTLE),
    MOVE(CHARGEBACK, OPENED, WON, DISPUTE),
    MOVE(CHARGEBACK, OPENED, LOST, DISPUTE),
    MOVE(CHARGEBACK, WON, REVERSED, DISPUTE),
    MOVE(CHARGEBACK, LOST, REVERSED, DISPUTE),
    MOVE(CHARGEBACK, WON, WON, SETTLE),
    MOVE(CHARGEBACK, LOST, LOST, SETTLE),
    MOVE(CHARGEBACK, REVERSED, REVERSED, SETTLE),
};

const struct payment_move *payment_moves(uint32_t *out_count)
{
    *out_count = sizeof moves / sizeof moves[0];
    return moves;
}

bool payment_move_allowed(const struct payment_move *move)
{
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        if (memcmp(&moves[i], move, sizeof *move) == 0) return true;
    }
    return false;
}

/* ---- What is wrong with a command on its own ---- */

/* ISO/IEC 7812-1 annex B: whether digits look like a card number. */
static bool looks_like_card(struct str text)
{
    unsigned sum = 0;
    unsigned count = 0;
    for (size_t i = text.len; i > 0; i--) {
        char byte = text.data[i - 1];
        if (byte == '-' || byte == ' ') continue;
        if (byte < '0' || byte > '9') return false;
        unsigned digit = (unsigned)(byte - '0');
        if (count % 2 == 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
        count++;
    }
    return count >= 12 && count <= 19 && sum % 10 == 0;
}

static bool text_printable(const char *text, size_t size)
{
    size_t len = strnlen(text, size);
    if (len == size) return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] > '~') return false;
    }
    return true;
}

static bool name_plain(const char *name)
{
    for (; *name != '\0'; name++) {
        bool plain = (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9');
        if (!plain && *name != '-') return false;
    }
    return true;
}

static const char *at_psp_fault(const struct payment *draft, const char **out_field)
{
    *out_field = "method";
    if (draft->method[0] == '\0') return "is needed: the PSP's token of a card or bank account";
    return NULL;
}

static const char *accounts_fault(const struct payment *draft, const char **out_field)
{
    static const char transit[] = "only lanes themselves move what is between them";
    bool card = draft->kind == PAYMENT_MERCHANT && draft->method[0] != '\0';
    bool refund = draft->kind == PAYMENT_REFUND;
    bool two = draft->kind == PAYMENT_WALLET || draft->kind == PAYMENT_MERCHANT ||
               draft->kind == PAYMENT_EXCHANGE;
    *out_field = "wallet";
    if (uuid_is_nil(draft->wallet.value) != (card || refund)) {
        return card || refund ? "must be left out" : "is needed";
    }
    *out_field = draft->kind == PAYMENT_MERCHANT ? "merchant" : "to";
    if (uuid_is_nil(draft->counter.value) == two) return two ? "is needed" : "must be left out";
    if (two && uuid_equal(draft->wallet.value, draft->counter.value)) {
        return "must not be the same account";
    }
    if (transit_account_is(draft->counter)) return transit;
    *out_field = "wallet";
    return transit_account_is(draft->wallet) ? transit : NULL;
}

static const char *draft_fault(const struct payment *draft, const char **out_field)
{
    bool at_psp = draft->kind == PAYMENT_PAY_IN || draft->kind == PAYMENT_PAY_OUT;
    const char *fault = accounts_fault(draft, out_field);
    if (fault == NULL && at_psp) fault = at_psp_fault(draft, out_field);
    if (fault != NULL) return fault;
    *out_field = "method";
    if (!text_printable(draft->method, sizeof draft->method)) return "has a byte that no token has";
    if (looks_like_card(str_from(draft->method))) {
        return "looks like a card number: only a PSP's token may be given";
    }
    bool may_have = at_psp || draft->kind == PAYMENT_MERCHANT;
    if (!may_have && draft->method[0] != '\0') return "must be left out";
    *out_field = "psp";
    if (!name_plain(draft->psp)) return "is no PSP's name: a-z, 0-9 and '-'";
    *out_field = "payment";
    bool refund = draft->kind == PAYMENT_REFUND;
    if (uuid_is_nil(draft->parent.value) == refund) {
        return refund ? "is needed: the payment to refund" : "must be left out";
    }
    *out_field = "to_asset";
    bool exchange = draft->kind == PAYMENT_EXCHANGE;
    if ((draft->counter_asset == 0) == exchange) {
        return exchange ? "is needed" : "must be left out";
    }
    if (exchange && draft->counter_asset == draft->asset) return "must not be the same asset";
    return NULL;
}

static const char *amount_fault(const struct payment_command *command, const char **out_field)
{
    struct money amount =
        command->cause == PAYMENT_CAUSE_CREATE ? command->draft.amount : command->amount;
    bool all_allowed =
        command->cause == PAYMENT_CAUSE_CAPTURE || command->draft.kind == PAYMENT_REFUND;
    *out_field = "amount";
    if (money_is_zero(amount)) return "must be more than zero";
    if (money_equal(amount, MONEY_MAX)) return all_allowed ? NULL : "is too large";
    if (amount.minor > PAYMENT_AMOUNT_MAX) return "is over the limit of a payment";
    return NULL;
}

const char *payment_fault(const struct payment_command *command, const char **out_field)
{
    switch (command->cause) {
    case PAYMENT_CAUSE_CREATE: {
        *out_field = "kind";
        uint8_t kind = command->draft.kind;
        if (kind == 0 || kind >= PAYMENT_CHARGEBACK) return "is not a kind that can be asked for";
        const char *fault = amount_fault(command, out_field);
        return fault != NULL ? fault : draft_fault(&command->draft, out_field);
    }
    case PAYMENT_CAUSE_CAPTURE: return amount_fault(command, out_field);
    case PAYMENT_CAUSE_RESOLVE:
        *out_field = "state";
        if (command->state != PAYMENT_STATE_SUCCEEDED && command->state != PAYMENT_STATE_FAILED) {
            return "must be succeeded or failed";
        }
        *out_field = "reason";
        if (command->reason[0] == '\0') return "is needed";
        return NULL;
    default: return NULL;
    }
}
