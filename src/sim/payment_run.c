/* The director of a seed of payments: lets it run, stops the faults, and sees to the end of all. */
#include "sim/payment_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/checkers.h"
#include "sim/invention.h"
#include "sim/payment_checkers.h"
#include "sim/payment_invention.h"
#include "sim/payment_stage.h"

enum {
    STREAM_STAGE = 70000,
    STEPS_MAX = 12000000,
    LOOK_MS = 500,
    ROUND_MS = 2000,
    ROUNDS_MAX = 1800, /* an hour: longer than the longest pause of a saga */
    SETTLE_PERCENT = 4,
    AUDITS_MAX = 200,
    LIVES_CALM = 40, /* more lives than that are no more news, and each costs */
};

/* ---- Questions of those who see to the end ---- */

static bool command_ask(struct payment_stage *stage, struct prng *prng,
                        const struct payment_command *command)
{
    struct question *question = question_new(REQUEST_PAYMENT, 1);
    *question->payment = *command;
    question->key = invent_id(prng);
    question_sign(question);
    bool answered = crowd_ask(&stage->crowd, prng, question);
    question_release(question);
    return answered;
}

static void wallets_thaw(struct payment_stage *stage, struct prng *prng)
{
    const struct model *model = stage->service.model;
    for (uint32_t i = 0; i < model->account_count; i++) {
        const struct account *account = &model->accounts[i].state.account;
        if ((account->flags & ACCOUNT_FLAG_FROZEN) == 0) continue;
        struct question *question = question_new(REQUEST_ADMIN, 1);
        question->admin.kind = ADMIN_ACCOUNT_CHANGE;
        question->admin.account = account->id;
        question->admin.clear = ACCOUNT_FLAG_FROZEN;
        question->key = invent_id(prng);
        question_sign(question);
        (void)crowd_ask(&stage->crowd, prng,
                        question); /* false: there is nothing to thaw any more */
        question_release(question);
    }
}

/* ---- A person looks at what is manual ---- */

/* What has become of the step at the PSP; false: it is not decided yet. */
static bool truth_find(const struct payment_stage *stage, const struct payment *payment,
                       bool *out_done)
{
    const struct sandbox *books = &stage->acquirer.books;
    uint32_t place = sandbox_find(books, payment->id, payment->step_number);
    if (place == SANDBOX_NONE) {
        *out_done = false;
        return stage->acquirer.under_way == 0;
    }
    const struct sandbox_item *item = sandbox_item(books, place);
    if (item->state == SANDBOX_PENDING) return false;
    *out_done = item->state == SANDBOX_DONE || item->state == SANDBOX_RESERVED ||
                item->state == SANDBOX_CANCELLED;
    if (item->kind != PSP_CANCEL || *out_done) return true;
    /* a release that was refused: is there something left to be released? */
    *out_done = sandbox_item(books, item->parent)->state != SANDBOX_RESERVED;
    return true;
}

static void manual_resolve(struct payment_stage *stage, struct prng *prng,
                           const struct payment *payment)
{
    if (!payment_manual_excused(payment)) {
        verdict_violation(&stage->service.verdict, "a %s waits for a person: %s",
                          payment_kind_name(payment->kind), payment->reason);
        return;
    }
    bool done = false;
    if (!truth_find(stage, payment, &done)) return;
    bool came_back = (payment->flags & PAYMENT_FLAG_SUSPENSE) != 0 &&
                     (payment->step == PSP_PAY_OUT || payment->step == PSP_REFUND);
    struct payment_command command = {
        .cause = PAYMENT_CAUSE_RESOLVE,
        .id = payment->id,
        .state = done || came_back ? PAYMENT_STATE_SUCCEEDED : PAYMENT_STATE_FAILED,
        .reason = "looked_up",
    };
    /* a person cannot say under which id the PSP has it: only the PSP can, when it is asked */
    bool begins = payment->step == PSP_CHARGE || payment->step == PSP_AUTHORISE;
    if (done && begins && payment->psp_object[0] == '\0') command.cause = PAYMENT_CAUSE_HINT;
    bool answered = command_ask(stage, prng, &command);
    if (answered && command.cause == PAYMENT_CAUSE_RESOLVE) stage->resolved++;
}

/* ---- Whoever still has to say something says it ---- */

