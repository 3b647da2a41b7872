/* /v1/audit: who did what to the ledger's rules and secrets, and why, out of the journal. */
#include "api/lookup.h"
#include "base/check.h"
#include "base/hex.h"
#include "wallet/act_walk.h"

enum { ACT_ROOM = 4096, ANSWER_ROOM = API_ANSWER_SIZE_MAX - ACT_ROOM };

struct audit_page {
    struct work *work;
    struct render render;
    uint32_t count;
    struct monotonic_time until;
};

static const char *outcome_name(const struct record_head *record)
{
    if (record->type == RECORD_PAYMENT) return payment_outcome_code(record->outcome);
    return admin_outcome_code(record->outcome);
}

static void asset_name(struct render *render, struct str key, struct work *work, uint32_t id)
{
    struct asset asset;
    if (lane_asset_by_id(work->api->lane, id, &asset) != STATUS_OK) return; /* refused for that */
    render_name(render, key, asset.code);
}

/* Not as a number: it may pass what JavaScript's numbers hold. */
static void wide_write(struct render *render, struct str key, uint64_t value)
{
    BUF_SCOPE struct buf digits;
    buf_init(&digits, 32);
    buf_append_format(&digits, "%llu", (unsigned long long)value);
    render_text(render, key, buf_view(&digits));
}

static void rate_write(struct audit_page *page, const struct record_rate *rate)
{
    asset_name(&page->render, STR("asset"), page->work, rate->asset);
    asset_name(&page->render, STR("to_asset"), page->work, rate->counter_asset);
    wide_write(&page->render, STR("numerator"), rate->numerator);
    wide_write(&page->render, STR("denominator"), rate->denominator);
}

static void notice_write(struct render *render, const struct record_notice *notice)
{
    if (!uuid_is_nil(notice->subject)) render_uuid(render, STR("id"), notice->subject);
    bool start = notice->head.kind == NOTICE_SERVER_START;
    if (!start && notice->head.kind != NOTICE_REPAIR) return;
    char digits[2 * sizeof notice->digest.bytes + 1];
    if (start) render_bits(render, STR("settings"), notice->settings, setting_code);
    render_text(render, STR("digest"),
                hex_format(notice->digest.bytes, sizeof notice->digest.bytes, digits));
}

static void raise_write(struct render *render, const struct record_raise *record)
{
    const struct raise *raise = &record->raise;
    render_uuid(render, STR("id"), raise->id);
    if (raise->traces == 0) return; /* lowered */
    render_reference(render, STR("payment"), raise->payment);
    render_reference(render, STR("user_ref"), raise->user_ref);
    const struct route *route = router_route(raise->route);
    if (route != NULL) render_name(render, STR("route"), route->operation);
    render_number(render, STR("traces"), raise->traces);
    render_time(render, STR("until"), raise->until);
}

/* What a revocation's record does not repeat stands in that of the key's making. */
static void credential_write(struct render *render, const struct record_credential *credential)
{
    render_uuid(render, STR("id"), credential->id.value);
    if (credential->revoked != 0) return;
    render_text(
        render, STR("name"),
        (struct str){ credential->name, strnlen(credential->name, CREDENTIAL_NAME_LEN_MAX) });
    render_bits(render, STR("scopes"), credential->scopes, scope_name);
}

static void details_write(struct audit_page *page, const struct record_head *head)
{
    struct render *render = &page->render;
    const struct record_account_change *change = (const void *)head;
    const struct record_asset *asset = (const void *)head;
    const struct record_payment *payment = (const void *)head;
    switch ((enum record_type)head->type) {
    case RECORD_ACCOUNT_CHANGE:
        render_uuid(render, STR("id"), change->account.value);
        render_bits(render, STR("set"), change->set, account_flag_name);
        render_bits(render, STR("cleared"), change->clear, account_flag_name);
        return;
    case RECORD_ASSET:
        render_text(render, STR("asset"),
                    (struct str){ asset->code, strnlen(asset->code, ASSET_CODE_LEN_MAX) });
        render_number(render, STR("exponent"), asset->exponent);
        return;
    case RECORD_PERIOD:
        render_date(render, STR("closed_through"),
                    ((const struct record_period *)(const void *)head)->closed_through);
        return;
    case RECORD_CREDENTIAL: credential_write(render, (const void *)head); return;
    case RECORD_RATE: rate_write(page, (const void *)head); return;
    case RECORD_RAISE: raise_write(render, (const void *)head); return;
    case RECORD_NOTICE: notice_write(render, (const void *)head); return;
    case RECORD_PAYMENT:
        render_uuid(render, STR("id"), payment->payment.id.value);
        render_name(render, STR("state"), payment_state_name(payment->payment.state));
        return;
    case RECORD_CONTEXT:
    case RECORD_ACCOUNT:
    case RECORD_TRANSFER: break;
    }
    CHECK(false); /* act_walk() gives no others */
}

static void row_write(struct audit_page *page, const struct act_row *row)
{
    struct render *render = &page->render;
    json_write_object_begin(&render->json);
    render_position(render, STR("position"), row->position);
    render_time(render, STR("at"), row->stamp);
    render_name(render, STR("act"), act_code(row->record));
    render_name(render, STR("outcome"), outcome_name(row->record));
    uint32_t uid;
    render_principal(render, STR("actor"), row->context->principal);
    if (principal_uid(row->context->principal, &uid)) render_number(render, STR("uid"), uid);
    const struct route *route = router_route(row->context->route);
    if (route != NULL) render_name(render, STR("operation"), route->operation);
    render_trace(render, row->context->trace);
    if (row->reason.len > 0) render_text(render, STR("reason"), row->reason);
    details_write(page, row->record);
    json_write_object_end(&render->json);
}

static bool row_visit(void *owner, const struct act_row *row)
{
    struct audit_page *page = owner;
    const struct query *query = &page->work->query;
    bool kind = query->act[0] == '\0' || strcmp(query->act, act_code(row->record)) == 0;
    if (!kind || !actor_matches(&query->actor, row->context->principal)) return true;
    row_write(page, row);
    page->count++;
    return page->count < query->limit && page->work->call->answer.len < ANSWER_ROOM;
}

static bool page_over(void *owner)
{
    struct audit_page *page = owner;
    struct api *api = page->work->api;
    return clock_monotonic(api->ports.clock).ns >= page->until.ns;
}

static void list_run(struct work *work)
{
    struct audit_page page = { .work = work, .until = work_history_until(work) };
    const struct act_query query = {
        .lane = work->api->options.lane,
        .after = work->query.after,
        .from = work->query.from,
        .to = work->query.to,
        .head = journal_head(work),
        .visit = row_visit,
        .over = page_over,
        .owner = &page,
    };
    struct act_answer answer;
    struct error error = { 0 };
    render_init(&page.render, &work->assets, &work->call->answer);
    json_write_object_begin(&page.render.json);
    json_write_key(&page.render.json, STR("items"));
    json_write_array_begin(&page.render.json);
    enum status status = act_walk(work->api->ports.store, &query, &answer, &error);
    if (!work_history_ok(work, status, &error)) return;
    json_write_array_end(&page.render.json);
    render_position(&page.render, STR("next"), answer.next);
    render_bool(&page.render, STR("complete"), answer.complete);
    json_write_object_end(&page.render.json);
    render_end(&page.render);
}

static enum api_progress list_start(struct work *work)
{
    work->slow = true;
    return work_queue(work);
}

HANDLER(ROUTE_AUDIT_LIST, audit_list) = { .start = list_start, .run = list_run };
