/* From the newest record back along the chain, and in each unit forward over its transfers. */
#include "wallet/story.h"

#include <string.h>

#include "base/check.h"
#include "ledger/effect.h"
#include "wallet/batch.h"

struct record_bytes {
    _Alignas(16) uint8_t bytes[BATCH_RECORD_SIZE_MAX];
};

static enum status damaged(struct locator locator, struct error *out_error)
{
    return error_set(out_error, STATUS_CORRUPT, "batch %llu, record at byte %u is damaged",
                     (unsigned long long)locator_batch(locator), locator_offset(locator));
}

static enum status record_read(struct store *store, struct locator locator,
                               struct record_bytes *out_record, struct error *out_error)
{
    struct record_head *head = (struct record_head *)out_record->bytes;
    uint64_t batch = locator_batch(locator);
    uint32_t offset = locator_offset(locator);
    enum status status = store->read_part(store, batch, offset, sizeof *head, head, out_error);
    if (status != STATUS_OK) return status;
    uint32_t size = record_size(head);
    if (size == 0 || size != head->size) return damaged(locator, out_error);
    status = store->read_part(store, batch, offset, size, out_record->bytes, out_error);
    if (status != STATUS_OK) return status;
    return record_is_whole(head, size) ? STATUS_OK : damaged(locator, out_error);
}

static void transfer_add(struct story_unit *unit, struct locator locator,
                         const struct record_head *head)
{
    if (unit->transfer_count == STORY_TRANSFERS_MAX) return; /* no payment makes more */
    struct story_transfer *transfer = &unit->transfers[unit->transfer_count++];
    const struct record_transfer *record = (const struct record_transfer *)head;
    struct transfer_view view = transfer_view_of(record);
    transfer->locator = locator;
    transfer->record = *record;
    if (view.more != NULL) transfer->more = *view.more;
}

/* The records of the unit behind the payment's: transfers, and another payment's after-image. */
static enum status unit_rest(struct store *store, uint32_t batch_size, struct story_unit *unit,
                             struct error *out_error)
{
    uint64_t batch = locator_batch(unit->locator);
    uint32_t offset = locator_offset(unit->locator) + unit->record.head.size;
    while (offset < batch_size) {
        struct record_bytes bytes;
        struct locator locator = locator_make(batch, offset);
        enum status status = record_read(store, locator, &bytes, out_error);
        if (status != STATUS_OK) return status;
        const struct record_head *head = (const struct record_head *)bytes.bytes;
        if (head->type == RECORD_CONTEXT || head->unit != unit->record.head.unit) break;
        if (head->type == RECORD_TRANSFER) transfer_add(unit, locator, head);
        if (head->type == RECORD_PAYMENT) {
            unit->other = ((const struct record_payment *)head)->payment.id;
        }
        offset += head->size;
    }
    return STATUS_OK;
}

static void event_note(struct story_unit *unit, const struct record_payment *first)
{
    unit->tells = (first->head.flags & RECORD_FLAG_TELLS) != 0;
    unit->tells_state = first->payment.state;
}

static enum status unit_read(struct store *store, struct locator locator,
                             struct story_unit *out_unit, struct error *out_error)
{
    memset(out_unit, 0, sizeof *out_unit);
    struct record_bytes bytes;
    enum status status = record_read(store, locator, &bytes, out_error);
    if (status != STATUS_OK) return status;
    out_unit->record = *(const struct record_payment *)bytes.bytes;
    if (out_unit->record.head.type != RECORD_PAYMENT) return STATUS_NOT_FOUND;
    out_unit->locator = locator;
    event_note(out_unit, &out_unit->record);
    uint64_t batch = locator_batch(locator);
    struct batch_header header;
    status = store->read_part(store, batch, 0, sizeof header, &header, out_error);
    if (status != STATUS_OK) return status;
    if (header.sequence != batch || !batch_header_whole(&header)) {
        return damaged(locator, out_error);
    }
    out_unit->stamp = header.stamp;
    out_unit->position = (struct position){ batch, out_unit->record.head.unit };
    struct locator context = locator_make(batch, out_unit->record.head.context);
    status = record_read(store, context, &bytes, out_error);
    if (status != STATUS_OK) return status;
    out_unit->context = *(const struct record_context *)bytes.bytes;
    return unit_rest(store, header.size, out_unit, out_error);
}

/* A parent's own record stands behind that of the payment which moved it. */
static enum status other_before(struct store *store, struct story_unit *unit,
                                struct error *out_error)
{
    if (unit->record.head.kind != PAYMENT_CAUSE_FOLLOW) return STATUS_OK;
    uint64_t batch = locator_batch(unit->locator);
    uint32_t first = unit->record.head.context + (uint32_t)sizeof(struct record_context);
    struct record_bytes bytes;
    enum status status = record_read(store, locator_make(batch, first), &bytes, out_error);
    if (status != STATUS_OK) return status;
    const struct record_payment *mover = (const struct record_payment *)bytes.bytes;
    if (mover->head.type != RECORD_PAYMENT) return STATUS_OK;
    unit->other = mover->payment.id;
    event_note(unit, mover);
    return STATUS_OK;
}

