/* /v1/assets: custom assets; ISO 4217 currencies are known without being made. */
#include "api/acts.h"
#include "api/admin_parse.h"
#include "api/lookup.h"
#include "base/check.h"

static enum api_progress create_start(struct work *work)
{
    if (!asset_create_parse(work->call->body, &work->scratch, &work->admin, &work->problem))
        return API_READY;
    return act_submit(work);
}

static void asset_write(struct render *render, uint32_t id, const struct asset *asset)
{
    render_number(render, STR("id"), id);
    render_name(render, STR("code"), asset->code);
    render_number(render, STR("exponent"), asset->exponent);
}

static void create_write(struct work *work)
{
    struct render render;
    if (!act_answer_begin(work, &render)) return;
    asset_write(&render, work->admin_result.asset_id, &work->admin.asset);
    act_answer_end(work, &render);
}

HANDLER(ROUTE_ASSETS_CREATE, assets_create) = { .start = create_start, .write = create_write };

/* In memory, so written at once; one more than wanted is looked up, to know of a next page. */
static void list_write(struct work *work)
{
    struct cursor cursor = cursor_begin(work, ROUTE_ASSETS_LIST);
    uint32_t wanted = work->query.limit;
    if (!cursor_take(work, &cursor)) return;
    if (!work_reserve(work, (wanted + 1) * sizeof(struct asset) + 16)) return;
    struct asset *assets = arena_take_array(&work->bulk, wanted + 1, sizeof(struct asset));
    CHECK(assets != NULL);
    uint32_t from = cursor.place > ASSETS_CUSTOM_MAX ? ASSETS_CUSTOM_MAX : (uint32_t)cursor.place;
    uint64_t head = journal_head(work);
    uint32_t found = lane_asset_page(work->api->lane, from, assets, wanted + 1);
    bool more = found > wanted;
    uint32_t count = more ? wanted : found;
    struct render render;
    render_init(&render, &work->assets, &work->call->answer);
    json_write_object_begin(&render.json);
    json_write_key(&render.json, STR("items"));
    json_write_array_begin(&render.json);
    for (uint32_t i = 0; i < count; i++) {
        json_write_object_begin(&render.json);
        asset_write(&render, assets[i].id, &assets[i]);
        json_write_object_end(&render.json);
    }
    cursor.place = from + count;
    list_end(&render, more ? &cursor : NULL, head);
}

HANDLER(ROUTE_ASSETS_LIST, assets_list) = { .write = list_write };
