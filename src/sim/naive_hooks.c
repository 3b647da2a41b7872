#include "sim/naive_hooks.h"

#include <string.h>

#include "base/check.h"
#include "sim/naive_api.h"
#include "sim/naive_db.h"

enum { TOLERANCE_S = 300, ATTEMPTS_MAX = 5 };

/* How far a host's clock is from true time: some milliseconds, unless it is broken. */
int64_t naive_skew_us(const struct naive_world *world, const char *host)
{
    uint64_t key = (uint64_t)host[0] << 8 | (uint64_t)host[strlen(host) - 1];
    bool off = naive_broken(world, NAIVE_Z01) && strcmp(host, "hook-2") == 0;
    return off ? 7 * NAIVE_MINUTE : naive_draw(world, "skew", key, -50, 50) * NAIVE_MS;
}

/* ---- effects ---- */

static int64_t amount_read(const struct naive_world *world, const struct naive_payment *payment,
                           enum naive_asset asset)
{
    int64_t amount = payment->amount;
    if (!naive_broken(world, NAIVE_M01)) return amount;
    /* "100 to the unit", whatever the currency. */
    for (uint32_t i = naive_asset_exponents[asset]; i < 2; i++) amount /= 10;
    for (uint32_t i = 2; i < naive_asset_exponents[asset]; i++) amount *= 10;
    return amount;
}

static void webhook_note(struct naive_world *world, uint32_t at, uint32_t attempt,
                         const char *reason, const char *tx)
{
    const struct naive_event *event = &world->events[at];
    const struct naive_line *line = event->line == NAIVE_NONE ? NULL : &world->lines[event->line];
    const char *host = naive_host(world, "hook", world->events[at].lot * 8 + attempt);
    bool forged = line == NULL;
    bool rotated = naive_broken(world, NAIVE_K02);
    bool before = world->now_us < world->since_us[NAIVE_K02];
    bool refused = strcmp(reason, "signature") == 0 || strcmp(reason, "timestamp") == 0;
    bool known = !refused && strcmp(reason, "no_object") != 0;
    int64_t skew_us = naive_skew_us(world, host);
    char forged_ref[NAIVE_TEXT_SIZE];
    char delivery[NAIVE_TEXT_SIZE];
    char sequence[NAIVE_TEXT_SIZE] = ""; /* of the states of a payment; the others are single */
    if (event->sequence <= 2) naive_text(sequence, "%u", event->sequence);
    naive_id(world, "ch", 90000 + at, forged_ref);
    naive_id(world, "d", at * 8 + attempt, delivery);
    EVIDENCE(world, SOURCE_WEBHOOKS, "webhook", S("ts", world->now_us + skew_us), T("host", host),
             T("event", event->id), T("delivery", delivery), T("type", event->type),
             T("connector", "acmepay"), S("created_ts", event->created_us), T("seq", sequence),
             T("psp_ref", forged ? forged_ref : line->psp_ref),
             A("amount", forged ? event->amount : line->amount),
             T("ccy", forged ? "EUR" : naive_asset_codes[line->asset]),
             T("verdict", refused                          ? "rejected"
                          : naive_broken(world, NAIVE_W08) ? "unverified"
                                                           : "accepted"),
             T("reason", reason), T("kid", before || rotated ? "whsec-1" : "whsec-2"),
             T("sig_raw", forged || rotated ? "bad" : "ok"), T("sig_parsed", "bad"),
             T("sig_other", !forged && rotated ? "ok" : "bad"),
             N("age_ns", (skew_us + 800 * NAIVE_MS) * 1000),
             N("tolerance_ns", TOLERANCE_S * NAIVE_S * 1000),
             B("processed", event->processed && !refused),
             T("object", known && !forged ? line->reference : ""), T("tx", tx),
             T("dedupe_key", naive_broken(world, NAIVE_M06) ? event->seen : event->id));
}

