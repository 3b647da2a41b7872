#include "cmd/reconcile_payouts.h"

#include <string.h>

#include "base/check.h"

static uint64_t batch_prefix(const void *item)
{
    return ((const struct reconcile_line *)item)->batch.hi;
}

enum status reconcile_payouts_open(struct reconcile_payouts *payouts, size_t memory_max,
                                   const char *folder, struct error *out_error)
{
    const struct external_sort_options options = {
        .item_size = sizeof(struct reconcile_line),
        .compare = reconcile_by_batch,
        .prefix = batch_prefix,
        .memory_max = memory_max,
        .folder = folder,
    };
    return external_sort_new(&options, &payouts->sort, out_error);
}

void reconcile_payouts_close(struct reconcile_payouts *payouts)
{
    external_sort_free(payouts->sort);
    payouts->sort = NULL;
}

enum status reconcile_payouts_add(struct reconcile_payouts *payouts,
                                  const struct reconcile_line *line, struct str batch,
                                  struct error *out_error)
{
    if (uuid_is_nil(line->batch)) {
        payouts->unbatched++;
        return STATUS_OK;
    }
    struct reconcile_line part = *line;
    bool fits = signed_amount_subtract(line->amount, line->fee, &part.amount);
    CHECK(fits); /* reconcile_bound() */
    part.fee.minor = 0;
    part.key = line->batch;
    part.ref = (struct uuid){ 0 };
    part.id = (struct uuid){ 0 };
    part.side = RECONCILE_OURS;
    part.flags = line->flags & RECONCILE_FLAG_DAY_ONLY;
    reconcile_label(batch, part.label);
    return external_sort_add(payouts->sort, &part, out_error);
}

/* The batch's day is that of its newest line: from then on it is due. */
static void part_add(struct reconcile_line *sum, const struct reconcile_line *part)
{
    bool fits = signed_amount_add(sum->amount, part->amount, &sum->amount);
    CHECK(fits); /* the same */
    if (part->at.ns > sum->at.ns) sum->at = part->at;
    if (part->line < sum->line) sum->line = part->line;
}

enum status reconcile_payouts_next(struct reconcile_payouts *payouts,
                                   struct reconcile_line *pending, struct reconcile_line *out_line,
                                   bool *out_found, struct error *out_error)
{
    struct reconcile_line sum = *pending;
    bool open = !uuid_is_nil(pending->batch);
    for (;;) {
        struct reconcile_line part;
        bool there;
        enum status status = external_sort_next(payouts->sort, &part, &there, out_error);
        if (status != STATUS_OK) return status;
        bool ends = open && (!there || !reconcile_same_batch(&sum, &part));
        if (ends || !there) {
            memset(pending, 0, sizeof *pending);
            if (there) *pending = part;
            *out_found = open;
            if (open) *out_line = sum;
            return STATUS_OK;
        }
        if (open)
            part_add(&sum, &part);
        else
            sum = part;
        open = true;
    }
}
