/* The views of an event lie in one buf, whose bytes move while it grows: they are cut out last. */
#include "wallet/event.h"

#include "base/check.h"
#include "base/json_writer.h"
#include "model/position.h"

/* Transfers that a payment has made are told of with the payment. */
static bool belongs_to_payment(const struct event_unit *unit)
{
    return unit->first != NULL && unit->first->type == RECORD_PAYMENT;
}

static void payment_add(struct event_unit *unit, const struct record_payment *record)
{
    bool tells = (record->head.flags & RECORD_FLAG_TELLS) != 0;
    if (unit->first == NULL) {
        unit->first = &record->head; /* the transfers behind it are its own, told of or not */
    } else if (tells) {
        unit->parent = record;
    }
}

void event_unit_add(struct event_unit *unit, const struct record_context *context,
                    const struct record_head *record)
{
    unit->context = context;
    switch ((enum record_type)record->type) {
    case RECORD_PAYMENT: payment_add(unit, (const struct record_payment *)record); return;
    case RECORD_TRANSFER:
        if (record->outcome != OUTCOME_OK || belongs_to_payment(unit)) return;
        CHECK(unit->transfer_count < LINKED_MAX);
        unit->transfers[unit->transfer_count++] = (const struct record_transfer *)record;
        if (unit->first == NULL) unit->first = record;
        return;
    case RECORD_ACCOUNT:
    case RECORD_ACCOUNT_CHANGE:
        if (record->outcome == 0) unit->first = record;
        return;
    case RECORD_NOTICE:
        if (record->kind == NOTICE_ENDPOINT_DISABLE) unit->first = record;
        return;
    case RECORD_CONTEXT:
    case RECORD_ASSET:
    case RECORD_PERIOD:
    case RECORD_CREDENTIAL:
    case RECORD_RATE:
    case RECORD_RAISE: return;
    }
}

/* ---- Data ---- */

struct data {
    struct json_writer json;
    const struct event_assets *assets;
};

static void id_write(struct data *data, struct str key, struct uuid id)
{
    if (uuid_is_nil(id)) return;
    json_write_key(&data->json, key);
    json_write_uuid(&data->json, id);
}

static void text_write(struct data *data, struct str key, const char *text)
{
    if (text[0] == '\0') return;
    json_write_key(&data->json, key);
    json_write_string(&data->json, str_from(text));
}

static void amount_write(struct data *data, struct str key, struct money amount, uint32_t id)
{
    struct asset asset;
    if (!data->assets->find(data->assets->context, id, &asset)) return; /* refused for that */
    json_write_key(&data->json, key);
    json_write_money(&data->json, amount, asset.exponent);
}

static void asset_write(struct data *data, struct str key, uint32_t id)
{
    struct asset asset;
    if (id == 0 || !data->assets->find(data->assets->context, id, &asset)) return;
    text_write(data, key, asset.code);
}

static void some_write(struct data *data, struct str key, struct money amount, uint32_t id)
{
    if (!money_is_zero(amount)) amount_write(data, key, amount, id);
}

static void payment_write(struct data *data, const struct payment *payment)
{
    uint32_t asset = payment->asset;
    json_write_object_begin(&data->json);
    id_write(data, STR("id"), payment->id.value);
    text_write(data, STR("kind"), payment_kind_name(payment->kind));
    text_write(data, STR("state"), payment_state_name(payment->state));
    text_write(data, STR("reason"), payment->reason);
    asset_write(data, STR("asset"), asset);
    if (!money_equal(payment->amount, MONEY_MAX)) {
        amount_write(data, STR("amount"), payment->amount, asset);
    }
    some_write(data, STR("captured"), payment->captured, asset);
    some_write(data, STR("refund_pending"), payment->refund_pending, asset);
    some_write(data, STR("refunded"), payment->refunded, asset);
    some_write(data, STR("disputed"), payment->disputed, asset);
    asset_write(data, STR("to_asset"), payment->counter_asset);
    some_write(data, STR("to_amount"), payment->counter_amount, payment->counter_asset);
    id_write(data, STR("payment"), payment->parent.value);
    id_write(data, STR("wallet"), payment->wallet.value);
    id_write(data, STR("counter"), payment->counter.value);
    id_write(data, STR("user_ref"), payment->user_ref);
    text_write(data, STR("psp"), payment->psp);
    if ((payment->flags & PAYMENT_FLAG_SETTLED) != 0) {
        json_write_key(&data->json, STR("settled"));
        json_write_bool(&data->json, true);
    }
    json_write_key(&data->json, STR("version"));
    json_write_uint64(&data->json, payment->version);
    json_write_object_end(&data->json);
}

static void transfer_write(struct data *data, const struct record_transfer *transfer)
{
    json_write_object_begin(&data->json);
    id_write(data, STR("id"), transfer->id.value);
    text_write(data, STR("kind"), transfer_kind_name(transfer->head.kind));
    id_write(data, STR("debit"), transfer->debit.value);
    id_write(data, STR("credit"), transfer->credit.value);
    asset_write(data, STR("asset"), transfer->asset);
    amount_write(data, STR("amount"), transfer->amount, transfer->asset);
    id_write(data, STR("user_ref"), transfer->user_ref);
    json_write_object_end(&data->json);
}

