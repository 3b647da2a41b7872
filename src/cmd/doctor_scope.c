#include "cmd/doctor_scope.h"

#include <stdio.h>
#include <string.h>

#include "adapter/system_entropy.h"
#include "base/check.h"
#include "base/reserve.h"
#include "cmd/call.h"
#include "model/transit.h"

enum { SET_MAX = 1 << 26, GIVEN_MAX = 64 };

/* An incident opened at most so long after its window's end is still going on. */
static const int64_t GOES_ON_NS = 60 * NS_PER_S;

/* ---- sets of ids ---- */

static enum status set_open(struct scope_set *set, struct error *out_error)
{
    uint64_t seed = 0;
    entropy_fill(system_entropy(), &seed, sizeof seed);
    set->ids = reserve_new((size_t)SET_MAX * sizeof *set->ids);
    enum status status = set->ids == NULL ? STATUS_LIMIT : STATUS_OK;
    if (status == STATUS_OK)
        status = id_map_init(&set->places, set->ids, sizeof *set->ids, SET_MAX, seed);
    return status == STATUS_OK ? status : error_set(out_error, status, "no memory");
}

static void set_close(struct scope_set *set)
{
    id_map_free(&set->places);
    reserve_free(set->ids, (size_t)SET_MAX * sizeof *set->ids);
    set->ids = NULL;
}

static bool set_has(const struct scope_set *set, struct uuid id)
{
    return set->places.count > 0 && id_map_find(&set->places, id) != ID_MAP_NONE;
}

/* *grew only becomes true. STATUS_LIMIT. */
static enum status set_add(struct scope_set *set, struct uuid id, bool *grew)
{
    if (uuid_is_nil(id) || set_has(set, id)) return STATUS_OK;
    uint32_t place = set->free > 0 ? set->free - 1 : set->used;
    if (place == SET_MAX) return STATUS_LIMIT;
    if (set->free > 0)
        memcpy(&set->free, &set->ids[place], sizeof set->free);
    else
        set->used++;
    set->ids[place] = id;
    id_map_insert(&set->places, place);
    *grew = true;
    return STATUS_OK;
}

static void set_remove(struct scope_set *set, struct uuid id)
{
    uint32_t place = id_map_find(&set->places, id);
    if (place == ID_MAP_NONE) return;
    id_map_remove(&set->places, place);
    memcpy(&set->ids[place], &set->free, sizeof set->free);
    set->free = place + 1;
}

/* ---- what was asked for ---- */

static enum status word_add(struct scope_set *set, struct str word, const char *kind,
                            struct error *out_error)
{
    char text[256];
    struct uuid id;
    bool grew = false;
    if (word.len == 0 || word.len >= sizeof text)
        return error_set(out_error, STATUS_INVALID, "'%.64s' is no id", word.data);
    memcpy(text, word.data, word.len);
    text[word.len] = '\0';
    enum status status = call_id_parse(text, kind, &id, out_error);
    if (status != STATUS_OK) return status;
    return set_add(set, id, &grew);
}

static enum status words_add(struct scope_set *set, const char *words, const char *kind,
                             uint32_t *out_given, struct error *out_error)
{
    enum status status = STATUS_OK;
    while (words != NULL && status == STATUS_OK) {
        const char *comma = strchr(words, ',');
        size_t len = comma == NULL ? strlen(words) : (size_t)(comma - words);
        if (*out_given == GIVEN_MAX)
            return error_set(out_error, STATUS_INVALID, "at most %d ids are given", GIVEN_MAX);
        status = word_add(set, (struct str){ words, len }, kind, out_error);
        ++*out_given;
        words = comma == NULL ? NULL : comma + 1;
    }
    return status;
}

struct doctor_scope_words doctor_scope_words_of(const struct invocation *invocation)
{
    return (struct doctor_scope_words){
        .payments = invocation_text(invocation, "payment"),
        .accounts = invocation_text(invocation, "account"),
        .users = invocation_text(invocation, "user"),
    };
}

enum status doctor_scope_open(const struct doctor_scope_words *words,
                              const struct incident *incident, struct doctor_scope *out_scope,
                              struct error *out_error)
{
    struct doctor_scope *scope = out_scope;
    *scope = (struct doctor_scope){ .from = incident->from, .to = { INT64_MAX } };
    scope->by_time = incident->from.ns > NS_PER_S;
    if (incident->to.ns < incident->opened_at.ns - GOES_ON_NS) {
        scope->by_time = true;
        scope->to = incident->to;
    }
    struct scope_set *const sets[] = { &scope->users, &scope->accounts, &scope->payments,
                                       &scope->transfers };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof sets / sizeof sets[0]; i++)
        status = set_open(sets[i], out_error);
    uint32_t *given = scope->given;
    if (status == STATUS_OK)
        status = words_add(&scope->payments, words->payments, "payment", &given[0], out_error);
    if (status == STATUS_OK)
        status = words_add(&scope->accounts, words->accounts, "account", &given[1], out_error);
    if (status == STATUS_OK)
        status = words_add(&scope->users, words->users, "user_ref", &given[2], out_error);
    scope->by_id = given[0] + given[1] + given[2] > 0;
    return status;
}

