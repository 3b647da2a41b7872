/* One task looks for events and starts a delivery for each. */
#include "sim/courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "crypto/digest.h"
#include "sandbox/statement.h"
#include "sandbox/trace.h"

enum {
    STREAM_COURIER = 60000,
    LOOK_MS = 40,
    LATE_MS_MAX = 15000,
    HOLD_BACK_MS = 700,
    EVENTS_MAX = 4 * SIM_PSP_ITEMS_MAX,
    UNDER_WAY_MAX = 128,
    TWICE_PERCENT = 10,  /* lines of a statement */
    CHANGED_PERCENT = 5, /* webhooks that come with a byte changed first */
};

struct delivery {
    struct courier *courier;
    uint32_t event;
    int64_t delay_ns;
    struct prng prng;
};

void courier_init(struct courier *courier, struct crowd *crowd, struct sim_acquirer *acquirer,
                  struct letterbox *(*letterbox)(struct life *life))
{
    *courier = (struct courier){ .crowd = crowd, .acquirer = acquirer, .letterbox = letterbox };
    courier->prng = world_stream(acquirer->world, STREAM_COURIER);
    courier->fates = calloc(EVENTS_MAX, sizeof *courier->fates);
    CHECK(courier->fates != NULL);
}

void courier_done(struct courier *courier)
{
    free(courier->fates);
}

/* ---- Commands ---- */

static struct uuid key_of(const char *text)
{
    struct digest digest = digest_of(text, strlen(text));
    struct uuid key;
    memcpy(&key.hi, digest.bytes, sizeof key.hi);
    memcpy(&key.lo, digest.bytes + sizeof key.hi, sizeof key.lo);
    return key;
}

static struct question *question_keyed(const char *kind, uint32_t number)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%s %s %u", SIM_PSP_NAME, kind, number);
    CHECK(len > 0 && (size_t)len < sizeof text);
    struct question *question = question_new(REQUEST_PAYMENT, 1);
    question->key = key_of(text);
    question->fresh = false; /* it is never given up */
    return question;
}

/* Until it is answered; false: the service is gone for good. */
static bool command_ask(struct courier *courier, struct prng *prng, struct question *question)
{
    question_sign(question);
    return crowd_ask(courier->crowd, prng, question);
}

static enum payment_outcome outcome_of(const struct courier *courier, struct uuid key)
{
    const struct model_payments *twin = courier->crowd->service->journal.payments;
    const struct model_answer *answer = model_payments_answer(twin, key);
    CHECK(answer != NULL); /* it was answered, and that was checked */
    return (enum payment_outcome)answer->outcome;
}

/* What the event says of the order; some say nothing. */
static uint8_t said_by(const struct sandbox_event *event)
{
    const struct sandbox_item then = { .state = event->state };
    return (uint8_t)sandbox_answer(&then);
}

struct payment_id courier_dispute_id(const struct sandbox *books, uint32_t item)
{
    char object[PSP_TOKEN_SIZE];
    (void)sandbox_object(books, item, false, object); /* terminated as well */
    return webhook_in_chargeback(LANE_ALONE, SIM_PSP_NAME, object);
}

enum payment_state courier_dispute_state(uint8_t sandbox_state)
{
    if (sandbox_state == SANDBOX_WON) return PAYMENT_STATE_WON;
    if (sandbox_state == SANDBOX_LOST) return PAYMENT_STATE_LOST;
    return sandbox_state == SANDBOX_REVERSED ? PAYMENT_STATE_REVERSED : PAYMENT_STATE_OPENED;
}

static uint8_t dispute_kind(uint8_t state)
{
    if (state == SANDBOX_WON) return PSP_EVENT_CHARGEBACK_WON;
    if (state == SANDBOX_LOST) return PSP_EVENT_CHARGEBACK_LOST;
    return state == SANDBOX_REVERSED ? PSP_EVENT_CHARGEBACK_REVERSED : PSP_EVENT_CHARGEBACK_OPENED;
}

/* What the body says; one of four says nothing of how the order stands. */
static struct psp_event event_write(const struct sandbox *books, uint32_t number)
{
    const struct sandbox_event *about = sandbox_event(books, number);
    const struct sandbox_item *item = sandbox_item(books, about->item);
    struct psp_event event = {
        .kind = PSP_EVENT_ORDER,
        .ours = true,
        .payment = item->payment,
        .step_number = item->step_number,
        .at = about->at,
    };
    int len = snprintf(event.id, sizeof event.id, "evt_%u", number);
    CHECK(len > 0 && (size_t)len < sizeof event.id);
    if (item->kind != SANDBOX_CHARGEBACK) {
        (void)sandbox_object(books, about->item, false, event.object); /* terminated as well */
        if (number % 4 != 0) event.answer = said_by(about);
        return event;
    }
    event.kind = dispute_kind(about->state);
    event.asset = item->asset;
    event.amount = item->amount;
    (void)sandbox_object(books, item->parent, false, event.object);
    (void)sandbox_object(books, about->item, false, event.chargeback);
    return event;
}

/* The wallet does not know yet that anything was taken: what it refuses now, it refuses for ever. */
static bool too_early(const struct courier *courier, const struct psp_event *event)
{
    if (event->kind == PSP_EVENT_ORDER) return false;
    const struct model_payments *twin = courier->crowd->service->journal.payments;
    const struct model_payment *parent = model_payments_find(twin, event->payment.value);
    return parent == NULL || money_is_zero(parent->newest.captured);
}

