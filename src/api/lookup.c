/* Small steps that most reading operations take. */
#include "api/lookup.h"

#include "api/lanes.h"
#include "base/check.h"

bool account_found(struct work *work)
{
    if (!uuid_is_nil(work->account_state.account.id.value)) return true;
    (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, NULL);
    problem_detail(&work->problem, "there is no account with this id");
    return false;
}

bool account_load(struct work *work)
{
    struct read read = {
        .kind = READ_ACCOUNTS, .count = 1, .ids = &work->id, .accounts = &work->account_state
    };
    return work_read(work, &read) && account_found(work);
}

struct cursor cursor_begin(const struct work *work, enum route_number list)
{
    const struct api_options *options = &work->api->options;
    bool named = lanes_call_names_one(work->call, options->lanes);
    return (struct cursor){ .list = (uint8_t)list,
                            .lane = (uint8_t)options->lane,
                            .filters = named ? 1 : 0 };
}

bool cursor_take(struct work *work, struct cursor *cursor)
{
    if ((work->query.present & PARAMETER_CURSOR) == 0) return true;
    struct str text = { work->query.cursor_text, work->query.cursor_len };
    if (cursor_parse(text, cursor) == STATUS_OK) return true;
    return problem_raise(&work->problem, PROBLEM_INVALID_CURSOR,
                         "use `next` of the page before, with the same other parameters");
}

const struct cursor *cursor_next(const struct work *work, struct cursor *cursor, bool more)
{
    if (more) return cursor;
    bool last = cursor->lane + 1U >= work->api->options.lanes;
    if (last || !lanes_list_is_of_all(work)) return NULL;
    cursor->lane++;
    cursor->place = 0;
    return cursor;
}

void list_end(struct render *render, const struct cursor *cursor, uint64_t as_of_batch)
{
    json_write_array_end(&render->json);
    if (cursor != NULL) {
        char text[CURSOR_TEXT_SIZE];
        render_text(render, STR("next"), cursor_format(cursor, text));
    }
    render_as_of(render, as_of_batch);
    json_write_object_end(&render->json);
    render_end(render);
}

uint64_t journal_head(struct work *work)
{
    struct lane_status status;
    lane_get_status(work->api->lane, &status);
    return status.head.sequence;
}