static void caller_ends(struct payment_stage *stage, struct prng *prng,
                        const struct payment *payment)
{
    struct payment_command command = { .id = payment->id, .cause = PAYMENT_CAUSE_CANCEL };
    bool quoted = payment->state == PAYMENT_STATE_QUOTED;
    if (prng_below(prng, 2) == 0) {
        command.cause = quoted ? PAYMENT_CAUSE_EXECUTE : PAYMENT_CAUSE_CAPTURE;
        command.amount = MONEY_MAX;
    }
    (void)command_ask(stage, prng, &command); /* refused or not: looked at again */
}

static void dispute_ends(struct payment_stage *stage, struct prng *prng)
{
    struct sandbox *books = &stage->acquirer.books;
    for (uint32_t i = 0; i < books->item_count; i++) {
        const struct sandbox_item *item = sandbox_item(books, i);
        bool open = item->kind == SANDBOX_CHARGEBACK && item->state == SANDBOX_OPENED;
        if (!open || prng_below(prng, 2) == 0) continue; /* half of them stay open */
        enum sandbox_state state = prng_below(prng, 2) == 0 ? SANDBOX_WON : SANDBOX_LOST;
        enum status status = sandbox_dispute_decide(books, i, state);
        CHECK(status == STATUS_OK);
    }
}

/* The books of the PSP show money that the wallet knows nothing of: it is told to look again. */
static bool late_success_tell(struct payment_stage *stage, struct prng *prng,
                              const struct payment *payment)
{
    const struct sandbox *books = &stage->acquirer.books;
    uint32_t place = sandbox_find(books, payment->id, payment->step_number);
    if (place == SANDBOX_NONE || sandbox_item(books, place)->state != SANDBOX_DONE) return false;
    const struct payment_command command = { .id = payment->id, .cause = PAYMENT_CAUSE_HINT };
    (void)command_ask(stage, prng, &command); /* refused or not: looked at again */
    return true;
}

static bool waits_for_others(const struct payment *payment)
{
    return payment->kind == PAYMENT_CHARGEBACK && payment->next_at.ns == 0;
}

/* One look at all payments; how many are not at rest. */
static uint32_t round_of_all(struct payment_stage *stage, struct prng *prng)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < stage->twin->payment_count; i++) {
        const struct payment payment = stage->twin->payments[i].newest;
        bool failed = payment.kind == PAYMENT_PAY_IN && payment.state == PAYMENT_STATE_FAILED &&
                      payment.step != 0 && payment.next_at.ns == 0;
        if (failed && late_success_tell(stage, prng, &payment)) open++;
        if (!payment_is_open(&payment) || waits_for_others(&payment)) continue;
        open++;
        bool callers = payment.state == PAYMENT_STATE_QUOTED ||
                       payment.state == PAYMENT_STATE_AUTHORISED ||
                       payment.state == PAYMENT_STATE_PART_CAPTURED;
        if (payment.state == PAYMENT_STATE_MANUAL) manual_resolve(stage, prng, &payment);
        if (callers) caller_ends(stage, prng, &payment); /* the others are the saga's */
    }
    return open;
}

static bool psp_at_rest(const struct payment_stage *stage)
{
    const struct sandbox *books = &stage->acquirer.books;
    return books->turns.count == 0 && stage->acquirer.under_way == 0;
}

static void hang_tell(struct payment_stage *stage)
{
    for (uint32_t i = 0; i < stage->twin->payment_count; i++) {
        const struct payment *payment = &stage->twin->payments[i].newest;
        if (!payment_is_open(payment) || waits_for_others(payment)) continue;
        verdict_violation(&stage->service.verdict,
                          "no progress: a %s is %s (%s) after %u attempts, step %u",
                          payment_kind_name(payment->kind), payment_state_name(payment->state),
                          payment->reason, payment->attempts, payment->step_number);
        return;
    }
    verdict_violation(&stage->service.verdict, "no progress: the PSP never comes to rest");
}

/* Faults are over: everything must come to its end in a bounded time. */
static void quiesce(struct payment_stage *stage, struct prng *prng)
{
    for (uint32_t round = 0; round < ROUNDS_MAX; round++) {
        sim_acquirer_advance(&stage->acquirer);
        bool told = courier_flush(&stage->courier);
        uint32_t open = round_of_all(stage, prng);
        if (told && open == 0 && psp_at_rest(stage)) return;
        if (stage->service.verdict.violations > 0) return;
        task_sleep(stage->world, ROUND_MS * NS_PER_MS);
    }
    hang_tell(stage);
}

