/* /v1/webhook-endpoints: the receivers of our webhooks. Secrets are written once, by who made them. */
#include "api/acts.h"
#include "api/lookup.h"
#include "api/webhook_endpoints_parse.h"
#include "base/check.h"
#include "crypto/secret.h"
#include "model/position.h"
#include "wallet/event_envelope.h"

enum {
    OVERLAP_S_DEFAULT = 86400,
    MISSED_WALK_MAX = 1000000, /* events looked at in one call */
    ANSWER_ROOM = API_ANSWER_SIZE_MAX - 2 * EVENT_SIZE_MAX,
};

/* ---- What they share ---- */

static enum api_progress queue_start(struct work *work)
{
    work->slow = true; /* it may wait for a delivery under way, or for the disk */
    return work_queue(work);
}

static struct webhook_desk *desk_of(struct work *work)
{
    struct webhook_desk *desk = work->api->options.webhook_desk;
    if (desk != NULL) return desk;
    (void)problem_raise(&work->problem, PROBLEM_UNAVAILABLE, "start the server: tpwallet serve");
    problem_detail(&work->problem, "this process sends no webhooks");
    return NULL;
}

/* Lane 0 makes and changes endpoints, and the others follow. Without a desk: desk_of() tells. */
static bool kept_here(struct work *work)
{
    if (work->api->options.lane == 0) return true;
    (void)problem_raise(&work->problem, PROBLEM_WRONG_LANE, "leave TPW-Lane out");
    problem_detail(&work->problem,
                   "lane 0 keeps the endpoints, and this is lane %u: here one can be enabled that "
                   "has disabled itself, and nothing else be changed",
                   work->api->options.lane);
    return false;
}

static bool desk_ok(struct work *work, enum status status, const struct error *error)
{
    if (status == STATUS_NOT_FOUND) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
        problem_detail(&work->problem, "there is no webhook endpoint with this id");
        return false;
    }
    return work_history_ok(work, status, error);
}

static void keys_write(struct render *render, const struct webhook_desk_view *view)
{
    json_write_key(&render->json, STR("keys"));
    json_write_array_begin(&render->json);
    for (uint32_t i = 0; i < view->key_count; i++) {
        json_write_object_begin(&render->json);
        render_name(render, STR("name"), view->keys[i].name);
        if (view->keys[i].not_before.ns != 0)
            render_time(render, STR("not_before"), view->keys[i].not_before);
        if (view->keys[i].not_after.ns != 0)
            render_time(render, STR("not_after"), view->keys[i].not_after);
        json_write_object_end(&render->json);
    }
    json_write_array_end(&render->json);
}

static void progress_write(struct render *render, const struct relay_state *state)
{
    render_number(render, STR("sequence"), state->sequence);
    render_number(render, STR("attempts"), state->attempts);
    if (state->http_status != 0) render_number(render, STR("http_status"), state->http_status);
    if (state->next_at.ns != 0) render_time(render, STR("next_at"), state->next_at);
    if (state->failing_at.ns != 0) render_time(render, STR("failing_since"), state->failing_at);
    render_bool(render, STR("disabled_itself"), state->disabled);
}

/* secret NULL: it is nobody's business now. */
static void endpoint_write(struct render *render, const struct webhook_desk_view *view,
                           const char *secret)
{
    json_write_object_begin(&render->json);
    render_uuid(render, STR("id"), view->id);
    render_name(render, STR("url"), view->url);
    json_write_key(&render->json, STR("filters"));
    json_write_array_begin(&render->json);
    for (uint32_t i = 0; i < view->filter_count; i++)
        json_write_string(&render->json, str_from(view->filters[i]));
    json_write_array_end(&render->json);
    bool active = view->state == ENDPOINT_ACTIVE;
    render_name(render, STR("state"), active ? "active" : "disabled");
    render_position(render, STR("since"), view->since);
    render_number(render, STR("first_sequence"), view->sequence_base + 1);
    render_time(render, STR("created_at"), view->created_at);
    keys_write(render, view);
    progress_write(render, &view->relay);
    if (secret != NULL) render_name(render, STR("secret"), secret);
    json_write_object_end(&render->json);
}

