#include "api/story_outside.h"

#include "base/check.h"
#include "model/position.h"

static const char no_senders[] =
    "the inbox is not looked at: this server takes no webhooks (serve --webhook-in), or the ledger "
    "is open without one";
static const char inbox_fails[] = "the inbox cannot be read";
static const char many_webhooks[] = "the inbox has more than 100 webhooks about it; the newest are "
                                    "left out";
_Static_assert(WEBHOOK_TOLD_MAX == 100, "as the text says");
static const char no_desk[] =
    "who was sent the events is not known: the ledger is open without its "
    "server";
static const char desk_fails[] = "who was sent the events cannot be read";
static const char many_endpoints[] = "there are more than 16 endpoints; the others are left out";
static const char many_events[] = "only the newest 32 events are told with their deliveries";
_Static_assert(OUTSIDE_ENDPOINTS_MAX == 16 && OUTSIDE_EVENTS_MAX == 32, "as the texts say");

/* ---- Reading ---- */

static void webhooks_read(struct work *work, const struct story *story, struct outside *outside)
{
    struct webhook_in *in = work->api->options.webhook_in;
    outside->webhooks_not_told = no_senders;
    if (in == NULL) return;
    const struct payment *payment = &story->units[story->count - 1].record.payment;
    struct error error = { 0 };
    enum status status =
        webhook_in_told(in, payment, outside->webhooks, &outside->webhook_count, &error);
    outside->webhooks_not_told = status != STATUS_OK ? inbox_fails : NULL;
    if (outside->webhook_count == WEBHOOK_TOLD_MAX) outside->webhooks_not_told = many_webhooks;
}

static void endpoints_read(struct work *work, struct outside *outside)
{
    struct webhook_desk *desk = work->api->options.webhook_desk;
    outside->deliveries_not_told = no_desk;
    if (desk == NULL) return;
    struct uuid after = { 0 };
    struct webhook_desk_view view;
    struct error error = { 0 };
    enum status status = STATUS_OK;
    while ((status = webhook_desk_next(desk, after, &view, &error)) == STATUS_OK) {
        if (outside->endpoint_count == OUTSIDE_ENDPOINTS_MAX) break;
        outside->endpoints[outside->endpoint_count++] = view;
        after = view.id;
    }
    outside->deliveries_not_told = status == STATUS_NOT_FOUND ? NULL
                                   : status == STATUS_OK      ? many_endpoints
                                                              : desk_fails;
}

void outside_read(struct work *work, const struct story *story, struct outside *out_outside)
{
    out_outside->webhook_count = 0;
    out_outside->endpoint_count = 0;
    webhooks_read(work, story, out_outside);
    endpoints_read(work, out_outside);
}

/* ---- Webhooks in ---- */

/* The unit that a webhook has brought about; NULL: none of these. */
static const struct story_unit *unit_of(const struct story *story, const struct webhook_told *told)
{
    for (uint32_t i = 0; told->is_read && i < story->count; i++)
        if (uuid_equal(story->units[i].context.key, told->key)) return &story->units[i];
    return NULL;
}

static void webhook_write(struct render *render, const struct story *story,
                          const struct webhook_told *told)
{
#define MARK_NAME(name, value, text) [value] = text,
    static const char *const marks[] = { INBOX_MARK_TABLE(MARK_NAME) };
#undef MARK_NAME
    const struct story_unit *unit = unit_of(story, told);
    CHECK(told->mark < INBOX_MARK_COUNT);
    json_write_object_begin(&render->json);
    render_time(render, STR("received_at"), told->received_at);
    render_name(render, STR("sender"), told->sender);
    render_bool(render, STR("verified"), true); /* others are not stored */
    if (told->is_read) {
        render_name(render, STR("event"), told->event);
        render_name(render, STR("kind"), psp_event_kind_name(told->kind));
    }
    render_name(render, STR("mark"), marks[told->mark]);
    if (unit != NULL) render_position(render, STR("effect"), unit->position);
    json_write_object_end(&render->json);
}

/* ---- Events out ---- */

/* Sets deliveries_not_told when it cannot be found out. */
static void delivery_write(struct work *work, struct render *render, struct outside *outside,
                           const struct webhook_desk_view *endpoint, const struct feed_event *event)
{
    enum webhook_delivery delivery;
    struct dead_letter letter;
    enum status status = webhook_desk_delivery(work->api->options.webhook_desk, endpoint,
                                               event->position, event->type, &delivery, &letter);
    if (status != STATUS_OK) {
        outside->deliveries_not_told = desk_fails;
        return;
    }
    json_write_object_begin(&render->json);
    render_uuid(render, STR("endpoint"), endpoint->id);
    render_name(render, STR("delivery"), webhook_delivery_name(delivery));
    if (delivery == WEBHOOK_DELIVERY_DEAD_LETTER) {
        render_number(render, STR("sequence"), letter.sequence);
        render_number(render, STR("attempts"), letter.attempts);
        render_number(render, STR("http_status"), letter.http_status);
    }
    json_write_object_end(&render->json);
}

static void event_write(struct work *work, struct render *render, const struct story_unit *unit,
                        struct outside *outside)
{
    BUF_SCOPE struct buf type;
    buf_init(&type, 64);
    buf_append_format(&type, "payment.%s", payment_state_name(unit->tells_state));
    const struct feed_event event = { .position = unit->position, .type = buf_view(&type) };
    json_write_object_begin(&render->json);
    render_position(render, STR("id"), unit->position);
    render_name(render, STR("type"), buf_terminated(&type));
    json_write_key(&render->json, STR("deliveries"));
    json_write_array_begin(&render->json);
    for (uint32_t i = 0; i < outside->endpoint_count; i++)
        delivery_write(work, render, outside, &outside->endpoints[i], &event);
    json_write_array_end(&render->json);
    json_write_object_end(&render->json);
}

static void events_write(struct work *work, struct render *render, const struct story *story,
                         struct outside *outside)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < story->count; i++) count += story->units[i].tells ? 1 : 0;
    if (count > OUTSIDE_EVENTS_MAX) outside->deliveries_not_told = many_events;
    for (uint32_t i = 0; i < story->count; i++) {
        if (!story->units[i].tells) continue;
        if (count-- > OUTSIDE_EVENTS_MAX) continue;
        event_write(work, render, &story->units[i], outside);
    }
}

void outside_write(struct work *work, struct render *render, const struct story *story,
                   struct outside *outside)
{
    json_write_key(&render->json, STR("webhooks"));
    json_write_array_begin(&render->json);
    for (uint32_t i = 0; i < outside->webhook_count; i++)
        webhook_write(render, story, &outside->webhooks[i]);
    json_write_array_end(&render->json);
    json_write_key(&render->json, STR("events"));
    json_write_array_begin(&render->json);
    events_write(work, render, story, outside);
    json_write_array_end(&render->json);
}
