#include "cmd/repair_ready.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/reserve.h"
#include "model/lane_map.h"

enum {
    ANSWER_MAX = 1 << 20,
    ARENA_FACTOR = 8,
    ACCOUNTS_MAX = 2 * PLAN_STEPS_MAX,
    READY_TEXT_SIZE = 200,
    NAMING_MAX = 100, /* transfers that name a target, to be looked at */
};

static const char mend_hint[] =
    "nothing was written; mend that and apply again, or diagnose and plan anew";

struct ready_account {
    struct uuid id; /* first: the map's */
    bool there;
    bool frozen;
    bool closed;
    bool debits_bound; /* its debits must not exceed its credits */
    bool credits_bound;
    struct signed_amount debits; /* posted */
    struct signed_amount credits;
    struct signed_amount debits_pending;
    struct signed_amount credits_pending;
};

enum status repair_ready_init(struct repair_ready *ready, const struct repair_plan *plan,
                              struct session *sessions, uint32_t lanes, struct error *error)
{
    *ready =
        (struct repair_ready){ .plan = plan, .sessions = sessions, .lanes = lanes, .error = error };
    buf_init(&ready->target, 256);
    buf_init(&ready->answer, ANSWER_MAX);
    ready->entries = reserve_new(PLAN_STEPS_MAX * sizeof ready->entries[0]);
    ready->accounts = reserve_new(ACCOUNTS_MAX * sizeof ready->accounts[0]);
    bool good = ready->entries != NULL && ready->accounts != NULL &&
                arena_init(&ready->arena, ARENA_FACTOR * (size_t)ANSWER_MAX) == STATUS_OK &&
                id_map_init(&ready->account_map, ready->accounts, sizeof ready->accounts[0],
                            ACCOUNTS_MAX, 0) == STATUS_OK;
    return good ? STATUS_OK : error_set(error, STATUS_LIMIT, "no memory for the plan");
}

void repair_ready_done(struct repair_ready *ready)
{
    id_map_free(&ready->account_map);
    arena_done(&ready->arena);
    buf_free(&ready->target);
    buf_free(&ready->answer);
    if (ready->entries != NULL)
        reserve_free(ready->entries, PLAN_STEPS_MAX * sizeof ready->entries[0]);
    if (ready->accounts != NULL)
        reserve_free(ready->accounts, ACCOUNTS_MAX * sizeof ready->accounts[0]);
}

enum status repair_ready_unmet(const struct repair_ready *ready, const struct ready_entry *entry,
                               const char *reason, const char *hint)
{
    const struct plan_step *step = entry->step;
    char id[UUID_TEXT_LEN + 1], amount[SIGNED_AMOUNT_TEXT_SIZE];
    const struct asset *iso = asset_iso_by_code(step->ccy);
    uuid_format(entry->id, id);
    enum status status =
        error_set(ready->error, STATUS_CONFLICT, "entry %s cannot be made: %s", id, reason);
    struct str shown = signed_amount_format(step->amount, iso == NULL ? 0 : iso->exponent, amount);
    error_detail(ready->error, "step %u: %.*s %.*s from %.*s to %.*s, taking back %.*s",
                 (unsigned)(step - ready->plan->steps) + 1, STR_ARG(step->ccy), STR_ARG(shown),
                 STR_ARG(step->debit), STR_ARG(step->credit), STR_ARG(step->target));
    error_hint(ready->error, "%s", hint);
    return status;
}

/* ---- asking ---- */

/* GET of what ready->target names, into ready->answer. */
static enum status target_get(struct repair_ready *ready, uint32_t lane, unsigned *out_http)
{
    const struct session_request request = {
        .method = API_GET,
        .target = buf_view(&ready->target),
    };
    return session_call(&ready->sessions[lane], &request, out_http, &ready->answer, ready->error);
}

/* GET of one thing in a lane; *out_there is false when it is not there. */
static enum status look_up(struct repair_ready *ready, uint32_t lane, const char *path,
                           struct uuid id, struct answer_object *out_object, bool *out_there)
{
    char text[UUID_TEXT_LEN + 1];
    unsigned http = 0;
    uuid_format(id, text);
    buf_reset(&ready->target);
    buf_append_format(&ready->target, "%s%s", path, text);
    enum status status = target_get(ready, lane, &http);
    if (status != STATUS_OK) return status;
    *out_there = http == 200;
    if (http == 404) return STATUS_OK;
    if (http != 200)
        return error_set(ready->error, STATUS_UNAVAILABLE, "%s cannot be looked up: status %u",
                         text, http);
    arena_reset(&ready->arena);
    if (answer_read(buf_view(&ready->answer), &ready->arena, out_object) == STATUS_OK)
        return STATUS_OK;
    return error_set(ready->error, STATUS_UNAVAILABLE, "the answer about %s is not understood",
                     text);
}