static void view_answer(struct work *work, const struct webhook_desk_view *view, const char *secret)
{
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    endpoint_write(&render, view, secret);
    render_end(&render);
}

/* ---- Making ---- */

static bool same_content(const struct webhook_desk_view *a, const struct webhook_desk_view *b)
{
    return strcmp(a->url, b->url) == 0 && a->filter_count == b->filter_count &&
           memcmp(a->filters, b->filters, sizeof a->filters) == 0;
}

/* It is there: made by the same request before, or another. */
static void create_again(struct work *work, struct webhook_desk *desk,
                         const struct webhook_desk_view *draft)
{
    struct webhook_desk_view view;
    struct error error = { 0 };
    if (!desk_ok(work, webhook_desk_look(desk, draft->id, &view, &error), &error)) return;
    if (!same_content(&view, draft)) {
        problem_refuse(&work->problem, 409, "id_conflict",
                       "this id was used before, with other content");
        return;
    }
    work->replayed = true;
    view_answer(work, &view, NULL);
}

static void create_run(struct work *work)
{
    struct webhook_desk *desk = desk_of(work);
    struct endpoint_body body = { 0 };
    if (desk == NULL || !kept_here(work) ||
        !endpoint_body_parse(ENDPOINT_CREATE, work->call->body, &work->scratch, &body,
                             &work->problem)) {
        return;
    }
    struct webhook_desk_view *draft = &body.change.wanted;
    if (!body.has_id) draft->id = work->request.key;
    if (uuid_is_nil(draft->id)) {
        (void)problem_raise(&work->problem, PROBLEM_IDEMPOTENCY_KEY_REQUIRED,
                            "or give it an id, so that a repeat does not make a second one");
        problem_field(&work->problem, "Idempotency-Key");
        return;
    }
    if (!body.has_after) draft->since = (struct position){ journal_head(work), POSITION_INDEX_END };
    char secret[WEBHOOK_DESK_SECRET_SIZE];
    struct webhook_desk_view view;
    struct error error = { 0 };
    if (webhook_desk_look(desk, draft->id, &view, &error) == STATUS_OK) {
        create_again(work, desk, draft);
        return;
    }
    if (!act_note(work, NOTICE_ENDPOINT_CREATE, draft->id)) return;
    enum status status = webhook_desk_create(desk, draft, secret, &view, &error);
    if (status == STATUS_CONFLICT) {
        create_again(work, desk, draft);
        return;
    }
    if (desk_ok(work, status, &error)) view_answer(work, &view, secret);
    secret_wipe(secret, sizeof secret);
}

static void create_write(struct work *work)
{
    if (!work->replayed) work->call->status = 201;
}

HANDLER(ROUTE_WEBHOOK_ENDPOINTS_CREATE, webhook_endpoints_create) = { .start = queue_start,
                                                                      .run = create_run,
                                                                      .write = create_write };

/* ---- Looking ---- */

static void list_run(struct work *work)
{
    struct webhook_desk *desk = desk_of(work);
    if (desk == NULL) return;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    struct webhook_desk_view view = { 0 };
    struct error error = { 0 };
    enum status status;
    while ((status = webhook_desk_next(desk, view.id, &view, &error)) == STATUS_OK) {
        endpoint_write(&render, &view, NULL);
    }
    if (status != STATUS_NOT_FOUND && !desk_ok(work, status, &error)) return;
    json_write_array_end(&render.json);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_WEBHOOK_ENDPOINTS_LIST, webhook_endpoints_list) = { .start = queue_start,
                                                                  .run = list_run };

static void get_run(struct work *work)
{
    struct webhook_desk *desk = desk_of(work);
    if (desk == NULL) return;
    struct webhook_desk_view view;
    struct error error = { 0 };
    if (!desk_ok(work, webhook_desk_look(desk, work->id, &view, &error), &error)) return;
    view_answer(work, &view, NULL);
}

HANDLER(ROUTE_WEBHOOK_ENDPOINTS_GET, webhook_endpoints_get) = { .start = queue_start,
                                                                .run = get_run };

/* ---- Changing ---- */