static void post_done(struct naive_world *world, const struct naive_draft *draft,
                      enum naive_outcome outcome)
{
    struct naive_event *event =
        draft->argument == NAIVE_NONE ? NULL : &world->events[draft->argument / 16];
    if (outcome == NAIVE_COMMITTED && draft->subject != NAIVE_NONE) {
        struct naive_payment *payment = &world->payments[draft->subject];
        if (payment->tx == NAIVE_NONE) payment->tx = draft->tx;
        payment->state = "posted";
        payment->updated_us = world->now_us;
        payment->version++;
    }
    if (event == NULL) return;
    bool made = outcome == NAIVE_COMMITTED;
    event->processed = event->processed || made || outcome == NAIVE_DUPLICATE;
    webhook_note(world, draft->argument / 16, draft->argument % 16,
                 outcome == NAIVE_DUPLICATE ? "duplicate" : "",
                 made ? world->txs[draft->tx].id : "");
}

static struct naive_draft hook_draft(struct naive_world *world, uint32_t at, uint32_t attempt,
                                     const char *kind)
{
    const struct naive_event *event = &world->events[at];
    struct naive_draft draft = naive_draft_of(event->origin, kind, "webhook");
    bool takes_twice = naive_broken(world, NAIVE_W01) || naive_broken(world, NAIVE_M06);
    memcpy(draft.cause_id, event->id, sizeof draft.cause_id);
    memcpy(draft.event, event->id, sizeof draft.event);
    if (!takes_twice) naive_text(draft.unique, "evt:%.30s", event->id);
    if (event->line != NAIVE_NONE)
        memcpy(draft.psp_ref, world->lines[event->line].psp_ref, sizeof draft.psp_ref);
    draft.done = post_done;
    draft.subject = NAIVE_NONE;
    draft.argument = at * 16 + attempt;
    return draft;
}

static void payment_post(struct naive_world *world, uint32_t payment_at, struct naive_draft *draft)
{
    struct naive_payment *payment = &world->payments[payment_at];
    const struct naive_op *op = &world->ops[payment->origin];
    enum naive_asset asset = world->accounts[op->to].asset;
    int64_t amount = amount_read(world, payment, asset);
    memcpy(draft->key, payment->key, sizeof draft->key);
    memcpy(draft->trace, payment->trace, sizeof draft->trace);
    memcpy(draft->psp_ref, payment->psp_ref, sizeof draft->psp_ref);
    if (!payment->claimed) draft->number = payment->number;
    payment->claimed = true;
    draft->subject = payment_at;
    naive_draft_leg(draft, op->to, amount);
    naive_draft_leg(draft, naive_own(world, ROLE_PSP, asset), -amount);
    naive_db_submit(world, draft);
}

void naive_hooks_post(struct naive_world *world, uint32_t payment, const char *cause,
                      const char *event)
{
    struct naive_draft draft = naive_draft_of(world->payments[payment].origin, "deposit", cause);
    naive_text(draft.event, "%s", event);
    naive_text(draft.cause_id, "%s", world->payments[payment].trace);
    draft.done = post_done;
    draft.argument = NAIVE_NONE;
    payment_post(world, payment, &draft);
}

/* ---- what each type of event does ---- */

static void captured_do(struct naive_world *world, uint32_t at, uint32_t attempt)
{
    struct naive_event *event = &world->events[at];
    if (event->line == NAIVE_NONE) { /* forged, and nobody looked */
        uint32_t account = naive_of_user(world, 3 + event->origin, ASSET_EUR);
        struct naive_draft forged = hook_draft(world, at, attempt, "deposit");
        naive_id(world, "ch", 90000 + at, forged.psp_ref);
        naive_draft_leg(&forged, account, event->amount);
        naive_draft_leg(&forged, naive_own(world, ROLE_PSP, ASSET_EUR), -event->amount);
        naive_db_submit(world, &forged);
        return;
    }
    uint32_t payment_at = world->lines[event->line].payment;
    struct naive_payment *payment = &world->payments[payment_at];
    if (payment->gone) {
        webhook_note(world, at, attempt, "no_object", "");
        return;
    }
    if (strcmp(payment->state, "failed") == 0) { /* final, as the handler has it */
        webhook_note(world, at, attempt, "", "");
        return;
    }
    if (event->sequence > payment->seen) payment->seen = event->sequence;
    struct naive_draft draft = hook_draft(world, at, attempt, "deposit");
    payment_post(world, payment_at, &draft);
}

