/* Each life has a saga, a PSP to call, and a relay that reads the feed. */
#include "sim/payment_stage.h"

#include <stdlib.h>

#include "base/check.h"
#include "wallet/journal_feed.h"
#include "wallet/saga.h"

enum { AGAIN_MS = 20, FEED_MS = 150 };

/* What runs beside a lane. */
struct beside {
    struct sim_psp psp;
    struct psp *psps[1];
    struct saga *saga;
    struct letterbox letterbox;
};

struct attendant {
    struct payment_stage *stage;
    struct life *life;
};

static void attendant_start(struct payment_stage *stage, struct life *life, const char *name,
                            void (*body)(void *argument))
{
    struct attendant *attendant = calloc(1, sizeof *attendant);
    CHECK(attendant != NULL);
    *attendant = (struct attendant){ stage, life };
    life->users++;
    stage->audits++;
    (void)task_spawn(stage->world, name, body, attendant); /* ends by itself */
}

static void attendant_end(struct attendant *attendant)
{
    service_leave(attendant->life);
    attendant->stage->audits--;
    free(attendant);
}

/* ---- The reader of events ---- */

static bool is_of_payment(const struct feed_event *event)
{
    return str_starts(event->type, STR("payment."));
}

static void event_take(struct payment_stage *stage, const struct feed_event *event)
{
    struct feed_reader *reader = &stage->reader;
    struct verdict *verdict = &stage->service.verdict;
    if (position_compare(event->position, reader->cursor) <= 0) return; /* the other life read it */
    reader->cursor = event->position;
    if (!is_of_payment(event)) return;
    const struct model_payments *twin = stage->twin;
    if (reader->consumed == twin->event_count) {
        verdict_violation(verdict, "an event %.*s that nobody expects", STR_ARG(event->id));
        return;
    }
    const struct model_event *expected = &twin->events[reader->consumed++];
    char subject[UUID_TEXT_LEN + 1];
    uuid_format(expected->payment, subject);
    struct str type = event->type;
    type.data += STR("payment.").len;
    type.len -= STR("payment.").len;
    bool same = position_compare(expected->position, event->position) == 0 &&
                str_equal(event->subject, str_from(subject)) &&
                str_equal(type, str_from(payment_state_name(expected->state)));
    if (same) return;
    verdict_violation(verdict, "event %.*s: expected was that of batch %llu unit %u, %s",
                      STR_ARG(event->id), (unsigned long long)expected->position.batch,
                      expected->position.index, payment_state_name(expected->state));
}

static void feed_body(void *argument)
{
    struct attendant *attendant = argument;
    struct payment_stage *stage = attendant->stage;
    struct life *life = attendant->life;
    struct journal_feed *feed;
    enum status status =
        journal_feed_new(life->lane, life->store, &life->sync.port, "/tpwallet/sim", &feed);
    CHECK(status == STATUS_OK);
    struct buf memory;
    buf_init(&memory, EVENT_SIZE_MAX);
    while (life->phase == LIFE_UP && !life->process.crashed) {
        struct feed_event event;
        struct error error;
        struct event_feed *port = journal_feed_port(feed);
        status = port->next(port, stage->reader.cursor, &memory, &event, &error);
        if (status == STATUS_OK) {
            event_take(stage, &event);
            continue;
        }
        bool excused = status == STATUS_NOT_FOUND || status == STATUS_UNAVAILABLE ||
                       (status == STATUS_CORRUPT && life_damage_possible(life));
        if (!excused) {
            verdict_violation(&stage->service.verdict, "the feed says %s", status_name(status));
        }
        task_sleep(stage->world, FEED_MS * NS_PER_MS);
    }
    buf_free(&memory);
    journal_feed_free(feed);
    attendant_end(attendant);
}

bool payment_feed_complete(const struct payment_stage *stage)
{
    return stage->reader.consumed == stage->twin->event_count;
}

/* ---- Lives ---- */

static void audit_body(void *argument)
{
    struct attendant *attendant = argument;
    crowd_audit(&attendant->stage->crowd, attendant->life, false);
    attendant_end(attendant);
}

void payment_life_opened(void *owner, struct life *life)
{
    struct payment_stage *stage = owner;
    struct beside *beside = calloc(1, sizeof *beside);
    CHECK(beside != NULL);
    life->beside = beside;
    sim_psp_init(&beside->psp, &life->process, &stage->acquirer);
    beside->psps[0] = &beside->psp.port;
    const struct lane_ports ports = {
        .store = life->store,
        .run_store = life->run_store,
        .clock = &life->clock.port,
        .entropy = &life->entropy.port,
        .sync = &life->sync.port,
        .log = &life->log.port,
    };
    const struct saga_options options = { stage->workers, beside->psps, 1 };
    attendant_start(stage, life, "feed", feed_body);
    attendant_start(stage, life, "audit", audit_body);
    struct error error;
    while (!letterbox_open(&beside->letterbox, life, stage->trays[life->machine])) {
        if (life->process.crashed || life->phase != LIFE_UP) return;
        task_sleep(stage->world, AGAIN_MS * NS_PER_MS);
    }
    while (saga_start(life->lane, &ports, &options, &beside->saga, &error) != STATUS_OK) {
        beside->saga = NULL;
        if (life->process.crashed || life->phase != LIFE_UP) return;
        task_sleep(stage->world, AGAIN_MS * NS_PER_MS);
    }
}

void payment_life_closing(void *owner, struct life *life)
{
    struct payment_stage *stage = owner;
    struct beside *beside = life->beside;
    letterbox_close(&beside->letterbox, stage->world);
    saga_stop(beside->saga);
    life->beside = NULL;
    free(beside);
}

struct letterbox *payment_life_letterbox(struct life *life)
{
    struct beside *beside = life->beside;
    return beside == NULL ? NULL : &beside->letterbox;
}