/* ---- The director ---- */

/* The clocks are set right: stamps never go back, so a clock behind them holds everything up. */
static void clocks_set(struct payment_stage *stage)
{
    int64_t newest_ns = stage->service.journal.stamp.ns;
    for (uint32_t i = 0; i < MACHINES; i++) {
        struct sim_wall *wall = &stage->service.walls[i];
        if (sim_wall_now(wall, stage->world).ns >= newest_ns) continue;
        wall->offset_ns = newest_ns + NS_PER_S - world_now(stage->world).ns;
    }
}

static void calm_down(struct payment_stage *stage)
{
    stage->service.faults.calm = true;
    sim_disk_repair(stage->service.disk);
    clocks_set(stage);
}

static bool payments_audit(struct payment_stage *stage, struct life *life)
{
    const struct model_payments *twin = stage->twin;
    for (uint32_t first = 0; first < twin->payment_count; first += READ_IDS_MAX) {
        uint32_t left = twin->payment_count - first;
        uint32_t count = left < READ_IDS_MAX ? left : READ_IDS_MAX;
        struct question *question = question_new(REQUEST_READ, count);
        question->read_kind = READ_PAYMENTS;
        for (uint32_t i = 0; i < count; i++) question->ids[i] = twin->payments[first + i].id;
        enum status status;
        enum ask_end end =
            ask_once(&stage->service, &stage->crowd.told, life, question, true, &status);
        question_release(question);
        if (end != ASK_ANSWERED) return false;
    }
    return true;
}

/* An index that is being rebuilt answers later. */
static void audit_all(struct payment_stage *stage, struct prng *prng)
{
    for (uint32_t attempt = 0; attempt < AUDITS_MAX; attempt++) {
        struct life *life = service_enter(&stage->service, prng);
        if (life == NULL) return;
        bool answered = payments_audit(stage, life);
        if (answered) crowd_audit(&stage->crowd, life, true);
        service_leave(life);
        if (answered) return;
        task_sleep(stage->world, LOOK_MS * NS_PER_MS);
    }
    verdict_violation(&stage->service.verdict, "the payments cannot be read at the end");
}

static void feed_await(struct payment_stage *stage)
{
    for (uint32_t round = 0; round < 60 && !payment_feed_complete(stage); round++) {
        task_sleep(stage->world, LOOK_MS * NS_PER_MS);
    }
    if (payment_feed_complete(stage)) return;
    verdict_violation(&stage->service.verdict, "the feed has given %u events of %u",
                      stage->reader.consumed, stage->twin->event_count);
}

static void end_all(struct payment_stage *stage, struct prng *prng)
{
    struct service *service = &stage->service;
    while (service->former != NULL) task_sleep(stage->world, LOOK_MS * NS_PER_MS);
    clocks_set(stage);
    wallets_thaw(stage, prng);
    quiesce(stage, prng);
    dispute_ends(stage, prng);
    quiesce(stage, prng);
    courier_settle(&stage->courier);
    quiesce(stage, prng);
    if (service->verdict.violations > 0) return;
    check_payments_at_rest(service, &stage->acquirer);
    check_books(service, &stage->acquirer);
    feed_await(stage);
    audit_all(stage, prng);
    log_stage_complete(&service->log_stage, prng);
    service_restart(service); /* and once more, from what is stored */
    task_sleep(stage->world, NS_PER_S);
    audit_all(stage, prng);
    feed_await(stage);
    log_stage_complete(&service->log_stage, prng);
}

/* A task of its own: the director may be waiting for an answer. */
static void weather(void *argument)
{
    struct payment_stage *stage = argument;
    while (!stage->service.faults.calm) {
        task_sleep(stage->world, LOOK_MS * NS_PER_MS);
        bool long_enough = world_steps(stage->world) > stage->plan.calm_after_steps ||
                           stage->service.life_count > LIVES_CALM;
        if (long_enough) calm_down(stage);
    }
}