void doctor_scope_close(struct doctor_scope *scope)
{
    set_close(&scope->users);
    set_close(&scope->accounts);
    set_close(&scope->payments);
    set_close(&scope->transfers);
}

bool doctor_scope_selects(const struct doctor_scope *scope)
{
    return scope->by_id || scope->by_time;
}

bool doctor_scope_has_hold(const struct doctor_scope *scope, struct uuid hold)
{
    return set_has(&scope->transfers, hold);
}

bool doctor_scope_has_payment(const struct doctor_scope *scope, struct uuid payment)
{
    return set_has(&scope->payments, payment);
}

bool doctor_scope_has_time(const struct doctor_scope *scope, struct wall_time at)
{
    return !scope->by_time || (at.ns >= scope->from.ns && at.ns <= scope->to.ns);
}

void doctor_scope_tell(const struct doctor_scope *scope, struct doctor_source *source,
                       struct doctor_part *out_part)
{
    if (!scope->by_id) return;
    int len = snprintf(out_part->name, sizeof out_part->name,
                       "what %u payments, %u accounts and %u users touch", scope->given[0],
                       scope->given[1], scope->given[2]);
    CHECK(len > 0 && (size_t)len < sizeof out_part->name);
    out_part->pos_lo = 1;
    out_part->pos_hi = 0;
    source->loss = "sampled";
    source->parts = out_part;
    source->part_count = 1;
}

/* ---- what a unit is of ---- */

/* What a transfer goes on from: a hold, or what it takes back. A departure's is an account. */
static struct uuid target_of(const struct record_transfer *transfer)
{
    if (transfer->head.size != RECORD_TRANSFER_LONG_SIZE) return (struct uuid){ 0 };
    if (transfer->head.kind == TRANSFER_DEPARTURE) return (struct uuid){ 0 };
    return ((const struct record_transfer_more *)(const void *)(transfer + 1))->target.value;
}

/* in_window: accounts count. */
static bool record_is_touched(const struct doctor_scope *scope, const struct record_head *record,
                              bool in_window)
{
    if (record->type == RECORD_TRANSFER && record->outcome == OUTCOME_OK) {
        const struct record_transfer *transfer = (const void *)record;
        return set_has(&scope->transfers, transfer->id.value) ||
               set_has(&scope->transfers, target_of(transfer)) ||
               (in_window && (set_has(&scope->accounts, transfer->debit.value) ||
                              set_has(&scope->accounts, transfer->credit.value)));
    }
    if (record->type == RECORD_PAYMENT) {
        const struct payment *payment =
            &((const struct record_payment *)(const void *)record)->payment;
        return set_has(&scope->payments, payment->id.value) ||
               set_has(&scope->payments, payment->parent.value) ||
               (in_window && (set_has(&scope->accounts, payment->wallet.value) ||
                              set_has(&scope->accounts, payment->counter.value)));
    }
    if (record->type == RECORD_ACCOUNT_CHANGE) {
        const struct record_account_change *change = (const void *)record;
        return in_window && set_has(&scope->accounts, change->account.value);
    }
    return false;
}

enum doctor_scope_part doctor_scope_takes(const struct doctor_scope *scope,
                                          const struct batch_reader *reader,
                                          const struct record_head *first)
{
    struct wall_time at = reader->header->stamp;
    bool in_window = doctor_scope_has_time(scope, at);
    if (at.ns > scope->to.ns) return DOCTOR_SCOPE_NOTHING;
    if (!scope->by_id) return in_window ? DOCTOR_SCOPE_WHOLE : DOCTOR_SCOPE_HOLDS;
    struct batch_reader ahead = *reader;
    struct error ignored;
    uint16_t unit = first->unit;
    const struct record_head *record = first;
    do {
        if (record->type == RECORD_CONTEXT) continue;
        if (record->unit != unit) break;
        if (record_is_touched(scope, record, in_window)) return DOCTOR_SCOPE_WHOLE;
    } while (batch_next(&ahead, &record, &ignored) == STATUS_OK);
    return DOCTOR_SCOPE_NOTHING;
}

/* ---- what is touched ---- */

struct following {
    struct doctor_scope *scope;
    bool grew;
    bool found; /* a unit is taken */
};