/* What is about to be done to the endpoint, if there is one. False: the problem is raised. */
static bool noted(struct work *work, struct webhook_desk *desk, enum notice_kind kind)
{
    struct webhook_desk_view view;
    struct error error = { 0 };
    if (!desk_ok(work, webhook_desk_look(desk, work->id, &view, &error), &error)) return false;
    return act_note(work, kind, work->id);
}

static void update_run(struct work *work)
{
    struct webhook_desk *desk = desk_of(work);
    struct endpoint_body body = { 0 };
    if (desk == NULL || !endpoint_body_parse(ENDPOINT_UPDATE, work->call->body, &work->scratch,
                                             &body, &work->problem)) {
        return;
    }
    struct webhook_desk_view view;
    struct error error = { 0 };
    const struct webhook_desk_change *change = &body.change;
    bool enables = change->state && change->wanted.state == ENDPOINT_ACTIVE && !change->url &&
                   !change->filters;
    if (!enables && !kept_here(work)) return;
    if (!noted(work, desk, NOTICE_ENDPOINT_CHANGE)) return;
    enum status status = webhook_desk_update(desk, work->id, &body.change, &view, &error);
    if (desk_ok(work, status, &error)) view_answer(work, &view, NULL);
}

HANDLER(ROUTE_WEBHOOK_ENDPOINTS_UPDATE, webhook_endpoints_update) = { .start = queue_start,
                                                                      .run = update_run };

static void rotate_run(struct work *work)
{
    struct webhook_desk *desk = desk_of(work);
    struct endpoint_body body = { .overlap_s = OVERLAP_S_DEFAULT };
    if (desk == NULL || !kept_here(work) ||
        !endpoint_body_parse(ENDPOINT_ROTATE, work->call->body, &work->scratch, &body,
                             &work->problem)) {
        return;
    }
    char secret[WEBHOOK_DESK_SECRET_SIZE];
    struct webhook_desk_view view;
    struct error error = { 0 };
    if (!noted(work, desk, NOTICE_ENDPOINT_ROTATE)) return;
    enum status status = webhook_desk_rotate(desk, work->id, body.overlap_s, secret, &view, &error);
    if (status == STATUS_CONFLICT) {
        (void)problem_raise(&work->problem, PROBLEM_SECRETS_TOO_MANY, "wait until one has ended");
        problem_limit(&work->problem, ENDPOINT_KEYS_MAX);
        return;
    }
    if (!desk_ok(work, status, &error)) return;
    view_answer(work, &view, secret);
    secret_wipe(secret, sizeof secret);
}

HANDLER(ROUTE_WEBHOOK_ENDPOINTS_ROTATE, webhook_endpoints_rotate) = { .start = queue_start,
                                                                      .run = rotate_run };

static void delete_run(struct work *work)
{
    struct webhook_desk *desk = desk_of(work);
    if (desk == NULL || !kept_here(work)) return;
    struct error error = { 0 };
    if (!noted(work, desk, NOTICE_ENDPOINT_REMOVE)) return;
    if (!desk_ok(work, webhook_desk_remove(desk, work->id, &error), &error)) return;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    render_uuid(&render, STR("id"), work->id);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_WEBHOOK_ENDPOINTS_DELETE, webhook_endpoints_delete) = { .start = queue_start,
                                                                      .run = delete_run };

/* ---- Deliveries ---- */

static void letter_write(struct render *render, const struct dead_letter *letter)
{
    json_write_object_begin(&render->json);
    render_number(render, STR("sequence"), letter->sequence);
    render_position(render, STR("event"), letter->position);
    render_time(render, STR("at"), letter->at);
    render_number(render, STR("attempts"), letter->attempts);
    if (letter->http_status != 0) render_number(render, STR("http_status"), letter->http_status);
    render_bool(render, STR("redrive"), letter->redrive);
    json_write_object_end(&render->json);
}

