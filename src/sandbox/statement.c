/* Lines stand in order of time, so a day's are together, and are found by halving. */
#include "sandbox/statement.h"

#include <stdio.h>

#include "base/check.h"

/* The first line of that day or a later one. */
static uint32_t first_of(const struct sandbox *sandbox, struct business_date day)
{
    uint32_t low = 0;
    uint32_t high = sandbox->line_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sandbox->lines[middle].day.days < day.days)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void sandbox_line_describe(const struct sandbox *sandbox, uint32_t line, struct psp_line *out_line)
{
    CHECK(line < sandbox->line_count);
    const struct sandbox_line *from = &sandbox->lines[line];
    const struct sandbox_item *item = sandbox_item(sandbox, from->item);
    *out_line = (struct psp_line){
        .kind = from->kind,
        .asset = item->asset,
        .gross = from->gross,
        .fee = from->fee,
        .at = from->at,
    };
    int len = snprintf(out_line->id, sizeof out_line->id, "ln_%012u", line + 1);
    CHECK(len > 0 && (size_t)len < sizeof out_line->id);
    bool chargeback = item->kind == SANDBOX_CHARGEBACK;
    (void)psp_key(item->payment, item->step_number, out_line->reference); /* terminated */
    (void)sandbox_object(sandbox, chargeback ? item->parent : from->item, false, out_line->object);
}

static uint32_t copies_of(const struct sandbox_line *line)
{
    if (line->fault == SANDBOX_FAULT_STATEMENT_MISSING) return 0;
    return line->fault == SANDBOX_FAULT_STATEMENT_DOUBLE ? 2 : 1;
}

enum status sandbox_statement(const struct sandbox *sandbox, struct business_date day,
                              uint32_t from, struct psp_line *out_lines, uint32_t limit,
                              uint32_t *out_count)
{
    if (day.days >= sandbox->day.days) return STATUS_NOT_FOUND;
    uint32_t count = 0;
    uint32_t number = 0; /* of the statement's line, as it is read */
    for (uint32_t at = first_of(sandbox, day); at < sandbox->line_count && count < limit; at++) {
        const struct sandbox_line *line = &sandbox->lines[at];
        if (line->day.days != day.days) break;
        for (uint32_t copy = 0; copy < copies_of(line) && count < limit; copy++)
            if (number++ >= from) sandbox_line_describe(sandbox, at, &out_lines[count++]);
    }
    *out_count = count;
    return STATUS_OK;
}
