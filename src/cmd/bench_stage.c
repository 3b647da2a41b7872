/* Made over the folder's session, before there is a server. */
#include "cmd/bench_stage.h"

#include "base/check.h"
#include "base/json_writer.h"
#include "cmd/answer.h"
#include "cmd/import_batch.h"
#include "cmd/import_id.h"
#include "model/asset.h"

enum { SECRET_TEXT_SIZE_MAX = 4096 };

enum status bench_key_make(struct session *session, const char *scope,
                           struct buf *out_authorization, struct error *out_error)
{
    BUF_SCOPE struct buf body;
    BUF_SCOPE struct buf answer;
    buf_init(&body, SECRET_TEXT_SIZE_MAX);
    buf_init(&answer, SECRET_TEXT_SIZE_MAX);
    struct json_writer writer;
    json_writer_init(&writer, &body);
    json_write_object_begin(&writer);
    json_write_key(&writer, STR("name"));
    json_write_string(&writer, STR("bench"));
    json_write_key(&writer, STR("scopes"));
    json_write_array_begin(&writer);
    json_write_string(&writer, str_from(scope));
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    CHECK(json_write_end(&writer) == STATUS_OK);
    const struct session_request request = {
        .method = API_POST,
        .target = STR("/v1/keys"),
        .content_type = STR("application/json"),
        .idempotency_key = STR("bench"),
        .body = buf_view(&body),
    };
    unsigned http_status = 0;
    enum status status = session_call(session, &request, &http_status, &answer, out_error);
    if (status != STATUS_OK) return status;
    struct arena arena;
    status = arena_init(&arena, 1 << 20);
    struct answer_object object = { .count = 0 };
    if (status == STATUS_OK) status = answer_read(buf_view(&answer), &arena, &object);
    struct str secret = answer_text(&object, "secret");
    buf_append_format(out_authorization, "Bearer %.*s", STR_ARG(secret));
    arena_done(&arena);
    if (status == STATUS_OK && secret.len > 0) return STATUS_OK;
    return error_set(out_error, STATUS_CORRUPT, "no key could be made");
}

enum status bench_accounts_make(struct session *session, uint64_t wanted, struct buf *out_ids,
                                struct error *out_error)
{
    const struct import_set set = { STR("bench"), STR("account") };
    const struct asset *asset = asset_iso_by_code(STR("EUR"));
    CHECK(asset != NULL);
    BUF_SCOPE struct buf items;
    BUF_SCOPE struct buf outcomes;
    buf_init(&items, REQUEST_ACCOUNTS_MAX * sizeof(struct import_account));
    buf_init(&outcomes, REQUEST_ACCOUNTS_MAX * sizeof(struct import_outcome));
    struct import_sender sender;
    enum status status = import_sender_init(&sender, session);
    if (status != STATUS_OK || buf_extend(&outcomes, outcomes.size_max) == NULL)
        status = error_set(out_error, STATUS_LIMIT, "no memory");
    for (uint64_t made = 0; made < wanted && status == STATUS_OK;) {
        buf_reset(&items);
        uint32_t count = 0;
        for (; count < REQUEST_ACCOUNTS_MAX && made < wanted; count++) {
            struct import_account item = { .asset = asset };
            item.account.id.value = import_line_id(&set, ++made);
            item.account.asset = asset->id;
            item.account.kind = ACCOUNT_LIABILITY;
            buf_append(&items, &item, sizeof(item));
            buf_append(out_ids, &item.account.id, sizeof(item.account.id));
        }
        unsigned http_status = 0;
        status = import_send_accounts(
            &sender, (const struct import_account *)(const void *)items.data, count,
            (struct import_outcome *)(void *)outcomes.data, &http_status, out_error);
    }
    import_sender_done(&sender);
    return status != STATUS_OK ? status : buf_status(out_ids);
}
