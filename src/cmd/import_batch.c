/* Transfers go in the binary form, accounts as JSON; both are answered item by item. */
#include "cmd/import_batch.h"

#include <string.h>

#include "adapter/system_clock.h"
#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/answer.h"
#include "cmd/exit_code.h"
#include "cmd/pause.h"
#include "model/admin.h"

enum { ANSWER_SIZE_MAX = 4 << 20, RETRY_MS = 250 };

/* The answer to the binary form: docs in api/openapi.yaml. */
struct wire_result {
    struct uuid id;
    struct money amount;
    uint64_t batch;
    int64_t stamp_ns;
    uint32_t index;
    uint32_t asset;
    uint8_t outcome;
    uint8_t repeated;
    uint8_t reserved[6];
};
_Static_assert(sizeof(struct wire_result) == 64, "as on the wire");

enum status import_sender_init(struct import_sender *sender, struct session *session)
{
    *sender = (struct import_sender){ .session = session };
    buf_init(&sender->body, REQUEST_BODY_SIZE_MAX);
    buf_init(&sender->answer, ANSWER_SIZE_MAX);
    return arena_init(&sender->arena, 32 * (size_t)ANSWER_SIZE_MAX + 4096);
}

void import_sender_done(struct import_sender *sender)
{
    buf_free(&sender->body);
    buf_free(&sender->answer);
    arena_done(&sender->arena);
}

static bool may_succeed_later(enum status status, unsigned http_status)
{
    if (status != STATUS_OK) return exit_code_of_status(status) == EXIT_CODE_UNAVAILABLE;
    return exit_code_of_http(http_status) == EXIT_CODE_UNAVAILABLE;
}

/* Asks until there is an answer that counts, or patience ends. */
static enum status send_patiently(struct import_sender *sender,
                                  const struct session_request *request, unsigned *out_http_status,
                                  struct error *out_error)
{
    int64_t deadline = clock_monotonic(system_clock()).ns + IMPORT_PATIENCE_S * NS_PER_S;
    enum status status;
    for (;;) {
        *out_http_status = 0;
        status =
            session_call(sender->session, request, out_http_status, &sender->answer, out_error);
        if (!may_succeed_later(status, *out_http_status)) break;
        if (clock_monotonic(system_clock()).ns > deadline) break;
        sender->waits++;
        pause_ms(RETRY_MS);
    }
    if (status != STATUS_OK) return status;
    if (*out_http_status < 300) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "the ledger answered %u", *out_http_status);
}

static void account_write(struct json_writer *writer, const struct import_account *item)
{
    const struct account *account = &item->account;
    json_write_object_begin(writer);
    json_write_key(writer, STR("id"));
    json_write_uuid(writer, account->id.value);
    json_write_key(writer, STR("asset"));
    json_write_string(writer, str_from(item->asset->code));
    json_write_key(writer, STR("kind"));
    json_write_string(writer, str_from(account_kind_name(account->kind)));
    if (account->flags != 0) {
        json_write_key(writer, STR("flags"));
        json_write_array_begin(writer);
        for (uint32_t bit = 1; bit <= ACCOUNT_FLAGS_ALL; bit <<= 1)
            if ((account->flags & bit) != 0)
                json_write_string(writer, str_from(account_flag_name(bit)));
        json_write_array_end(writer);
    }
    if (!uuid_is_nil(account->user_ref)) {
        json_write_key(writer, STR("user_ref"));
        json_write_uuid(writer, account->user_ref);
    }
    if (!uuid_is_nil(account->metadata_ref)) {
        json_write_key(writer, STR("metadata_ref"));
        json_write_uuid(writer, account->metadata_ref);
    }
    json_write_object_end(writer);
}

struct outcome_reader {
    struct import_outcome *outcomes;
    uint32_t count;
    uint32_t room;
    bool unknown;
};

static bool account_outcome_read(void *argument, const struct answer_object *item)
{
    struct outcome_reader *reader = argument;
    struct str code = answer_text(item, "outcome");
    uint32_t outcome = 0;
    while (outcome < ACCOUNT_OUTCOME_COUNT &&
           !str_equal(code, str_from(account_outcome_code((enum account_outcome)outcome))))
        outcome++;
    struct uuid id = { 0 };
    if (outcome == ACCOUNT_OUTCOME_COUNT || reader->count == reader->room ||
        uuid_parse(answer_text(item, "id"), &id) != STATUS_OK) {
        reader->unknown = true;
        return false;
    }
    reader->outcomes[reader->count++] = (struct import_outcome){
        .id = id,
        .outcome = (uint8_t)outcome,
        .repeated = str_equal(answer_text(item, "repeated"), STR("true")),
    };
    return true;
}