/* Of an amount as the ledger writes it, with all its decimals. */
static bool minor_parse(struct str text, struct signed_amount *out_amount)
{
    static const struct signed_amount_form form = { .point = '.', .minor = true };
    char digits[MONEY_TEXT_SIZE];
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < sizeof digits; i++)
        if (text.data[i] != '.') digits[len++] = text.data[i];
    return signed_amount_parse((struct str){ digits, len }, &form, out_amount) == STATUS_OK;
}

static bool is_transfer(const struct answer_object *object, const struct plan_step *step,
                        bool backwards)
{
    struct signed_amount amount;
    struct str payee = answer_text(object, "transit.to"); /* in another lane */
    if (payee.len == 0) payee = answer_text(object, "credit");
    return str_equal(answer_text(object, "outcome"), STR("ok")) &&
           str_equal(answer_text(object, "debit"), backwards ? step->credit : step->debit) &&
           str_equal(payee, backwards ? step->debit : step->credit) &&
           str_equal(answer_text(object, "asset"), step->ccy) &&
           minor_parse(answer_text(object, "amount"), &amount) &&
           signed_amount_compare(amount, step->amount) == 0;
}

/* A word of a list that is joined by ", ". */
static bool list_has(struct str list, struct str word)
{
    for (size_t at = 0; at + word.len <= list.len; at++) {
        bool begins = at == 0 || list.data[at - 1] == ' ';
        size_t end = at + word.len;
        bool ends = end == list.len || list.data[end] == ',';
        if (begins && ends && memcmp(list.data + at, word.data, word.len) == 0) return true;
    }
    return false;
}

/* ---- entry and target ---- */

/* What is made is what was looked at, and not what may be left of the target by then. */
static void amount_keep(struct ready_entry *entry, struct str text)
{
    CHECK(text.len < sizeof entry->amount); /* it was parsed */
    memcpy(entry->amount, text.data, text.len);
    entry->amount[text.len] = '\0';
}

/* Finds the attempt that was made, or the first that was not tried. */
static enum status attempt_find(struct repair_ready *ready, struct ready_entry *entry)
{
    for (uint32_t attempt = 1; attempt <= PLAN_ATTEMPTS_MAX; attempt++) {
        struct answer_object object;
        entry->id = plan_attempt_id(entry->step, attempt);
        enum status status =
            look_up(ready, entry->lane, "/v1/transfers/", entry->id, &object, &entry->there);
        if (status != STATUS_OK || !entry->there) return status;
        if (!str_equal(answer_text(&object, "outcome"), STR("ok"))) continue; /* for ever */
        if (str_equal(answer_text(&object, "transit.state"), STR("released"))) continue;
        if (!is_transfer(&object, entry->step, false))
            return repair_ready_unmet(ready, entry, "another transfer has its id", mend_hint);
        amount_keep(entry, answer_text(&object, "amount"));
        return STATUS_OK;
    }
    return repair_ready_unmet(ready, entry, "the ledger refused it 100 times", mend_hint);
}

/* Transfers to who paid that name the target as what they are about. */
struct naming {
    const struct plan_step *step;
    struct uuid ids[NAMING_MAX];
    uint32_t count;
    bool more;
};

static bool naming_add(void *context, const struct answer_object *item)
{
    struct naming *naming = context;
    if (!str_equal(answer_text(item, "outcome"), STR("ok"))) return true;
    if (!str_equal(answer_text(item, "transit.to"), naming->step->credit)) return true;
    naming->more = naming->count == NAMING_MAX;
    if (naming->more) return false;
    if (uuid_parse(answer_text(item, "id"), &naming->ids[naming->count]) == STATUS_OK)
        naming->count++;
    return true;
}

static enum status naming_list(struct repair_ready *ready, const struct ready_entry *entry,
                               struct naming *naming)
{
    struct answer_object rest;
    unsigned http = 0;
    *naming = (struct naming){ .step = entry->step };
    buf_reset(&ready->target);
    buf_append_format(&ready->target, "/v1/transfers?limit=%u&user_ref=%.*s", NAMING_MAX,
                      STR_ARG(entry->step->target));
    enum status status = target_get(ready, entry->lane, &http);
    if (status != STATUS_OK) return status;
    const struct answer_list list = { "items", naming_add, naming };
    arena_reset(&ready->arena);
    if (http != 200 ||
        answer_read_list(buf_view(&ready->answer), &list, &ready->arena, &rest) != STATUS_OK)
        return error_set(ready->error, STATUS_UNAVAILABLE,
                         "what names %.*s cannot be looked up: status %u",
                         STR_ARG(entry->step->target), http);
    if (answer_text(&rest, "next").len > 0) naming->more = true;
    return STATUS_OK;
}

