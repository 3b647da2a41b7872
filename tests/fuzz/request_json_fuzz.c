/*
 * Goal: no text of a client, in a body, a query or a header, makes a parser read past it, stop the
 * program, or hand on what the ledger must never see.
 * Method: the first byte picks the parser, the rest is its input. What is taken passes the model's
 * rules; a transfer that was taken, written as JSON again, is read as the same transfer.
 */
#include <stdlib.h>

#include "api/accounts_parse.h"
#include "api/admin_parse.h"
#include "api/cursor.h"
#include "api/idempotency.h"
#include "api/query.h"
#include "api/transfers_parse.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "model/trace_context.h"

enum { LIST_MAX = 256, TEXT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct transfer transfers[LIST_MAX];
static struct account accounts[LIST_MAX];

static enum status iso_by_code(void *context, struct str code, struct asset *out_asset)
{
    (void)context; /* the ISO table is everybody's */
    const struct asset *asset = asset_iso_by_code(code);
    if (asset == NULL) return STATUS_NOT_FOUND;
    *out_asset = *asset;
    return STATUS_OK;
}

static void id_write(struct json_writer *json, struct str key, struct uuid id)
{
    if (uuid_is_nil(id)) return;
    json_write_key(json, key);
    json_write_uuid(json, id);
}

static void text_write(struct json_writer *json, struct str key, const char *text)
{
    json_write_key(json, key);
    json_write_string(json, str_from(text));
}

static void flags_write(struct json_writer *json, unsigned flags)
{
    json_write_key(json, STR("flags"));
    json_write_array_begin(json);
    for (unsigned bit = 1; bit <= TRANSFER_FLAG_KEEP_REST; bit <<= 1) {
        if ((flags & bit) != 0) json_write_string(json, str_from(transfer_flag_name(bit)));
    }
    json_write_array_end(json);
}

/* Without LINKED, so that it can stand alone. */
static void transfer_write(const struct transfer *transfer, struct buf *out_text)
{
    char date[DATE_TEXT_SIZE];
    struct json_writer json;
    json_writer_init(&json, out_text);
    json_write_object_begin(&json);
    id_write(&json, STR("id"), transfer->id.value);
    text_write(&json, STR("kind"), transfer_kind_name(transfer->kind));
    id_write(&json, STR("debit"), transfer->debit.value);
    id_write(&json, STR("credit"), transfer->credit.value);
    id_write(&json, STR("target"), transfer->target.value);
    id_write(&json, STR("user_ref"), transfer->user_ref);
    if (transfer->asset != 0)
        text_write(&json, STR("asset"), asset_iso_by_id(transfer->asset)->code);
    json_write_key(&json, STR("amount"));
    if (money_equal(transfer->amount, MONEY_MAX))
        json_write_string(&json, STR("all"));
    else
        json_write_money(&json, transfer->amount, asset_iso_by_id(transfer->asset)->exponent);
    if (transfer->value_date.days != 0) {
        json_write_key(&json, STR("value_date"));
        json_write_string(&json, business_date_format(transfer->value_date, date));
    }
    json_write_key(&json, STR("timeout_s"));
    json_write_uint64(&json, transfer->timeout_s);
    json_write_key(&json, STR("code"));
    json_write_uint64(&json, transfer->code);
    flags_write(&json, transfer->flags & ~(unsigned)TRANSFER_FLAG_LINKED);
    json_write_object_end(&json);
    enum status status = json_write_end(&json);
    CHECK(status == STATUS_OK);
}

static void same_when_written(const struct transfer *taken, struct asset_source *assets,
                              struct arena *scratch)
{
    struct transfer again;
    struct transfer_list list = { .transfers = &again, .capacity = 1 };
    struct problem problem = { .code = NULL };
    struct transfer expected = *taken;
    expected.flags &= (uint8_t)~TRANSFER_FLAG_LINKED;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    transfer_write(taken, &text);
    bool read = transfers_parse_json(buf_view(&text), assets, scratch, &list, &problem);
    CHECK(read);
    CHECK(memcmp(&again, &expected, sizeof again) == 0);
    buf_free(&text);
}

static void try_transfers(struct str text, bool lines, struct arena *scratch)
{
    struct asset_source assets = { .by_code = iso_by_code };
    struct transfer_list list = { .transfers = transfers, .capacity = LIST_MAX };
    struct problem problem = { .code = NULL };
    bool taken = lines ? transfers_parse_ndjson(text, &assets, scratch, &list, &problem)
                       : transfers_parse_json(text, &assets, scratch, &list, &problem);
    CHECK(taken != problem_is_set(&problem));
    if (!taken) return;
    CHECK(list.count > 0);
    for (uint32_t i = 0; i < list.count; i++) {
        const char *field;
        CHECK(transfer_fault(&transfers[i], &field) == NULL);
        same_when_written(&transfers[i], &assets, scratch);
    }
}

static void try_accounts(struct str text, struct arena *scratch)
{
    struct asset_source assets = { .by_code = iso_by_code };
    struct account_list list = { .accounts = accounts, .capacity = LIST_MAX };
    struct problem problem = { .code = NULL };
    bool taken = accounts_parse(text, &assets, scratch, &list, &problem);
    CHECK(taken != problem_is_set(&problem));
    for (uint32_t i = 0; taken && i < list.count; i++) {
        const char *field;
        CHECK(account_fault(&accounts[i], &field) == NULL);
    }
}

static void try_admin(struct str text, unsigned which, struct arena *scratch)
{
    struct admin admin = { .account = { { 1, 1 } } };
    struct problem problem = { .code = NULL };
    bool taken = false;
    switch (which) {
    case 0: taken = account_change_parse(text, scratch, &admin, &problem); break;
    case 1: taken = asset_create_parse(text, scratch, &admin, &problem); break;
    case 2: taken = period_close_parse(text, scratch, &admin, &problem); break;
    default:
        taken = key_create_parse(text, scratch, &admin, &problem);
        admin.credential.secret_digest.bytes[0] = 1; /* the caller's part */
        break;
    }
    CHECK(taken != problem_is_set(&problem));
    const char *field;
    if (which == 0) admin.kind = ADMIN_ACCOUNT_CHANGE;
    if (taken && which != 0) CHECK(admin_fault(&admin, &field) == NULL);
}

static void try_head(struct str text)
{
    struct query query;
    struct problem problem = { .code = NULL };
    bool taken = query_parse(text, UINT32_MAX, &query, &problem);
    CHECK(taken != problem_is_set(&problem));
    struct idempotency_key key;
    if (idempotency_key_parse(text, &key)) CHECK(key.len > 0);
    struct trace trace;
    uint8_t flags;
    if (traceparent_parse(text, &trace, &flags)) CHECK(trace.span != 0);
    struct cursor cursor = { .list = 1 };
    if (cursor_parse(text, &cursor) == STATUS_OK) CHECK(cursor.list == 1);
    (void)media_parse(text); /* only read */
    struct route_match match = router_match(API_GET, text);
    CHECK(match.route == NULL || match.methods != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    struct str text = { (const char *)data + 1, size - 1 };
    struct arena scratch;
    enum status status = arena_init(&scratch, BODY_SCRATCH_SIZE);
    CHECK(status == STATUS_OK);
    switch (data[0] % 8) {
    case 0: try_transfers(text, false, &scratch); break;
    case 1: try_transfers(text, true, &scratch); break;
    case 2: try_accounts(text, &scratch); break;
    case 7: try_head(text); break;
    default: try_admin(text, data[0] % 8U - 3, &scratch); break;
    }
    arena_done(&scratch);
    return 0;
}