static enum status not_understood(struct error *out_error)
{
    return error_set(out_error, STATUS_CORRUPT, "the ledger's answer is not understood");
}

enum status import_send_accounts(struct import_sender *sender,
                                 const struct import_account *accounts, uint32_t count,
                                 struct import_outcome *out_outcomes, unsigned *out_http_status,
                                 struct error *out_error)
{
    CHECK(count > 0);
    CHECK(count <= REQUEST_ACCOUNTS_MAX);
    buf_reset(&sender->body);
    struct json_writer writer;
    json_writer_init(&writer, &sender->body);
    json_write_array_begin(&writer);
    for (uint32_t i = 0; i < count; i++) account_write(&writer, &accounts[i]);
    json_write_array_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK); /* 8,190 accounts of 300 bytes */
    const struct session_request request = {
        .method = API_POST,
        .target = STR("/v1/accounts"),
        .content_type = STR("application/json"),
        .body = buf_view(&sender->body),
    };
    enum status status = send_patiently(sender, &request, out_http_status, out_error);
    if (status != STATUS_OK) return status;
    struct outcome_reader reader = { .outcomes = out_outcomes, .room = count };
    struct answer_object rest;
    arena_reset(&sender->arena);
    const struct answer_list list = { "results", account_outcome_read, &reader };
    status = answer_read_list(buf_view(&sender->answer), &list, &sender->arena, &rest);
    if (status != STATUS_OK || reader.unknown || reader.count != count)
        return not_understood(out_error);
    return STATUS_OK;
}

enum status import_send_transfers(struct import_sender *sender, const struct transfer *transfers,
                                  uint32_t count, struct import_outcome *out_outcomes,
                                  unsigned *out_http_status, struct error *out_error)
{
    CHECK(count > 0);
    CHECK(count <= REQUEST_TRANSFERS_MAX);
    const struct session_request request = {
        .method = API_POST,
        .target = STR("/v1/transfers"),
        .content_type = STR("application/vnd.tpwallet.transfers"),
        .body = { (const char *)transfers, count * sizeof(struct transfer) },
    };
    enum status status = send_patiently(sender, &request, out_http_status, out_error);
    if (status != STATUS_OK) return status;
    if (sender->answer.len != count * sizeof(struct wire_result)) return not_understood(out_error);
    for (uint32_t i = 0; i < count; i++) {
        struct wire_result result;
        memcpy(&result, sender->answer.data + i * sizeof(result), sizeof(result));
        if (result.outcome >= OUTCOME_COUNT) return not_understood(out_error);
        out_outcomes[i] = (struct import_outcome){
            .id = result.id,
            .position = { .batch = result.batch, .index = result.index },
            .outcome = result.outcome,
            .repeated = result.repeated != 0,
        };
    }
    return STATUS_OK;
}

static bool asset_read(void *argument, const struct answer_object *item)
{
    struct asset asset = { 0 };
    struct str code = answer_text(item, "code");
    struct str exponent = answer_text(item, "exponent");
    struct str id = answer_text(item, "id");
    for (size_t i = 0; i < id.len; i++) asset.id = 10 * asset.id + (uint32_t)(id.data[i] - '0');
    for (size_t i = 0; i < exponent.len; i++)
        asset.exponent = (uint8_t)(10 * asset.exponent + (exponent.data[i] - '0'));
    if (code.len == 0 || code.len > ASSET_CODE_LEN_MAX) return true;
    memcpy(asset.code, code.data, code.len);
    if (asset.id >= ASSET_CUSTOM_FIRST) buf_append(argument, &asset, sizeof(asset));
    return true;
}

enum status import_read_assets(struct import_sender *sender, struct buf *out_assets,
                               unsigned *out_http_status, struct error *out_error)
{
    BUF_SCOPE struct buf target;
    buf_init(&target, 4096);
    buf_append_str(&target, STR("/v1/assets?limit=1000"));
    for (;;) {
        const struct session_request request = { .method = API_GET, .target = buf_view(&target) };
        enum status status = send_patiently(sender, &request, out_http_status, out_error);
        if (status != STATUS_OK) return status;
        struct answer_object rest;
        arena_reset(&sender->arena);
        const struct answer_list list = { "items", asset_read, out_assets };
        status = answer_read_list(buf_view(&sender->answer), &list, &sender->arena, &rest);
        if (status != STATUS_OK) return not_understood(out_error);
        struct str next = answer_text(&rest, "next");
        if (next.len == 0) return buf_status(out_assets);
        buf_reset(&target);
        buf_append_format(&target, "/v1/assets?limit=1000&cursor=%.*s", STR_ARG(next));
    }
}