static void deliveries_run(struct work *work)
{
    struct webhook_desk *desk = desk_of(work);
    if (desk == NULL) return;
    struct webhook_desk_view view;
    struct error error = { 0 };
    if (!desk_ok(work, webhook_desk_look(desk, work->id, &view, &error), &error)) return;
    uint32_t limit = work->query.limit;
    if (!work_reserve(work, limit * sizeof(struct dead_letter) + 16)) return;
    struct dead_letter *letters = arena_take_array(&work->bulk, limit, sizeof *letters);
    CHECK(letters != NULL);
    uint32_t count = 0;
    enum status status =
        webhook_desk_letters(desk, work->id, work->query.since, letters, limit, &count);
    if (!work_history_ok(work, status, &error)) return;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    progress_write(&render, &view.relay);
    json_write_key(&render.json, STR("dead_letters"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < count; i++) letter_write(&render, &letters[i]);
    json_write_array_end(&render.json);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_WEBHOOK_ENDPOINTS_DELIVERIES,
        webhook_endpoints_deliveries) = { .start = queue_start, .run = deliveries_run };

static void redrive_run(struct work *work)
{
    struct webhook_desk *desk = desk_of(work);
    struct endpoint_body body = { 0 };
    if (desk == NULL || !endpoint_body_parse(ENDPOINT_REDRIVE, work->call->body, &work->scratch,
                                             &body, &work->problem)) {
        return;
    }
    uint32_t count = 0;
    struct error error = { 0 };
    struct webhook_relay *relay = webhook_desk_relay(desk);
    enum status status = webhook_relay_redrive(relay, work->id, body.sequence, &count, &error);
    if (!desk_ok(work, status, &error)) return;
    webhook_relay_wake(relay);
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    render_number(&render, STR("count"), count);
    json_write_object_end(&render.json);
    render_end(&render);
}

HANDLER(ROUTE_WEBHOOK_ENDPOINTS_REDRIVE, webhook_endpoints_redrive) = { .start = queue_start,
                                                                        .run = redrive_run };

struct missed_page {
    struct work *work;
    struct render render;
    struct buf envelope;
};

static bool missed_visit(void *owner, const struct feed_event *event, uint64_t sequence)
{
    struct missed_page *page = owner;
    const struct event_delivery delivery = { .sequence = sequence };
    buf_reset(&page->envelope);
    if (event_envelope_write(event, &delivery, &page->envelope) != STATUS_OK) {
        (void)problem_raise(&page->work->problem, PROBLEM_INTERNAL, NULL);
        problem_detail(&page->work->problem, "an event is too large");
        return false;
    }
    json_write_json(&page->render.json, buf_view(&page->envelope));
    return page->work->call->answer.len < ANSWER_ROOM;
}

static void missed_run(struct work *work)
{
    struct webhook_desk *desk = desk_of(work);
    if (desk == NULL) return;
    struct webhook_desk_view view;
    struct error error = { 0 };
    if (!desk_ok(work, webhook_desk_look(desk, work->id, &view, &error), &error)) return;
    struct missed_page page = { .work = work };
    buf_init(&page.envelope, 2 * EVENT_SIZE_MAX);
    render_init(&page.render, &work->assets, &work->call->answer);
    json_write_object_begin(&page.render.json);
    json_write_key(&page.render.json, STR("items"));
    json_write_array_begin(&page.render.json);
    struct missed_question question = {
        .since = work->query.since,
        .limit = work->query.limit,
        .walk_max = MISSED_WALK_MAX,
        .visit = missed_visit,
        .owner = &page,
    };
    struct missed_answer answer = { 0 };
    struct buf memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    enum status status = webhook_relay_missed(webhook_desk_relay(desk), work->id, &question,
                                              &memory, &answer, &error);
    buf_free(&memory);
    buf_free(&page.envelope);
    if (problem_is_set(&work->problem) || !desk_ok(work, status, &error)) return;
    json_write_array_end(&page.render.json);
    render_number(&page.render, STR("sequence"), answer.sequence);
    render_bool(&page.render, STR("complete"), answer.complete);
    render_number(&page.render, STR("first_sequence"), view.sequence_base + 1);
    json_write_object_end(&page.render.json);
    render_end(&page.render);
}

HANDLER(ROUTE_WEBHOOK_ENDPOINTS_MISSED, webhook_endpoints_missed) = { .start = queue_start,
                                                                      .run = missed_run };
