/* Everything a client reads of the ledger is written here, through the JSON writer. */
#include "api/render.h"

#include "base/check.h"
#include "base/hex.h"
#include "model/position.h"
#include "model/transit.h"

void render_init(struct render *render, struct asset_source *assets, struct buf *out)
{
    json_writer_init(&render->json, out);
    render->assets = assets;
    render->stamp_len = 0;
}

void render_end(struct render *render)
{
    enum status status = json_write_end(&render->json);
    CHECK(status == STATUS_OK || render->json.out->overflow); /* api_finish() looks at it */
}

void render_next(struct render *render)
{
    render_end(render);
    json_writer_init(&render->json, render->json.out);
}

void render_text(struct render *render, struct str key, struct str value)
{
    json_write_key(&render->json, key);
    json_write_string(&render->json, value);
}

void render_name(struct render *render, struct str key, const char *value)
{
    CHECK(value != NULL);
    render_text(render, key, str_from(value));
}

void render_number(struct render *render, struct str key, uint64_t value)
{
    json_write_key(&render->json, key);
    json_write_uint64(&render->json, value);
}

void render_bool(struct render *render, struct str key, bool value)
{
    json_write_key(&render->json, key);
    json_write_bool(&render->json, value);
}

void render_uuid(struct render *render, struct str key, struct uuid id)
{
    json_write_key(&render->json, key);
    json_write_uuid(&render->json, id);
}

void render_reference(struct render *render, struct str key, struct uuid id)
{
    if (!uuid_is_nil(id)) render_uuid(render, key, id);
}

void render_position(struct render *render, struct str key, struct position position)
{
    char text[POSITION_TEXT_SIZE];
    render_text(render, key, position_format(position, text));
}

void render_as_of(struct render *render, uint64_t batch)
{
    render_position(render, STR("as_of"), (struct position){ batch, POSITION_INDEX_END });
}

void render_time(struct render *render, struct str key, struct wall_time time)
{
    if (render->stamp_len == 0 || render->stamp.ns != time.ns) {
        render->stamp = time;
        render->stamp_len = wall_time_format(time, render->stamp_text).len;
    }
    render_text(render, key, (struct str){ render->stamp_text, render->stamp_len });
}

void render_date(struct render *render, struct str key, struct business_date date)
{
    char text[DATE_TEXT_SIZE];
    render_text(render, key, business_date_format(date, text));
}

/* The asset with this number; NULL when there is none, which only damage can bring about. */
static const struct asset *asset_find(struct render *render, uint32_t id)
{
    struct asset_source *assets = render->assets;
    if (assets->last.id == id && id != 0) return &assets->last;
    struct asset found;
    if (assets->by_id(assets->context, id, &found) != STATUS_OK) return NULL;
    assets->last = found;
    return &assets->last;
}

void render_amount(struct render *render, struct str key, struct money amount, uint32_t asset)
{
    if (money_equal(amount, MONEY_MAX)) {
        render_text(render, key, STR("all"));
        return;
    }
    const struct asset *found = asset_find(render, asset);
    if (found == NULL)
        return; /* refused before an asset was known: the number would mean nothing */
    json_write_key(&render->json, key);
    json_write_money(&render->json, amount, found->exponent);
}

void render_asset(struct render *render, uint32_t asset)
{
    const struct asset *found = asset_find(render, asset);
    if (found != NULL) render_name(render, STR("asset"), found->code);
}

/* a - b with its sign. */
static void net_write(struct render *render, struct money a, struct money b, unsigned exponent)
{
    char text[1 + MONEY_TEXT_SIZE]; /* with room before the digits */
    struct money difference = { 0 };
    bool negative = !money_subtract(a, b, &difference);
    if (negative && !money_subtract(b, a, &difference)) CHECK(false);
    struct str digits = money_format(difference, exponent, text + 1);
    if (negative) {
        size_t at = (size_t)(digits.data - text) - 1;
        text[at] = '-';
        digits = (struct str){ text + at, digits.len + 1 };
    }
    render_text(render, STR("net"), digits);
}

void render_balance(struct render *render, struct str key, const struct balance *balance,
                    uint32_t asset, uint16_t kind)
{
    const struct asset *found = asset_find(render, asset);
    unsigned exponent = found == NULL ? 0 : found->exponent;
    bool debit_side = kind == ACCOUNT_ASSET || kind == ACCOUNT_EXPENSE;
    struct money more = debit_side ? balance->debits_posted : balance->credits_posted;
    struct money less = debit_side ? balance->credits_posted : balance->debits_posted;
    struct json_writer *json = &render->json;
    json_write_key(json, key);
    json_write_object_begin(json);
    json_write_key(json, STR("debits_posted"));
    json_write_money(json, balance->debits_posted, exponent);
    json_write_key(json, STR("debits_pending"));
    json_write_money(json, balance->debits_pending, exponent);
    json_write_key(json, STR("credits_posted"));
    json_write_money(json, balance->credits_posted, exponent);
    json_write_key(json, STR("credits_pending"));
    json_write_money(json, balance->credits_pending, exponent);
    net_write(render, more, less, exponent);
    json_write_object_end(json);
}