/* One attempt; true: it need not come again. */
static bool event_post(struct courier *courier, struct prng *prng, const struct psp_event *event)
{
    struct life *life = service_enter(courier->crowd->service, prng);
    if (life == NULL) return true; /* the service is gone for good */
    bool changed_first = prng_chance(prng, CHANGED_PERCENT, 100);
    struct letterbox *box = courier->letterbox(life);
    bool taken = box != NULL && letterbox_post(box, life, event, changed_first);
    service_leave(life);
    courier->attempts++;
    courier->changed += changed_first;
    return taken;
}

static void event_tell(struct courier *courier, struct prng *prng, uint32_t number)
{
    const struct psp_event event = event_write(&courier->acquirer->books, number);
    while (too_early(courier, &event) || !event_post(courier, prng, &event)) {
        task_sleep(courier->acquirer->world, HOLD_BACK_MS * NS_PER_MS);
    }
    courier->hints += event.kind == PSP_EVENT_ORDER;
    courier->disputes += event.kind != PSP_EVENT_ORDER;
    courier->fates[number] = EVENT_TOLD;
}

/* ---- Deliveries ---- */

static void delivery_body(void *argument)
{
    struct delivery *delivery = argument;
    struct courier *courier = delivery->courier;
    task_sleep(courier->acquirer->world, delivery->delay_ns);
    event_tell(courier, &delivery->prng, delivery->event);
    courier->under_way--;
    free(delivery);
}

static void delivery_start(struct courier *courier, uint32_t event, int64_t delay_ns)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    CHECK(delivery != NULL);
    *delivery = (struct delivery){ .courier = courier, .event = event, .delay_ns = delay_ns };
    prng_init(&delivery->prng, prng_next(&courier->prng));
    if (courier->fates[event] == EVENT_LOST) courier->fates[event] = EVENT_UNDER_WAY;
    courier->under_way++;
    (void)task_spawn(courier->acquirer->world, "webhook", delivery_body, delivery);
}

static int64_t delay_draw(struct courier *courier)
{
    struct faults *faults = courier->acquirer->faults;
    uint64_t ms = prng_between(&courier->prng, 1, 60);
    if (fault_strikes(faults, SIM_FAULT_WEBHOOK_LATE)) {
        ms = fault_between(faults, SIM_FAULT_WEBHOOK_LATE, 100, LATE_MS_MAX);
    }
    return (int64_t)ms * NS_PER_MS;
}

static void events_look(struct courier *courier)
{
    struct faults *faults = courier->acquirer->faults;
    sim_acquirer_advance(courier->acquirer);
    while (courier->seen < courier->acquirer->books.event_count &&
           courier->under_way < UNDER_WAY_MAX) {
        uint32_t event = courier->seen++;
        if (fault_strikes(faults, SIM_FAULT_WEBHOOK_LOST)) continue;
        delivery_start(courier, event, delay_draw(courier));
        if (fault_strikes(faults, SIM_FAULT_WEBHOOK_TWICE)) {
            delivery_start(courier, event, delay_draw(courier));
        }
    }
}

static void courier_body(void *argument)
{
    struct courier *courier = argument;
    while (!courier->stop) {
        events_look(courier);
        task_sleep(courier->acquirer->world, LOOK_MS * NS_PER_MS);
    }
    courier->stopped = true;
}

void courier_start(struct courier *courier)
{
    (void)task_spawn(courier->acquirer->world, "courier", courier_body, courier);
}

void courier_stop(struct courier *courier)
{
    courier->stop = true;
    while (!courier->stopped || courier->under_way > 0) {
        task_sleep(courier->acquirer->world, LOOK_MS * NS_PER_MS);
    }
}

bool courier_flush(struct courier *courier)
{
    events_look(courier);
    for (uint32_t event = 0; event < courier->seen; event++) {
        if (courier->under_way >= UNDER_WAY_MAX) break;
        bool lost = courier->fates[event] == EVENT_LOST;
        if (lost) delivery_start(courier, event, LOOK_MS * NS_PER_MS);
    }
    return courier->under_way == 0 && courier->seen == courier->acquirer->books.event_count;
}

/* ---- Statements ---- */

static bool line_book(struct courier *courier, uint32_t line)
{
    struct psp_line about;
    sandbox_line_describe(&courier->acquirer->books, line, &about);
    struct question *question = question_keyed("line", line);
    struct payment_command *command = question->payment;
    command->cause = PAYMENT_CAUSE_SETTLE;
    uint32_t step_number;
    bool ours = psp_key_parse(str_from(about.reference), &command->id, &step_number);
    CHECK(ours);
    command->amount = about.gross;
    command->fee = about.fee;
    command->line_kind = about.kind;
    command->draft.asset = about.asset;
    memcpy(command->draft.psp, SIM_PSP_NAME, sizeof SIM_PSP_NAME);
    bool answered = command_ask(courier, &courier->prng, question);
    if (answered && outcome_of(courier, question->key) != PAYMENT_OUTCOME_OK) {
        verdict_violation(courier->acquirer->verdict, "a line of a statement is refused: %s",
                          payment_outcome_code(outcome_of(courier, question->key)));
    }
    question_release(question);
    return answered;
}

void courier_settle(struct courier *courier)
{
    sim_acquirer_advance(courier->acquirer);
    uint32_t end = courier->acquirer->books.line_count;
    sandbox_day_close(&courier->acquirer->books);
    for (; courier->settled < end; courier->settled++) {
        bool twice = prng_chance(&courier->prng, TWICE_PERCENT, 100);
        if (!line_book(courier, courier->settled)) return;
        if (twice && !line_book(courier, courier->settled)) return;
        courier->lines++;
    }
}