static bool is_attempt(const struct plan_step *step, struct uuid id)
{
    for (uint32_t attempt = 1; attempt <= PLAN_ATTEMPTS_MAX; attempt++)
        if (uuid_equal(plan_attempt_id(step, attempt), id)) return true;
    return false;
}

/* By another plan or by people: the ledger knows no more of it than that it names the target. */
static enum status unsent_look(struct repair_ready *ready, const struct ready_entry *entry)
{
    struct naming naming;
    enum status status = naming_list(ready, entry, &naming);
    for (uint32_t i = 0; i < naming.count && status == STATUS_OK; i++) {
        struct answer_object object;
        char reason[READY_TEXT_SIZE], id[UUID_TEXT_LEN + 1];
        bool there = false;
        if (is_attempt(entry->step, naming.ids[i])) continue;
        status = look_up(ready, entry->lane, "/v1/transfers/", naming.ids[i], &object, &there);
        if (status != STATUS_OK) return status;
        if (!there || str_equal(answer_text(&object, "transit.state"), STR("released"))) continue;
        uuid_format(naming.ids[i], id);
        int len = snprintf(reason, sizeof reason, "transfer %s sends its target back already", id);
        CHECK(len > 0 && (size_t)len < sizeof reason); /* an id */
        return repair_ready_unmet(ready, entry, reason, mend_hint);
    }
    if (status != STATUS_OK || !naming.more) return status;
    return repair_ready_unmet(ready, entry, "more than 100 transfers name its target", mend_hint);
}

/*
 * Money that went from lane to lane is sent back, when it has arrived, no payment waits for it, and
 * nobody has sent it back.
 */
static enum status sent_look(struct repair_ready *ready, const struct ready_entry *entry,
                             const struct answer_object *target)
{
    struct answer_object payment;
    struct uuid reference;
    bool paid = false;
    if (!str_equal(answer_text(target, "transit.state"), STR("settled")))
        return repair_ready_unmet(ready, entry, "its target has not arrived in the other lane",
                                  "nothing was written; apply again when it is there or back");
    enum status status = STATUS_OK;
    if (uuid_parse(answer_text(target, "user_ref"), &reference) == STATUS_OK)
        status = look_up(ready, entry->to, "/v1/payments/", reference, &payment, &paid);
    if (status == STATUS_OK && !paid) status = unsent_look(ready, entry);
    if (status != STATUS_OK || !paid) return status;
    return repair_ready_unmet(ready, entry, "its target belongs to a payment",
                              "nothing was written; a payment is given back by a payment");
}

static enum status target_look(struct repair_ready *ready, struct ready_entry *entry)
{
    struct answer_object object;
    struct uuid id;
    bool there;
    char reason[READY_TEXT_SIZE];
    if (uuid_parse(entry->step->target, &id) != STATUS_OK)
        return repair_ready_unmet(ready, entry, "its target is no id", mend_hint);
    enum status status = look_up(ready, entry->to, "/v1/transfers/", id, &object, &there);
    if (status != STATUS_OK) return status;
    if (!there)
        return repair_ready_unmet(ready, entry, "the ledger does not have its target", mend_hint);
    if (!is_transfer(&object, entry->step, true))
        return repair_ready_unmet(ready, entry,
                                  "its target is not of these accounts and this amount", mend_hint);
    if (entry->to != entry->lane) {
        amount_keep(entry, answer_text(&object, "amount"));
        return sent_look(ready, entry, &object);
    }
    if (list_has(answer_text(&object, "flags"), STR("owned")))
        return repair_ready_unmet(ready, entry,
                                  "its target belongs to a payment, or to money between lanes",
                                  "nothing was written; a payment is cancelled or refunded, money "
                                  "between lanes is sent back");
    amount_keep(entry, answer_text(&object, "amount"));
    struct str reversed = answer_text(&object, "reversed");
    if (reversed.len == 0) return STATUS_OK;
    int len = snprintf(reason, sizeof reason, "%.*s of the %s of its target are reversed already",
                       STR_ARG(reversed), entry->amount);
    CHECK(len > 0 && (size_t)len < sizeof reason); /* two amounts */
    return repair_ready_unmet(ready, entry, reason, mend_hint);
}

