/* /v1/rates: what pairs of assets are exchanged at. */
#include "api/acts.h"
#include "api/lookup.h"
#include "api/payments_parse.h"
#include "api/payments_render.h"
#include "base/check.h"

static enum api_progress set_start(struct work *work)
{
    const struct payment_input input = {
        .text = work->call->body,
        .assets = &work->assets,
        .scratch = &work->scratch,
    };
    if (!rate_set_parse(&input, &work->admin, &work->problem)) return API_READY;
    return act_submit(work);
}

static void set_write(struct work *work)
{
    struct render render;
    if (!act_answer_begin(work, &render)) return;
    render_rate(&render, &work->admin.rate);
    act_answer_end(work, &render);
}

HANDLER(ROUTE_RATES_SET, rates_set) = { .start = set_start, .write = set_write };

/* In memory, so written at once; one more than wanted is looked up, to know of a next page. */
static void list_write(struct work *work)
{
    struct cursor cursor = cursor_begin(work, ROUTE_RATES_LIST);
    uint32_t wanted = work->query.limit;
    if (!cursor_take(work, &cursor)) return;
    if (!work_reserve(work, (wanted + 1) * sizeof(struct rate) + 16)) return;
    struct rate *rates = arena_take_array(&work->bulk, wanted + 1, sizeof(struct rate));
    CHECK(rates != NULL);
    uint32_t from = cursor.place > RATES_MAX ? RATES_MAX : (uint32_t)cursor.place;
    uint64_t head = journal_head(work);
    uint32_t found = lane_rate_page(work->api->lane, from, rates, wanted + 1);
    bool more = found > wanted;
    uint32_t count = more ? wanted : found;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < count; i++) {
        if (rates[i].numerator == 0) continue; /* withdrawn */
        json_write_object_begin(&render.json);
        render_rate(&render, &rates[i]);
        json_write_object_end(&render.json);
    }
    cursor.place = from + count;
    list_end(&render, more ? &cursor : NULL, head);
}

HANDLER(ROUTE_RATES_LIST, rates_list) = { .write = list_write };
