#include "adapter/sandbox_wire.h"

#include <stdio.h>

#include "adapter/sandbox_desk.h"
#include "base/check.h"

struct str wire_event_id(uint32_t event, char out_text[WIRE_EVENT_ID_SIZE])
{
    int len = snprintf(out_text, WIRE_EVENT_ID_SIZE, "evt_%012u", event + 1);
    CHECK(len > 0 && len < WIRE_EVENT_ID_SIZE);
    return (struct str){ out_text, (size_t)len };
}

bool wire_event_find(const struct sandbox *sandbox, struct str id, uint32_t *out_event)
{
    enum { PREFIX = 4, LEN = 16 };
    if (id.len != LEN || !str_starts(id, STR("evt_"))) return false;
    uint64_t number = 0;
    for (size_t i = PREFIX; i < LEN; i++) {
        if (id.data[i] < '0' || id.data[i] > '9') return false;
        number = number * 10 + (uint64_t)(id.data[i] - '0');
    }
    if (number == 0 || number > sandbox->event_count) return false;
    *out_event = (uint32_t)(number - 1);
    return true;
}

/* An item in some state: as it is, or as it stood. */
struct view {
    const struct sandbox *sandbox;
    uint32_t number;
    struct sandbox_item item;
    struct wall_time at;
};

static void reference_write(struct json_writer *writer, const struct sandbox_item *item)
{
    char key[PSP_KEY_SIZE];
    desk_text(writer, STR("reference"), psp_key(item->payment, item->step_number, key));
}

static void chargeback_write(struct json_writer *writer, const struct view *view)
{
    const struct sandbox_item *item = &view->item;
    char id[PSP_TOKEN_SIZE];
    char charge[PSP_TOKEN_SIZE];
    json_write_object_begin(writer);
    desk_text(writer, STR("chargeback"), sandbox_object(view->sandbox, view->number, false, id));
    desk_text(writer, STR("object"), sandbox_object(view->sandbox, item->parent, false, charge));
    reference_write(writer, item);
    desk_text(writer, STR("asset"), desk_asset_code(item->asset));
    desk_money(writer, STR("amount"), item->amount, item->asset);
    desk_text(writer, STR("status"), str_from(sandbox_state_name((enum sandbox_state)item->state)));
    desk_time(writer, STR("at"), view->at);
    json_write_object_end(writer);
}

static void view_write(struct json_writer *writer, const struct view *view)
{
    const struct sandbox_item *item = &view->item;
    if (item->kind == SANDBOX_CHARGEBACK) {
        chargeback_write(writer, view);
        return;
    }
    char object[PSP_TOKEN_SIZE];
    json_write_object_begin(writer);
    desk_text(writer, STR("object"), sandbox_object(view->sandbox, view->number, false, object));
    reference_write(writer, item);
    desk_text(writer, STR("operation"), str_from(psp_operation_name(item->kind)));
    desk_text(writer, STR("status"), str_from(psp_answer_name(sandbox_answer(item))));
    desk_money(writer, STR("amount"), item->amount, item->asset);
    desk_text(writer, STR("asset"), desk_asset_code(item->asset));
    desk_text(writer, STR("reason"), str_from(reason_code((enum sandbox_reason)item->reason)));
    desk_time(writer, STR("at"), view->at);
    json_write_object_end(writer);
}

void wire_item(struct json_writer *writer, const struct sandbox *sandbox, uint32_t item)
{
    const struct sandbox_item *about = sandbox_item(sandbox, item);
    const struct view view = { sandbox, item, *about, about->changed_at };
    view_write(writer, &view);
}

static struct str event_type(const struct sandbox_event *event, const struct sandbox_item *item)
{
    if (item->kind != SANDBOX_CHARGEBACK)
        return event->created ? STR("order.created") : STR("order.updated");
    switch ((int)event->state) { /* a chargeback has no other states */
    case SANDBOX_WON: return STR("chargeback.won");
    case SANDBOX_LOST: return STR("chargeback.lost");
    case SANDBOX_REVERSED: return STR("chargeback.reversed");
    default: return STR("chargeback.opened");
    }
}

void wire_event(struct json_writer *writer, const struct sandbox *sandbox, uint32_t event)
{
    const struct sandbox_event *about = sandbox_event(sandbox, event);
    struct view view = { sandbox, about->item, *sandbox_item(sandbox, about->item), about->at };
    view.item.state = about->state;
    view.item.reason = about->reason;
    char id[WIRE_EVENT_ID_SIZE];
    json_write_object_begin(writer);
    desk_text(writer, STR("id"), wire_event_id(event, id));
    desk_text(writer, STR("type"), event_type(about, &view.item));
    desk_time(writer, STR("at"), about->at);
    json_write_key(writer, STR("data"));
    view_write(writer, &view);
    json_write_object_end(writer);
}