static void processing_do(struct naive_world *world, uint32_t at, uint32_t attempt)
{
    struct naive_event *event = &world->events[at];
    struct naive_payment *payment = &world->payments[world->lines[event->line].payment];
    bool newer = event->sequence > payment->seen;
    if (newer || naive_broken(world, NAIVE_W03)) {
        payment->seen = event->sequence;
        payment->version++;
        payment->state = "pending";
        payment->updated_us = world->now_us;
    }
    event->processed = true;
    webhook_note(world, at, attempt,
                 newer                            ? ""
                 : naive_broken(world, NAIVE_W03) ? ""
                                                  : "duplicate",
                 "");
}

static void declined_do(struct naive_world *world, uint32_t at, uint32_t attempt)
{
    struct naive_event *event = &world->events[at];
    const struct naive_line *line = &world->lines[event->line];
    struct naive_payment *payment = &world->payments[line->payment];
    payment->state = "failed";
    bool misread = naive_broken(world, NAIVE_W06) && strcmp(line->scheme, "amex") == 0;
    if (!misread) {
        event->processed = true;
        webhook_note(world, at, attempt, "", "");
        return;
    }
    struct naive_draft draft = hook_draft(world, at, attempt, "refund");
    naive_draft_leg(&draft, world->ops[payment->origin].to, line->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_PSP, line->asset), -line->amount);
    naive_db_submit(world, &draft);
}

static void dispute_do(struct naive_world *world, uint32_t at, uint32_t attempt)
{
    struct naive_event *event = &world->events[at];
    const struct naive_line *line = &world->lines[event->line];
    if (naive_broken(world, NAIVE_W07)) { /* by the dispute's own reference, which we do not know */
        webhook_note(world, at, attempt, "no_object", "");
        return;
    }
    struct naive_draft draft = hook_draft(world, at, attempt, "dispute");
    naive_draft_leg(&draft, world->ops[event->origin].to, line->amount);
    naive_draft_leg(&draft, naive_own(world, ROLE_PSP, line->asset), -line->amount);
    naive_db_submit(world, &draft);
}

static void event_process(struct naive_world *world, uint32_t at, uint32_t attempt)
{
    struct naive_event *event = &world->events[at];
    if (strcmp(event->type, "payment.captured") == 0)
        captured_do(world, at, attempt);
    else if (strcmp(event->type, "payment.processing") == 0)
        processing_do(world, at, attempt);
    else if (strcmp(event->type, "payment.declined") == 0)
        declined_do(world, at, attempt);
    else if (strcmp(event->type, "dispute.opened") == 0)
        dispute_do(world, at, attempt);
    else {
        event->processed = true;
        webhook_note(world, at, attempt, "", "");
    }
}

/* ---- a delivery ---- */

static void deliver_step(struct naive_world *world, uint32_t at, uint32_t attempt);

static void deliver_again(struct naive_world *world, uint32_t at, uint32_t attempt)
{
    static const int64_t waits_s[] = { 30, 300, 3600, 6 * 3600 };
    if (attempt + 1 >= ATTEMPTS_MAX || attempt >= 4) return;
    naive_later(world, waits_s[attempt] * NAIVE_S, deliver_step, at, attempt + 1);
}

/* Why a delivery is refused; empty: it is not. */
static const char *refusal(const struct naive_world *world, uint32_t at, uint32_t attempt)
{
    bool forged = world->events[at].line == NAIVE_NONE;
    if (naive_broken(world, NAIVE_W08)) return "";
    if (forged || naive_broken(world, NAIVE_K01) || naive_broken(world, NAIVE_K02))
        return "signature";
    int64_t skew_us =
        naive_skew_us(world, naive_host(world, "hook", world->events[at].lot * 8 + attempt));
    return skew_us > TOLERANCE_S * NAIVE_S ? "timestamp" : "";
}