static void direct(void *argument)
{
    struct payment_stage *stage = argument;
    struct service *service = &stage->service;
    struct prng prng = world_stream(stage->world, STREAM_STAGE);
    while (stage->crowd.busy > 0) {
        task_sleep(stage->world, LOOK_MS * NS_PER_MS);
        if (prng_chance(&prng, SETTLE_PERCENT, 100)) courier_settle(&stage->courier);
    }
    calm_down(stage);
    end_all(stage, &prng);
    courier_stop(&stage->courier);
    for (uint32_t i = 0; i < stage->crowd.abandoned_count; i++) {
        check_abandoned(service, stage->crowd.abandoned[i]);
    }
    service_stop(service);
    while (stage->audits > 0) task_sleep(stage->world, LOOK_MS * NS_PER_MS);
}

/* ---- A seed ---- */

static bool stage_expects(void *owner, const struct psp_order *order)
{
    const struct payment_stage *stage = owner;
    return model_payments_expects(stage->twin, order);
}

static void hang_describe(struct payment_stage *stage, enum world_end end)
{
    BUF_SCOPE struct buf names;
    buf_init(&names, 4096);
    for (uint32_t i = 0; i < world_task_count(stage->world) && i < 40; i++) {
        buf_append_format(&names, " %s", world_task_name(stage->world, i));
    }
    const struct life *life = stage->service.newest;
    buf_append_format(&names, "; life %u %s%s, %u inside", life->process.number,
                      life_phase_name(life->phase), life->process.crashed ? ", crashed" : "",
                      life->users);
    verdict_violation(&stage->service.verdict, "%s: these have not ended:%s",
                      end == WORLD_STUCK ? "everybody waits for nobody" : "it goes on for ever",
                      buf_terminated(&names));
}

static struct payment_stage *stage_new(uint64_t seed)
{
    struct payment_stage *stage = calloc(1, sizeof *stage);
    CHECK(stage != NULL);
    stage->world = world_new(seed);
    plan_make_payments(stage->world, &stage->plan);
    struct service *service = &stage->service;
    service_init(service, stage->world, &stage->plan.options);
    for (int i = 0; i < SIM_FAULT_COUNT; i++) service->faults.rates[i] = stage->plan.rates[i];
    service->point_count = SIM_POINT_LINK_FIRST;
    service->opened = payment_life_opened;
    service->closing = payment_life_closing;
    service->owner = stage;
    stage->twin = model_payments_new(&service->verdict);
    service->journal.payments = stage->twin;
    sim_acquirer_init(&stage->acquirer, stage->world, &service->faults, &service->verdict);
    stage->acquirer.expects = stage_expects;
    stage->acquirer.owner = stage;
    struct prng prng = world_stream(stage->world, STREAM_STAGE + 1);
    stage->workers = (uint32_t)prng_between(&prng, 1, 4);
    crowd_init(&stage->crowd, service, &stage->plan.profile);
    stage->crowd.invent = invent_payment;
    stage->crowd.invent_opening = invent_payment_opening;
    courier_init(&stage->courier, &stage->crowd, &stage->acquirer, payment_life_letterbox);
    for (uint32_t i = 0; i < MACHINES; i++) {
        stage->trays[i] = sim_tray_new(stage->world, &service->faults);
    }
    return stage;
}

void payment_seed_run(const struct sim_options *options, uint64_t seed, struct report *report)
{
    struct payment_stage *stage = stage_new(seed);
    service_start(&stage->service);
    crowd_start(&stage->crowd);
    courier_start(&stage->courier);
    (void)task_spawn(stage->world, "director", direct, stage); /* these end by themselves */
    (void)task_spawn(stage->world, "weather", weather, stage);
    enum world_end end = world_run(stage->world, STEPS_MAX);
    if (end == WORLD_STUCK || end == WORLD_STEPS) hang_describe(stage, end);
    report_seed(report, options, seed,
                &(struct seed_parts){ .service = &stage->service,
                                      .crowd = &stage->crowd,
                                      .twin = stage->twin,
                                      .acquirer = &stage->acquirer,
                                      .courier = &stage->courier,
                                      .resolved = stage->resolved });
    crowd_done(&stage->crowd);
    courier_done(&stage->courier);
    sim_acquirer_done(&stage->acquirer);
    for (uint32_t i = 0; i < MACHINES && end == WORLD_DONE; i++) sim_tray_free(stage->trays[i]);
    if (end == WORLD_DONE) service_done(&stage->service);
    model_payments_free(stage->twin);
    world_free(stage->world);
    free(stage);
}