static enum status record_follow(struct following *all, const struct record_head *record)
{
    struct doctor_scope *scope = all->scope;
    enum status status = STATUS_OK;
    if (record->type == RECORD_TRANSFER && record->outcome == OUTCOME_OK) {
        const struct record_transfer *transfer = (const void *)record;
        status = set_add(&scope->transfers, transfer->id.value, &all->grew);
        if (status == STATUS_OK)
            status = set_add(&scope->transfers, target_of(transfer), &all->grew);
        if (status == STATUS_OK && transfer->head.kind == TRANSFER_DEPARTURE)
            status = set_add(&scope->transfers, transit_arrival_id(transfer->id).value, &all->grew);
    } else if (record->type == RECORD_PAYMENT) {
        const struct payment *payment =
            &((const struct record_payment *)(const void *)record)->payment;
        status = set_add(&scope->payments, payment->id.value, &all->grew);
        if (status == STATUS_OK)
            status = set_add(&scope->payments, payment->parent.value, &all->grew);
    }
    return status;
}

/* A user's account is looked for from its making on. */
static enum status account_follow(struct following *all, const struct record_account *record)
{
    bool theirs = record->head.outcome == ACCOUNT_OUTCOME_OK &&
                  set_has(&all->scope->users, record->account.user_ref);
    if (!theirs) return STATUS_OK;
    all->found = true;
    return set_add(&all->scope->accounts, record->account.id.value, &all->grew);
}

static enum status ids_follow(void *owner, struct batch_reader *reader, struct error *out_error)
{
    struct following *all = owner;
    const struct record_head *record;
    bool decided = false;
    bool taken = false;
    uint16_t unit = 0;
    enum status status;
    while ((status = batch_next(reader, &record, out_error)) == STATUS_OK) {
        if (record->type == RECORD_CONTEXT) continue;
        if (!decided || record->unit != unit)
            taken = doctor_scope_takes(all->scope, reader, record) == DOCTOR_SCOPE_WHOLE;
        unit = record->unit;
        decided = true;
        all->found |= taken;
        if (taken) status = record_follow(all, record);
        if (status == STATUS_OK && record->type == RECORD_ACCOUNT)
            status = account_follow(all, (const void *)record);
        if (status != STATUS_OK) return error_set(out_error, status, "too much is touched");
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Before the window: which holds stand open when it begins. */
static enum status holds_follow(void *owner, struct batch_reader *reader, struct error *out_error)
{
    struct following *all = owner;
    const struct record_head *record;
    enum status status = STATUS_OK;
    if (reader->header->stamp.ns >= all->scope->from.ns) return STATUS_OK;
    while ((status = batch_next(reader, &record, out_error)) == STATUS_OK) {
        if (record->type != RECORD_TRANSFER || record->outcome != OUTCOME_OK) continue;
        const struct record_transfer *transfer = (const void *)record;
        if (record->kind == TRANSFER_HOLD || record->kind == TRANSFER_DEPARTURE)
            status = set_add(&all->scope->transfers, transfer->id.value, &all->grew);
        if (status != STATUS_OK) return error_set(out_error, status, "too many holds are open");
        if ((record->flags & RECORD_FLAG_CLOSES_HOLD) != 0)
            set_remove(&all->scope->transfers, target_of(transfer));
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status lanes_follow(struct following *all, const struct doctor_journal *journal,
                                struct error *out_error)
{
    const struct doctor_journal_visitor visitor = {
        .batch = all->scope->by_id ? ids_follow : holds_follow,
        .owner = all,
    };
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < journal->count; i++)
        status = doctor_journal_walk(&journal->lanes[i], &visitor, out_error);
    return status;
}

/* What was given may be a payment, or a transfer. */
static enum status given_spread(struct doctor_scope *scope, struct error *out_error)
{
    bool grew = false;
    for (uint32_t i = 0; i < scope->payments.used; i++)
        if (set_add(&scope->transfers, scope->payments.ids[i], &grew) != STATUS_OK)
            return error_set(out_error, STATUS_LIMIT, "too much is touched");
    return STATUS_OK;
}

enum status doctor_scope_follow(struct doctor_scope *scope, const struct doctor_journal *journal,
                                struct error *out_error)
{
    struct following all = { .scope = scope };
    if (!doctor_scope_selects(scope)) return STATUS_OK;
    enum status status = given_spread(scope, out_error);
    do {
        all.grew = false;
        if (status == STATUS_OK) status = lanes_follow(&all, journal, out_error);
    } while (status == STATUS_OK && scope->by_id && all.grew);
    if (status != STATUS_OK || all.found || !scope->by_id) return status;
    return error_set(out_error, STATUS_NOT_FOUND,
                     "nothing in the ledger is of what was given, within the window");
}