static void account_flags_write(struct render *render, unsigned flags)
{
    json_write_key(&render->json, STR("flags"));
    json_write_array_begin(&render->json);
    for (unsigned bit = 1; bit != 0 && bit <= flags; bit <<= 1) {
        const char *name = (flags & bit) == 0 ? NULL : account_flag_name(bit);
        if (name != NULL) json_write_string(&render->json, str_from(name));
    }
    json_write_array_end(&render->json);
}

void render_account(struct render *render, const struct account_state *state, uint64_t as_of_batch)
{
    const struct account *account = &state->account;
    json_write_object_begin(&render->json);
    render_uuid(render, STR("id"), account->id.value);
    render_asset(render, account->asset);
    render_name(render, STR("kind"), account_kind_name(account->kind));
    account_flags_write(render, account->flags);
    render_reference(render, STR("user_ref"), account->user_ref);
    render_reference(render, STR("metadata_ref"), account->metadata_ref);
    render_balance(render, STR("balance"), &state->balance, account->asset, account->kind);
    render_number(render, STR("entry_count"), state->entry_count);
    render_time(render, STR("created_at"), state->created_at);
    if (as_of_batch != 0) render_as_of(render, as_of_batch);
    json_write_object_end(&render->json);
}

/* A record keeps more in its flags than the caller's. */
#define FLAG_BIT(name, value, text) | (value)
enum { TRANSFER_FLAGS_KNOWN = 0 TRANSFER_FLAG_TABLE(FLAG_BIT) };
#undef FLAG_BIT

static void transfer_flags_write(struct render *render, unsigned flags)
{
    flags &= TRANSFER_FLAGS_KNOWN;
    if (flags == 0) return;
    json_write_key(&render->json, STR("flags"));
    json_write_array_begin(&render->json);
    for (unsigned bit = 1; bit != 0 && bit <= flags; bit <<= 1) {
        const char *name = (flags & bit) == 0 ? NULL : transfer_flag_name(bit);
        if (name != NULL) json_write_string(&render->json, str_from(name));
    }
    json_write_array_end(&render->json);
}

void render_principal(struct render *render, struct str key, struct principal_id principal)
{
    if (uuid_equal(principal.value, PRINCIPAL_SYSTEM.value)) {
        render_text(render, key, STR("system"));
    } else if (uuid_equal(principal.value, PRINCIPAL_ANONYMOUS.value)) {
        render_text(render, key, STR("anonymous"));
    } else if (principal_is_local(principal)) {
        render_text(render, key, STR("local"));
    } else {
        render_uuid(render, key, principal.value);
    }
}

void render_bits(struct render *render, struct str key, uint32_t bits,
                 const char *(*name)(unsigned bit))
{
    json_write_key(&render->json, key);
    json_write_array_begin(&render->json);
    for (unsigned bit = 1; bit != 0 && bit <= bits; bit <<= 1) {
        const char *text = (bits & bit) == 0 ? NULL : name(bit);
        if (text != NULL) json_write_string(&render->json, str_from(text));
    }
    json_write_array_end(&render->json);
}

void render_trace(struct render *render, struct trace trace)
{
    char text[33];
    if (uuid_is_nil(trace.id)) return;
    hex_put((uint32_t)(trace.id.hi >> 32), text);
    hex_put((uint32_t)trace.id.hi, text + 8);
    hex_put((uint32_t)(trace.id.lo >> 32), text + 16);
    hex_put((uint32_t)trace.id.lo, text + 24);
    render_text(render, STR("trace_id"), (struct str){ text, 32 });
}

static const char *closed_state(const struct history_entry *closing)
{
    switch (closing->transfer.head.kind) {
    case TRANSFER_POST: return "posted";
    case TRANSFER_VOID: return "voided";
    default: return "expired";
    }
}

static void hold_write(struct render *render, const struct history_entry *closing)
{
    json_write_key(&render->json, STR("hold"));
    json_write_object_begin(&render->json);
    render_name(render, STR("state"), closing == NULL ? "open" : closed_state(closing));
    if (closing != NULL) {
        if (closing->transfer.head.kind != TRANSFER_EXPIRE) /* nobody's, without an id */
            render_uuid(render, STR("closed_by"), closing->transfer.id.value);
        render_time(render, STR("closed_at"), closing->stamp);
    }
    json_write_object_end(&render->json);
}

/* Amounts, and what only some kinds of transfer have. */
static void entry_amounts_write(struct render *render, const struct history_entry *entry)
{
    const struct record_transfer *transfer = &entry->transfer;
    const struct record_transfer_more *more = &entry->more;
    render_amount(render, STR("amount"), transfer->amount, transfer->asset);
    render_asset(render, transfer->asset);
    if (transfer->head.size < RECORD_TRANSFER_LONG_SIZE) return;
    if (!money_is_zero(more->requested) && !money_equal(more->requested, transfer->amount))
        render_amount(render, STR("requested"), more->requested, transfer->asset);
    if (!money_is_zero(more->released))
        render_amount(render, STR("released"), more->released, transfer->asset);
    if (transfer->head.kind == TRANSFER_DEPARTURE) return; /* it says what is in the other lane */
    render_reference(render, STR("target"), more->target.value);
}