/* ---- accounts ---- */

static bool account_fill(const struct answer_object *object, struct ready_account *account)
{
    struct str flags = answer_text(object, "flags");
    account->frozen = list_has(flags, STR("frozen"));
    account->closed = list_has(flags, STR("closed"));
    account->debits_bound = list_has(flags, STR("debits_must_not_exceed_credits"));
    account->credits_bound = list_has(flags, STR("credits_must_not_exceed_debits"));
    return minor_parse(answer_text(object, "balance.debits_posted"), &account->debits) &&
           minor_parse(answer_text(object, "balance.credits_posted"), &account->credits) &&
           minor_parse(answer_text(object, "balance.debits_pending"), &account->debits_pending) &&
           minor_parse(answer_text(object, "balance.credits_pending"), &account->credits_pending);
}

static enum status account_look(struct repair_ready *ready, uint32_t lane, struct str text,
                                struct ready_account **out_account)
{
    struct answer_object object;
    struct uuid id;
    if (uuid_parse(text, &id) != STATUS_OK)
        return error_set(ready->error, STATUS_CONFLICT, "%.*s is no id of an account",
                         STR_ARG(text));
    uint32_t place = id_map_find(&ready->account_map, id);
    if (place == ID_MAP_NONE) {
        CHECK(ready->account_count < ACCOUNTS_MAX); /* two of each step at most */
        place = ready->account_count++;
        struct ready_account *account = &ready->accounts[place];
        account->id = id;
        id_map_insert(&ready->account_map, place);
        enum status status = look_up(ready, lane, "/v1/accounts/", id, &object, &account->there);
        if (status != STATUS_OK) return status;
        if (account->there && !account_fill(&object, account))
            return error_set(ready->error, STATUS_UNAVAILABLE,
                             "the balance of %.*s is not understood", STR_ARG(text));
    }
    *out_account = &ready->accounts[place];
    return STATUS_OK;
}

/* Of one side, before its bound is looked at. */
static enum status account_is_open(struct repair_ready *ready, const struct ready_entry *entry,
                                   const struct ready_account *account, const char *side)
{
    char reason[READY_TEXT_SIZE], hint[READY_TEXT_SIZE], id[UUID_TEXT_LEN + 1];
    CHECK(account != NULL); /* of a look-up that went well */
    if (account->there && !account->frozen && !account->closed) return STATUS_OK;
    uuid_format(account->id, id);
    const char *what = !account->there   ? "is not in the ledger"
                       : account->closed ? "is closed"
                                         : "is frozen";
    int len = snprintf(reason, sizeof reason, "the %s account %s %s", side, id, what);
    CHECK(len > 0 && (size_t)len < sizeof reason); /* a word and an id */
    len = snprintf(hint, sizeof hint,
                   "nothing was written; `tpwallet account unfreeze %s` and apply", id);
    CHECK(len > 0 && (size_t)len < sizeof hint); /* the same */
    bool frozen = account->there && !account->closed;
    return repair_ready_unmet(ready, entry, reason, frozen ? hint : mend_hint);
}

/* What may still go out of an account (debits) or into it (credits), when that is bound. */
static bool side_has_room(const struct ready_account *account, bool debit,
                          struct signed_amount amount, struct signed_amount *out_room)
{
    *out_room = debit ? account->credits : account->debits;
    if (debit ? !account->debits_bound : !account->credits_bound) return true;
    bool fits =
        signed_amount_subtract(*out_room, debit ? account->debits : account->credits, out_room) &&
        signed_amount_subtract(
            *out_room, debit ? account->debits_pending : account->credits_pending, out_room);
    return fits && signed_amount_compare(*out_room, amount) >= 0;
}

static enum status room_look(struct repair_ready *ready, const struct ready_entry *entry,
                             const struct ready_account *account, bool debit)
{
    char reason[READY_TEXT_SIZE], id[UUID_TEXT_LEN + 1], text[SIGNED_AMOUNT_TEXT_SIZE];
    struct signed_amount room;
    if (side_has_room(account, debit, entry->step->amount, &room)) return STATUS_OK;
    uuid_format(account->id, id);
    const struct asset *iso = asset_iso_by_code(entry->step->ccy);
    struct str shown = signed_amount_format(room, iso == NULL ? 0 : iso->exponent, text);
    int len = snprintf(reason, sizeof reason, "account %s has %s %.*s %.*s, less than its %s", id,
                       debit ? "left" : "room for", STR_ARG(entry->step->ccy), STR_ARG(shown),
                       entry->amount);
    CHECK(len > 0 && (size_t)len < sizeof reason); /* an id and two amounts */
    return repair_ready_unmet(ready, entry, reason, mend_hint);
}