static void transfers_write(struct data *data, const struct event_unit *unit)
{
    uint32_t shown = unit->transfer_count;
    if (shown > EVENT_TRANSFERS_MAX) shown = EVENT_TRANSFERS_MAX;
    json_write_key(&data->json, STR("count"));
    json_write_uint64(&data->json, unit->transfer_count);
    json_write_key(&data->json, STR("transfers"));
    json_write_array_begin(&data->json);
    for (uint32_t i = 0; i < shown; i++) transfer_write(data, unit->transfers[i]);
    json_write_array_end(&data->json);
}

static void account_write(struct data *data, const struct account *account)
{
    id_write(data, STR("id"), account->id.value);
    asset_write(data, STR("asset"), account->asset);
    text_write(data, STR("kind"), account_kind_name(account->kind));
    id_write(data, STR("user_ref"), account->user_ref);
}

static void flags_write(struct data *data, struct str key, uint16_t flags)
{
    json_write_key(&data->json, key);
    json_write_array_begin(&data->json);
    for (unsigned flag = 1; flag <= ACCOUNT_FLAG_CLOSED; flag <<= 1) {
        if ((flags & flag) == 0) continue;
        json_write_string(&data->json, str_from(account_flag_name(flag)));
    }
    json_write_array_end(&data->json);
}

static void change_write(struct data *data, const struct record_account_change *change)
{
    id_write(data, STR("id"), change->account.value);
    flags_write(data, STR("set"), change->set);
    flags_write(data, STR("cleared"), change->clear);
}

static void data_write(struct data *data, const struct event_unit *unit)
{
    json_write_object_begin(&data->json);
    if (unit->first->type == RECORD_PAYMENT) {
        json_write_key(&data->json, STR("payment"));
        payment_write(data, &((const struct record_payment *)unit->first)->payment);
        if (unit->parent != NULL) {
            json_write_key(&data->json, STR("parent"));
            payment_write(data, &unit->parent->payment);
        }
    } else if (unit->first->type == RECORD_TRANSFER) {
        transfers_write(data, unit);
    } else if (unit->first->type == RECORD_NOTICE) {
        id_write(data, STR("id"), ((const struct record_notice *)unit->first)->subject);
    } else if (unit->first->type == RECORD_ACCOUNT) {
        account_write(data, &((const struct record_account *)unit->first)->account);
    } else {
        change_write(data, (const struct record_account_change *)unit->first);
    }
    json_write_object_end(&data->json);
}

/* ---- The event ---- */

static struct uuid subject_of(const struct record_head *first)
{
    if (first->type == RECORD_PAYMENT) {
        return ((const struct record_payment *)first)->payment.id.value;
    }
    if (first->type == RECORD_NOTICE) return ((const struct record_notice *)first)->subject;
    if (first->type == RECORD_ACCOUNT) {
        return ((const struct record_account *)first)->account.id.value;
    }
    if (first->type == RECORD_ACCOUNT_CHANGE) {
        return ((const struct record_account_change *)first)->account.value;
    }
    const struct record_transfer *transfer = (const struct record_transfer *)first;
    if (!uuid_is_nil(transfer->id.value)) return transfer->id.value;
    return ((const struct record_transfer_more *)(transfer + 1))->target.value; /* EXPIRE */
}

static void type_write(const struct record_head *first, struct buf *out)
{
    if (first->type == RECORD_PAYMENT) {
        const struct record_payment *record = (const struct record_payment *)first;
        buf_append_format(out, "payment.%s", payment_state_name(record->payment.state));
    } else if (first->type == RECORD_TRANSFER) {
        buf_append_format(out, "transfer.%s", transfer_kind_name(first->kind));
    } else if (first->type == RECORD_ACCOUNT) {
        buf_append_str(out, STR("account.created"));
    } else if (first->type == RECORD_NOTICE) {
        buf_append_str(out, STR("webhook_endpoint.disabled"));
    } else {
        buf_append_str(out, STR("account.changed"));
    }
}

static bool is_event(const struct event_unit *unit)
{
    if (unit->first == NULL) return false;
    return unit->first->type != RECORD_PAYMENT || (unit->first->flags & RECORD_FLAG_TELLS) != 0;
}

static struct str cut(const struct buf *memory, size_t from, size_t to)
{
    return (struct str){ (const char *)memory->data + from, to - from };
}

bool event_write(const struct event_unit *unit, struct position position, struct wall_time stamp,
                 const struct event_assets *assets, struct buf *memory,
                 struct feed_event *out_event)
{
    if (!is_event(unit)) return false;
    buf_reset(memory);
    char id[POSITION_TEXT_SIZE];
    buf_append_str(memory, position_format(position, id));
    size_t id_end = memory->len;
    type_write(unit->first, memory);
    size_t type_end = memory->len;
    char subject[UUID_TEXT_LEN + 1];
    uuid_format(subject_of(unit->first), subject);
    buf_append_str(memory, str_from(subject));
    size_t subject_end = memory->len;
    struct data data = { .assets = assets };
    json_writer_init(&data.json, memory);
    data_write(&data, unit);
    enum status status = json_write_end(&data.json);
    CHECK(status == STATUS_OK || memory->overflow); /* the caller looks at it */
    *out_event = (struct feed_event){
        .position = position,
        .id = cut(memory, 0, id_end),
        .type = cut(memory, id_end, type_end),
        .subject = cut(memory, type_end, subject_end),
        .time = stamp,
        .trace = unit->context->trace,
        .data = cut(memory, subject_end, memory->len),
    };
    return true;
}