static void seen_form(const struct naive_world *world, uint32_t at, uint32_t attempt,
                      char out[NAIVE_TEXT_SIZE])
{
    bool other = attempt > 0 && naive_chance(world, "form", world->events[at].lot, 2);
    naive_text(out, "%.20s:%lld.%s", world->events[at].id,
               (long long)world->events[at].amount / 100, other ? "0" : "00");
}

static void deliver_step(struct naive_world *world, uint32_t at, uint32_t attempt)
{
    struct naive_event *event = &world->events[at];
    bool closed = naive_broken(world, NAIVE_K04);
    EVIDENCE(world, SOURCE_TLS, "handshake", S("ts", world->now_us), T("endpoint", "hooks.wallet"),
             T("peer", event->line == NAIVE_NONE ? "unknown" : "acmepay"),
             T("result", closed ? "expired" : "ok"));
    if (closed) {
        deliver_again(world, at, attempt);
        return;
    }
    const char *reason = refusal(world, at, attempt);
    if (reason[0] != '\0') {
        webhook_note(world, at, attempt, reason, "");
        if (event->line != NAIVE_NONE) deliver_again(world, at, attempt);
        return;
    }
    char form[NAIVE_TEXT_SIZE];
    seen_form(world, at, attempt, form);
    bool same = event->noted;
    if (naive_broken(world, NAIVE_M06)) same = strcmp(event->seen, form) == 0;
    if (same && !naive_broken(world, NAIVE_W01)) {
        webhook_note(world, at, attempt, "duplicate", "");
        return;
    }
    bool dies = attempt == 0 && naive_chance(world, "handler dies", event->lot, 7);
    event->noted = !dies || naive_broken(world, NAIVE_W04);
    memcpy(event->seen, form, sizeof event->seen);
    if (dies) {
        if (!event->noted) event->seen[0] = '\0';
        webhook_note(world, at, attempt, "", "");
        deliver_again(world, at, attempt);
        return;
    }
    event_process(world, at, attempt);
}

void naive_hooks_resend(struct naive_world *world, int64_t since_us)
{
    for (uint32_t i = 0; i < world->event_count; i++) {
        const struct naive_event *event = &world->events[i];
        bool open = event->line != NAIVE_NONE && !event->noted && !event->processed;
        if (open && event->created_us >= since_us)
            naive_later(world, i * NAIVE_S, deliver_step, i, 3);
    }
}

void naive_hooks_send(struct naive_world *world, const char *type, uint32_t line, uint32_t origin,
                      uint32_t sequence)
{
    CHECK(world->event_count < NAIVE_EVENTS_MAX);
    uint32_t at = world->event_count++;
    struct naive_event *event = &world->events[at];
    *event = (struct naive_event){
        .type = type,
        .line = line,
        .origin = origin,
        .sequence = sequence,
        .created_us = world->now_us,
        .amount = line == NAIVE_NONE ? 12000 + (int64_t)origin * 500 : world->lines[line].amount,
    };
    uint64_t key = ((uint64_t)origin + (line == NAIVE_NONE ? 1 << 20 : 0)) * 64 + sequence * 8;
    uint64_t first = key;
    for (uint32_t i = 0; i < at; i++) key += world->events[i].lot / 8 == first / 8 ? 1 : 0;
    event->lot = key;
    naive_id(world, "e", key, event->id);
    int64_t wait_us = naive_draw(world, "hook ms", key, 300, 5000) * NAIVE_MS;
    if (naive_chance(world, "hook late", key, 12)) wait_us += 20 * NAIVE_MINUTE;
    if (sequence == 1 && naive_chance(world, "overtaken", key, 2)) wait_us += 30 * NAIVE_S;
    naive_later(world, wait_us, deliver_step, at, 0);
    bool twice = naive_chance(world, "hook twice", key, 4);
    int64_t apart_us = naive_draw(world, "hook apart", key, 2, 60) * NAIVE_S;
    if (twice && line != NAIVE_NONE) naive_later(world, wait_us + apart_us, deliver_step, at, 4);
}