static void units_reverse(struct story *story)
{
    for (uint32_t i = 0; i < story->count / 2; i++) {
        struct story_unit unit = story->units[i];
        story->units[i] = story->units[story->count - 1 - i];
        story->units[story->count - 1 - i] = unit;
    }
}

enum status story_read(struct store *store, struct locator newest, struct story *story,
                       struct error *out_error)
{
    CHECK(story->units != NULL);
    story->count = 0;
    story->left_out = 0;
    struct locator locator = newest;
    uint64_t version = UINT64_MAX;
    while (!locator_is_none(locator) && story->count < STORY_UNITS_MAX) {
        struct story_unit *unit = &story->units[story->count];
        enum status status = unit_read(store, locator, unit, out_error);
        if (status == STATUS_NOT_FOUND && story->count > 0) status = damaged(locator, out_error);
        if (status == STATUS_OK) status = other_before(store, unit, out_error);
        if (status != STATUS_OK) return status;
        bool follows = version == UINT64_MAX || unit->record.payment.version + 1 == version;
        if (!follows) return damaged(locator, out_error);
        version = unit->record.payment.version;
        locator = unit->record.previous;
        story->count++;
    }
    if (!locator_is_none(locator)) story->left_out = version - 1;
    units_reverse(story);
    return story->count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

/* ---- What is missing ---- */

static void gap_add(struct story_gap *gaps, uint32_t *count, struct story_gap gap,
                    struct wall_time now)
{
    if (gap.due_by.ns < now.ns && *count < STORY_GAPS_MAX) gaps[(*count)++] = gap;
}

static bool has_cause(const struct story *story, uint8_t cause)
{
    for (uint32_t i = 0; i < story->count; i++) {
        if (story->units[i].record.head.kind == cause) return true;
    }
    return false;
}

/* When the PSP was last heard of; {0} when it never was. */
static struct wall_time answered_at(const struct story *story)
{
    for (uint32_t i = story->count; i-- > 0;) {
        if (story->units[i].record.head.kind == PAYMENT_CAUSE_ANSWER) return story->units[i].stamp;
    }
    return (struct wall_time){ 0 };
}

static struct wall_time after_s(struct wall_time from, int64_t seconds)
{
    return (struct wall_time){ from.ns + seconds * NS_PER_S };
}

uint32_t story_gaps(const struct story *story, struct wall_time now,
                    struct story_gap out_gaps[STORY_GAPS_MAX])
{
    CHECK(story->count > 0);
    const struct story_unit *last = &story->units[story->count - 1];
    const struct payment *payment = &last->record.payment;
    uint32_t count = 0;
    bool at_psp = payment->step != 0;
    bool waits =
        payment->state == PAYMENT_STATE_PENDING || payment->state == PAYMENT_STATE_IN_DOUBT;
    if (waits && !at_psp) {
        gap_add(out_gaps, &count,
                (struct story_gap){ "arrival", "the other lane was to decide, and has not",
                                    after_s(payment->step_at, STORY_ANSWER_S) },
                now);
    } else if (waits && payment->attempts == 0) {
        gap_add(out_gaps, &count,
                (struct story_gap){ "answer", "the step was to be taken, and no answer is recorded",
                                    after_s(payment->step_at, STORY_ANSWER_S) },
                now);
    } else if (waits && payment->next_at.ns != 0) {
        gap_add(out_gaps, &count,
                (struct story_gap){ "follow_up", "the PSP was to be asked again, and was not",
                                    after_s(payment->next_at, STORY_ANSWER_S) },
                now);
    }
    if (payment->state == PAYMENT_STATE_MANUAL) {
        gap_add(out_gaps, &count,
                (struct story_gap){ "person", "it waits for a person to decide",
                                    after_s(last->stamp, STORY_PERSON_HOURS * 3600) },
                now);
    }
    struct wall_time answered = answered_at(story);
    bool decided = at_psp && !waits && answered.ns != 0;
    if (decided && !has_cause(story, PAYMENT_CAUSE_HINT)) {
        gap_add(out_gaps, &count,
                (struct story_gap){ "webhook", "the PSP was to tell of it by webhook, and did not",
                                    after_s(answered, STORY_WEBHOOK_S) },
                now);
    }
    bool moved = at_psp && !money_is_zero(payment->captured);
    if (moved && !has_cause(story, PAYMENT_CAUSE_SETTLE)) {
        gap_add(out_gaps, &count,
                (struct story_gap){ "settlement", "no settlement line was booked for it",
                                    after_s(payment->step_at, STORY_SETTLED_DAYS * 86400) },
                now);
    }
    return count;
}
