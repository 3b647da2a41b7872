/* /v1/settlements: a PSP's statement of a day, fetched and booked line by line. */
#include "api/lookup.h"
#include "api/payments_parse.h"
#include "base/check.h"
#include "wallet/settlement.h"

enum { ODD_MAX = 100 }; /* lines that are named; all are counted */

struct odd_list {
    struct work *work;
    struct render render;
    uint32_t count;
};

static enum api_progress create_start(struct work *work)
{
    if (!settlement_parse(work->call->body, &work->scratch, &work->settlement, &work->problem)) {
        return API_READY;
    }
    work->slow = true;
    return work_queue(work);
}

static void odd_write(void *context, const struct psp_line *line, const char *reason)
{
    struct odd_list *list = context;
    if (list->count++ >= ODD_MAX) return;
    struct render *render = &list->render;
    json_write_object_begin(&render->json);
    render_name(render, STR("line"), line->id);
    render_name(render, STR("reference"), line->reference);
    render_name(render, STR("kind"), psp_line_kind_name(line->kind));
    render_asset(render, line->asset);
    render_amount(render, STR("gross"), line->gross, line->asset);
    render_amount(render, STR("fee"), line->fee, line->asset);
    render_name(render, STR("reason"), reason);
    json_write_object_end(&render->json);
}

/* STATUS_NOT_FOUND is of the day; others as work_status_ok() tells them. */
static bool settled_ok(struct work *work, enum status status, const struct error *error)
{
    if (status == STATUS_OK) return true;
    if (status == STATUS_NOT_FOUND) {
        (void)problem_raise(&work->problem, PROBLEM_NOT_FOUND, "ask again when the day is over");
        problem_detail(&work->problem, "the PSP has not made this day's statement");
        return false;
    }
    if (status == STATUS_INVALID || status == STATUS_UNAVAILABLE) {
        (void)problem_raise(&work->problem, PROBLEM_PSP_UNAVAILABLE,
                            "what was booked stays booked; ask again");
        problem_detail(&work->problem, "%s", error->message);
        return false;
    }
    return work_status_ok(work, status);
}

static struct psp *psp_find(const struct work *work)
{
    const struct api_options *options = &work->api->options;
    for (uint32_t i = 0; i < options->psp_count; i++) {
        if (strcmp(options->psps[i]->traits.name, work->settlement.psp) == 0) {
            return options->psps[i];
        }
    }
    return NULL;
}

static void create_run(struct work *work)
{
    struct psp *psp = psp_find(work);
    if (psp == NULL) {
        (void)problem_raise(&work->problem, PROBLEM_PSP_UNKNOWN, NULL);
        problem_field(&work->problem, "/psp");
        return;
    }
    struct odd_list list = { .work = work };
    const struct settlement_options options = {
        .psp = psp,
        .day = work->settlement.day,
        .principal = work->principal,
        .trace = work->call->trace,
        .route = ROUTE_SETTLEMENTS_CREATE,
        .odd = odd_write,
        .context = &list,
    };
    render_init(&list.render, &work->assets, &work->call->answer);
    struct render *render = &list.render;
    json_write_object_begin(&render->json);
    json_write_key(&render->json, STR("odd"));
    json_write_array_begin(&render->json);
    struct settlement_report report = { 0 };
    struct error error = { 0 };
    enum status status = settlement_run(work->api->lane, &options, &report, &error);
    if (!settled_ok(work, status, &error)) return;
    json_write_array_end(&render->json);
    render_name(render, STR("psp"), psp->traits.name);
    render_date(render, STR("day"), work->settlement.day);
    render_number(render, STR("lines"), report.lines);
    if (work->api->options.lanes > 1) render_number(render, STR("elsewhere"), report.elsewhere);
    render_number(render, STR("booked"), report.booked);
    render_number(render, STR("repeated"), report.repeated);
    render_number(render, STR("unmatched"), report.unmatched);
    render_number(render, STR("refused"), report.refused);
    json_write_object_end(&render->json);
    render_end(render);
}

HANDLER(ROUTE_SETTLEMENTS_CREATE, settlements_create) = { .start = create_start,
                                                          .run = create_run };
