#include "cmd/plan_view.h"

#include "base/shown_text.h"

static void entry_append(const struct plan_step *step, struct buf *out)
{
    char amount[SIGNED_AMOUNT_TEXT_SIZE];
    const struct asset *iso = asset_iso_by_code(step->ccy);
    const struct {
        const char *word;
        struct str text;
    } parts[] = {
        { "", step->ccy },
        { " ", signed_amount_format(step->amount, iso == NULL ? 0 : iso->exponent, amount) },
        { " from ", step->debit },
        { " to ", step->credit },
        { ", taking back ", step->target },
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_append_str(out, str_from(parts[i].word));
        shown_text_append(out, parts[i].text);
    }
    buf_append_str(out, STR("  "));
}

static void step_append(const struct plan_step *step, uint32_t number, struct buf *out)
{
    buf_append_format(out, "%3u %-10s ", number, plan_step_name(step->kind));
    if (plan_step_is_ours(step->kind)) entry_append(step, out);
    buf_append_byte(out, '[');
    shown_text_append(out, step->fault);
    buf_append_str(out, STR("] "));
    shown_text_append(out, step->what);
    buf_append_byte(out, '\n');
}

void plan_view_append(const struct repair_plan *plan, struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    for (uint32_t i = 0; i < plan->step_count; i++) step_append(&plan->steps[i], i + 1, out);
    shown_text_append(out, plan->label);
    buf_append_format(out, ": %u approvals are needed, until %.*s\n", plan->approvals,
                      STR_ARG(wall_time_format(plan->expires_at, at)));
}