static enum status accounts_look(struct repair_ready *ready, const struct ready_entry *entry)
{
    const struct plan_step *step = entry->step;
    struct ready_account *debit = NULL, *credit = NULL;
    enum status status = account_look(ready, entry->lane, step->debit, &debit);
    if (status == STATUS_OK) status = account_look(ready, entry->to, step->credit, &credit);
    if (status == STATUS_OK) status = account_is_open(ready, entry, debit, "debit");
    if (status == STATUS_OK) status = account_is_open(ready, entry, credit, "credit");
    if (status == STATUS_OK) status = room_look(ready, entry, debit, true);
    if (status == STATUS_OK) status = room_look(ready, entry, credit, false);
    if (status != STATUS_OK) return status;
    CHECK(debit != NULL); /* the look-ups went well */
    CHECK(credit != NULL);
    bool fits = signed_amount_add(debit->debits, step->amount, &debit->debits) &&
                signed_amount_add(credit->credits, step->amount, &credit->credits);
    return fits ? STATUS_OK
                : repair_ready_unmet(ready, entry, "a balance would be too large", mend_hint);
}

/* ---- lanes ---- */

/* 0 of what is no id, which is told when it is looked at. */
static uint32_t lane_of(struct str account, uint32_t lanes)
{
    struct account_id id;
    return uuid_parse(account, &id.value) == STATUS_OK ? lane_of_account(id, lanes) : 0;
}

uint64_t repair_ready_lanes(const struct repair_plan *plan, uint32_t lanes)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < plan->step_count; i++)
        if (plan_step_is_ours(plan->steps[i].kind))
            found |= UINT64_C(1) << lane_of(plan->steps[i].debit, lanes) |
                     UINT64_C(1) << lane_of(plan->steps[i].credit, lanes);
    return found;
}

static enum status entry_look(struct repair_ready *ready, const struct plan_step *step)
{
    struct ready_entry *entry = &ready->entries[ready->entry_count++];
    *entry = (struct ready_entry){ .step = step,
                                   .lane = ready->lane,
                                   .to = lane_of(step->credit, ready->lanes) };
    bool between = entry->to != entry->lane;
    if (between != (step->kind == PLAN_SEND_BACK))
        return repair_ready_unmet(ready, entry,
                                  between ? "it is a reversal, and its accounts are in two lanes"
                                          : "it is sent back, and its accounts are in one lane",
                                  mend_hint);
    enum status status = attempt_find(ready, entry);
    if (status == STATUS_OK && !entry->there) status = target_look(ready, entry);
    if (status == STATUS_OK && !entry->there) status = accounts_look(ready, entry);
    return status;
}

enum status repair_ready_look(struct repair_ready *ready)
{
    const struct repair_plan *plan = ready->plan;
    ready->entry_count = 0;
    ready->account_count = 0;
    id_map_reset(&ready->account_map);
    for (ready->lane = 0; ready->lane < ready->lanes; ready->lane++)
        for (uint32_t i = 0; i < plan->step_count; i++) {
            const struct plan_step *step = &plan->steps[i];
            if (!plan_step_is_ours(step->kind)) continue;
            if (lane_of(step->debit, ready->lanes) != ready->lane) continue;
            enum status status = entry_look(ready, step);
            if (status != STATUS_OK) return status;
        }
    return STATUS_OK;
}

enum status repair_ready_way(struct repair_ready *ready, const struct ready_entry *entry,
                             enum ready_way *out_way)
{
    struct answer_object object;
    bool there = false;
    enum status status = look_up(ready, entry->lane, "/v1/transfers/", entry->id, &object, &there);
    if (status != STATUS_OK) return status;
    struct str state = there ? answer_text(&object, "transit.state") : STR("");
    if (state.len == 0)
        return error_set(ready->error, STATUS_UNAVAILABLE,
                         "the ledger does not tell how far %.*s is", STR_ARG(entry->step->target));
    bool withdrawn = str_equal(answer_text(&object, "transit.outcome"), STR("withdrawn"));
    *out_way = str_equal(state, STR("settled"))     ? READY_ARRIVED
               : !str_equal(state, STR("released")) ? READY_ON_ITS_WAY
               : withdrawn                          ? READY_WITHDRAWN
                                                    : READY_REFUSED;
    return STATUS_OK;
}