/* Where a departure is going, or comes from; once it is known, what became of it there. */
static void transit_write(struct render *render, const struct history_entry *entry,
                          const struct render_entry_extra *extra)
{
    struct transit_account way;
    const struct history_entry *closing = extra->closing;
    json_write_key(&render->json, STR("transit"));
    json_write_object_begin(&render->json);
    bool parsed = transit_way_parse(&entry->transfer, &way);
    struct str named = parsed && !way.out ? STR("from") : STR("to");
    render_uuid(render, named, entry->more.target.value);
    if (parsed) render_number(render, STR("lane"), way.peer);
    bool held = entry->transfer.head.outcome == OUTCOME_OK && extra->closing_known;
    if (held && closing == NULL) render_text(render, STR("state"), STR("pending"));
    if (held && closing != NULL) {
        bool settled = closing->transfer.head.kind == TRANSFER_POST;
        uint32_t outcome = settled ? (uint32_t)OUTCOME_OK : closing->transfer.code;
        render_text(render, STR("state"), settled ? STR("settled") : STR("released"));
        if (outcome < OUTCOME_COUNT) render_name(render, STR("outcome"), outcome_code(outcome));
        render_uuid(render, STR("ended_by"), closing->transfer.id.value);
        render_time(render, STR("ended_at"), closing->stamp);
    }
    json_write_object_end(&render->json);
}

static void entry_extra_write(struct render *render, const struct history_entry *entry,
                              const struct render_entry_extra *extra)
{
    const struct record_transfer *transfer = &entry->transfer;
    bool held = transfer->head.kind == TRANSFER_HOLD && transfer->head.outcome == OUTCOME_OK;
    if (held && extra->closing_known) hold_write(render, extra->closing);
    if (transfer->head.kind == TRANSFER_DEPARTURE) transit_write(render, entry, extra);
    if (!money_is_zero(extra->reversed))
        render_amount(render, STR("reversed"), extra->reversed, transfer->asset);
    if (!uuid_is_nil(extra->account.value)) {
        bool debit = uuid_equal(extra->account.value, transfer->debit.value);
        render_text(render, STR("side"), debit ? STR("debit") : STR("credit"));
    }
    if (extra->balance != NULL)
        render_balance(render, STR("balance"), extra->balance, transfer->asset,
                       extra->account_kind);
}

void render_entry(struct render *render, const struct history_entry *entry,
                  const struct render_entry_extra *extra)
{
    const struct record_transfer *transfer = &entry->transfer;
    json_write_object_begin(&render->json);
    render_uuid(render, STR("id"), transfer->id.value);
    render_name(render, STR("kind"), transfer_kind_name(transfer->head.kind));
    render_name(render, STR("outcome"), outcome_code(transfer->head.outcome));
    render_reference(render, STR("debit"), transfer->debit.value);
    render_reference(render, STR("credit"), transfer->credit.value);
    entry_amounts_write(render, entry);
    render_reference(render, STR("user_ref"), transfer->user_ref);
    render_date(render, STR("value_date"), transfer->value_date);
    if (transfer->timeout_s != 0) render_number(render, STR("timeout_s"), transfer->timeout_s);
    if (transfer->code != 0) render_number(render, STR("code"), transfer->code);
    transfer_flags_write(render, transfer->head.flags);
    render_position(render, STR("position"), entry->position);
    render_time(render, STR("at"), entry->stamp);
    render_principal(render, STR("principal"), entry->context.principal);
    render_trace(render, entry->context.trace);
    entry_extra_write(render, entry, extra);
    json_write_object_end(&render->json);
}

void render_transfer_result(struct render *render, const struct transfer_result *result,
                            bool pending)
{
    json_write_object_begin(&render->json);
    render_uuid(render, STR("id"), result->id.value);
    render_name(render, STR("outcome"), outcome_code(result->outcome));
    if (result->outcome == OUTCOME_OK) {
        render_amount(render, STR("amount"), result->amount, result->asset);
        render_asset(render, result->asset);
    }
    render_position(render, STR("position"), result->position);
    render_time(render, STR("at"), result->stamp);
    render_bool(render, STR("repeated"), result->repeated);
    if (pending) render_bool(render, STR("pending"), true);
    json_write_object_end(&render->json);
}

struct transfer_record transfer_record_of(const struct transfer_result *result)
{
    return (struct transfer_record){
        .id = result->id,
        .amount = result->amount,
        .batch = result->position.batch,
        .stamp = result->stamp,
        .index = result->position.index,
        .asset = result->asset,
        .outcome = result->outcome,
        .repeated = result->repeated,
    };
}

struct transfer_result transfer_result_of(const struct transfer_record *record)
{
    return (struct transfer_result){
        .id = record->id,
        .amount = record->amount,
        .position = { record->batch, record->index },
        .stamp = record->stamp,
        .outcome = record->outcome,
        .repeated = record->repeated != 0,
        .asset = record->asset,
    };
}
